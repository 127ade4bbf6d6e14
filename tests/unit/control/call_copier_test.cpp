// SPDX-License-Identifier: Apache-2.0
// Copies of the calls of running workers: again and again, whole, and given up at the end.
#include "control/state/call_copier.h"
#include "dataplane/index_book.h"
#include "tests/models/models.h"

#include <boost/asio/executor_work_guard.hpp>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <thread>

namespace linehunt::call_copier_test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class call_copier_test : public ::testing::Test {
 protected:
  call_copier_test() {
    std::string name = ::testing::TempDir() + "linehunt-copier-XXXXXX";
    folder = ::mkdtemp(name.data());
    file = folder + "/calls.copy.cbor";
    publish();
  }
  ~call_copier_test() override { std::filesystem::remove_all(folder); }

  void publish(std::uint32_t id = 1) {
    snapshot_model model;
    model.generation = ++generation;
    model.destinations = {models::machine(id, "pstn=10")};
    model.listeners = {models::listening_at("192.0.2.1")};
    model.routes = {route{}};
    auto next = models::build(model, book);
    world = std::move(next);
  }

  // As the workers do it: calls from a place on, until there is no room.
  bool copy(dpdk::runtime::call_place& at, const call_copier::taking& take) {
    ++pieces;
    while (blocked)
      std::this_thread::sleep_for(milliseconds(1));
    for (; at.next < calls; ++at.next) {
      const std::string id = std::to_string(at.next) + "@x";
      kept_call one;
      one.call_id = id;
      one.caller = models::at("198.51.100.7:5060");
      one.callee = models::at("192.0.2.11:5060");
      if (!take(one)) return true;
    }
    return false;
  }

  call_copier make() {
    return {loop,
            0,
            file,
            interval,
            valid,
            {[this]() -> const snapshot& { return *world; },
             [this](auto& at, const auto& take) { return copy(at, take); }}};
  }

  template <class Holds>
  bool run_until(Holds holds) {
    const auto limit = std::chrono::steady_clock::now() + seconds(20);
    while (!holds() && std::chrono::steady_clock::now() < limit)
      loop.run_for(milliseconds(5));
    return holds();
  }

  // How many calls the file has, all of them different; -1: there is none, or it is not whole.
  [[nodiscard]] int in_file() const {
    std::set<std::string> ids;
    const auto found =
        read_calls(file, *world, wall_clock::now(), seconds(60),
                   [&](const kept_call& c) { return ids.emplace(c.call_id).second; });
    return found && found->whole && found->refused == 0 ? static_cast<int>(found->restored) : -1;
  }
  [[nodiscard]] static std::uint64_t written(const call_copier& one) {
    return one.statistics().at(0).value;
  }
  [[nodiscard]] static std::uint64_t failed(const call_copier& one) {
    return one.statistics().at(1).value;
  }

