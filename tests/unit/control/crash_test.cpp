// SPDX-License-Identifier: Apache-2.0
// What a crash leaves in the folder of state, and what the next starts make of it.
#include "control/state/keeper.h"
#include "control/state/kept_copies.h"
#include "state_bed.h"
#include "tests/models/kept_calls.h"

#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

namespace linehunt::test::crash_test {
namespace {

using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class crash : public state_bed {
 protected:
  crash() { settings.state_dir = folder; }
  void leave(const std::string& name, std::string_view id) const {
    call_file_writer out(file(name), w.now(), wall_clock::now() - seconds(5));
    out.add(call_at(w, 1, id));
    ASSERT_TRUE(out.finish());
  }
  // A start: what it takes up.
  [[nodiscard]] models::kept_calls start_with() const {
    models::kept_calls found;
    keeper one(settings);
    one.calls_of_before()(w.now(), [&](const kept_call& call) {
      found.add(call);
      return true;
    });
    EXPECT_TRUE(one.take_over());
    return found;
  }
  void end_within_the_taking_up() const {
    keeper one(settings);
    one.calls_of_before()(w.now(), [](const kept_call&) -> bool { ::_exit(3); });
  }
  [[nodiscard]] bool there(const std::string& name) const {
    return std::filesystem::exists(file(name));
  }
  config::service_settings settings;
  world w{both};
};

TEST_F(crash, its_copy_is_taken_up_as_uncertain_and_only_once) {
  leave("calls.copy.cbor", "1@x");
  auto found = start_with();
  ASSERT_EQ(found.size(), 1u);
  EXPECT_TRUE(found[0].uncertain);
  EXPECT_GE(found[0].age_us, 12'000'000u) << "5 s older than it was";
  // The calls may be why it crashed: another crash must not meet them again.
  EXPECT_FALSE(there("calls.copy.cbor"));
  EXPECT_EQ(start_with().size(), 0u);
}

TEST_F(crash, what_an_end_has_written_goes_before_a_copy) {
  leave("calls.copy.cbor", "copied@x");
  leave("calls.cbor", "kept@x");
  auto found = start_with();
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].call_id, "kept@x");
  EXPECT_FALSE(found[0].uncertain);
  // Until this run has made a copy of its own.
  EXPECT_FALSE(there("calls.cbor"));
  auto again = start_with();
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].call_id, "kept@x");
  EXPECT_TRUE(again[0].uncertain);
}

TEST_F(crash, no_copy_is_left_where_none_are_made) {
  settings.calls_copied_every_s = 0;
  EXPECT_EQ(keeper(settings).copy_file(), "");
  leave("calls.copy.cbor", "copied@x");
  leave("calls.cbor", "kept@x");
  EXPECT_EQ(start_with().size(), 1u);
  EXPECT_FALSE(there("calls.cbor"));
  EXPECT_FALSE(there("calls.copy.cbor"));
}

// By SIGKILL of a service manager that has waited long enough, say.
TEST_F(crash, an_end_that_was_killed_while_it_wrote_is_told) {
  const auto told = [&](std::size_t calls) {
    testing::internal::CaptureStdout();
    EXPECT_EQ(start_with().size(), calls);
    return testing::internal::GetCapturedStdout();
  };
  write(file("calls.cbor.new"), "some of them");
  leave("calls.copy.cbor", "copied@x");
  EXPECT_THAT(told(1), AllOf(HasSubstr("was killed while it wrote " + file("calls.cbor")),
                             HasSubstr("calls that the last copy does not have are forgotten")));
  EXPECT_FALSE(there("calls.cbor.new"));
  write(file("calls.cbor.new"), "some of them");
  EXPECT_THAT(told(0), HasSubstr("boxes may get more calls than they have lines"));
  leave("calls.cbor", "kept@x");
  EXPECT_THAT(told(1), Not(HasSubstr("was killed")));
}

