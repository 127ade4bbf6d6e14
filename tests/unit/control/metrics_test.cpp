// SPDX-License-Identifier: Apache-2.0
// The text that Prometheus gets: names, labels and values. promtool judges the real thing in the
// end-to-end suite.
#include "control/metrics/exposition.h"

#include "control/metrics/recent_exposition.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <optional>
#include <set>
#include <sstream>
#include <utility>
#include <vector>

namespace linehunt::metrics::metrics_test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

struct figures_with_two_workers : ::testing::Test {
  engine_counters first, second;
  node_figures figures;

  figures_with_two_workers() {
    first.calls_started = 10;
    first.calls_answered = 6;
    first.calls_failed = 3;
    first.calls_ended = 5;
    first.ended_by[static_cast<std::size_t>(end_cause::bye)] = 2;
    first.calls_live = 5;
    second.calls_started = 1;
    second.calls_live = 1;
    const std::array<resource_id, 1> needed{0};
    for (int i = 0; i < 3; ++i) {
      first.no_capacity.add(1, needed);
      second.no_capacity.add(1, needed);
    }
    for (std::uint32_t group = 0; group <= capacity_refusals::most; ++group)
      second.no_capacity.add(2 + group, needed); // two more than the table has room for
    figures.node.ports = {{"access", true, 5, 6, 7, 8}};
    first.no_destination = 7;
    second.unknown_resource = 8;
    second.calls_shed = 9;
    second.calls_uncounted = 4;
    figures.workers.resize(2);
    figures.workers[0].engine = &first;
    figures.workers[0].busy_cycles = 70;
    figures.workers[0].total_cycles = 100;
    figures.workers[0].verdicts[static_cast<std::size_t>(verdict::rejected_no_capacity)] = 4;
    figures.workers[1].id = 1;
    figures.workers[1].engine = &second;
    figures.workers[1].rings.packets = 17;
    figures.workers[1].verdicts[static_cast<std::size_t>(verdict::rejected_no_capacity)] = 5;
    figures.destinations = {
        {1, 1, "sip:192.0.2.1"}, {2, 1, "sip:192.0.2.2", false}, {3, 1, "sip:192.0.2.3", false}};
    figures.resources = {
        {1, "pstn", 32, 3, true}, {1, "vm/s", 5, 0, false}, {2, "pstn", 7, 1}, {3, "pstn", 0, 2}};
    figures.destinations[2].draining = true;
    figures.destinations[1].paused_s = 540;
    figures.destinations[1].resolved = false;
    figures.destinations[0].probe_round_trip_us = 1500;
    destination_delays delays;
    delays.destination = 1;
    delays.counts[0] = 2;
    delays.counts[3] = 1;
    delays.counts[post_dial_bounds_ms.size()] = 1;
    delays.sum_us = 70'500'000;
    delays.moved_on = 6;
    figures.post_dial = {delays};
    figures.workers[0].longest_loop_us = 250;
    figures.ways_in = {{"admin", "fifo_answers_dropped", 3}};
    figures.node.degraded = {{"degraded", "reload_refused", 1}, {"degraded", "names_stale", 0}};
    figures.copies = {{"call_copies", "written", 8}};
  }
};

