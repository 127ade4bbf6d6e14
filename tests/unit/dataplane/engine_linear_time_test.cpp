// SPDX-License-Identifier: Apache-2.0
// A hostile message costs the whole engine what its length costs: four times as long, at most five
// times as many instructions. The parser alone is tested so in tests/unit/sipparse.
#include "engine_world.h"
#include "tests/unit/instruction_count.h"

#include <gtest/gtest.h>

#include <functional>

namespace linehunt::test::engine_linear_time_test {
namespace {

std::string repeated(std::string_view piece, std::size_t bytes) {
  std::string text;
  while (text.size() + piece.size() <= bytes)
    text += piece;
  return text;
}

// Rules that look at everything that a message has.
snapshot_model curious() {
  snapshot_model model = study_case();
  rule_model nobody;
  nobody.action = rule_action::reply;
  nobody.status = 403;
  rule_condition header, body, codec;
  header.field = rule_field::header;
  header.header_name = "X-None";
  header.pattern = "^a";
  body.field = rule_field::body;
  body.pattern = "never there";
  codec.field = rule_field::codec_present;
  codec.names = {"NEVER"};
  for (const auto& c : {header, body, codec}) {
    nobody.conditions = {c};
    model.rules.insert(model.rules.begin(), nobody);
  }
  return model;
}

// Takes everything and looks at nothing: the recorder of engine_world copies buffers whole.
class nowhere final : public action_sink {
 public:
  void forward(const sip::edit_list&, const outbound&) override {}
  void send(std::string_view, const outbound&) override {}
  bool mail(worker_id, const linehunt::mail&) override { return true; }
  bool raise(const event&) override { return true; }
};

std::uint64_t cost_of(engine_world& world, std::string_view message, const endpoint& from) {
  nowhere sink;
  engine& under_test = world.engine();
  const time_us now = world.now;
  return instructions([&] { (void)under_test.on_datagram({message, from, 0}, now, sink); });
}

using text_of_size = std::function<std::string(std::size_t)>;

std::uint64_t cost(const text_of_size& text, std::size_t bytes, const endpoint& from) {
  engine_world world(curious());
  const std::string message = text(bytes);
  (void)world.give(message, from);
  world.wait_ms(40'000); // so that it is no repetition the next time
  (void)world.take();
  world.wait_ms(40'000);
  (void)world.take();
  return cost_of(world, message, from);
}

void expect_linear(const char* what, const text_of_size& text,
                   const endpoint& from = caller_address) {
  const auto few = cost(text, 600, from);
  const auto many = cost(text, 2'400, from);
  EXPECT_GT(few, 500u) << what << ": nothing was counted";
  EXPECT_LT(many, 5 * few) << what << ": " << few << " instructions, then " << many;
}

TEST(engine_linear_time, line_ends) {
  expect_linear("CRLF", [](std::size_t n) { return repeated("\r\n", n); });
  expect_linear("CRLF and a message", [](std::size_t n) { return repeated("\r\n", n) + invite(); });
}

TEST(engine_linear_time, headers_of_a_call) {
  const auto more = [](std::string_view piece) {
    return [=](std::size_t n) {
      call_parts parts;
      parts.extra = repeated(piece, n);
      return invite(parts);
    };
  };
  expect_linear("Vias", more("Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK1\r\n"));
  expect_linear("Record-Routes", more("Record-Route: <sip:192.0.2.9;lr>\r\n"));
  expect_linear("Routes", more("Route: <sip:192.0.2.9;lr>\r\n"));
  expect_linear("routes of ours", more("Route: <sip:192.0.2.1;lr>\r\n"));
  expect_linear("short headers", more("a:\r\n"));
  expect_linear("the header of a rule", more("X-None: b\r\n"));
}

TEST(engine_linear_time, lists_in_one_header) {
  const auto list = [](std::string_view name, std::string_view piece) {
    return [=](std::size_t n) {
      call_parts parts;
      parts.extra = std::string{name} + ": " + repeated(piece, n) + std::string{piece} + "\r\n";
      const auto comma = parts.extra.rfind(',');
      parts.extra.erase(comma, 1);
      return invite(parts);
    };
  };
  expect_linear("Via", list("Via", "SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK1,"));
  expect_linear("Route", list("Route", "<sip:a;lr>,"));
}

TEST(engine_linear_time, offers) {
  const auto offer = [](std::string_view piece) {
    return [=](std::size_t n) {
      const std::string body = "v=0\r\n" + repeated(piece, n);
      return invite().substr(0, invite().find("Content-Length")) +
             "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    };
  };
  expect_linear("media", offer("m=audio 4000 RTP/AVP 0\r\n"));
}

TEST(engine_linear_time, responses_and_requests_within_calls) {
  const auto vias = [](std::size_t n) {
    return repeated("Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK1\r\n", n);
  };
  const auto cost_within = [&](std::size_t n, bool answer) {
    engine_world world(curious());
    const auto call = establish(world);
    dialog_request what;
    what.method = "INFO";
    what.extra = answer ? "" : vias(n) + repeated("Route: <sip:192.0.2.9;lr>\r\n", n);
    const std::string request = within(call.ok_at_caller, what);
    if (!answer) return cost_of(world, request, caller_address);
    (void)world.give(request, caller_address);
    const auto there = world.take_one();
    const std::string ok = response(there.bytes, 200, "", vias(n));
    return cost_of(world, ok, there.to);
  };
  for (const bool answer : {false, true}) {
    const auto few = cost_within(600, answer), many = cost_within(2'400, answer);
    EXPECT_GT(few, 500u);
    EXPECT_LT(many, 5 * few) << (answer ? "answer" : "request");
  }
}

} // namespace
} // namespace linehunt::test::engine_linear_time_test
