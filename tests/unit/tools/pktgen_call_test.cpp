// SPDX-License-Identifier: Apache-2.0
// The generator's calls through the real engine: all is well where all is well, and each kind of
// damage is found and called by its name.
#include "tests/unit/tools/looped_device.h"
#include "tools/pktgen/session.h"

#include <array>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace linehunt::pktgen::pktgen_call_test {
namespace {

struct pktgen_call : testing::Test {
  call_player& make(call_settings settings = {}) {
    settings.seed = ++seed_; // the engine remembers calls for half a minute
    settings.max_calls = 2000;
    player =
        std::make_unique<call_player>(cast, settings, device, count, heap_memory(), device.now());
    return *player;
  }
  void begin(std::size_t calls) {
    for (std::size_t i = 0; i < calls; ++i) {
      ASSERT_TRUE(player->begin_one(device.now(), device.now()));
      device.run(*player);
    }
  }
  [[nodiscard]] std::uint64_t faults(fault f) const {
    return count.faults[static_cast<std::size_t>(f)];
  }
  // A whole call in which the first message that holds `in` has `what` replaced.
  void damage(std::string_view in, std::string what, std::string by) {
    make();
    bool done = false;
    device.meddle = [&, what, by](looped_device::message& m) {
      const auto at = m.bytes.find(what);
      if (done || !m.bytes.starts_with(in) || at == std::string::npos) return;
      m.bytes.replace(at, what.size(), by);
      done = true;
    };
    begin(8); // of both kinds and all sizes
    device.wait_ms(*player, 5);
    ASSERT_TRUE(done) << "nothing to damage";
  }

  // The start line, and each line up to its colon.
  static std::string names_in(const std::string& bytes) {
    std::string out;
    bool in_name = true;
    for (const char c : bytes.substr(0, bytes.find("\r\n\r\n"))) {
      if (c == '\n') in_name = true;
      if (c == ':') in_name = false;
      if (in_name) out += c;
    }
    return out;
  }

  scene cast = two_kinds();
  tally count;
  looped_device device{cast};
  std::unique_ptr<call_player> player;