TEST_F(crash, a_copy_that_is_too_old_is_not_taken_up) {
  leave("calls.copy.cbor", "copied@x");
  settings.calls_valid_s = 3;
  EXPECT_EQ(start_with().size(), 0u);
  EXPECT_FALSE(there("calls.copy.cbor"));
  EXPECT_TRUE(there("calls.copy.cbor.bad"));
}

// They may be good for another version, or once the clock is right.
TEST_F(crash, calls_that_were_refused_are_put_aside) {
  const auto refused = [&](const char* why) {
    const std::string bytes = read(file("calls.cbor"));
    testing::internal::CaptureStdout();
    EXPECT_EQ(start_with().size(), 0u) << why;
    EXPECT_THAT(testing::internal::GetCapturedStdout(),
                AllOf(HasSubstr(why), HasSubstr("calls.cbor.bad now; they can be had back")));
    EXPECT_FALSE(there("calls.cbor")) << why;
    EXPECT_EQ(read(file("calls.cbor.bad")), bytes) << why;
    EXPECT_EQ(start_with().size(), 0u) << "and left there";
    std::filesystem::rename(file("calls.cbor.bad"), file("calls.cbor"));
  };
  leave("calls.cbor", "1@x");
  settings.calls_valid_s = 3;
  refused("calls_valid_s is 3");
  settings.calls_valid_s = 300;
  ASSERT_EQ(::chmod(file("calls.cbor").c_str(), 0666), 0);
  refused("only its owner may write");
  ASSERT_EQ(::chmod(file("calls.cbor").c_str(), 0600), 0);
  std::string bytes = read(file("calls.cbor"));
  const auto version = bytes.find("linehunt_calls") + 14;
  ++bytes[version];
  write(file("calls.cbor"), bytes);
  refused("calls.cbor is of version 6, of a later linehunt; this one reads it up to 5");
  --bytes[version];
  write(file("calls.cbor"), bytes);
  EXPECT_EQ(start_with().size(), 1u) << "once it is mended";
  EXPECT_FALSE(there("calls.cbor.bad"));
}

TEST_F(crash, calls_whose_destinations_were_not_known_yet_are_told_as_such) {
  const world fewer({models::machine(2, "vm=5")});
  const auto told = [&](std::string_view rows_unknown) {
    {
      call_file_writer out(file("calls.cbor"), w.now(), wall_clock::now());
      out.add(call_at(w, 1, "1@x")); // not there
      out.add(call_at(w, 2, "2@x")); // without its "pstn"
      EXPECT_TRUE(out.finish());
    }
    keeper one(settings);
    one.calls_of_before()(fewer.now(), [](const kept_call&) { return true; });
    testing::internal::CaptureStdout();
    EXPECT_TRUE(one.take_over(rows_unknown));
    return testing::internal::GetCapturedStdout();
  };
  EXPECT_THAT(told("the copy is damaged"),
              AllOf(HasSubstr("1 of the calls of before are not counted"),
                    HasSubstr("before the database was read: the copy is damaged. "),
                    HasSubstr("1 of the calls of before hold lines that are not configured")));
  EXPECT_THAT(told({}), AllOf(HasSubstr("2 of the calls of before hold lines that are not"),
                              Not(HasSubstr("database"))));
}

TEST_F(crash, calls_that_end_the_process_twice_are_put_aside) {
  for (const std::string name : {"calls.cbor", "calls.copy.cbor"}) {
    leave(name, "1@x");
    EXPECT_EXIT(end_within_the_taking_up(), testing::ExitedWithCode(3), "");
    EXPECT_EXIT(end_within_the_taking_up(), testing::ExitedWithCode(3), "") << "tried once more";
    EXPECT_EQ(start_with().size(), 0u);
    EXPECT_FALSE(there(name));
    EXPECT_TRUE(there(name + ".bad"));
    leave("calls.cbor", "2@x");
    EXPECT_EQ(start_with().size(), 1u) << "later ones are others";
    (void)std::filesystem::remove(file("calls.copy.cbor"));
  }
}

