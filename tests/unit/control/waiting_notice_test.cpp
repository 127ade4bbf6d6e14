// SPDX-License-Identifier: Apache-2.0
// What is said of a disk that hangs, and of one that does not.
#include "control/waiting_notice.h"

#include <future>
#include <gtest/gtest.h>
#include <memory>
#include <mutex>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>
#include <string>

namespace linehunt::waiting_notice_test {
namespace {

using namespace std::chrono_literals;

// Hands the first line over.
class first_line final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  std::promise<std::string> said;

 private:
  void sink_it_(const spdlog::details::log_msg& line) override {
    said.set_value({line.payload.data(), line.payload.size()});
  }
  void flush_() override {}
};

struct waiting : ::testing::Test {
  waiting() { spdlog::set_default_logger(std::make_shared<spdlog::logger>("test", log)); }
  ~waiting() override { spdlog::set_default_logger(usual); }
  const std::shared_ptr<spdlog::logger> usual = spdlog::default_logger();
  const std::shared_ptr<first_line> log = std::make_shared<first_line>();
  std::future<std::string> said = log->said.get_future();
};

TEST_F(waiting, that_takes_long_is_said) {
  const waiting_notice quick(0, "not said", 1h);
  const waiting_notice slow(0, "it is waited for /x", 1ms);
  EXPECT_EQ(said.get(), "it is waited for /x");
}

TEST_F(waiting, that_takes_long_is_said_in_another_way_before_there_is_a_log) {
  std::promise<std::string> to_stderr;
  const waiting_notice slow(0, "it is waited for /x", 1ms,
                            [&](const std::string& line) { to_stderr.set_value(line); });
  EXPECT_EQ(to_stderr.get_future().get(), "it is waited for /x");
  EXPECT_EQ(said.wait_for(0ms), std::future_status::timeout);
}

TEST_F(waiting, that_is_over_soon_is_not) {
  { const waiting_notice quick(0, "not said", 50ms); }
  EXPECT_EQ(said.wait_for(100ms), std::future_status::timeout);
}

} // namespace
} // namespace linehunt::waiting_notice_test