 private:
  std::uint64_t seed_ = 41;
};

TEST_F(pktgen_call, goes_through_the_engine_without_a_complaint) {
  make();
  begin(500);
  device.wait_ms(*player, 50);
  EXPECT_TRUE(count.clean());
  EXPECT_EQ(count.calls_completed, 500u);
  EXPECT_EQ(count.calls_answered, 500u);
  EXPECT_EQ(count.trying_missing, 0u);
  EXPECT_EQ(count.sent, 7u * 500);     // INVITE 100 180 200 ACK BYE 200
  EXPECT_EQ(count.received, 7u * 500); // the device's own 100 instead of the destination's
  for (const histogram& h : count.latency)
    EXPECT_EQ(h.count(), 500u);
  EXPECT_EQ(count.post_dial_delay.count(), 500u);
  EXPECT_EQ(count.read_in_full, 0u);
  EXPECT_EQ(player->live(), 0u);
  EXPECT_EQ(player->unsettled(), 0u);
}

TEST_F(pktgen_call, what_is_right_in_another_way_is_read_and_answered_alike) {
  make();
  const auto replies_of = [&](std::uint64_t in_full) {
    std::vector<std::string> out;
    device.on_sent = [&](const std::string& bytes) {
      if (bytes.starts_with("SIP")) out.push_back(bytes);
    };
    begin(40);
    device.wait_ms(*player, 5);
    EXPECT_TRUE(count.clean());
    EXPECT_EQ(count.calls_completed, 40u);
    EXPECT_EQ(count.read_in_full, in_full);
    return out;
  };
  const auto at_a_glance = replies_of(0);
  make(); // others: the engine remembers those
  count = {};
  // Everything arrives with a line more, which nobody has to mind.
  device.meddle = [](looped_device::message& m) {
    m.bytes.insert(m.bytes.find("CSeq:"), "X: 1\r\n");
  };
  const auto in_full = replies_of(7 * 40);
  ASSERT_EQ(at_a_glance.size(), 4u * 40); // 100, 180, 200, 200
  ASSERT_EQ(in_full.size(), at_a_glance.size());
  for (std::size_t i = 0; i < in_full.size(); ++i)
    EXPECT_EQ(names_in(in_full[i]), names_in(at_a_glance[i]));
}

TEST_F(pktgen_call, messages_have_the_sizes_of_real_ones) {
  make();
  begin(200);
  EXPECT_GT(device.longest, 1100u);
  EXPECT_LT(device.longest, 1300u);
  EXPECT_GT(device.shortest, 250u);
  std::vector<char> text(longest_message_bytes);
  const messages texts(cast);
  std::size_t least = 10'000;
  for (std::uint32_t n = 0; n < 64; ++n) {
    const identity who({n, 1}, 42);
    least = std::min(least, texts.invite(text.data(), who, texts.shape_of(who)));
  }
  EXPECT_GE(least, 550u);
  EXPECT_LE(least, 700u);
}

TEST_F(pktgen_call, the_same_seed_gives_the_same_bytes) {
  const messages texts(cast);
  std::vector<char> one(longest_message_bytes), other(longest_message_bytes);
  const identity who({7, 3}, 42), again({7, 3}, 42), next({8, 3}, 42);
  const auto text = [&](std::vector<char>& into, const identity& i) {
    return std::string(into.data(), texts.invite(into.data(), i, texts.shape_of(i)));
  };
  EXPECT_EQ(text(one, who), text(other, again));
  EXPECT_NE(text(one, who), text(other, next));
  EXPECT_EQ(identity::number_of(who.call_id, 42), (call_number{7, 3}));
}

TEST_F(pktgen_call, holds_as_many_as_it_is_told) {
  call_settings settings;
  settings.held = 100;
  make(settings);
  begin(300);
  device.wait_ms(*player, 20);
  EXPECT_EQ(player->held(), 100u);
  EXPECT_EQ(device.engine_calls(), 100u);
  EXPECT_EQ(count.calls_completed, 200u);
  EXPECT_FALSE(player->wind_up(device.now(), 64));
  EXPECT_EQ(player->held(), 36u);
  while (!player->wind_up(device.now(), 64))
    device.run(*player);
  device.run(*player);
  EXPECT_EQ(player->live(), 0u);
  EXPECT_TRUE(count.clean());
}

TEST_F(pktgen_call, holds_for_a_time_with_a_spread) {
  call_settings settings;
  settings.hold_ms = 100;
  settings.hold_spread_ms = 100;
  make(settings);
  begin(200);
  device.wait_ms(*player, 90);
  EXPECT_EQ(player->held(), 200u);
  device.wait_ms(*player, 60);
  EXPECT_GT(player->held(), 50u);
  EXPECT_LT(player->held(), 150u);
  device.wait_ms(*player, 60);
  EXPECT_EQ(player->held(), 0u);
  EXPECT_TRUE(count.clean());
}

TEST_F(pktgen_call, ends_calls_that_have_more_time_left_where_it_winds_up) {
  call_settings settings;
  settings.hold_ms = 10'000;
  make(settings);
  begin(200);
  EXPECT_FALSE(player->wind_up(device.now(), 150));
  EXPECT_EQ(player->held(), 50u);
  begin(10); // in records that have been looked at, or behind
  for (int round = 0; round < 3; ++round) {
    player->wind_up(device.now(), 40);
    device.run(*player);
  }
  EXPECT_EQ(player->held(), 0u);
  EXPECT_EQ(player->live(), 0u);
  EXPECT_TRUE(count.clean());
}

TEST_F(pktgen_call, counts_refusals_by_their_status_and_acknowledges_them) {
  looped_device small(cast, 10);
  call_settings settings;
  settings.held = 1000;
  settings.max_calls = 2000;
  call_player held(cast, settings, small, count, heap_memory(), small.now());
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(held.begin_one(small.now(), small.now()));
    small.run(held);
  }
  EXPECT_EQ(held.held(), 40u); // 2 * 10 lines of each kind
  EXPECT_EQ(count.statuses[500], 60u);
  EXPECT_EQ(count.calls_refused, 60u);
  const auto sent = count.sent;
  small.wait_ms(held, 600); // an ACK that did not fit would make the engine repeat its 500
  EXPECT_EQ(count.sent, sent);
  EXPECT_EQ(count.repeated, 0u);
  EXPECT_EQ(count.wrong(), 0u);
}