TEST_F(figures_with_two_workers, are_all_there) {
  const std::string text = exposition(figures).text();
  for (const char* line :
       {"linehunt_calls_started_total 11\n",
        "linehunt_degraded{reason=\"reload_refused\"} 1\n",
        "linehunt_degraded{reason=\"names_stale\"} 0\n",
        "linehunt_call_copies_total{result=\"written\"} 8\n",
        "linehunt_calls_total{outcome=\"answered\"} 6\n",
        "linehunt_calls_total{outcome=\"failed\"} 3\n",
        "linehunt_calls_total{outcome=\"no_capacity\"} 39\n",
        "linehunt_calls_total{outcome=\"no_destination\"} 7\n",
        "linehunt_calls_total{outcome=\"unknown_resource\"} 8\n",
        "linehunt_calls_total{outcome=\"overload\"} 9\n",
        "linehunt_calls_ended_total{cause=\"bye\"} 2\n",
        "linehunt_calls_uncounted_total 4\n",
        "linehunt_calls{state=\"early\"} 2\n",
        "linehunt_calls{state=\"answered\"} 4\n",
        "linehunt_verdicts_total{verdict=\"rejected_no_capacity\"} 9\n",
        "linehunt_destination_load{destination=\"1\",resource=\"pstn\"} 3\n",
        "linehunt_destination_capacity{destination=\"1\",resource=\"vm/s\"} 5\n",
        "linehunt_destination_enabled{destination=\"2\"} 0\n",
        "linehunt_destination_draining{destination=\"2\"} 0\n",
        "linehunt_destination_draining{destination=\"3\"} 1\n",
        "linehunt_destination_load{destination=\"3\",resource=\"pstn\"} 2\n",
        "linehunt_destination_paused_seconds{destination=\"1\"} 0\n",
        "linehunt_destination_paused_seconds{destination=\"2\"} 540\n",
        "linehunt_destination_resolved{destination=\"1\"} 1\n",
        "linehunt_destination_resolved{destination=\"2\"} 0\n",
        "linehunt_heartbeat_fresh{destination=\"1\",resource=\"pstn\"} 1\n",
        "linehunt_heartbeat_fresh{destination=\"1\",resource=\"vm/s\"} 0\n",
        "linehunt_probe_round_trip_seconds{destination=\"1\"} 0.0015\n",
        "linehunt_destination_info{destination=\"1\",group=\"1\",uri=\"sip:192.0.2.1\"} 1\n",
        "linehunt_worker_busy_cycles_total{worker=\"0\"} 70\n",
        "linehunt_worker_cycles_total{worker=\"0\"} 100\n",
        "linehunt_worker_ring_entries{worker=\"1\",ring=\"packets\"} 17\n",
        "linehunt_post_dial_delay_seconds_bucket{destination=\"1\",le=\"0.01\"} 2\n",
        "linehunt_post_dial_delay_seconds_bucket{destination=\"1\",le=\"0.1\"} 3\n",
        "linehunt_post_dial_delay_seconds_bucket{destination=\"1\",le=\"60\"} 3\n",
        "linehunt_post_dial_delay_seconds_bucket{destination=\"1\",le=\"+Inf\"} 4\n",
        "linehunt_post_dial_delay_seconds_count{destination=\"1\"} 4\n",
        "linehunt_post_dial_delay_seconds_sum{destination=\"1\"} 70.5\n",
        "linehunt_destination_failovers_total{destination=\"1\"} 6\n",
        "linehunt_port_link_up{port=\"access\"} 1\n",
        "linehunt_port_rx_lost_total{port=\"access\",reason=\"missed\"} 5\n",
        "linehunt_port_rx_lost_total{port=\"access\",reason=\"no_buffer\"} 6\n",
        "linehunt_port_rx_lost_total{port=\"access\",reason=\"error\"} 7\n",
        "linehunt_port_tx_errors_total{port=\"access\"} 8\n",
        "linehunt_worker_longest_loop_seconds{worker=\"0\"} 0.00025\n",
        "linehunt_admin_refusals_total{reason=\"fifo_answers_dropped\"} 3\n"})
    EXPECT_THAT(text, HasSubstr(line));
  EXPECT_THAT(text, Not(HasSubstr("linehunt_heartbeat_fresh{destination=\"2\"")));
}

// That nobody has enabled them is no news, and would be an alarm as long as their calls last.
TEST_F(figures_with_two_workers, say_of_a_draining_destination_only_what_it_holds) {
  const std::string text = exposition(figures).text();
  for (const char* name : {"enabled", "resolved", "paused_seconds"})
    EXPECT_THAT(
        text, Not(HasSubstr("linehunt_destination_" + std::string{name} + "{destination=\"3\"}")));
}

// Conventions that hold for whatever is added: a help and a type for each, counters end in _total
// and nothing else does, no sample twice.
TEST_F(figures_with_two_workers, keep_to_the_conventions) {
  std::istringstream in(exposition(figures).text());
  std::set<std::string> helps, types, samples;
  std::string line;
  while (std::getline(in, line)) {
    std::istringstream words(line);
    std::string mark, what, name, kind;
    if (line.starts_with("# ")) {
      words >> mark >> what >> name >> kind;
      EXPECT_TRUE(name.starts_with("linehunt_")) << line;
      if (what == "HELP") {
        EXPECT_TRUE(helps.insert(name).second) << line;
        EXPECT_FALSE(kind.empty()) << line;
      }
      if (what == "TYPE") {
        EXPECT_TRUE(types.insert(name).second) << line;
        EXPECT_EQ(kind == "counter", name.ends_with("_total")) << line;
      }
      continue;
    }
    EXPECT_TRUE(samples.insert(line.substr(0, line.rfind(' '))).second) << line;
  }
  EXPECT_EQ(helps, types);
  EXPECT_GT(types.size(), 20u);
  EXPECT_GT(samples.size(), 80u);
}