TEST_F(crash, later_calls_are_not_charged_with_the_tries_of_earlier_ones) {
  leave("calls.cbor", "1@x");
  for (int start = 0; start < 2; ++start)
    EXPECT_EXIT(end_within_the_taking_up(), testing::ExitedWithCode(3), "");
  std::filesystem::remove(file("calls.cbor")); // by an operator
  EXPECT_EQ(start_with().size(), 0u);
  leave("calls.cbor", "2@x");
  EXPECT_EQ(start_with().size(), 1u);
}

TEST_F(crash, tries_are_noted_in_a_plain_file_alone) {
  leave("calls.cbor", "1@x");
  write(file("other"), "...");
  std::filesystem::create_hard_link(file("other"), file("calls.tries"));
  EXPECT_EQ(start_with().size(), 1u);
  EXPECT_EQ(read(file("other")), "...");
  leave("calls.cbor", "1@x");
  ASSERT_EQ(::mkfifo(file("calls.tries").c_str(), 0600), 0);
  EXPECT_EQ(start_with().size(), 1u) << "and waits for nobody";
}

TEST_F(crash, calls_that_ended_the_process_once_are_taken_up) {
  leave("calls.cbor", "1@x");
  EXPECT_EXIT(end_within_the_taking_up(), testing::ExitedWithCode(3), "");
  EXPECT_EQ(start_with().size(), 1u);
  EXPECT_FALSE(there("calls.tries"));
}

TEST_F(crash, a_start_that_fails_in_good_order_is_no_reason_against_the_calls) {
  leave("calls.cbor", "1@x");
  for (int start = 0; start < 4; ++start) {
    keeper one(settings);
    one.calls_of_before()(w.now(), [](const kept_call&) { return true; });
    EXPECT_TRUE(there("calls.tries"));
  }
  EXPECT_EQ(start_with().size(), 1u);
}

TEST_F(crash, calls_whose_file_may_stay_are_uncertain_and_the_file_is_older_than_the_next_copy) {
  leave("calls.cbor", "1@x");
  std::filesystem::create_directory(file("calls.tries")); // as where the disk cannot be written
  auto found = start_with();
  ASSERT_EQ(found.size(), 1u);
  EXPECT_TRUE(found[0].uncertain);
  keeper one(settings);
  EXPECT_TRUE(one.take_over());
  EXPECT_EQ(one.outdated_file(), "") << "it was removed";
  std::filesystem::create_directories(file("calls.cbor/in the way"));
  EXPECT_TRUE(one.take_over());
  EXPECT_EQ(one.outdated_file(), file("calls.cbor"));
}

TEST_F(crash, a_folder_belongs_to_one) {
  keeper one(settings);
  ASSERT_TRUE(one.claim());
  EXPECT_TRUE(one.claim()) << "its own";
  {
    keeper other(settings);
    const auto claimed = other.claim();
    ASSERT_FALSE(claimed);
    EXPECT_THAT(claimed.error(), HasSubstr("in use by another linehunt"));
    EXPECT_FALSE(other.take_over());
  }
  EXPECT_TRUE(one.take_over());
  settings.state_dir = file("to/be/made");
  keeper third(settings);
  EXPECT_TRUE(third.claim()) << "nothing there yet";
  EXPECT_TRUE(third.take_over());
  EXPECT_FALSE(keeper(settings).claim());
}