TEST_F(pktgen_call, a_message_that_is_swallowed_is_lost_by_its_kind) {
  const std::vector<std::pair<std::string, message_kind>> cases{
      {"INVITE ", message_kind::invite},
      {"SIP/2.0 180", message_kind::ringing},
      {"ACK ", message_kind::ack},
      {"BYE ", message_kind::bye}};
  for (const auto& [begins, kind] : cases) {
    count = {};
    make();
    device.meddle = [&, begins = begins](looped_device::message& m) {
      if (m.bytes.starts_with(begins)) m.bytes.clear();
    };
    begin(1);
    device.wait_ms(*player, 3);
    if (kind == message_kind::invite || kind == message_kind::bye) {
      EXPECT_EQ(count.calls_lost, 0u) << "before its time";
      device.wait_ms(*player, 1010);
      EXPECT_EQ(count.calls_lost, 1u) << begins;
    }
    EXPECT_EQ(count.lost[static_cast<std::size_t>(kind)], 1u) << begins;
    EXPECT_EQ(count.lost_messages(), 1u) << begins;
    EXPECT_EQ(count.calls_lost, 1u) << begins;
    EXPECT_EQ(count.calls_completed, 0u) << begins;
    EXPECT_FALSE(count.clean());
    device.meddle = nullptr;
    device.wait_ms(*player, 4000); // later BYEs get through
    EXPECT_EQ(player->live(), 0u) << begins;
  }
}

TEST_F(pktgen_call, a_bye_that_the_device_answers_itself_is_lost) {
  make();
  device.meddle = [](looped_device::message& m) {
    if (!m.bytes.starts_with("BYE ")) return;
    // In the place of the start line and the device's Via.
    m.bytes.replace(0, m.bytes.find('\n', m.bytes.find('\n') + 1) + 1, "SIP/2.0 200 OK\r\n");
    m.station = 0;
  };
  begin(1);
  device.wait_ms(*player, 5);
  EXPECT_EQ(count.byes_answered, 1u);
  EXPECT_EQ(count.lost[static_cast<std::size_t>(message_kind::bye)], 1u);
  EXPECT_EQ(count.latency[static_cast<std::size_t>(message_kind::ok_bye)].count(), 0u);
  EXPECT_EQ(count.calls_lost, 1u);
  EXPECT_EQ(count.calls_completed, 0u);
  EXPECT_EQ(count.wrong(), 0u);
  EXPECT_EQ(player->live(), 0u);
}

TEST_F(pktgen_call, a_held_call_waits_for_its_180_and_its_ack_and_loses_them_in_time) {
  for (const message_kind kind : {message_kind::ringing, message_kind::ack}) {
    const char* const begins = kind == message_kind::ack ? "ACK " : "SIP/2.0 180";
    count = {};
    call_settings settings;
    settings.held = 10;
    make(settings);
    looped_device::message kept;
    device.meddle = [&](looped_device::message& m) {
      if (m.bytes.starts_with(begins)) std::swap(kept, m);
    };
    begin(1);
    EXPECT_EQ(player->held(), 1u);
    EXPECT_EQ(player->unsettled(), 1u) << begins;
    EXPECT_TRUE(count.clean()) << "before its time";
    device.wait_ms(*player, 1010);
    EXPECT_EQ(player->unsettled(), 0u) << begins;
    EXPECT_EQ(count.lost[static_cast<std::size_t>(kind)], 1u);
    EXPECT_EQ(count.calls_lost, 1u);
    player->receive(kept.bytes, cast.device, kept.station, player->announce(kept.bytes),
                    device.now());
    EXPECT_EQ(count.late, 1u) << begins;
    player->wind_up(device.now(), 10);
    device.run(*player);
    EXPECT_EQ(player->live(), 0u);
    EXPECT_EQ(player->unsettled(), 0u);
    EXPECT_EQ(count.calls_completed, 0u) << "it had lost something";
    EXPECT_EQ(count.lost_messages(), 1u);
  }
}

TEST_F(pktgen_call, a_step_of_held_calls_that_lose_all_their_acks_does_not_pass) {
  for (const bool swallow : {false, true}) {
    call_settings settings;
    settings.hold_ms = 60'000;
    make(settings);
    device.meddle = [&](looped_device::message& m) {
      if (swallow && m.bytes.starts_with("ACK ")) m.bytes.clear();
    };
    load_settings load;
    load.rate = 100;
    load.seconds = 0.2;
    load.warm_up_s = 0;
    session course(load, *player);
    while (!course.over()) {
      device.wait_ms(*player, 1);
      course.poll(device.now());
    }
    EXPECT_EQ(course.steps().at(0).passed, !swallow);
    EXPECT_EQ(player->live(), 0u);
  }
}

