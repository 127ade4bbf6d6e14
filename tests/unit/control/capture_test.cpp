// SPDX-License-Identifier: Apache-2.0
// Captures: a session from its begin to each of its ends, over frames of the test and a disk that
// may hang.
#include "capture_folder.h"
#include "control/blocking_thread.h"
#include "control/capture/capture_session.h"
#include "control/capture/pcapng.h"

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <deque>
#include <filesystem>
#include <fmt/format.h>
#include <future>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <optional>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

// What happens while a file gets the name of another one; what it returns is why it cannot.
static std::function<int()> at_exchange;

extern "C" int renameat2(int from, const char* old_name, int to, const char* new_name,
                         unsigned flags) noexcept {
  errno = at_exchange ? at_exchange() : 0;
  if (errno != 0) return -1;
  return static_cast<int>(::syscall(SYS_renameat2, from, old_name, to, new_name, flags));
}

namespace linehunt::test::capture_test {
namespace {

using namespace std::chrono_literals;
using admin::capture_end;
using admin::capture_fault;
using admin::capture_phase;
using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A disk that is full, played by a limit on the size of files.
class limited_files {
 public:
  explicit limited_files(rlim_t bytes) {
    before_signal_ = std::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit now{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &now);
  }
  ~limited_files() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, before_signal_);
  }
  limited_files(const limited_files&) = delete;
  limited_files& operator=(const limited_files&) = delete;

 private:
  rlimit before_{};
  void (*before_signal_)(int);
};

// Frames that the test brings.
class played final : public dpdk::capture {
 public:
  struct queue {
    std::vector<std::string> frames;
    std::uint64_t missed = 0;
    bool ended = false;
  };
  explicit played(queue& from) : from_(from) {}
  ~played() override { from_.ended = true; }
  void poll(const visitor& each) override {
    for (const std::string& f : std::exchange(from_.frames, {}))
      each({1'700'000'000'000'000'000, 0, false, static_cast<std::uint32_t>(f.size()), f});
  }
  void stop(const visitor& each) override { poll(each); }
  [[nodiscard]] std::uint64_t missed(std::size_t port) const noexcept override {
    return port == 0 ? from_.missed : 0;
  }

 private:
  queue& from_;
};

// Answers when the test says so.
class played_disk {
 public:
  using job = std::function<std::function<void()>()>;
  void run(job one) { jobs_.push_back(std::move(one)); }
  void answer_once() {
    const job one = std::move(jobs_.front());
    jobs_.pop_front();
    one()();
  }
  void answer() {
    while (!jobs_.empty())
      answer_once();
  }
  [[nodiscard]] bool asked() const { return !jobs_.empty(); }

 private:
  std::deque<job> jobs_;
};

class session : public ::testing::Test {
 protected:
  using clock = capture_session::clock;
  admin::capture_outcome start(const admin::capture_request& wanted = {}) {
    std::optional<admin::capture_outcome> how;
    one.start(wanted, clock::time_point{}, [&](const auto& told) { how = told; });
    disk.answer();
    return how.value();
  }
  admin::capture_outcome stop(std::chrono::seconds when, const std::string& file = {}) {
    std::optional<admin::capture_outcome> how;
    one.stop(at(when), file, [&](const auto& told) { how = told; });
    disk.answer();
    return how.value();
  }
  void look(std::chrono::seconds when) {
    one.look(at(when));
    disk.answer();
  }
  static clock::time_point at(std::chrono::seconds s) { return clock::time_point{} + s; }
  admin::capture_state status() { return one.status(at(0s)); }

  capture_folder in;
  played::queue frames;
  played_disk disk;
  std::vector<dpdk::capture_filter> asked;
  std::string refusal; // of the data plane
  std::vector<json> events;
  const std::vector<capture_session::named_port> ports{{"access", "net_ring0"},
                                                       {"core", "net_ring1"}};
  const capture_session::beginning begin = [this](const dpdk::capture_filter& what)
      -> tl::expected<std::unique_ptr<dpdk::capture>, dpdk::error> {
    asked.push_back(what);
    if (!refusal.empty()) return tl::unexpected(dpdk::error{refusal});
    frames.ended = false;
    return std::make_unique<played>(frames);
  };
  const admin::raising raise = [this](std::string_view name, const json& params) {
    EXPECT_EQ(name, "E_LINEHUNT_CAPTURE");
    events.push_back(params);
  };
  capture_session one{
      in.path, ports, {begin, raise, [this](auto job) { disk.run(std::move(job)); }}};
};

