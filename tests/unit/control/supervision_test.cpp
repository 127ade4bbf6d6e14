// SPDX-License-Identifier: Apache-2.0
// What systemd hears: the test is systemd, with a socket at the address of $NOTIFY_SOCKET.
#include "control/daemon/supervision.h"

#include "control/state/keeper.h"
#include "state_bed.h"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace linehunt::supervision_test {
namespace {

using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class supervision_test : public ::testing::Test {
 protected:
  void SetUp() override {
    socket_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    // In the abstract name space: no file to clean up.
    const std::string name = "linehunt-supervision-" + std::to_string(::getpid());
    name.copy(address.sun_path + 1, name.size());
    const auto len = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
    const void* any = &address;
    ASSERT_EQ(::bind(socket_, static_cast<const sockaddr*>(any), len), 0);
    ::setenv("NOTIFY_SOCKET", ("@" + name).c_str(), 1);
  }
  void TearDown() override {
    ::close(socket_);
    ::unsetenv("NOTIFY_SOCKET");
    ::unsetenv("WATCHDOG_USEC");
    ::unsetenv("WATCHDOG_PID");
  }

  std::vector<std::string> heard() {
    std::vector<std::string> all;
    std::array<char, 4096> text;
    for (ssize_t n = 0; (n = ::recv(socket_, text.data(), text.size(), 0)) > 0;)
      all.emplace_back(text.data(), static_cast<std::size_t>(n));
    return all;
  }

  // Looks so often while the workers have done these loops.
  void run(std::vector<std::vector<std::uint64_t>> looks) {
    boost::asio::io_context loop;
    std::size_t next = 0;
    supervision one(loop, {[&] {
                             if (next + 1 == looks.size()) loop.stop();
                             return looks[next++];
                           },
                           [] { return std::string{"serving"}; }});
    one.start();
    loop.run();
  }

  int socket_ = -1;
};

TEST_F(supervision_test, says_what_the_unit_waits_for) {
  tell_ready();
  tell_reloading();
  tell_stopping(std::chrono::seconds(10));
  tell_status("serving, 3 calls");
  tell_busy(std::chrono::seconds(3));
  const auto all = heard();
  ASSERT_EQ(all.size(), 5u);
  EXPECT_EQ(all[0], "READY=1");
  EXPECT_THAT(all[1], StartsWith("RELOADING=1\nMONOTONIC_USEC="));
  EXPECT_EQ(all[2], "STOPPING=1\nEXTEND_TIMEOUT_USEC=10000000");
  EXPECT_EQ(all[3], "STATUS=serving, 3 calls");
  EXPECT_EQ(all[4], "EXTEND_TIMEOUT_USEC=3000000\nWATCHDOG=1");
}

// It may be stopped, or wait for a disk itself.
TEST_F(supervision_test, a_service_manager_that_does_not_listen_is_not_waited_for) {
  const int other = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  socklen_t len = sizeof address;
  void* any = &address;
  ASSERT_EQ(::getsockname(socket_, static_cast<sockaddr*>(any), &len), 0);
  while (::sendto(other, "x", 1, MSG_DONTWAIT, static_cast<const sockaddr*>(any), len) == 1) {
  }
  ASSERT_EQ(errno, EAGAIN);
  ::close(other);
  auto told = std::async(std::launch::async, [] {
    tell_reloading();
    tell_status("serving, 3 calls");
    tell_busy(std::chrono::seconds(3));
    tell_ready();
    tell_status("serving, 4 calls");
  });
  EXPECT_EQ(told.wait_for(std::chrono::seconds(30)), std::future_status::ready);
  EXPECT_THAT(heard(), Each("x"));
  told.wait();
  (void)heard();
  tell_status("serving, 5 calls");
  const auto all = heard();
  ASSERT_EQ(all.size(), 1u);
  EXPECT_THAT(all[0], StartsWith("MONOTONIC_USEC="));
  EXPECT_THAT(all[0], EndsWith("\nEXTEND_TIMEOUT_USEC=3000000\nREADY=1\nSTATUS=serving, 5 calls"));
  tell_status("serving, 6 calls");
  EXPECT_THAT(heard(), ElementsAre("STATUS=serving, 6 calls"));
}

// As clients of the ways in may take them all.
TEST_F(supervision_test, is_heard_while_no_file_descriptor_is_left) {
  tell_status("serving, 3 calls");
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none{0, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  EXPECT_LT(::dup(socket_), 0);
  tell_ready();
  tell_busy(std::chrono::seconds(3));
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_THAT(heard(), ElementsAre("STATUS=serving, 3 calls", "READY=1",
                                   "EXTEND_TIMEOUT_USEC=3000000\nWATCHDOG=1"));
}

// A service manager that comes back, say.
TEST_F(supervision_test, what_nobody_has_heard_is_told_when_somebody_listens) {
  const std::string name = ::getenv("NOTIFY_SOCKET");
  ::setenv("NOTIFY_SOCKET", (name + "-other").c_str(), 1);
  tell_ready();
  ::setenv("NOTIFY_SOCKET", name.c_str(), 1);
  tell_status("serving, 3 calls");
  EXPECT_THAT(heard(), ElementsAre("READY=1\nSTATUS=serving, 3 calls"));
}

// Not the line of before, until the interval is over.
TEST_F(supervision_test, an_end_that_has_begun_is_told_with_the_status_of_now) {
  boost::asio::io_context loop;
  std::string status = "serving, 3 calls";
  std::vector<std::uint64_t> loops{5, 5};
  supervision one(loop, {[&] { return loops; }, [&] { return status; }});
  one.start();
  status = "draining, 3 calls";
  one.tell_stopping(std::chrono::seconds(10));
  one.start(); // no worker has gone on
  one.tell_stopping(std::chrono::seconds(10));
  EXPECT_THAT(heard(),
              ElementsAre("STATUS=serving, 3 calls",
                          "STOPPING=1\nEXTEND_TIMEOUT_USEC=10000000\nSTATUS=draining, 3 calls",
                          "STATUS=worker 0 stands still",
                          "STOPPING=1\nEXTEND_TIMEOUT_USEC=10000000\n"
                          "STATUS=worker 0 stands still"));
}

// The disk may take longer than what was asked for last.
TEST_F(supervision_test, the_unit_waits_for_the_disk_by_the_number_of_calls) {
  std::string folder = ::testing::TempDir() + "linehunt-supervision-XXXXXX";
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  config::service_settings settings;
  settings.state_dir = folder;
  const test::world w(test::both);
  const kept_call call = test::call_at(w, 1, "1@x");
  keeper(settings).keep_calls(w.now(), [&](const auto& take) {
    for (int i = 0; i < 33'000; ++i)
      take(call);
  });
  EXPECT_THAT(heard(), ElementsAre("STOPPING=1\nEXTEND_TIMEOUT_USEC=30000000",
                                   "EXTEND_TIMEOUT_USEC=31000000\nWATCHDOG=1",
                                   "EXTEND_TIMEOUT_USEC=30000000\nWATCHDOG=1"));
  EXPECT_TRUE(std::filesystem::exists(folder + "/calls.cbor"));
  std::filesystem::remove_all(folder);
}

TEST_F(supervision_test, the_watchdog_hears_of_workers_that_move) {
  ::setenv("WATCHDOG_USEC", "10000", 1);
  run({{5, 5}, {6, 7}, {8, 8}});
  const auto all = heard();
  EXPECT_EQ(std::ranges::count(all, "WATCHDOG=1"), 3);
  EXPECT_THAT(all, Contains("STATUS=serving"));
}

TEST_F(supervision_test, the_watchdog_hears_nothing_while_a_worker_stands) {
  ::setenv("WATCHDOG_USEC", "10000", 1);
  run({{5, 5}, {6, 5}, {8, 5}});
  const auto all = heard();
  EXPECT_EQ(std::ranges::count(all, "WATCHDOG=1"), 1) << "the first look has nothing to compare";
  EXPECT_THAT(all, Contains("STATUS=worker 1 stands still"));
}

TEST_F(supervision_test, the_watchdog_hears_of_a_worker_that_goes_on_again) {
  ::setenv("WATCHDOG_USEC", "10000", 1);
  run({{5}, {5}, {6}});
  EXPECT_EQ(std::ranges::count(heard(), "WATCHDOG=1"), 2);
}

// A guest that was moved: this thread runs again, and looks, before the worker does.
TEST(progress_watch, a_late_look_accuses_nobody_and_the_next_one_does) {
  progress_watch watch;
  const auto look = [&watch](std::uint64_t first, std::uint64_t second, bool late = false) {
    const std::array loops{first, second};
    return watch.standing(loops, late);
  };
  EXPECT_EQ(look(5, 5), std::nullopt);
  EXPECT_EQ(look(6, 5, true), std::nullopt);
  EXPECT_EQ(look(7, 5), std::optional<std::size_t>{1});
  EXPECT_EQ(look(8, 6), std::nullopt);
}

TEST_F(supervision_test, without_a_watchdog_there_is_no_word_for_it) {
  run({{5}});
  EXPECT_THAT(heard(), Not(Contains(HasSubstr("WATCHDOG"))));
}

} // namespace
} // namespace linehunt::supervision_test