TEST_F(pktgen_call, what_comes_after_the_deadline_is_late) {
  make();
  looped_device::message kept;
  device.meddle = [&](looped_device::message& m) {
    if (m.bytes.starts_with("SIP/2.0 200") && kept.bytes.empty()) std::swap(kept, m);
  };
  begin(1);
  device.wait_ms(*player, 1010);
  EXPECT_EQ(count.calls_lost, 1u);
  EXPECT_EQ(count.lost[static_cast<std::size_t>(message_kind::ok_invite)], 1u);
  player->receive(kept.bytes, cast.device, kept.station, player->announce(kept.bytes),
                  device.now());
  EXPECT_EQ(count.late, 1u);
}

// T1 after the first copy, which was lost, the device sends another.
TEST_F(pktgen_call, a_call_whose_invite_had_to_be_repeated_has_lost_it) {
  for (const bool lossy : {false, true}) {
    count = {};
    call_settings settings;
    settings.lossy = lossy;
    make(settings);
    unsigned copies = 0;
    device.meddle = [&](looped_device::message& m) {
      if (m.bytes.starts_with("INVITE ") && ++copies == 1) m.bytes.clear();
    };
    begin(1);
    device.wait_ms(*player, 700);
    ASSERT_EQ(copies, 2u);
    EXPECT_EQ(count.clean(), lossy);
    EXPECT_EQ(count.lost[static_cast<std::size_t>(message_kind::invite)], lossy ? 0u : 1u);
    EXPECT_EQ(count.calls_lost, lossy ? 0u : 1u);
    EXPECT_EQ(count.calls_completed, lossy ? 1u : 0u);
    EXPECT_EQ(count.late, 0u);
    EXPECT_EQ(player->live(), 0u);
  }
}

// Half a minute later, in a step that has nothing to do with it.
TEST_F(pktgen_call, a_bye_of_the_device_for_a_lost_call_spoils_nothing) {
  make();
  looped_device::message invite;
  device.meddle = [&](looped_device::message& m) {
    if (m.bytes.starts_with("INVITE ")) invite = m;
    if (m.bytes.starts_with("SIP/2.0 200")) m.bytes.clear();
  };
  begin(1);
  device.wait_ms(*player, 1010);
  ASSERT_EQ(count.calls_lost, 1u);
  count = {};
  std::string bye = invite.bytes;
  bye.replace(0, bye.find(' '), "BYE");
  bye.replace(bye.find("1 INVITE"), 8, "2 BYE");
  for (const unsigned answered : {1u, 2u}) {
    player->receive(bye, cast.device, invite.station, player->announce(bye), device.now());
    EXPECT_EQ(count.answered_for_lost, answered);
    EXPECT_TRUE(count.clean());
  }
}

TEST_F(pktgen_call, an_invite_is_timed_from_when_it_was_due) {
  make();
  const time_ns late = 3'000'000;
  ASSERT_TRUE(player->begin_one(device.now(), device.now() - late));
  device.run(*player);
  device.wait_ms(*player, 5);
  const auto& of = count.latency;
  EXPECT_GE(of[static_cast<std::size_t>(message_kind::invite)].least_ns(), late);
  EXPECT_GE(count.post_dial_delay.least_ns(), late);
  EXPECT_LT(of[static_cast<std::size_t>(message_kind::ack)].most_ns(), late);
}

TEST_F(pktgen_call, no_room_begins_no_call) {
  make();
  device.places = 0;
  EXPECT_FALSE(player->begin_one(device.now(), device.now()));
  EXPECT_EQ(player->live(), 0u);
  EXPECT_EQ(count.calls_begun, 0u);
}

TEST_F(pktgen_call, what_comes_again_is_a_fault_unless_a_timer_may_have_run_out) {
  for (const char* begins : {"INVITE ", "SIP/2.0 180", "SIP/2.0 200", "ACK ", "BYE "}) {
    count = {};
    call_settings settings;
    settings.held = begins[0] == 'B' ? 0 : 10;
    make(settings);
    looped_device::message kept;
    device.meddle = [&](looped_device::message& m) {
      if (m.bytes.starts_with(begins) && kept.bytes.empty()) kept = m;
    };
    begin(1);
    device.wait_ms(*player, 5);
    const auto again = [&] {
      player->receive(kept.bytes, cast.device, kept.station, player->announce(kept.bytes),
                      device.now());
    };
    EXPECT_TRUE(count.clean()) << begins;
    again();
    EXPECT_EQ(count.repeated, 1u) << begins;
    EXPECT_EQ(count.retransmitted, 0u) << begins;
    EXPECT_FALSE(count.clean());
    count = {};
    device.now_us += 501'000;
    again();
    EXPECT_EQ(count.repeated, 0u) << begins;
    EXPECT_EQ(count.retransmitted, 1u) << begins;
    EXPECT_TRUE(count.clean()) << begins;
    device.meddle = nullptr;
    device.run(*player);
  }
}