TEST_F(session, writes_what_comes_and_says_so) {
  EXPECT_EQ(status().phase, capture_phase::none);
  const auto begun = start({.name = "a.pcapng", .match = "4930", .port = "core"});
  ASSERT_TRUE(begun) << begun.error().message;
  EXPECT_EQ(begun->file, in.path + "/a.pcapng");
  ASSERT_EQ(asked.size(), 1u);
  EXPECT_EQ(asked[0].match, "4930");
  EXPECT_EQ(asked[0].port, 1u);
  frames.frames = {"one", "two!"};
  look(1s);
  EXPECT_EQ(one.status(at(2s)).packets, 2u);
  EXPECT_EQ(one.status(at(2s)).elapsed, 2000ms);
  EXPECT_THAT(types_in(in.content("a.pcapng")),
              ElementsAre(section, interface, interface, packet, packet));
  frames.frames = {"and the last"}; // copied, not yet looked at
  frames.missed = 4;
  const auto ended = stop(3s);
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->packets, 3u);
  EXPECT_EQ(ended->missed, 4u);
  EXPECT_EQ(ended->why, capture_end::stopped);
  EXPECT_TRUE(frames.ended);
  EXPECT_THAT(
      types_in(in.content("a.pcapng")),
      ElementsAre(section, interface, interface, packet, packet, packet, statistics, statistics));
  EXPECT_EQ(in.content("a.pcapng").size(), ended->bytes);
  EXPECT_EQ(one.status(at(9s)).elapsed, 3000ms);
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0]["state"], "running");
  EXPECT_EQ(events[1]["reason"], "stopped");
  EXPECT_EQ(events[1]["packets"], 3);
  EXPECT_EQ(events[1]["missed"], 4);
  EXPECT_EQ(stop(4s).error().why, capture_fault::none_running);
}