TEST(metrics, of_a_linehunt_without_anything) {
  EXPECT_THAT(exposition({}).text(), HasSubstr("linehunt_calls_started_total 0\n"));
}

// Workers write on, and may be gone before a thread is.
TEST_F(figures_with_two_workers, are_read_before_the_text_is_made) {
  const exposition read(figures);
  const std::string before = read.text();
  first.calls_started += 100;
  second.no_capacity.add(1, std::array<resource_id, 1>{0});
  EXPECT_EQ(read.text(), before);
  EXPECT_NE(exposition(figures).text(), before);
}

TEST_F(figures_with_two_workers, are_not_all_written_where_that_is_given_up) {
  const std::atomic<bool> given_up = true;
  EXPECT_THAT(exposition(figures).text(given_up), Not(HasSubstr("linehunt_destination_load")));
}

// A thread that makes texts when the test says so.
struct shown_in_turn : ::testing::Test {
  using text = recent_exposition::text;
  recent_exposition::clock::time_point now{};
  std::chrono::milliseconds takes{2000}; // longer than it is valid
  int made = 0;
  bool stopped = false;
  std::vector<blocking_thread::job> jobs;
  std::optional<recent_exposition> shown{
      std::in_place,
      [this] {
        return [this, number = std::to_string(++made)](const std::atomic<bool>& given_up) {
          now += takes;
          stopped = given_up;
          return number;
        };
      },
      [this](blocking_thread::job next) { jobs.push_back(std::move(next)); },
      [this] { return now; }};

  void make() {
    for (const auto& job : std::exchange(jobs, {}))
      job()();
  }
  text get() {
    text got;
    shown->get([&](text one) { got = std::move(one); });
    make();
    return got;
  }
};

TEST_F(shown_in_turn, one_exposition_is_for_all_who_ask_while_it_is_made) {
  std::vector<text> got;
  for (int client = 0; client < 64; ++client)
    shown->get([&](text one) { got.push_back(std::move(one)); });
  EXPECT_EQ(got.size(), 0u) << "the loop goes on";
  EXPECT_EQ(jobs.size(), 1u);
  make();
  ASSERT_EQ(got.size(), 64u);
  for (const text& one : got)
    EXPECT_EQ(one, got.front()) << "a copy, or made anew";
  EXPECT_EQ(*got.front(), "1");
}

TEST_F(shown_in_turn, the_one_before_goes_in_the_thread) {
  const std::weak_ptr<const std::string> first = get();
  now += recent_exposition::longest;
  shown->get([](const text&) {});
  ASSERT_EQ(jobs.size(), 1u);
  const auto then = jobs.front()();
  EXPECT_TRUE(first.expired()) << "it would go in the loop";
  then();
}

TEST_F(shown_in_turn, one_that_nobody_waits_for_any_more_is_given_up) {
  shown->get([](const text&) { FAIL() << "the daemon ends"; });
  shown.reset();
  make();
  EXPECT_TRUE(stopped) << "the thread had begun";
}

// With many destinations one takes long, so those who ask soon after get the one that is there.
TEST_F(shown_in_turn, one_exposition_is_for_all_who_ask_within_a_second) {
  const text first = get();
  EXPECT_EQ(*first, "1");
  for (int client = 0; client < 64; ++client)
    EXPECT_EQ(get(), first) << "a copy, or made anew";
  now += std::chrono::milliseconds(999);
  EXPECT_EQ(get(), first);
  now += std::chrono::milliseconds(1);
  EXPECT_EQ(*get(), "2");
  EXPECT_EQ(*first, "1") << "who reads slowly keeps what it has got";
  now += std::chrono::seconds(1);
  takes = std::chrono::milliseconds(3);
  EXPECT_EQ(*get(), "3");
  now += std::chrono::milliseconds(29);
  EXPECT_EQ(*get(), "3");
  now += std::chrono::milliseconds(1);
  EXPECT_EQ(*get(), "4") << "what is made soon is not old";
}

} // namespace
} // namespace linehunt::metrics::metrics_test