TEST_F(pktgen_call, a_call_without_its_100_is_not_clean) {
  make();
  device.meddle = [](looped_device::message& m) {
    if (m.bytes.starts_with("SIP/2.0 100")) m.bytes.clear();
  };
  begin(3);
  device.wait_ms(*player, 5);
  EXPECT_EQ(count.trying_missing, 3u);
  EXPECT_FALSE(count.clean());
}

// --- each check, with the engine's own message damaged

TEST_F(pktgen_call, finds_a_missing_via_of_the_device) {
  damage("INVITE ", "SIP/2.0/UDP 192.0.2.1:", "SIP/2.0/UDP 192.0.2.9:");
  EXPECT_EQ(faults(fault::via_missing), 1u);
}
TEST_F(pktgen_call, finds_a_changed_via_of_ours) {
  damage("INVITE ", ";branch=z9hG4bK", ";branch=z9hG4bX"); // the first is the device's
  EXPECT_EQ(count.wrong(), 0u);
  damage("INVITE ", "SIP/2.0/UDP 192.0.2.10", "SIP/2.0/UDP 192.0.3.10");
  EXPECT_EQ(faults(fault::via_changed), 3u); // the 180 and the 200 bear it, too
}
TEST_F(pktgen_call, finds_a_via_that_was_left) {
  damage("SIP/2.0 180", "Via: ", "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\nVia: ");
  EXPECT_EQ(faults(fault::via_left), 1u);
}
TEST_F(pktgen_call, finds_a_missing_record_route) {
  damage("SIP/2.0 200", "Record-Route", "X-Record-Route");
  EXPECT_EQ(faults(fault::record_route), 1u);
}
TEST_F(pktgen_call, finds_a_route_that_was_left) {
  damage("ACK ", "Max-Forwards", "Route: <sip:192.0.2.1;lr>\r\nMax-Forwards");
  EXPECT_EQ(faults(fault::route_left), 1u);
}
TEST_F(pktgen_call, finds_untouched_max_forwards) {
  damage("BYE ", "Max-Forwards: 69", "Max-Forwards: 70");
  EXPECT_EQ(faults(fault::max_forwards), 1u);
}
TEST_F(pktgen_call, finds_other_tags) {
  damage("SIP/2.0 180", ";tag=", ";tag=0");
  EXPECT_EQ(faults(fault::from_tag), 1u);
  damage("INVITE ", "To: <", "To: <sip:x@y>;tag=1\r\nX: <");
  EXPECT_EQ(faults(fault::to_tag), 3u); // the 180 and the 200 bear it, too
}
TEST_F(pktgen_call, finds_another_cseq) {
  damage("BYE ", "CSeq: 2 BYE", "CSeq: 3 BYE");
  EXPECT_EQ(faults(fault::cseq), 1u);
}
TEST_F(pktgen_call, finds_another_request_uri) {
  damage("INVITE sip:", "INVITE sip:", "INVITE sip:0");
  EXPECT_EQ(faults(fault::request_uri), 1u);
}
TEST_F(pktgen_call, finds_a_changed_body) {
  damage("INVITE ", "s=call", "s=cold");
  EXPECT_EQ(faults(fault::body), 1u);
  damage("SIP/2.0 200", "s=call", "s=cold");
  EXPECT_EQ(faults(fault::body), 2u);
}
TEST_F(pktgen_call, finds_every_other_line_that_was_changed) {
  const std::vector<std::array<const char*, 3>> cases{
      {"INVITE ", "From: \"Line ", "From: \"Lime "},
      {"INVITE ", "To: <sip:", "To: <sip:0"},
      {"INVITE ", "Contact: <sip:core@", "Contact: <sip:cope@"},
      {"INVITE ", "P-Asserted-Identity: \"Exchange 7\"", "P-Asserted-Identity: \"Exchange 8\""},
      {"INVITE ", "Allow: INVITE, ", "Allow: "},
      {"INVITE ", "Content-Type: application/sdp\r\n", ""},
      {"ACK ", "Contact: <sip:core@", "Contact: <sip:cope@"},
      {"BYE ", "User-Agent: pktgen", "User-Agent: other"}};
  for (const auto& [in, what, by] : cases) {
    count = {};
    damage(in, what, by);
    EXPECT_EQ(faults(fault::changed), 1u) << what;
    EXPECT_EQ(count.wrong(), 1u) << what;
  }
}
TEST_F(pktgen_call, lines_in_another_order_are_as_sent) {
  make();
  device.meddle = [](looped_device::message& m) {
    constexpr std::string_view agent = "User-Agent: pktgen\r\n";
    const auto at = m.bytes.find(agent);
    if (at == std::string::npos) return;
    m.bytes.erase(at, agent.size());
    m.bytes.insert(m.bytes.find("From:"), agent);
  };
  begin(8);
  device.wait_ms(*player, 5);
  EXPECT_EQ(count.read_in_full, 3u * 8);
  EXPECT_TRUE(count.clean());
}
TEST_F(pktgen_call, finds_requests_whose_lines_fit_into_no_reply) {
  const std::string via = "Via: SIP/2.0/UDP 192.0.2.1:5060;";
  for (const std::size_t more : {900u, 1350u, 3000u}) {
    for (const char* in : {"INVITE ", "BYE "}) {
      count = {};
      damage(in, via, via + "x=" + std::string(more, 'x') + ";");
      EXPECT_EQ(faults(fault::too_long), more == 900 ? 0u : 1u) << more << in;
      EXPECT_EQ(count.wrong(), faults(fault::too_long));
    }
    // What a glance takes for usual.
    damage("INVITE ", ";branch=", ";branch=" + std::string(more, 'x'));
    EXPECT_LE(device.longest, longest_message_bytes);
  }
}
TEST_F(pktgen_call, finds_rubbish_and_calls_of_others) {
  make();
  player->receive("hello", cast.device, 0, player->announce("hello"), device.now());
  EXPECT_EQ(faults(fault::unreadable), 1u);
  damage("SIP/2.0 180", "@pktgen.example", "@pktgen.exampel");
  EXPECT_EQ(faults(fault::not_ours), 1u);
}
TEST_F(pktgen_call, finds_a_call_where_it_is_not_offered) {
  make();
  device.meddle = [](looped_device::message& m) {
    if (m.bytes.starts_with("INVITE sip:4930")) m.station = 4; // offers vm alone
  };
  begin(20);
  const auto wrong = faults(fault::not_offered);
  EXPECT_GT(wrong, 0u);
  EXPECT_LT(wrong, 20u);
  EXPECT_EQ(wrong + faults(fault::moved) + faults(fault::request_uri), count.wrong());
}
TEST_F(pktgen_call, finds_a_call_at_a_second_destination_and_stays_with_the_first) {
  call_settings settings;
  settings.held = 10;
  make(settings);
  looped_device::message kept;
  device.meddle = [&](looped_device::message& m) {
    if (m.bytes.starts_with("INVITE ")) kept = m;
  };
  begin(1);
  player->receive(kept.bytes, cast.device, kept.station == 3 ? 2 : 3, player->announce(kept.bytes),
                  device.now());
  EXPECT_EQ(faults(fault::second_destination), 1u);
  EXPECT_EQ(count.repeated, 0u);
  player->wind_up(device.now(), 64);
  device.run(*player);
  EXPECT_EQ(count.wrong(), 1u);
  EXPECT_EQ(count.calls_completed, 1u);
}
TEST_F(pktgen_call, finds_a_100_of_a_destination) {
  call_settings settings;
  settings.held = 10;
  make(settings);
  std::string trying, tag;
  std::uint32_t station = 0;
  device.meddle = [&](looped_device::message& m) {
    if (m.bytes.starts_with("SIP/2.0 180"))
      tag = m.bytes.substr(m.bytes.find(";tag=", m.bytes.find("To:")), 21);
    if (!m.bytes.starts_with("SIP/2.0 100")) return;
    std::swap(trying, m.bytes);
    station = m.station;
  };
  begin(1);
  trying.insert(trying.find("\r\n", trying.find("To:")), tag);
  player->receive(trying, cast.device, station, player->announce(trying), device.now());
  EXPECT_EQ(faults(fault::trying_forwarded), 1u);
  EXPECT_EQ(count.wrong(), 1u);
}
TEST_F(pktgen_call, finds_a_request_at_a_caller_and_answers_a_bye) {
  make();
  device.meddle = [](looped_device::message& m) {
    if (m.bytes.starts_with("ACK ")) m.station = 0;
  };
  begin(1);
  EXPECT_EQ(faults(fault::wrong_place), 1u);
}

} // namespace
} // namespace linehunt::pktgen::pktgen_call_test
