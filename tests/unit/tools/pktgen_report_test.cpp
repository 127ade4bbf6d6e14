// SPDX-License-Identifier: Apache-2.0
// What is said of a run, in JSON and as a table.
#include "tools/pktgen/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <memory>

namespace linehunt::pktgen::pktgen_report_test {
namespace {

using testing::HasSubstr;

// Begins what it is told to, and answers it all after 5 us.
class quick final : public traffic {
 public:
  bool begin_one(time_ns, time_ns) noexcept override {
    ++count_->calls_begun;
    ++count_->calls_completed;
    count_->latency[0].add(5000);
    return true;
  }
  void receive(std::string_view, const endpoint&, std::uint32_t, std::optional<call_number>,
               time_ns) noexcept override {}
  void advance(time_ns) noexcept override {}
  [[nodiscard]] std::uint64_t unsettled() const noexcept override { return 0; }
  [[nodiscard]] std::uint64_t live() const noexcept override { return 0; }
  [[nodiscard]] std::uint64_t held() const noexcept override { return 0; }
  bool wind_up(time_ns, std::size_t) noexcept override { return true; }
  void count_in(tally& t) noexcept override { count_ = &t; }

 private:
  tally* count_ = nullptr;
};

// 2000 calls a second for 10 s, in which the loop is away once.
std::unique_ptr<session> ran(quick& device, time_ns away) {
  load_settings load;
  load.rate = 2000;
  load.warm_up_s = 0;
  auto s = std::make_unique<session>(load, device);
  for (time_ns now = 1; !s->over(); now += now == 5'000'000'001 ? away : 1'000'000)
    s->poll(now);
  return s;
}

TEST(pktgen_report, calls_that_slipped_are_told_and_leave_the_slowest_unknown) {
  for (const time_ns away : {52'000'000u, 100'000'000u}) { // 8 and 104 calls slip of 20'000
    quick device;
    const auto course = ran(device, away);
    const session& s = *course;
    const tally& seen = *s.steps().at(0).seen;
    const bool known = away == 52'000'000u;
    EXPECT_NEAR(static_cast<double>(seen.calls_slipped), known ? 8 : 104, 3);
    const nlohmann::json step = to_json(s.steps()[0]);
    EXPECT_EQ(step["latency"]["all"]["p999_us"].is_null(), !known);
    EXPECT_EQ(step["latency"]["INVITE"]["p999_us"].is_null(), !known);
    EXPECT_FALSE(step["latency"]["all"]["p99_us"].is_null());
    const std::string table = to_text(s, false);
    EXPECT_THAT(table, HasSubstr("slipped"));
    EXPECT_THAT(table, HasSubstr(" " + std::to_string(seen.calls_slipped) + " "));
    EXPECT_EQ(table.find("  - ") != std::string::npos, !known) << table;
  }
}

// Nobody waited for a processor, and the port was full all the same.
TEST(pktgen_report, calls_that_slip_in_calm_windows_leave_the_slowest_of_those_unknown) {
  for (const bool calm : {false, true}) {
    const auto t = std::make_unique<tally>();
    t->calls_begun = 2000;
    t->window_latency.add(5000);
    t->end_window(true, 0);
    t->calls_begun = 4000;
    t->calls_slipped = 3;
    t->window_latency.add(9000);
    t->end_window(calm, 0);
    const nlohmann::json undisturbed = to_json(*t)["latency"]["undisturbed"];
    EXPECT_EQ(undisturbed["count"], calm ? 2 : 1);
    EXPECT_FALSE(undisturbed["p999_us"].is_null());
    t->calls_slipped = 9;
    t->window_latency.add(9000);
    t->end_window(calm, 0);
    EXPECT_EQ(to_json(*t)["latency"]["undisturbed"]["p999_us"].is_null(), calm);
  }
}

} // namespace
} // namespace linehunt::pktgen::pktgen_report_test
