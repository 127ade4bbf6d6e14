// SPDX-License-Identifier: Apache-2.0
// What operators have changed, on its way to a disk that writes, refuses, or hangs.
#include "control/blocking_thread.h"
#include "control/state/operator_file.h"
#include "control/state/operator_writer.h"
#include "state_bed.h"

#include <gmock/gmock.h>

#include <boost/asio/io_context.hpp>
#include <deque>
#include <future>

namespace linehunt::test::operator_writer_test {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using clock = operator_writer::clock;

operator_writer::changes disabled(std::uint32_t id) {
  return {{id, 1, "sip:192.0.2.21", true, {}}};
}

// The disk answers when the test says so.
class operator_writing : public state_bed {
 protected:
  using job = std::function<std::function<void()>()>;
  std::function<void(bool)> tell(std::string what) {
    return [this, what](bool saved) { told.push_back(what + (saved ? " saved" : " not saved")); };
  }
  void answer() {
    while (!jobs.empty()) {
      const job next = std::move(jobs.front());
      jobs.pop_front();
      next()();
    }
  }
  [[nodiscard]] operator_writer::changes kept() const {
    return kept_changes(file("operator.json")).value();
  }

  const clock::time_point start = clock::now();
  std::deque<job> jobs;
  std::vector<std::string> told;
  operator_writer one{file("operator.json"), operator_writer::changes{},
                      [this](job next) { jobs.push_back(std::move(next)); }};
};

TEST_F(operator_writing, tells_who_waits_when_it_is_on_the_disk) {
  one.write({}, tell("nothing new"));
  EXPECT_THAT(told, ElementsAre("nothing new saved"));
  EXPECT_THAT(jobs, IsEmpty());
  one.write(disabled(1), tell("1"));
  one.write(disabled(2), tell("2"));
  EXPECT_THAT(told, ElementsAre("nothing new saved"));
  answer();
  EXPECT_THAT(told, ElementsAre("nothing new saved", "1 saved", "2 saved"));
  EXPECT_EQ(kept(), disabled(2));
  one.write(disabled(2), tell("known"));
  EXPECT_EQ(told.back(), "known saved");
  EXPECT_THAT(jobs, IsEmpty());
  one.write(disabled(1), [&](bool) { one.write(disabled(2), tell("from within")); });
  answer();
  EXPECT_EQ(told.back(), "from within saved");
  EXPECT_EQ(kept(), disabled(2));
}

TEST_F(operator_writing, says_what_is_not_on_the_disk_and_writes_it_when_asked_again) {
  std::filesystem::create_directory(file("operator.json.new")); // in the way of the new file
  for (const char* which : {"once", "twice"}) {
    one.write(disabled(1), tell(which));
    answer();
  }
  std::filesystem::remove(file("operator.json.new"));
  one.write(disabled(1), tell("then"));
  answer();
  EXPECT_THAT(told, ElementsAre("once not saved", "twice not saved", "then saved"));
  EXPECT_EQ(kept(), disabled(1));
}

TEST_F(operator_writing, nobody_waits_long_for_a_disk_that_hangs) {
  one.write(disabled(1), tell("1"));
  one.write(disabled(2), tell("2"));
  one.look(start);
  one.look(start + 1999ms);
  EXPECT_THAT(told, IsEmpty());
  one.look(start + 2s);
  EXPECT_THAT(told, ElementsAre("1 not saved", "2 not saved"));
  told.clear();
  one.write(disabled(3), tell("3"));
  EXPECT_THAT(told, ElementsAre("3 not saved")) << "at once";
  EXPECT_EQ(jobs.size(), 1u);
  answer();
  EXPECT_EQ(kept(), disabled(3)) << "what was told last, though nobody waits";
  one.write(disabled(3), tell("3 again"));
  EXPECT_EQ(told.back(), "3 again saved");
}

// A reload that is large holds it up for longer than a disk may take.
TEST_F(operator_writing, a_loop_that_was_busy_takes_no_disk_for_one_that_hangs) {
  one.look(start);
  one.write(disabled(1), tell("1"));
  one.look(start + 5s);
  EXPECT_THAT(told, IsEmpty());
  one.look(start + 6999ms);
  EXPECT_THAT(told, IsEmpty());
  answer();
  EXPECT_THAT(told, ElementsAre("1 saved"));
}

// Each may take its time where the disk answers at all; and however often somebody asks, it gets no
// more to do than the newest.
TEST_F(operator_writing, a_slow_disk_is_none_that_hangs) {
  for (std::uint32_t id = 1; id < 5; ++id)
    one.write(disabled(id), tell(std::to_string(id)));
  for (int i = 0; i < 2; ++i) {
    one.look(start + i * 3s);
    one.look(start + i * 3s + 1500ms);
    ASSERT_EQ(jobs.size(), 1u);
    const job next = std::move(jobs.front());
    jobs.pop_front();
    const auto news = next();
    one.look(start + i * 3s + 2500ms);
    news();
  }
  EXPECT_THAT(jobs, IsEmpty());
  EXPECT_THAT(told, ElementsAre("1 saved", "2 saved", "3 saved", "4 saved"));
  EXPECT_EQ(kept(), disabled(4));
}

// The file may say it, and forget it again by a power cut.
TEST_F(operator_writing, what_failed_is_known_in_neither_way) {
  std::filesystem::create_directory(file("operator.json.new"));
  one.write(disabled(1), tell("1"));
  answer();
  std::filesystem::remove(file("operator.json.new"));
  one.write({}, tell("taken back"));
  EXPECT_THAT(told, ElementsAre("1 not saved"));
  answer();
  EXPECT_THAT(told, ElementsAre("1 not saved", "taken back saved"));
  EXPECT_THAT(kept(), IsEmpty());
  EXPECT_TRUE(std::filesystem::exists(file("operator.json")));
}

TEST_F(operator_writing, without_a_file_nothing_is_kept) {
  operator_writer none("", std::nullopt, [](const job&) { FAIL() << "there is nothing to write"; });
  none.write(disabled(1), tell("1"));
  EXPECT_THAT(told, ElementsAre("1 saved"));
}

// With a thread, as in the daemon, whose loop has ended.
TEST_F(operator_writing, is_on_the_disk_at_the_end_of_the_daemon_unless_that_hangs) {
  boost::asio::io_context loop;
  blocking_thread aside(loop, 0);
  {
    operator_writer ends(file("operator.json"), std::nullopt,
                         [&](auto next) { aside.run(std::move(next)); });
    ends.write(disabled(1), tell("1"));
    ends.write(disabled(2), tell("2"));
    ends.finish(10s);
    EXPECT_EQ(kept(), disabled(2));
    EXPECT_THAT(told, IsEmpty()) << "nobody is there any more";
  }
  std::promise<void> lets_go;
  aside.run([&]() -> std::function<void()> {
    lets_go.get_future().wait();
    return [] {};
  });
  {
    operator_writer ends(file("operator.json"), std::nullopt,
                         [&](auto next) { aside.run(std::move(next)); });
    ends.write(disabled(3), tell("3"));
    ends.finish(10ms);
    EXPECT_EQ(kept(), disabled(2));
  }
  lets_go.set_value();
  loop.poll(); // what comes too late harms nobody
}

} // namespace
} // namespace linehunt::test::operator_writer_test
