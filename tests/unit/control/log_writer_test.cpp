// SPDX-License-Identifier: Apache-2.0
// The way of the log to a sink that hangs, refuses, and does so no longer.
#include "control/daemon/log_writer.h"

#include <atomic>
#include <chrono>
#include <future>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <mutex>
#include <spdlog/logger.h>
#include <spdlog/sinks/base_sink.h>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace linehunt::log_writer_test {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// Hangs from its first line until it is let go, or says no.
class bad_sink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  std::promise<void> let_go;
  std::atomic<bool> hangs{false}, refuses{false};
  std::atomic<int> taken{0}; // to be asked while it hangs
  [[nodiscard]] std::vector<std::string> lines() {
    const std::lock_guard lock(mutex_);
    return lines_;
  }

 protected:
  void sink_it_(const spdlog::details::log_msg& said) override {
    if (hangs.exchange(false)) let_go.get_future().wait();
    if (refuses) throw std::runtime_error("no room");
    ++taken;
    lines_.emplace_back(said.payload.data(), said.payload.size());
  }
  void flush_() override {}

 private:
  std::vector<std::string> lines_;
};

struct bed {
  std::shared_ptr<bad_sink> usual = std::make_shared<bad_sink>();
  std::shared_ptr<bad_sink> file = std::make_shared<bad_sink>();
  std::shared_ptr<log_writer> writer = std::make_shared<log_writer>(0, usual);
  spdlog::logger log{"linehunt", writer};

  bed() {
    writer->replace([this] { return file; }, {});
  }
  void wait_until_written() const {
    while (writer->unwritten())
      std::this_thread::yield();
  }
};

TEST(log_writer, a_sink_that_hangs_holds_up_nobody_and_gets_all_lines_in_their_order) {
  bed b;
  b.log.info("before");
  b.file->hangs = true;
  b.log.info("one");
  b.log.info("two");
  EXPECT_TRUE(b.writer->unwritten());
  b.file->let_go.set_value();
  b.wait_until_written();
  b.log.info("after"); // nobody waits any more for the next seconds
  b.wait_until_written();
  EXPECT_THAT(b.file->lines(), ElementsAre("before", "one", "two", "after"));
}

TEST(log_writer, what_is_too_much_is_lost_and_counted) {
  bed b;
  b.file->hangs = true;
  for (int i = 0; i < 10'006; ++i) // one is with the sink
    b.log.info("line");
  b.file->let_go.set_value();
  b.wait_until_written();
  b.log.info("after");
  b.wait_until_written();
  const auto lines = b.file->lines();
  ASSERT_EQ(lines.size(), 10'003u);
  EXPECT_THAT(lines[10'001], StartsWith("5 lines of the log are lost"));
  EXPECT_EQ(lines.back(), "after");
}

TEST(log_writer, what_the_file_does_not_take_goes_where_it_goes_without_one) {
  bed b;
  b.file->refuses = true;
  b.log.info("one");
  b.log.info("two");
  EXPECT_TRUE(b.writer->unwritten());
  EXPECT_THAT(
      b.usual->lines(),
      ElementsAre(AllOf(HasSubstr("cannot be written"), HasSubstr("no room")), "one", "two"));
  b.file->refuses = false;
  b.log.info("three");
  EXPECT_FALSE(b.writer->unwritten());
  EXPECT_THAT(b.file->lines(), ElementsAre("three"));
}

TEST(log_writer, a_file_that_cannot_be_had_at_the_start_is_told_and_missed) {
  const auto usual = std::make_shared<bad_sink>(), file = std::make_shared<bad_sink>();
  log_writer writer(0, usual);
  const auto refused = [](const std::string& why) { return "refused: " + why; };
  writer.replace([]() -> spdlog::sink_ptr { throw std::runtime_error("read-only"); }, refused);
  EXPECT_THAT(usual->lines(), ElementsAre("refused: read-only"));
  EXPECT_TRUE(writer.unwritten());
  writer.replace([&] { return file; }, refused);
  EXPECT_FALSE(writer.unwritten()) << "before anything is said";
  writer.log({"linehunt", spdlog::level::info, "then"});
  EXPECT_THAT(file->lines(), ElementsAre("then"));
}

TEST(log_writer, what_hangs_at_the_end_is_left_behind) {
  const auto sink = std::make_shared<bad_sink>();
  sink->hangs = true;
  {
    log_writer writer(0, sink);
    writer.log({"linehunt", spdlog::level::info, "last"});
  }
  EXPECT_EQ(sink->taken, 0);
  sink->let_go.set_value();
  while (sink->taken == 0)
    std::this_thread::yield();
  EXPECT_THAT(sink->lines(), ElementsAre("last"));
}

} // namespace
} // namespace linehunt::log_writer_test
