// SPDX-License-Identifier: Apache-2.0
// The course of a run, with a device that loses everything above a certain rate.
#include "tools/pktgen/session.h"

#include <cmath>
#include <gtest/gtest.h>
#include <set>
#include <vector>

namespace linehunt::pktgen::pktgen_session_test {
namespace {

class limited final : public traffic {
 public:
  explicit limited(double most) : most_(most) {}
  bool begin_one(time_ns now, time_ns due) noexcept override {
    if (!room) return false;
    ++count_->calls_begun;
    if (ends) ++count_->calls_completed;
    ++begun;
    dues.push_back(due);
    latest = now - due;
    if (course != nullptr && course->rate_now() > most_) {
      if (is_slow)
        ++count_->late;
      else if (swallows_acks)
        ++count_->lost[static_cast<std::size_t>(message_kind::ack)];
      else
        ++count_->calls_lost;
    }
    if (shy && rates_.insert(course->rate_now()).second) ++count_->calls_lost;
    if (course != nullptr && course->rate_now() == unlucky && count_->calls_lost == 0)
      ++count_->calls_lost;
    unsettled_now += unsettling;
    most_unsettled = std::max(most_unsettled, unsettled_now);
    return true;
  }
  void receive(std::string_view, const endpoint&, std::uint32_t, std::optional<call_number>,
               time_ns) noexcept override {}
  void advance(time_ns) noexcept override {}
  [[nodiscard]] std::uint64_t unsettled() const noexcept override { return unsettled_now; }
  [[nodiscard]] std::uint64_t live() const noexcept override { return live_now; }
  [[nodiscard]] std::uint64_t held() const noexcept override {
    return wound_up ? 0 : std::min(begun, most_held);
  }
  bool wind_up(time_ns, std::size_t most) noexcept override {
    if (unsettling != 0) {
      const std::uint64_t ended = std::min<std::uint64_t>(most, begun - ended_);
      ended_ += ended;
      unsettled_now += ended;
      count_->byes_answered += ended;
      most_unsettled = std::max(most_unsettled, unsettled_now);
      return wound_up = ended_ == begun;
    }
    return wound_up = true;
  }
  void count_in(tally& t) noexcept override { count_ = &t; }

  const session* course = nullptr;
  bool room = true, wound_up = false;
  bool ends = true; // its calls
  std::vector<time_ns> dues;
  time_ns latest = 0;                          // how much too late the last call began
  bool is_slow = false, swallows_acks = false; // above its rate, instead of losing calls
  std::uint64_t begun = 0, live_now = 0, most_held = ~std::uint64_t{0};
  bool shy = false;             // loses the first call of each rate
  double unlucky = 0;           // a rate at which one call is lost each time
  std::uint64_t unsettling = 0; // 1: every call waits for something until `unsettled_now` is set
  std::uint64_t unsettled_now = 0, most_unsettled = 0;

