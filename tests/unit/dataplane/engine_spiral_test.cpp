// SPDX-License-Identifier: Apache-2.0
// Calls that proxies without Record-Route send back through us, again and again: each way through
// us is a call of its own, all of them live and end with the one that the parties have, and a loop
// has an end.
#include "engine_world.h"

#include <gtest/gtest.h>

#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace linehunt::test::engine_spiral_test {
namespace {

constexpr std::string_view session = "Session-Expires: 90\r\n";

// A call on its way: as whom it reaches there gets it, and the Vias of the proxies between.
struct spiral {
  sent_message there;
  std::vector<std::pair<endpoint, std::string>> proxies;

  // As the proxy that has it sends it back.
  std::string sent_back() {
    std::string via{"Via: SIP/2.0/UDP "};
    via += std::string_view{to_text(there.to.ip)};
    via += ":5060;branch=z9hG4bKproxy" + std::to_string(proxies.size()) + "\r\n";
    proxies.emplace_back(there.to, via);
    return std::string{there.bytes}.insert(there.bytes.find("Via: "), via);
  }
};

// The INVITE behind so many ways through us.
spiral pass(engine_world& world, int ways) {
  spiral call;
  EXPECT_EQ(world.give(invite(), caller_address), verdict::request_forwarded);
  call.there = world.take().at(1);
  for (int way = 1; way < ways; ++way) {
    const auto from = call.there.to;
    EXPECT_EQ(world.give(call.sent_back(), from), verdict::request_forwarded);
    call.there = world.take().at(1);
  }
  return call;
}

// A response takes the same ways back; as the caller gets it.
std::string come_back(engine_world& world, const spiral& call, std::string_view extra) {
  std::string text = response(call.there.bytes, 200, "t", extra);
  endpoint from = call.there.to;
  for (auto proxy = call.proxies.rbegin();; ++proxy) {
    EXPECT_EQ(world.give(text, from), verdict::response_forwarded);
    const auto out = world.take_one();
    if (proxy == call.proxies.rend()) {
      EXPECT_EQ(out.to, caller_address);
      return out.bytes;
    }
    EXPECT_EQ(out.to, proxy->first);
    text = replace(out.bytes, proxy->second, "");
    from = out.to;
  }
}

// By ways through us, and restarts, behind which their handles tell them apart as before.
struct engine_spiral : ::testing::TestWithParam<std::tuple<int, int>> {
  engine_world world;
  const int passes = std::get<0>(GetParam()), restarts = std::get<1>(GetParam());
  const std::size_t ways = static_cast<std::size_t>(passes);
};

TEST_P(engine_spiral, all_of_them_live_and_end_with_the_one_that_the_parties_have) {
  const spiral call = pass(world, passes);
  ASSERT_EQ(world.counters().calls_live, ways);
  EXPECT_EQ(world.total_load(), passes);
  const auto of_first = world.load(1, "pstn");
  EXPECT_GE(of_first, 2) << "the way to it and the way from it";
  ASSERT_EQ(headers(call.there.bytes, "Record-Route").size(), ways);
  const std::string ok = come_back(world, call, session);
  ASSERT_EQ(headers(ok, "Record-Route").size(), ways);

  dialog_request what;
  what.method = "ACK";
  ASSERT_EQ(world.give(within(ok, what), caller_address), verdict::request_forwarded);
  EXPECT_TRUE(headers(world.take_one().bytes, "Route").empty());
  world.wait_ms(60'000);
  EXPECT_TRUE(world.take().empty()) << "each knows its ACK";
  for (int i = 0; i < restarts; ++i)
    ASSERT_EQ(world.restart(), ways);
  EXPECT_EQ(world.total_load(), passes);
  EXPECT_EQ(world.load(1, "pstn"), of_first);

  what.method = "UPDATE";
  ASSERT_EQ(world.give(within(ok, what), caller_address), verdict::request_forwarded);
  const auto update = world.take_one();
  ASSERT_EQ(world.give(response(update.bytes, 200, "", session), update.to),
            verdict::response_forwarded);
  (void)world.take();
  world.wait_ms(60'000);
  EXPECT_TRUE(world.take().empty()) << "each knows that the session was refreshed";
  EXPECT_EQ(world.counters().calls_live, ways);

  ASSERT_EQ(world.give(within(ok, {}), caller_address), verdict::request_forwarded);
  const auto bye = world.take_one();
  ASSERT_EQ(world.give(response(bye.bytes, 200, ""), bye.to), verdict::response_forwarded);
  EXPECT_EQ(world.total_load(), 0);
  EXPECT_EQ(world.counters().calls_live, 0u);
}

// An offer of the caller names the first of them, one of the callee the last.
TEST_P(engine_spiral, an_answer_to_either_side_shows_all_of_them_that_the_parties_live) {
  const std::string ok = come_back(world, pass(world, passes), "");
  dialog_request what;
  what.method = "ACK";
  ASSERT_EQ(world.give(within(ok, what), caller_address), verdict::request_forwarded);
  for (int i = 0; i < restarts; ++i)
    ASSERT_EQ(world.restart(), ways);
  (void)world.take();
  what.method = "UPDATE";
  what.cseq = 3;
  ASSERT_EQ(world.give(within(ok, what), caller_address), verdict::request_forwarded);
  const auto unanswered = world.take_one();
  what.from_caller = false;
  what.branch += "back";
  ASSERT_EQ(world.give(within(ok, what), unanswered.to), verdict::request_forwarded);
  const auto offer = world.take_one();
  EXPECT_EQ(offer.to, caller_address);
  ASSERT_EQ(world.give(response(offer.bytes, 491, ""), offer.to), verdict::response_forwarded);
  (void)world.take();
  world.wait_ms(80'000);
  EXPECT_TRUE(world.take().empty()) << "nobody is asked";
  EXPECT_EQ(world.counters().calls_live, ways);
}

TEST_P(engine_spiral, our_bye_ends_all_of_them) {
  const std::string ok = come_back(world, pass(world, passes), "");
  dialog_request what;
  what.method = "ACK";
  ASSERT_EQ(world.give(within(ok, what), caller_address), verdict::request_forwarded);
  (void)world.take();
  mail end;
  end.kind = mail_kind::end_call;
  end.subject = world.handles().at(0);
  world.mail(end);
  for (const auto& m : world.take()) {
    ASSERT_TRUE(m.bytes.starts_with("BYE ")) << m.bytes;
    (void)world.give(response(m.bytes, 200, ""), m.to);
  }
  EXPECT_EQ(world.total_load(), 0);
  EXPECT_EQ(world.counters().calls_live, 0u);
}

INSTANTIATE_TEST_SUITE_P(ways_and_restarts, engine_spiral,
                         ::testing::Combine(::testing::Values(2, 3, 4),
                                            ::testing::Values(0, 1, 2)));

// Where our own requests are numbered behind those of the parties.
TEST(engine_spiral_numbers, are_those_of_all_ways) {
  engine_world world;
  const std::string ok = come_back(world, pass(world, 2), "");
  dialog_request what;
  what.method = "ACK";
  ASSERT_EQ(world.give(within(ok, what), caller_address), verdict::request_forwarded);
  (void)world.take();
  what.method = "INFO";
  const auto passes = [&](unsigned cseq, const endpoint& from) {
    what.cseq = cseq;
    EXPECT_EQ(world.give(within(ok, what), from), verdict::request_forwarded);
    return world.take_one();
  };
  const auto expect_number = [&](unsigned cseq) {
    auto kept = world.copy();
    ASSERT_EQ(kept.size(), 2u);
    EXPECT_EQ(kept[0].caller_cseq, cseq);
    EXPECT_EQ(kept[1].caller_cseq, cseq);
  };
  (void)passes(9, caller_address);
  expect_number(9);
  const auto there = passes(20, at("203.0.113.66:5060"));
  expect_number(9);
  ASSERT_EQ(world.give(response(there.bytes, 200, ""), there.to), verdict::response_forwarded);
  expect_number(20);
}

// What a stranger offers on one way, with the number of the next refresh, keeps that way from
// nothing.
TEST(engine_spiral_and_a_stranger, each_way_knows_that_the_session_was_refreshed) {
  engine_world world;
  const std::string ok = come_back(world, pass(world, 2), session);
  dialog_request what;
  what.method = "ACK";
  ASSERT_EQ(world.give(within(ok, what), caller_address), verdict::request_forwarded);
  (void)world.take();
  what.method = "UPDATE";
  const std::string refresh = within(ok, what);
  const std::string first_way = "Route: " + headers(ok, "Record-Route").back() + "\r\n";
  what.branch += "stranger";
  ASSERT_EQ(world.give(replace(within(ok, what), first_way, ""), at("203.0.113.66:5060")),
            verdict::request_forwarded);
  (void)world.take();
  world.wait_ms(60'000);
  ASSERT_EQ(world.give(refresh, caller_address), verdict::request_forwarded);
  const auto update = world.take_one();
  ASSERT_EQ(world.give(response(update.bytes, 200, "", session), update.to),
            verdict::response_forwarded);
  (void)world.take();
  world.wait_ms(60'000);
  EXPECT_EQ(world.counters().calls_live, 2u);
  EXPECT_EQ(world.total_load(), 2);
}

// Two devices answer, and one is the first behind us, the other before us. The handles in the
// Routes name each way by the one that was the first there.
TEST(engine_spiral_of_two_dialogs, each_lives_and_ends_on_both_ways) {
  engine_world world;
  spiral call = pass(world, 2);
  const auto& proxy = call.proxies.front().first;
  const std::string& via = call.proxies.front().second;
  const auto behind = [&](std::string_view tag) {
    EXPECT_EQ(world.give(response(call.there.bytes, 200, tag), call.there.to),
              verdict::response_forwarded);
    return replace(world.take_one().bytes, via, "");
  };
  const auto before = [&](const std::string& ok) {
    EXPECT_EQ(world.give(ok, proxy), verdict::response_forwarded);
    return world.take_one().bytes;
  };
  const std::string one = behind("a"), other = behind("b");
  const std::string other_ok = before(other), one_ok = before(one);
  for (const std::string& ok : {one_ok, other_ok}) {
    dialog_request ack;
    ack.method = "ACK";
    ack.cseq = 1;
    ASSERT_EQ(world.give(within(ok, ack), caller_address), verdict::request_forwarded);
    (void)world.take_one();
  }
  world.wait_ms(60'000);
  EXPECT_TRUE(world.take().empty()) << "each knows its ACK";
  ASSERT_EQ(world.total_load(), 2);
  for (const std::string& ok : {one_ok, other_ok}) {
    EXPECT_EQ(world.total_load(), 2);
    ASSERT_EQ(world.give(within(ok, {}), caller_address), verdict::request_forwarded);
    const auto bye = world.take_one();
    ASSERT_EQ(world.give(response(bye.bytes, 200, ""), bye.to), verdict::response_forwarded);
    (void)world.take();
  }
  EXPECT_EQ(world.total_load(), 0);
  EXPECT_EQ(world.counters().calls_live, 0u);
}

// A proxy that records its route and puts itself into Contacts: each way through us has requests
// and answers of its own.
struct engine_spiral_behind_a_proxy : ::testing::Test {
  engine_world world;
  endpoint proxy;
  std::string at_proxy, via, route;

  sent_message give(std::string_view text, const endpoint& from) {
    const verdict given = world.give(text, from);
    const auto out = world.take();
    EXPECT_FALSE(out.empty()) << name_of(given) << ":\n" << text;
    return out.empty() ? sent_message{} : out.back();
  }
  std::string with_contact(const std::string& text, const std::string& user) const {
    const auto contact = header(text, "Contact");
    return contact.empty() ? text : replace(text, contact, "<sip:" + user + "@" + at_proxy + ">");
  }
  sent_message invites() {
    const sent_message there = give(invite(), caller_address);
    proxy = there.to;
    at_proxy = std::string_view{to_text(proxy)};
    via = "Via: SIP/2.0/UDP " + at_proxy + ";branch=z9hG4bKproxy\r\n";
    route = "<sip:" + at_proxy + ";lr>";
    std::string text = with_contact(there.bytes, "a");
    return give(text.insert(text.find("Via: "), via + "Record-Route: " + route + "\r\n"), proxy);
  }
  sent_message passes(const std::string& request) {
    std::string text = with_contact(give(request, caller_address).bytes, "a");
    text = replace(text, "Route: " + route + "\r\n", "");
    return give(text.insert(text.find("Via: "), via), proxy);
  }
  // As the caller gets it.
  std::string comes_back(const std::string& answer, const endpoint& from) {
    const std::string text = replace(give(answer, from).bytes, via, "");
    return give(with_contact(text, "b"), proxy).bytes;
  }
};

TEST_F(engine_spiral_behind_a_proxy, each_way_knows_the_contacts_that_pass_on_it) {
  const auto there = invites();
  const std::string ok = comes_back(response(there.bytes, 200, "t"), there.to);
  dialog_request what;
  what.method = "ACK";
  what.cseq = 1;
  (void)passes(within(ok, what));
  what.method = "UPDATE";
  what.cseq = 2;
  what.extra = "Contact: <sip:alice@198.51.100.8>\r\n";
  const auto update = passes(within(ok, what));
  const std::string machine = "sip:machine@192.0.2.98:5070";
  (void)comes_back(response(update.bytes, 200, "", "Contact: <" + machine + ">\r\n"), update.to);

  std::vector<std::string> byes;
  for (const auto handle : world.handles()) {
    mail end;
    end.kind = mail_kind::end_call;
    end.subject = handle;
    world.mail(end);
    for (const auto& m : world.take())
      byes.push_back(first_line(m.bytes));
  }
  EXPECT_EQ(byes, (std::vector<std::string>{
                      "BYE sip:alice@198.51.100.8 SIP/2.0", "BYE sip:b@" + at_proxy + " SIP/2.0",
                      "BYE sip:a@" + at_proxy + " SIP/2.0", "BYE " + machine + " SIP/2.0"}));
}

// The proxy has refused it meanwhile, and the record of that waits for repetitions.
TEST(engine_spiral_too_late, is_a_call_by_itself) {
  engine_world world;
  spiral call = pass(world, 1);
  const auto there = call.there;
  ASSERT_EQ(world.give(response(there.bytes, 486, "t"), there.to), verdict::response_forwarded);
  (void)world.take();
  EXPECT_EQ(world.give(call.sent_back(), there.to), verdict::request_forwarded);
  EXPECT_EQ(world.total_load(), 1);
}

// Somebody who knows the tags of a call gives them to one of his own.
struct engine_spiral_invented : ::testing::Test {
  engine_world world;
  const running_call victim = establish(world);
  const endpoint stranger = at("203.0.113.66:5060");

  sent_message call() {
    call_parts parts;
    parts.branch = "z9hG4bKinvented";
    parts.sent_by = "203.0.113.66:5060";
    EXPECT_EQ(world.give(invite(parts), stranger), verdict::request_forwarded);
    return world.take().at(1);
  }
};

TEST_F(engine_spiral_invented, by_a_call_that_rings_ends_no_other) {
  const auto there = call();
  ASSERT_EQ(world.give(response(there.bytes, 180, "u"), there.to), verdict::response_forwarded);
  const std::string own_route = "Route: " + header(world.take_one().bytes, "Record-Route") + "\r\n";
  const std::string text = within(victim.ok_at_caller, {});
  const auto routes = text.find("Route: ");
  ASSERT_EQ(world.give(std::string{text}.insert(routes, own_route), stranger),
            verdict::request_forwarded);
  const auto bye = world.take_one();
  ASSERT_EQ(world.give(response(bye.bytes, 481, ""), bye.to), verdict::response_forwarded);
  EXPECT_EQ(world.total_load(), 2);
  world.wait_ms(60'000);
  EXPECT_EQ(world.total_load(), 2);
}

TEST_F(engine_spiral_invented, by_a_call_that_is_never_acknowledged_ends_no_other) {
  const auto there = call();
  ASSERT_EQ(world.give(response(there.bytes, 200, "to-1"), there.to), verdict::response_forwarded);
  ASSERT_EQ(world.total_load(), 2);
  world.wait_ms(80'000);
  EXPECT_EQ(world.total_load(), 1);
  EXPECT_EQ(world.counters().calls_live, 1u);
  ASSERT_EQ(world.give(within(victim.ok_at_caller, {}), caller_address), verdict::request_forwarded)
      << "it is the victim's that lives";
}

// Else failover would try each way anew at each turn of a loop.
TEST(engine_loop, an_invite_that_has_been_here_four_times_is_answered_482) {
  engine_world world;
  spiral call = pass(world, 4);
  const auto load = world.total_load();
  ASSERT_EQ(world.give(call.sent_back(), call.there.to), verdict::rejected_loop);
  const auto reply = world.take_one();
  EXPECT_EQ(first_line(reply.bytes), "SIP/2.0 482 Loop Detected");
  EXPECT_EQ(reply.to, call.there.to);
  EXPECT_EQ(world.total_load(), load);
  EXPECT_EQ(world.counters().calls_live, 4u);
}

// All Vias on one line count as well.
TEST(engine_loop, also_where_a_proxy_has_put_all_vias_on_one_line) {
  engine_world world;
  const sent_message there = pass(world, 4).there;
  std::string list = "SIP/2.0/UDP 192.0.2.11:5060;branch=z9hG4bKlast";
  std::string text = there.bytes;
  for (const std::string& via : headers(there.bytes, "Via")) {
    list += ", " + via;
    text = replace(text, "Via: " + via + "\r\n", "");
  }
  text = replace(text, "Max-Forwards: ", "Via: " + list + "\r\nMax-Forwards: ");
  EXPECT_EQ(world.give(text, there.to), verdict::rejected_loop);
}

// Nobody can have a call refused by writing Vias of ours into it.
TEST(engine_loop, an_invented_branch_does_not_count) {
  engine_world world;
  call_parts parts;
  for (int i = 0; i < 6; ++i)
    parts.extra +=
        "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKi00000000000000010123456789abcde" +
        std::to_string(i) + "\r\n";
  EXPECT_EQ(world.give(invite(parts), caller_address), verdict::request_forwarded);
}

} // namespace
} // namespace linehunt::test::engine_spiral_test
