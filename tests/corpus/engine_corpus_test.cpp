// SPDX-License-Identifier: Apache-2.0
// Every message of the corpora as a datagram to the whole engine: what is answered, what is
// dropped, what goes on as it came. Afterwards a normal call works and every load is zero.
#include "tests/corpus/corpus.h"
#include "tests/unit/dataplane/engine_world.h"

#include <gtest/gtest.h>

#include <regex>

namespace linehunt::test {
namespace {

// Takes every INVITE that is well-formed, whomever it is for.
snapshot_model open_to_all() {
  snapshot_model model = study_case();
  rule_model any;
  any.action = rule_action::balance;
  any.group = 1;
  any.resources = {"pstn"};
  rule_condition invites;
  invites.field = rule_field::method;
  invites.pattern = "^INVITE$";
  any.conditions = {invites};
  model.rules = {any};
  return model;
}

const endpoint sender = at("203.0.113.5:5060");

// The message without what we must take out or change: what is around it, and the hop counted.
std::string as_it_should_go(std::string_view came) {
  std::string text{came.substr(came.find_first_not_of("\r\n"))};
  const std::size_t body = text.find("\r\n\r\n") + 4;
  std::smatch found;
  static const std::regex length{"\r\n(content-length|l)[ \t]*:[ \t\r\n]*([0-9]+)",
                                 std::regex::icase};
  const std::string headers = text.substr(0, body);
  if (std::regex_search(headers, found, length))
    text.resize(std::min<std::size_t>(text.size(), body + std::stoul(found[2])));
  static const std::regex hops{"\r\nmax-forwards[ \t]*:[ \t\r\n]*([0-9]+)", std::regex::icase};
  if (std::regex_search(headers, found, hops))
    text.replace(static_cast<std::size_t>(found.position(1)),
                 static_cast<std::size_t>(found.length(1)),
                 std::to_string(std::stoul(found[1]) - 1));
  else
    text.insert(body - 2, "Max-Forwards: 70\r\n");
  return text;
}

// Takes out of a forwarded INVITE what is ours in it: Via, Record-Route, received and rport.
std::string without_ours(std::string text) {
  static const std::regex ours{
      "^(Via: SIP/2\\.0/UDP 192\\.0\\.2\\.1:5060;branch=z9hG4bKi[0-9a-f]+\r\n"
      "Record-Route: <sip:192\\.0\\.2\\.1:5060;lr;lh=[0-9a-f]+>\r\n)"};
  const std::size_t second_line = text.find("\r\n") + 2;
  std::smatch found;
  const std::string rest = text.substr(second_line);
  if (!std::regex_search(rest, found, ours)) return "no Via and Record-Route of ours in\n" + text;
  text.erase(second_line, static_cast<std::size_t>(found.length(1)));
  const std::string_view received = ";received=203.0.113.5";
  if (const auto at = text.find(received); at != std::string::npos) text.erase(at, received.size());
  const std::string_view port = ";rport=5060";
  if (const auto at = text.find(port); at != std::string::npos)
    text.replace(at, port.size(), ";rport");
  return text;
}

void check(const corpus::entry& e, int& forwarded) {
  SCOPED_TRACE(e.name + " (" + e.expect + ")");
  engine_world world(open_to_all());
  const verdict v = world.give(e.bytes, sender);
  const auto sent = world.take();
  const bool is_response = e.bytes.starts_with("SIP/");

  if (e.expect.starts_with("reject-4") || e.expect.starts_with("reject-5")) {
    const bool may_pass =
        e.expect == "reject-400-or-passthrough" || e.expect == "reject-400-or-2543-match";
    if (!(may_pass && v == verdict::request_forwarded)) {
      ASSERT_EQ(sent.size(), 1u) << name_of(v);
      const int status = status_of(sent[0].bytes);
      EXPECT_GE(status, 400);
      if (!e.expect.starts_with("reject-501") && !may_pass) {
        EXPECT_EQ(std::to_string(status), e.expect.substr(7, 3));
      }
      EXPECT_EQ(sent[0].to.ip, sender.ip);
    }
  } else if (e.expect == "drop" || is_response) {
    // A response that is fine by itself answers nothing of ours.
    EXPECT_TRUE(sent.empty()) << name_of(v);
  } else if (e.expect.starts_with("accept")) {
    EXPECT_NE(v, verdict::rejected_malformed) << name_of(v);
    EXPECT_NE(v, verdict::dropped_malformed);
  }
  const bool plain = e.bytes.find("\r\n\r\n") != std::string::npos; // not of bare LFs
  if (v == verdict::request_forwarded && plain) {
    // What there is no reason to touch leaves byte for byte as it came.
    ++forwarded;
    EXPECT_EQ(without_ours(sent.back().bytes), as_it_should_go(e.bytes));
  }
  // No amplification: an INVITE may get a 100 and its answer, anything else one reply, and none is
  // longer than its request but for the lines that tell a refused client what it may do.
  std::size_t replies = 0;
  for (const auto& m : sent) {
    if (m.forwarded) continue;
    ++replies;
    EXPECT_LE(m.bytes.size(), e.bytes.size() + 160) << m.bytes;
  }
  EXPECT_LE(replies, e.bytes.find("INVITE ") != std::string::npos ? 2u : 1u);

  world.wait_ms(200'000); // whatever it has started ends
  (void)world.take();
  EXPECT_EQ(world.total_load(), 0) << name_of(v);
  if (!world.engine().ledger().enabled(0)) return;
  (void)establish(world);
  EXPECT_EQ(world.total_load(), 1);
}

TEST(engine_corpus, every_message_gets_what_the_index_says) {
  const auto all = corpus::read_all();
  ASSERT_FALSE(all.empty());
  int forwarded = 0;
  for (const auto& e : all)
    check(e, forwarded);
  EXPECT_GE(forwarded, corpus::rfc_folder() ? 20 : 10);
}

} // namespace
} // namespace linehunt::test