TEST_F(session, ends_by_itself_at_each_limit) {
  ASSERT_TRUE(start({.name = "time", .seconds = 5}));
  look(4s);
  EXPECT_EQ(status().phase, capture_phase::running);
  look(5s);
  EXPECT_EQ(status().phase, capture_phase::ended);
  EXPECT_EQ(status().why, capture_end::time);

  ASSERT_TRUE(start({.name = "packets", .packets = 3}));
  frames.frames = {"1", "2", "3", "4", "5"};
  look(1s);
  EXPECT_EQ(status().why, capture_end::packets);
  EXPECT_EQ(status().packets, 3u);

  ASSERT_TRUE(start({.name = "size", .max_mb = 1}));
  frames.frames.assign(2000, std::string(1000, 'x'));
  look(1s);
  EXPECT_EQ(status().why, capture_end::size);
  EXPECT_LE(status().bytes, 1'000'000u);
  EXPECT_GT(status().bytes, 998'000u);
  EXPECT_EQ(in.content("size").size(), status().bytes);
  EXPECT_EQ(types_in(in.content("size")).back(), statistics);
}

TEST_F(session, is_one_at_a_time_and_refuses_what_it_cannot_do) {
  const auto why = [&](const admin::capture_request& wanted) {
    const auto begun = start(wanted);
    return begun ? std::string{"begun"} : begun.error().message;
  };
  EXPECT_THAT(why({.name = "../a"}), HasSubstr("no '/'"));
  EXPECT_THAT(why({.port = "wan"}), HasSubstr("there are: access, core"));
  refusal = "no memory for the copies of frames";
  EXPECT_EQ(why({.name = "b"}), refusal);
  EXPECT_EQ(status().phase, capture_phase::none);
  refusal.clear();
  ASSERT_EQ(why({}), "begun"); // named by the time
  EXPECT_THAT(status().file, HasSubstr(".pcapng"));
  const std::string first = status().file;
  EXPECT_THAT(why({.name = "c"}), HasSubstr("capture_stop"));
  EXPECT_EQ(stop(1s, "/another").error().why, capture_fault::running);
  EXPECT_EQ(status().phase, capture_phase::running);
  EXPECT_TRUE(stop(1s, first));
  EXPECT_FALSE(std::filesystem::exists(in.path + "/c"));
  capture_session off("", {}, {});
  std::optional<admin::capture_outcome> how;
  off.start({}, {}, [&](const auto& told) { how = told; });
  EXPECT_EQ(how.value().error().why, capture_fault::switched_off);
}

TEST_F(session, says_how_the_last_one_stands_where_the_next_is_refused) {
  ASSERT_TRUE(start({.name = "last"}));
  frames.frames = {"one", "two!"};
  ASSERT_TRUE(stop(1s));
  const auto expect_last = [&](const char* after) {
    EXPECT_EQ(status().phase, capture_phase::ended) << after;
    EXPECT_EQ(status().file, in.path + "/last") << after;
    EXPECT_EQ(status().packets, 2u) << after;
    EXPECT_EQ(status().elapsed, 1000ms) << after;
  };
  EXPECT_EQ(start({.name = "last"}).error().why, capture_fault::exists);
  expect_last("a name that is taken");
  std::optional<admin::capture_outcome> how;
  const auto tell = [&](const auto& told) { how = told; };
  one.start({.name = "hangs"}, at(2s), tell);
  one.look(at(3s));
  expect_last("a begin that the disk has not answered");
  one.look(at(8s));
  EXPECT_THAT(how.value().error().message, HasSubstr("the disk does not answer"));
  expect_last("a begin that was given up");
  one.start({.name = "next"}, at(9s), tell);
  EXPECT_THAT(how.value().error().message, HasSubstr("since the capture to " + in.path + "/hangs"));
  expect_last("a disk that hangs");
  disk.answer();
  ASSERT_TRUE(start({.name = "next"}));
  EXPECT_EQ(status().file, in.path + "/next");
  EXPECT_TRUE(stop(1s));
}

TEST_F(session, ends_with_a_whole_block_where_the_disk_is_full) {
  ASSERT_TRUE(start({.name = "full"}));
  {
    const limited_files limit(100'000);
    frames.frames.assign(50, std::string(1000, 'x'));
    look(1s);
    EXPECT_EQ(status().phase, capture_phase::running);
    frames.frames.assign(80, std::string(1000, 'x'));
    look(2s);
  }
  EXPECT_EQ(status().why, capture_end::failed);
  EXPECT_THAT(status().error, HasSubstr("File too large"));
  EXPECT_TRUE(frames.ended);
  const auto types = types_in(in.content("full"));
  EXPECT_EQ(types.size(), 3u + 50);
  EXPECT_EQ(status().packets, 50u) << "of those that are in the file";
  EXPECT_EQ(types.back(), packet);
  EXPECT_EQ(events.back()["reason"], "error");
}

TEST_F(session, waits_for_the_disk_without_holding_up_anybody) {
  std::vector<std::string> told;
  const auto tell = [&](std::string what) {
    return [&told, what](const admin::capture_outcome& how) {
      told.push_back(what + (how ? fmt::format(" {}", how->packets) : ": " + how.error().message));
    };
  };
  one.start({.name = "late"}, at(0s), tell("begun"));
  frames.frames = {"before the file is there"};
  one.look(at(1s));
  EXPECT_EQ(status().phase, capture_phase::none) << "there is no file yet";
  EXPECT_THAT(events, ::testing::IsEmpty());
  one.start({.name = "another"}, at(1s), tell("second"));
  EXPECT_THAT(told, ElementsAre(HasSubstr("second: a capture goes on")));
  told.clear();
  disk.answer_once();
  EXPECT_THAT(told, ElementsAre("begun 0"));
  EXPECT_EQ(events.back()["state"], "running");
  frames.frames = {"and after"};
  one.stop(at(2s), {}, tell("first stop"));
  one.stop(at(3s), {}, tell("second stop"));
  EXPECT_TRUE(frames.ended) << "it costs the workers nothing any more";
  EXPECT_THAT(told, ElementsAre("begun 0"));
  EXPECT_EQ(status().phase, capture_phase::running);
  disk.answer();
  EXPECT_THAT(told, ElementsAre("begun 0", "first stop 2", "second stop 2"));
  EXPECT_EQ(status().elapsed, 2000ms);
  EXPECT_EQ(in.content("late").size(), status().bytes);
  EXPECT_EQ(types_in(in.content("late")).back(), statistics);
}

TEST_F(session, counts_what_finds_no_room_before_a_slow_disk_as_missed) {
  ASSERT_TRUE(start({.name = "slow", .max_mb = 100}));
  constexpr std::size_t bytes = 60'000, all = 400, room = capture_writer::most_waiting_bytes;
  frames.frames.assign(all, std::string(bytes, 'x'));
  frames.missed = 3;
  one.look(at(1s));
  EXPECT_TRUE(disk.asked());
  const std::uint64_t fit = room / (bytes + 44);
  EXPECT_EQ(status().missed, all - fit + 3);
  look(2s);
  EXPECT_EQ(status().packets, fit);
  frames.frames = {"there is room again"};
  const auto ended = stop(3s);
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->packets, fit + 1);
  EXPECT_EQ(ended->missed, all - fit + 3);
  const std::string file = in.content("slow");
  EXPECT_EQ(types_in(file).size(), 3 + fit + 1 + 2);
  EXPECT_EQ(file.size(), ended->bytes);
}

TEST_F(session, gives_up_where_the_disk_hangs) {
  ASSERT_TRUE(start({.name = "hangs"}));
  frames.frames = {"in the file"};
  look(1s);
  const std::string before = in.content("hangs");
  frames.frames = {"on its way"};
  one.look(at(2s));
  frames.frames = {"waits"};
  one.look(at(7s));
  EXPECT_EQ(status().phase, capture_phase::running);
  one.look(at(8s));
  EXPECT_EQ(status().phase, capture_phase::ended);
  EXPECT_EQ(status().why, capture_end::failed);
  EXPECT_THAT(status().error, HasSubstr("the disk is too slow"));
  EXPECT_EQ(status().packets, 1u);
  EXPECT_EQ(status().bytes, before.size());
  EXPECT_TRUE(frames.ended);
  EXPECT_EQ(events.back()["reason"], "error");
  // Who would come next would wait as well.
  std::optional<admin::capture_outcome> how;
  one.start({.name = "next"}, at(9s), [&](const auto& told) { how = told; });
  EXPECT_THAT(how.value().error().message, HasSubstr("does not answer since"));
  disk.answer(); // what it writes now has been told as missing
  EXPECT_EQ(in.content("hangs"), before);
  EXPECT_TRUE(start({.name = "next"}));
  EXPECT_TRUE(stop(1s));
}

TEST_F(session, is_ended_before_who_ends_it_loses_patience) {
  ASSERT_TRUE(start({.name = "slow"}));
  frames.frames.assign(200, std::string(60'000, 'x'));
  one.look(at(1s));
  std::optional<admin::capture_outcome> how;
  one.stop(at(2s), {}, [&](const auto& told) { how = told; });
  std::chrono::seconds when = 2s;
  while (!how && when < 30s) { // a megabyte takes two seconds, too short to hang
    one.look(at(++when));
    one.look(at(++when));
    if (!how) disk.answer_once();
  }
  EXPECT_EQ(when, 8s);
  ASSERT_TRUE(how && *how);
  EXPECT_EQ((*how)->why, capture_end::failed);
  EXPECT_THAT((*how)->error, HasSubstr("the disk is too slow"));
  EXPECT_GT((*how)->packets, 0u);
  disk.answer();
  const std::string file = in.content("slow");
  EXPECT_EQ(file.size(), (*how)->bytes);
  EXPECT_EQ(types_in(file).size(), 3 + (*how)->packets);
}

// A reload of many rules, say, while the disk is in good health.
TEST_F(session, does_not_take_a_loop_that_was_away_for_a_disk_that_hangs) {
  ASSERT_TRUE(start({.name = "whole"}));
  frames.frames = {"at hand"};
  one.look(at(1s));
  frames.frames = {"waits"};
  one.look(at(2s));
  disk.answer_once(); // it has for long, and gets what waits
  one.look(at(9s));
  EXPECT_EQ(status().phase, capture_phase::running) << status().error;
  one.look(at(14s));
  EXPECT_EQ(status().phase, capture_phase::running) << status().error;
  disk.answer();
  EXPECT_EQ(status().packets, 2u);
  frames.frames = {"at hand when the loop goes away"};
  one.look(at(15s));
  frames.frames = {"and the disk hangs"};
  one.look(at(16s));
  disk.answer_once();
  one.look(at(30s));
  one.look(at(36s));
  EXPECT_THAT(status().error, HasSubstr("the disk is too slow"));
  EXPECT_EQ(status().packets, 3u);
  disk.answer();
}

TEST_F(session, leaves_nothing_where_the_disk_hangs_or_is_full_at_its_begin) {
  in.put("old", pcapng::section_header("x"));
  for (const char* name : {"fresh", "old"}) {
    std::optional<admin::capture_outcome> how;
    one.start({.name = name, .overwrite = true}, at(0s), [&](const auto& told) { how = told; });
    one.look(at(5s));
    EXPECT_FALSE(how);
    std::optional<admin::capture_outcome> stopped;
    one.stop(at(5s), {}, [&](const auto& told) { stopped = told; });
    one.look(at(6s));
    ASSERT_TRUE(how && stopped);
    EXPECT_EQ(how->error().why, capture_fault::disk);
    EXPECT_THAT(how->error().message, HasSubstr("the disk does not answer"));
    EXPECT_EQ(stopped->error().why, capture_fault::none_running);
    EXPECT_EQ(status().phase, capture_phase::none);
    disk.answer();
    const limited_files limit(10);
    EXPECT_THAT(start({.name = name, .overwrite = true}).error().message,
                HasSubstr("File too large"));
  }
  EXPECT_EQ(in.files(), 1u);
  EXPECT_EQ(in.content("old"), pcapng::section_header("x"));
  EXPECT_THAT(events, ::testing::IsEmpty());
}

TEST_F(session, takes_back_what_was_given_up_while_it_got_its_name) {
  const std::string old = pcapng::section_header("x");
  in.put("old", old);
  std::optional<admin::capture_outcome> how;
  at_exchange = [&] {
    one.look(at(6s));
    return 0;
  };
  one.start({.name = "old", .overwrite = true}, at(0s), [&](const auto& told) { how = told; });
  EXPECT_FALSE(how);
  disk.answer();
  at_exchange = nullptr;
  ASSERT_TRUE(how) << "nothing was exchanged";
  EXPECT_THAT(how->error().message, HasSubstr("the disk does not answer"));
  EXPECT_EQ(in.content("old"), old);
  EXPECT_EQ(in.files(), 1u);
  EXPECT_THAT(events, ::testing::IsEmpty());
  how.reset();
  at_exchange = [&] {
    one.look(at(16s));
    return EINVAL;
  };
  one.start({.name = "old", .overwrite = true}, at(10s), [&](const auto& told) { how = told; });
  disk.answer();
  at_exchange = nullptr;
  EXPECT_TRUE(how && !*how);
  EXPECT_EQ(in.files(), 0u) << "it cannot be exchanged, but an empty capture does not stay";
}

TEST_F(session, overwrites_where_files_cannot_be_exchanged) {
  in.put("old", pcapng::section_header("x"));
  int tried = 0;
  at_exchange = [&] {
    ++tried;
    return EINVAL;
  };
  const auto begun = start({.name = "old", .overwrite = true});
  at_exchange = nullptr;
  ASSERT_TRUE(begun) << begun.error().message;
  EXPECT_EQ(tried, 1);
  EXPECT_TRUE(stop(1s));
  EXPECT_EQ(in.files(), 1u);
  EXPECT_EQ(in.content("old").size(), status().bytes);
}

// With a thread, as in the daemon, whose loop has ended.
TEST_F(session, is_whole_at_the_end_of_the_daemon_unless_the_disk_hangs) {
  boost::asio::io_context loop;
  blocking_thread aside(loop, 0);
  const auto bytes_of = [&](const char* name) { return in.content(name).size(); };
  const auto run_until = [&](const auto& done) {
    while (!done())
      loop.run_one_for(1s), loop.restart();
  };
  {
    capture_session ends{
        in.path, ports, {begin, raise, [&](auto job) { aside.run(std::move(job)); }}};
    bool begun = false;
    ends.start({.name = "whole"}, at(0s), [&](const auto&) { begun = true; });
    run_until([&] { return begun; });
    frames.frames.assign(100, std::string(60'000, 'x'));
    ends.look(at(1s));
    frames.frames = {"the last"};
    ends.close(at(2s));
    EXPECT_EQ(ends.status(at(2s)).why, capture_end::daemon_ends);
    EXPECT_EQ(ends.status(at(2s)).packets, 101u);
    EXPECT_EQ(types_in(in.content("whole")).size(), 3u + 101 + 2);
  }
  std::promise<void> lets_go;
  std::atomic<bool> hanging = false;
  {
    capture_session ends{in.path, ports, {begin, raise, [&](auto job) {
                                            aside.run([&, job, wait = hanging.load()] {
                                              if (wait) lets_go.get_future().wait();
                                              return job();
                                            });
                                          }}};
    bool begun = false;
    ends.start({.name = "hangs"}, at(0s), [&](const auto&) { begun = true; });
    run_until([&] { return begun; });
    hanging = true;
    frames.frames = {"lost"};
    ends.look(at(1s));
    const auto before = clock::now();
    ends.close(at(2s));
    EXPECT_LT(clock::now() - before, 10s);
    EXPECT_THAT(ends.status(at(2s)).error, HasSubstr("too slow"));
    EXPECT_EQ(ends.status(at(2s)).packets, 0u);
  }
  const auto told = bytes_of("hangs");
  lets_go.set_value();
  bool after = false;
  aside.run([&] { return [&] { after = true; }; });
  run_until([&] { return after; });
  EXPECT_THAT(types_in(in.content("hangs")), ElementsAre(section, interface, interface));
  EXPECT_EQ(bytes_of("hangs"), told);
}

} // namespace
} // namespace linehunt::test::capture_test