TEST_F(crash, a_folder_that_cannot_be_claimed_is_told) {
  const auto fault = [&] {
    keeper one(settings);
    const auto claimed = one.claim();
    EXPECT_FALSE(one.take_over());
    return claimed ? "" : claimed.error();
  };
  ASSERT_EQ(::mkfifo(file("lock").c_str(), 0600), 0);
  EXPECT_THAT(fault(), HasSubstr("lock cannot be opened: no plain file")) << "nor waited for";
  std::filesystem::remove(file("lock"));
  write(file("other"), "");
  std::filesystem::create_hard_link(file("other"), file("lock"));
  ASSERT_EQ(::chmod(file("other").c_str(), 0600), 0);
  EXPECT_THAT(fault(), HasSubstr("no plain file"));
  struct ::stat other {};
  ASSERT_EQ(::stat(file("other").c_str(), &other), 0);
  EXPECT_EQ(other.st_mode & 0777, 0600u);
  std::filesystem::remove(file("lock"));
  std::filesystem::create_symlink(file("other"), file("lock"));
  EXPECT_THAT(fault(), HasSubstr("give each linehunt a folder of its own"));
  std::filesystem::remove(file("lock"));
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  const rlimit none{0, before.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &none);
  const auto claimed = keeper(settings).claim();
  ::setrlimit(RLIMIT_NOFILE, &before);
  ASSERT_FALSE(claimed);
  EXPECT_THAT(claimed.error(), HasSubstr("Too many open files"));
}

// Whoever could open it could lock it, and no linehunt would start.
TEST_F(crash, a_lock_is_for_its_owner_alone) {
  write(file("lock"), ""); // of a version before
  ASSERT_EQ(::chmod(file("lock").c_str(), 0644), 0);
  settings.state_dir = folder;
  EXPECT_TRUE(keeper(settings).claim());
  const auto mode = [](const std::string& path) {
    struct ::stat it {};
    EXPECT_EQ(::stat(path.c_str(), &it), 0) << path;
    return it.st_mode & 0777;
  };
  EXPECT_EQ(mode(file("lock")), 0600u);
  settings.state_dir = file("to/be/made");
  const auto usual = ::umask(0);
  EXPECT_TRUE(keeper(settings).take_over());
  ::umask(usual);
  EXPECT_EQ(mode(file("to/be/made/lock")), 0600u);
  EXPECT_EQ(mode(file("to/be/made")), 0750u);
  EXPECT_EQ(mode(file("to")), 0750u);
}

// Started with a folder that is there, root makes it; the next start may be that of the user.
TEST_F(crash, a_lock_that_root_makes_is_the_users) {
  if (::geteuid() != 0) GTEST_SKIP() << "ONLY ROOT CAN GIVE FILES TO ANOTHER USER";
  EXPECT_TRUE(keeper(settings, 4711).claim());
  struct ::stat lock {};
  ASSERT_EQ(::stat(file("lock").c_str(), &lock), 0);
  EXPECT_EQ(lock.st_uid, 4711u);
  EXPECT_EQ(lock.st_mode & 0777, 0600u);
}

TEST_F(crash, who_has_locked_a_folder_is_told) {
  keeper one(settings);
  ASSERT_TRUE(one.claim());
  const auto claimed = keeper(settings).claim();
  ASSERT_FALSE(claimed);
  EXPECT_THAT(claimed.error(), HasSubstr("linehunt, process " + std::to_string(::getpid()) + ";"));
  EXPECT_THAT(claimed.error(), HasSubstr("end whatever else has locked " + file("lock")));
}

TEST_F(crash, what_was_half_written_is_removed) {
  for (const char* name : {"calls.copy.cbor.new", "calls.cbor.new"})
    write(file(name), "half");
  EXPECT_EQ(start_with().size(), 0u);
  EXPECT_FALSE(there("calls.copy.cbor.new"));
  EXPECT_FALSE(there("calls.cbor.new"));
}

