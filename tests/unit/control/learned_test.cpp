// SPDX-License-Identifier: Apache-2.0
// What others have told, in the file that the next run reads: whole, as old as it is, and refused
// where it is damaged or another version's.
#include "control/state/file_replacement.h"
#include "control/state/keeper.h"
#include "control/state/learned_file.h"
#include "control/state/learned_writer.h"
#include "state_bed.h"

#include <gmock/gmock.h>

#include <boost/asio/io_context.hpp>
#include <deque>
#include <future>
#include <sys/stat.h>

namespace linehunt::test::learned_test {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class learning : public state_bed {
 protected:
  learning() {
    dns::known_name& one = what.names.emplace_back();
    one.name = {"box.test", 0, true};
    one.where.addresses = {models::at("192.0.2.7:5099"), models::at("[2001:db8::7]:5098")};
    one.where.turns = {{0, 30}, {7, 4'000'000'000}};
    one.in_part = true;
    one.answered_at = began - 90s;
    one.ttl = 300s;
    dns::known_name& other = what.socket_names.emplace_back();
    other.name = {"fs.test", 8021, true};
    other.where.addresses = {models::at("192.0.2.9:8021")};
    other.where.turns = {{}};
    other.answered_at = began - 1s;
    what.beats = {{"fs.test", 8021, {{30, 50, 87.5, 20}, began - 15s}, true}};
  }
  static void expect_close(steady_clock::time_point got, steady_clock::time_point wanted) {
    // A test may be held up, but not for half of the 40 s that are at stake.
    EXPECT_LE(got, wanted + 20s);
    EXPECT_GE(got, wanted - 20s);
  }
  [[nodiscard]] std::string path() const { return file("learned.json"); }
  void spoil(std::string_view from, std::string_view to) {
    std::string text = read(path());
    const auto at = text.find(from);
    ASSERT_NE(at, text.npos) << from;
    write(path(), text.replace(at, from.size(), to));
  }

  const steady_clock::time_point began = steady_clock::now();
  learned what;
};

TEST_F(learning, comes_back_as_much_older_as_the_file_is) {
  const moment now = moment::now();
  moment written = now;
  written.wall += 24h; // which is not asked for
  written.up -= 40s;
  ASSERT_THAT(keep_learned(path(), what, written), IsEmpty());
  struct ::stat kept {};
  ASSERT_EQ(::stat(path().c_str(), &kept), 0);
  EXPECT_EQ(kept.st_mode & 0777, 0600u);
  auto again = kept_learned(path(), now);
  ASSERT_TRUE(again) << again.error();
  ASSERT_EQ(again->names.size(), 1u);
  expect_close(again->names[0].answered_at, began - 130s);
  again->names[0].answered_at = what.names[0].answered_at;
  EXPECT_EQ(again->names, what.names);
  ASSERT_EQ(again->socket_names.size(), 1u);
  expect_close(again->socket_names[0].answered_at, began - 41s);
  again->socket_names[0].answered_at = what.socket_names[0].answered_at;
  EXPECT_EQ(again->socket_names, what.socket_names);
  ASSERT_EQ(again->beats.size(), 1u);
  expect_close(again->beats[0].last.at, began - 55s);
  again->beats[0].last.at = what.beats[0].last.at;
  EXPECT_EQ(again->beats, what.beats);
  EXPECT_EQ(kept_learned(file("none")).value(), learned{});
}

TEST_F(learning, is_refused_where_it_is_damaged_or_of_another_time_or_version) {
  const moment now = moment::now();
  const auto refused = [&](std::string_view from, std::string_view to, const char* why) {
    ASSERT_THAT(keep_learned(path(), what, now), IsEmpty());
    spoil(from, to);
    const auto again = kept_learned(path(), now);
    ASSERT_FALSE(again) << to;
    EXPECT_THAT(again.error(), HasSubstr(why)) << to;
  };
  refused("\"linehunt_learned\": 1", "\"linehunt_learned\": 2",
          "of version 2, of a later linehunt");
  refused("\"linehunt_learned\": 1", "\"linehunt_learned\": []", "of no version");
  refused("\"port\": 8021", "\"port\": -1", "damaged");
  refused("\"sessions\": 30", "\"sessions\": 1e300", "damaged");
  refused("\"idle_per_cent\": 87.5", "\"idle_per_cent\": \"87.5\"", "damaged");
  refused("\"names\"", "\"nomes\"", "damaged");
  refused("\"share\": 30", "\"share\": 0.5", "damaged");
  refused("\"boot_id\": \"", "\"boot_id\": 7, \"x\": \"", "damaged");
  const auto clock = wall_clock::now();
  ASSERT_THAT(keep_learned(path(), what, clock + 10min), IsEmpty());
  EXPECT_THAT(kept_learned(path(), clock).error(), HasSubstr("dated 600 s from now"));
  ASSERT_THAT(keep_learned(path(), what, clock + 2min), IsEmpty());
  EXPECT_TRUE(kept_learned(path(), clock)) << "clocks of two machines differ";
}

TEST_F(learning, figures_that_nobody_has_told_do_no_harm) {
  const auto with = [&](std::string_view from, std::string_view to) {
    EXPECT_THAT(keep_learned(path(), what, moment::now()), IsEmpty());
    spoil(from, to);
    auto again = kept_learned(path());
    EXPECT_TRUE(again) << to;
    return again ? *again : learned{};
  };
  EXPECT_EQ(
      with("\"idle_per_cent\": 87.5", "\"idle_per_cent\": 1e9").beats[0].last.what.idle_per_cent,
      100.0);
  EXPECT_EQ(
      with("\"max_sessions\": 50", "\"max_sessions\": 99999999999").beats[0].last.what.max_sessions,
      2147483647);
  EXPECT_EQ(with("\"share\": 30", "\"share\": 0").names[0].where.turns[0].share, 1u);
  EXPECT_EQ(with("192.0.2.7:5099", "192.0.2.7:0").names[0].where.addresses.size(), 1u);
  EXPECT_THAT(with("192.0.2.9:8021", "192.0.2.9:22").socket_names, IsEmpty())
      << "another port than its own";
  what.names[0].where.addresses.assign(40, models::at("192.0.2.7:5099"));
  what.names[0].where.turns.assign(40, {});
  EXPECT_EQ(with("\"in_part\": true", "\"in_part\": false").names[0].where.addresses.size(),
            max_addresses);
  // The largest ages that can be written are times that can be reckoned with.
  what.names[0].answered_at = began - 24h * 365 * 200;
  const moment first_day(wall_clock::time_point{});
  ASSERT_THAT(keep_learned(path(), what, first_day), IsEmpty());
  EXPECT_LT(kept_learned(path())->names[0].answered_at, began - 24h * 365);
}

TEST_F(learning, any_bytes_are_read_without_harm) {
  ASSERT_THAT(keep_learned(path(), what, moment::now()), IsEmpty());
  const std::string whole = read(path());
  std::uint32_t chance = 1;
  const auto next = [&chance] { return chance = chance * 1664525 + 1013904223; };
  std::size_t refused = 0;
  for (int i = 0; i < 2000; ++i) {
    std::string spoiled = whole;
    for (unsigned n = 1 + next() % 3; n-- > 0;)
      spoiled[(next() >> 8) % spoiled.size()] = "0123456789-{}[],:\"ex\xff"[(next() >> 8) % 21];
    write(path(), spoiled);
    const auto again = kept_learned(path());
    refused += again ? 0u : 1u;
    if (!again) continue;
    for (const auto& names : {again->names, again->socket_names}) {
      for (const dns::known_name& one : names) {
        EXPECT_EQ(one.where.addresses.size(), one.where.turns.size());
        EXPECT_LE(one.where.addresses.size(), max_addresses);
        EXPECT_LE(one.answered_at, steady_clock::now());
      }
    }
  }
  EXPECT_GT(refused, 300u);
  write(path(), std::string(1 << 20, '['));
  EXPECT_FALSE(kept_learned(path()));
}

TEST_F(learning, a_file_that_is_refused_is_put_aside_and_told) {
  config::service_settings settings;
  settings.state_dir = folder;
  EXPECT_EQ(keeper(settings).learned_before(), learned{});
  ASSERT_THAT(keep_learned(path(), what), IsEmpty());
  EXPECT_EQ(keeper(settings).learned_before().names.size(), 1u);
  spoil("\"linehunt_learned\": 1", "\"linehunt_learned\": 2");
  const std::string newer = read(path());
  testing::internal::CaptureStdout();
  EXPECT_EQ(keeper(settings).learned_before(), learned{});
  EXPECT_THAT(testing::internal::GetCapturedStdout(),
              AllOf(HasSubstr("addresses of names and heartbeats of before the start are lost"),
                    HasSubstr("of version 2"), HasSubstr("learned.json.bad")));
  EXPECT_EQ(read(path() + ".bad"), newer);
  EXPECT_FALSE(std::filesystem::exists(path()));
  EXPECT_EQ(keeper({}).learned_file(), "");
  // Nor is it said where it could not be.
  std::filesystem::rename(path() + ".bad", path());
  for (const char* age : {".bad", ".bad.1", ".bad.2/in the way"})
    std::filesystem::create_directories(path() + age);
  testing::internal::CaptureStdout();
  EXPECT_EQ(keeper(settings).learned_before(), learned{});
  EXPECT_THAT(testing::internal::GetCapturedStdout(),
              AllOf(HasSubstr("cannot be renamed"), Not(HasSubstr("learned.json.bad now"))));
}

// The disk answers when the test says so.
class learned_writing : public learning {
 protected:
  void answer() {
    while (!jobs.empty()) {
      const auto next = std::move(jobs.front());
      jobs.pop_front();
      next()();
    }
  }
  // Until the writer has looked.
  void look() {
    const int before = looks;
    while (looks == before) {
      loop.restart();
      loop.run_one();
    }
  }
  boost::asio::io_context loop;
  std::deque<blocking_thread::job> jobs;
  blocking_thread::running aside = [this](auto next) { jobs.push_back(std::move(next)); };
  int looks = 0;
  std::unique_ptr<learned_writer> one = std::make_unique<learned_writer>(
      loop, path(), learned{},
      [this] {
        ++looks;
        return what;
      },
      [this](auto next) { aside(std::move(next)); }, 1ms);
};

TEST_F(learned_writing, is_done_where_there_is_something_new) {
  const learned known = what;
  what = {};
  one->start();
  look();
  EXPECT_THAT(jobs, IsEmpty());
  what = known;
  look();
  what.socket_names.clear();
  loop.restart();
  loop.run_for(20ms);
  ASSERT_EQ(jobs.size(), 1u) << "one at a time";
  answer();
  EXPECT_EQ(kept_learned(path())->socket_names.size(), 1u);
  look();
  answer();
  EXPECT_THAT(kept_learned(path())->socket_names, IsEmpty()) << "what was new meanwhile";
  look();
  EXPECT_THAT(jobs, IsEmpty());
  what.beats.clear();
  look();
  answer();
  EXPECT_THAT(kept_learned(path())->beats, IsEmpty());
}

TEST_F(learned_writing, is_tried_again_where_the_disk_refuses) {
  std::filesystem::create_directories(path() + "/in the way");
  testing::internal::CaptureStdout();
  one->start();
  for (int i = 0; i < 2; ++i) {
    look();
    answer();
  }
  std::filesystem::remove_all(path());
  look();
  answer();
  const std::string told = testing::internal::GetCapturedStdout();
  EXPECT_THAT(told, AllOf(HasSubstr("learned.json cannot be written"), HasSubstr("written again")));
  EXPECT_EQ(told.find("cannot be written"), told.rfind("cannot be written")) << "told once";
  EXPECT_EQ(kept_learned(path())->beats.size(), 1u);
}

TEST_F(learned_writing, is_not_done_where_that_must_not_be) {
  std::string why = "it is somebody else's";
  one->ask_first([&] { return why; });
  aside = [](const auto& job) { job()(); };
  one->start();
  look();
  one->finish(1s);
  EXPECT_TRUE(std::filesystem::is_empty(folder));
  why.clear();
  one->finish(1s);
  EXPECT_EQ(kept_learned(path())->beats.size(), 1u);
}

TEST_F(learned_writing, ends_with_what_is_known_then) {
  blocking_thread thread(loop, 0);
  aside = [&](auto job) { thread.run(std::move(job)); };
  one->start();
  look();
  what.beats[0].last.what.sessions = 31;
  one->finish(20s);
  EXPECT_EQ(kept_learned(path())->beats[0].last.what.sessions, 31);
}

TEST_F(learned_writing, does_not_wait_at_the_end_for_a_disk_that_hangs) {
  std::promise<void> answer;
  const std::shared_future<void> answered = answer.get_future().share();
  blocking_thread thread(loop, 0);
  aside = [&](auto job) { thread.run(std::move(job)); };
  thread.run([answered]() -> std::function<void()> {
    answered.wait();
    return [] {};
  });
  testing::internal::CaptureStdout();
  one->finish(1ms);
  EXPECT_THAT(testing::internal::GetCapturedStdout(), HasSubstr("the disk does not answer"));
  answer.set_value();
}

} // namespace
} // namespace linehunt::test::learned_test