 private:
  std::uint64_t ended_ = 0;
  std::set<double> rates_;
  double most_;
  tally* count_ = nullptr;
};

void run(session& s, time_ns step_ns = 100'000) {
  for (time_ns now = 1; !s.over(); now += step_ns) {
    ASSERT_LT(now, 4'000'000'000'000u) << "never over";
    s.poll(now);
  }
}

TEST(pktgen_session, keeps_the_rate) {
  limited device(1e9);
  load_settings load;
  load.rate = 1234;
  load.seconds = 10;
  session s(load, device);
  run(s);
  ASSERT_EQ(s.steps().size(), 1u);
  EXPECT_NEAR(static_cast<double>(s.steps()[0].window.begun), 12'340, 2);
  EXPECT_NEAR(s.steps()[0].seconds, 10, 0.001);
  EXPECT_TRUE(s.steps()[0].passed);
  EXPECT_NEAR(static_cast<double>(s.outside().calls_begun), 1234, 2) << "the warm-up counts apart";
  EXPECT_TRUE(device.wound_up);
}

TEST(pktgen_session, calls_are_due_evenly_however_seldom_the_loop_comes_round) {
  limited device(1e9);
  load_settings load;
  load.rate = 1000;
  load.seconds = 1;
  load.warm_up_s = 0;
  session s(load, device);
  run(s, 7'300'000);
  ASSERT_GT(device.dues.size(), 900u);
  for (std::size_t i = 1; i < device.dues.size(); ++i)
    EXPECT_NEAR(static_cast<double>(device.dues[i] - device.dues[i - 1]), 1e6, 10);
  EXPECT_LT(device.latest, 7'300'000u);
}

TEST(pktgen_session, ramps_evenly) {
  limited device(1e9);
  load_settings load;
  load.shape = load_shape::ramp;
  load.rate = 0;
  load.rate_to = 1000;
  load.seconds = 10;
  session s(load, device);
  run(s);
  EXPECT_NEAR(static_cast<double>(s.steps().at(0).window.begun), 5000, 10);
}

TEST(pktgen_session, sweeps_from_to) {
  limited device(1e9);
  load_settings load;
  load.shape = load_shape::sweep;
  load.rate = 100;
  load.rate_to = 500;
  load.step_count = 5;
  load.seconds = 1;
  session s(load, device);
  run(s);
  ASSERT_EQ(s.steps().size(), 5u);
  EXPECT_DOUBLE_EQ(s.steps()[2].rate_from, 300);
  EXPECT_DOUBLE_EQ(s.steps()[4].rate_from, 500);
}

TEST(pktgen_session, search_finds_the_limit_from_below_and_from_above) {
  for (const double begin : {100.0, 50'000.0}) {
    limited device(7000);
    load_settings load;
    load.shape = load_shape::search;
    load.rate = begin;
    load.rate_to = 100'000;
    load.seconds = 1;
    session s(load, device);
    device.course = &s;
    run(s);
    ASSERT_TRUE(s.found());
    EXPECT_LE(*s.found(), 7000);
    EXPECT_GT(*s.found(), 7000 / 1.03);
    EXPECT_LT(s.steps().size(), 25u);
  }
}

TEST(pktgen_session, search_of_something_that_never_passes_ends) {
  limited device(0);
  load_settings load;
  load.shape = load_shape::search;
  load.rate = 1000;
  load.rate_to = 2000;
  load.seconds = 0.5;
  session s(load, device);
  device.course = &s;
  run(s);
  EXPECT_FALSE(s.found());
}

TEST(pktgen_session, what_a_full_port_does_not_take_has_slipped_and_fails_the_step) {
  limited device(1e9);
  device.room = false;
  load_settings load;
  load.rate = 10'000;
  load.seconds = 1;
  session s(load, device);
  run(s);
  EXPECT_EQ(s.steps().at(0).window.begun, 0u);
  EXPECT_GT(s.steps()[0].window.slipped, 9000u);
  EXPECT_FALSE(s.steps()[0].passed);
}

TEST(pktgen_session, a_pause_of_the_loop_is_not_followed_by_a_flood) {
  limited device(1e9);
  load_settings load;
  load.rate = 10'000;
  load.warm_up_s = 0;
  session s(load, device);
  s.poll(1);
  s.poll(2);
  s.poll(1'000'000'000); // a second away
  std::uint64_t begun = 0;
  for (time_ns now = 1'000'000'000; now < 1'000'100'000; now += 1000) {
    s.poll(now);
    begun = device.begun;
  }
  EXPECT_LE(begun, 64u + 32u + 2u);
}

TEST(pktgen_session, fills_before_it_measures_and_ends_by_total) {
  limited device(1e9);
  load_settings load;
  load.rate = 100;
  load.fill_rate = 10'000;
  load.held = 500;
  load.warm_up_s = 0;
  load.total = 700;
  session s(load, device);
  run(s);
  EXPECT_EQ(device.begun, 700u);
  EXPECT_NEAR(static_cast<double>(s.steps().at(0).window.begun), 200, 2);
}

TEST(pktgen_session, a_total_does_not_excuse_a_rate_that_was_not_reached) {
  for (const time_ns step_ns : {100'000u, 2'000'000'000u}) {
    limited device(1e9);
    load_settings load;
    load.rate = 100;
    load.warm_up_s = 0;
    load.total = 500;
    session s(load, device);
    run(s, step_ns); // a loop that is always away for 2 s begins 64 calls a turn at most
    EXPECT_EQ(s.steps().at(0).passed, step_ns == 100'000u);
  }
}

TEST(pktgen_session, a_step_without_a_call_never_passes) {
  for (const load_shape shape : {load_shape::rate, load_shape::at_once}) {
    limited device(1e9);
    load_settings load;
    load.shape = shape;
    load.rate = 1;
    load.at_once = 0;
    load.seconds = 0.1;
    load.warm_up_s = 0;
    session s(load, device);
    run(s);
    EXPECT_EQ(s.steps().at(0).window.begun, 0u);
    EXPECT_FALSE(s.steps()[0].passed);
  }
}

TEST(pktgen_session, a_run_goes_through_where_its_steps_pass_and_calls_end) {
  const auto went_through = [](bool room, bool ends, bool should_end) {
    limited device(1e9);
    device.room = room;
    device.ends = ends;
    load_settings load;
    load.seconds = 1;
    load.calls_end = should_end;
    session s(load, device);
    run(s);
    return s.went_through();
  };
  EXPECT_TRUE(went_through(true, true, true));
  EXPECT_FALSE(went_through(false, true, false)) << "the rate was not kept";
  EXPECT_FALSE(went_through(true, false, true));
  EXPECT_TRUE(went_through(true, false, false));
}

TEST(pktgen_session, a_step_waits_for_its_deadlines_however_long_they_are) {
  limited device(1e9);
  device.unsettling = 1;
  load_settings load;
  load.seconds = 1;
  load.warm_up_s = 0;
  load.deadline_s = 15;
  session s(load, device);
  time_ns now = 1;
  for (; now < 30'000'000'000; now += 1'000'000)
    s.poll(now);
  EXPECT_STREQ(s.phase_name(), "settle");
  for (; now < 36'000'000'000; now += 1'000'000)
    s.poll(now);
  EXPECT_STRNE(s.phase_name(), "settle");
}

TEST(pktgen_session, a_broken_frame_fails_a_step) {
  limited device(1e9);
  load_settings load;
  load.seconds = 1;
  load.warm_up_s = 0;
  session s(load, device);
  s.poll(1);
  s.poll(2);
  s.poll(3);
  s.note_broken();
  run(s);
  EXPECT_FALSE(s.steps().at(0).passed);
}

TEST(pktgen_session, a_rate_at_which_most_is_late_or_lacks_its_ack_is_not_tried_twice) {
  for (const bool slow : {true, false}) {
    limited device(7000);
    device.is_slow = slow;
    device.swallows_acks = !slow;
    load_settings load;
    load.shape = load_shape::search;
    load.rate = 10'000;
    load.rate_to = 100'000;
    load.seconds = 0.5;
    load.warm_up_s = 0;
    load.tries = 3;
    session s(load, device);
    device.course = &s;
    run(s);
    for (std::size_t i = 1; i < s.steps().size(); ++i)
      EXPECT_NE(s.steps()[i].rate_from, s.steps()[i - 1].rate_from);
  }
}

TEST(pktgen_session, a_ramp_that_is_cut_short_says_how_far_it_came) {
  limited device(1e9);
  load_settings load;
  load.shape = load_shape::ramp;
  load.rate = 0;
  load.rate_to = 1000;
  load.seconds = 10;
  load.warm_up_s = 0;
  load.total = 1250; // half the way
  session s(load, device);
  run(s);
  EXPECT_NEAR(s.steps().at(0).rate_to, 500, 2);
  EXPECT_TRUE(s.steps()[0].passed);
}

TEST(pktgen_session, filling_and_winding_up_go_as_fast_as_the_device_and_no_faster) {
  limited device(1e9);
  device.unsettling = 1;
  load_settings load;
  load.rate = 1;
  load.held = 100'000;
  load.seconds = 0.1;
  load.warm_up_s = 0;
  session s(load, device);
  for (time_ns now = 1; !s.over(); now += 1'000'000) {
    ASSERT_LT(now, 100'000'000'000u) << "never over";
    s.poll(now);
    if (now % 10'000'000 == 1) device.unsettled_now = 0; // the device answers in bursts
  }
  EXPECT_GE(device.begun, 100'000u);
  EXPECT_EQ(device.most_unsettled, 128u);
  EXPECT_TRUE(device.wound_up);
}

TEST(pktgen_session, a_rate_that_failed_by_chance_is_tried_again) {
  for (const std::uint32_t tries : {1u, 2u}) {
    limited device(7000);
    device.shy = true;
    load_settings load;
    load.shape = load_shape::search;
    load.rate = 1000;
    load.rate_to = 100'000;
    load.seconds = 1;
    load.warm_up_s = 0;
    load.tries = tries;
    session s(load, device);
    device.course = &s;
    run(s);
    ASSERT_EQ(s.found().has_value(), tries == 2);
    if (!s.found()) continue;
    EXPECT_LE(*s.found(), 7000);
    EXPECT_GT(*s.found(), 7000 / 1.03);
    for (std::size_t i = 1; i < s.steps().size(); ++i)
      if (s.steps()[i].rate_from > 7000) {
        EXPECT_NE(s.steps()[i].rate_from, s.steps()[i - 1].rate_from) << "far too high, and again";
      }
  }
}

TEST(pktgen_session, a_low_rate_that_fails_by_chance_is_not_the_limit) {
  limited device(7000);
  device.unlucky = 2000;
  load_settings load;
  load.shape = load_shape::search;
  load.rate = 1000;
  load.rate_to = 100'000;
  load.seconds = 1;
  session s(load, device);
  device.course = &s;
  run(s);
  ASSERT_TRUE(s.found());
  EXPECT_LE(*s.found(), 7000);
  EXPECT_GT(*s.found(), 7000 / 1.03);
}

TEST(pktgen_session, a_filling_that_gets_nowhere_ends) {
  limited device(1e9);
  device.wound_up = true; // holds nothing
  load_settings load;
  load.held = 500;
  load.seconds = 1;
  session s(load, device);
  run(s);
  EXPECT_EQ(s.steps().size(), 1u);
}

TEST(pktgen_session, a_step_with_fewer_calls_held_than_wanted_does_not_pass) {
  for (const std::uint64_t held : {989u, 990u, 1000u})
    for (const load_shape shape : {load_shape::rate, load_shape::search}) {
      limited device(1e9);
      device.most_held = held;
      load_settings load;
      load.shape = shape;
      load.rate = load.rate_to = 100;
      load.held = 1000;
      load.seconds = 1;
      load.tries = 2;
      session s(load, device);
      run(s, 1'000'000);
      ASSERT_EQ(s.steps().size(), 1u) << "a lower rate holds no more";
      EXPECT_EQ(s.steps()[0].passed, held >= 990);
      EXPECT_EQ(s.went_through(), held >= 990);
    }
}

TEST(pktgen_session, a_filling_in_which_most_calls_lose_something_ends) {
  for (const bool loses : {false, true}) {
    limited device(-1); // every rate is too high
    load_settings load;
    load.held = 100'000;
    load.rate = 1;
    load.seconds = 2;
    load.warm_up_s = 0;
    session s(load, device);
    if (loses) device.course = &s;
    run(s);
    EXPECT_EQ(device.begun < 2000, loses);
    EXPECT_EQ(s.steps().size(), 1u);
  }
}

TEST(pktgen_session, a_stop_ends_the_step_and_winds_up) {
  limited device(1e9);
  load_settings load;
  load.seconds = 1000;
  load.warm_up_s = 0;
  session s(load, device);
  for (time_ns now = 1; now < 2'000'000'000; now += 100'000)
    s.poll(now);
  s.stop(2'000'000'000);
  for (time_ns now = 2'000'000'001; now < 2'010'000'000 && !s.over(); now += 100'000)
    s.poll(now);
  EXPECT_TRUE(s.over());
  EXPECT_EQ(s.steps().size(), 1u);
  EXPECT_TRUE(device.wound_up);
}

TEST(pktgen_session, leaving_keeps_the_step_at_hand_and_does_not_wait) {
  for (const bool stopped : {false, true}) {
    limited device(1e9);
    device.unsettling = 1;
    load_settings load;
    load.seconds = 1000;
    load.warm_up_s = 0;
    session s(load, device);
    for (time_ns now = 1; now < 2'000'000'000; now += 100'000)
      s.poll(now);
    if (stopped) s.stop(2'000'000'000);
    EXPECT_FALSE(s.over());
    s.leave(2'000'000'001);
    EXPECT_TRUE(s.over());
    EXPECT_TRUE(s.left_calls());
    ASSERT_EQ(s.steps().size(), 1u);
    EXPECT_FALSE(s.steps()[0].passed);
    EXPECT_GT(s.steps()[0].window.begun, 100u);
    EXPECT_FALSE(s.went_through());
  }
}

TEST(pktgen_session, winding_up_ends_where_the_device_answers_no_more) {
  limited device(1e9);
  device.unsettling = 1; // for ever
  load_settings load;
  load.held = 1000;
  load.seconds = 1;
  session s(load, device);
  time_ns now = 1;
  for (; !s.over() && now < 100'000'000'000; now += 1'000'000)
    s.poll(now);
  EXPECT_TRUE(s.over());
  EXPECT_TRUE(s.left_calls());
  EXPECT_FALSE(s.went_through());
  EXPECT_EQ(s.steps().size(), 1u);
}

} // namespace
} // namespace linehunt::pktgen::pktgen_session_test