// Each version has marks more than the one before; the first had, for a time, no handles either.
TEST_F(crash, calls_of_versions_before_are_taken_up) {
  struct format {
    char version;
    std::size_t marks;
    bool handle;
  };
  constexpr std::size_t marks_now = 13;
  for (const format& of :
       {format{4, 12, true}, {3, 11, true}, {2, 9, true}, {1, 8, true}, {1, 5, false}}) {
    leave("calls.cbor", "1@x");
    std::string bytes = read(file("calls.cbor"));
    const auto version = bytes.find("linehunt_calls") + 14;
    ASSERT_EQ(bytes[version], 5);
    bytes[version] = of.version;
    // The marks are CBOR's f4 and f5; the last of them stands before the age.
    std::size_t marks = bytes.find_first_of("\xf4\xf5", bytes.find("sip:b@x"));
    ASSERT_EQ(bytes.substr(marks, marks_now).find_first_not_of("\xf4\xf5"), bytes.npos);
    bytes.erase(marks + of.marks, marks_now - of.marks);
    const auto handle = bytes.find("\x1b\x12\x34");
    ASSERT_NE(handle, bytes.npos);
    if (!of.handle) bytes.erase(handle, 9);
    const auto item = bytes.find("1@x") - 1; // behind the head of its array
    ASSERT_EQ(static_cast<unsigned char>(bytes[item - 2]), 0x98) << "an array of so many";
    bytes[item - 1] -= static_cast<char>(marks_now - of.marks + (of.handle ? 0 : 1));
    write(file("calls.cbor"), bytes);
    auto found = start_with();
    ASSERT_EQ(found.size(), 1u) << of.marks;
    EXPECT_EQ(found[0].call_id, "1@x");
    EXPECT_EQ(found[0].handle, of.handle ? 0x1234'0001'0000'0007u : 0);
    EXPECT_EQ(found[0].destination, w.with(1).index);
    EXPECT_EQ(found[0].resource_count, 2);
    EXPECT_TRUE(found[0].acked && found[0].ping_callee);
    EXPECT_TRUE(found[0].spirals) << "nobody knows";
  }
}

TEST_F(crash, that_a_call_is_uncertain_or_doubted_or_spirals_is_kept) {
  for (const auto mark : {&kept_call::uncertain, &kept_call::caller_doubted,
                          &kept_call::callee_doubted, &kept_call::asked, &kept_call::spirals}) {
    {
      call_file_writer out(file("calls.cbor"), w.now(), wall_clock::now());
      kept_call call = call_at(w, 1, "1@x");
      call.*mark = true;
      out.add(call);
      ASSERT_TRUE(out.finish());
    }
    auto found = start_with();
    ASSERT_EQ(found.size(), 1u);
    EXPECT_TRUE(found[0].*mark);
    EXPECT_EQ(found[0].uncertain + found[0].caller_doubted + found[0].callee_doubted +
                  found[0].asked + found[0].spirals,
              1);
  }
}

TEST(kept_copies, have_their_own_texts_and_an_end) {
  const world w(both);
  kept_copies piece(3, 200);
  std::string id = "1@x";
  EXPECT_TRUE(piece.take(call_at(w, 1, id)));
  id = "2@x";
  EXPECT_TRUE(piece.take(call_at(w, 1, id)));
  EXPECT_FALSE(piece.take(call_at(w, 1, std::string(100, 'a')))) << "no room for its texts";
  ASSERT_EQ(piece.calls().size(), 2u);
  EXPECT_EQ(piece.calls()[0].call_id, "1@x");
  EXPECT_EQ(piece.calls()[1].call_id, "2@x");
  EXPECT_EQ(piece.calls()[1].caller_routes, "<sip:p1;lr>, <sip:p2;lr>");
  EXPECT_EQ(piece.calls()[1].callee_cseq, 4'000'000'000u);
  piece.clear();
  EXPECT_TRUE(piece.calls().empty());
  const kept_call bare;
  EXPECT_TRUE(piece.take(bare) && piece.take(bare) && piece.take(bare));
  EXPECT_FALSE(piece.take(bare)) << "no room for another";
}

} // namespace
} // namespace linehunt::test::crash_test