  std::string folder, file;
  milliseconds interval{1}, valid{300'000};
  index_book book{64, 256};
  std::uint64_t generation = 0;
  std::unique_ptr<const snapshot> world;
  std::atomic<std::uint32_t> calls{0};
  std::atomic<int> pieces{0};
  std::atomic<bool> blocked{false};
  boost::asio::io_context loop;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> more_to_come{
      boost::asio::make_work_guard(loop)};
};

TEST_F(call_copier_test, nothing_is_written_where_that_must_not_be) {
  std::atomic<bool> may = false;
  call_copier one = make();
  one.ask_first([&] { return may ? std::string{} : std::string{"it is somebody else's"}; });
  one.start();
  ASSERT_TRUE(run_until([&] { return failed(one) >= 1; }));
  EXPECT_TRUE(std::filesystem::is_empty(folder));
  EXPECT_EQ(pieces, 0) << "workers were asked for nothing";
  may = true;
  ASSERT_TRUE(run_until([&] { return written(one) >= 1; }));
  EXPECT_EQ(in_file(), 0);
}

TEST_F(call_copier_test, copies_again_and_again_and_each_is_whole) {
  calls = 5000;
  call_copier one = make();
  EXPECT_EQ(in_file(), -1);
  one.start();
  ASSERT_TRUE(run_until([&] { return written(one) >= 1; }));
  EXPECT_EQ(in_file(), 5000);
  EXPECT_GT(pieces.load(), 1);
  calls = 3;
  const std::uint64_t before = written(one);
  ASSERT_TRUE(run_until([&] { return written(one) >= before + 2; }));
  EXPECT_EQ(in_file(), 3);
  EXPECT_EQ(failed(one), 0u);
}

// A reload that gives numbers another meaning; any other does no harm.
TEST_F(call_copier_test, one_that_a_reload_meets_is_made_anew) {
  interval = milliseconds(300);
  for (const bool other_meaning : {false, true}) {
    call_copier one = make();
    blocked = true;
    pieces = 0;
    calls = 2;
    one.start();
    ASSERT_TRUE(run_until([&] { return pieces.load() == 1; }));
    publish(other_meaning ? 2 : 1);
    calls = 7;
    blocked = false;
    ASSERT_TRUE(run_until([&] { return written(one) == 1; }));
    EXPECT_EQ(pieces.load(), other_meaning ? 2 : 1);
    EXPECT_EQ(one.statistics().at(2).value, other_meaning ? 1u : 0u);
    EXPECT_EQ(in_file(), 7);
    EXPECT_EQ(failed(one), 0u);
  }
}

// One that took so long that ten times that would be too late.
TEST_F(call_copier_test, there_is_always_one_that_is_valid) {
  valid = milliseconds(600);
  call_copier one = make();
  blocked = true;
  one.start();
  ASSERT_TRUE(run_until([&] { return pieces.load() == 1; }));
  const auto begin = std::chrono::steady_clock::now();
  loop.run_for(milliseconds(2000));
  blocked = false;
  ASSERT_TRUE(run_until([&] { return written(one) >= 1; }));
  ASSERT_TRUE(run_until([&] { return pieces.load() >= 2; }));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, seconds(10)) << "ten times two are twenty";
}

TEST_F(call_copier_test, a_failure_is_counted_and_leaves_the_last_one) {
  calls = 2;
  call_copier one = make();
  one.start();
  ASSERT_TRUE(run_until([&] { return written(one) >= 1; }));
  // In the way of its new file, as nothing else is for root; once there is none at the moment.
  const std::string in_the_way = file + ".new/something";
  ASSERT_TRUE(run_until([&] {
    std::error_code there;
    std::filesystem::create_directories(in_the_way, there);
    return std::filesystem::is_directory(in_the_way, there);
  }));
  ASSERT_TRUE(run_until([&] { return failed(one) >= 2; }));
  EXPECT_EQ(in_file(), 2);
  std::filesystem::remove_all(file + ".new");
  calls = 4;
  const std::uint64_t before = written(one);
  ASSERT_TRUE(run_until([&] { return written(one) >= before + 2; }));
  EXPECT_EQ(in_file(), 4);
}

TEST_F(call_copier_test, the_end_gives_up_the_one_at_hand) {
  calls = 100'000;
  std::thread opener;
  {
    call_copier one = make();
    blocked = true;
    one.start();
    ASSERT_TRUE(run_until([&] { return pieces.load() == 1; }));
    opener = std::thread([this] {
      std::this_thread::sleep_for(milliseconds(100));
      blocked = false;
    });
  }
  opener.join();
  // The last that its thread does; on a busy machine nobody has waited for that.
  EXPECT_TRUE(run_until([&] { return !std::filesystem::exists(file + ".new"); }));
  EXPECT_LE(pieces.load(), 2) << "no further piece after the end";
  EXPECT_EQ(in_file(), -1);
}

} // namespace
} // namespace linehunt::call_copier_test
