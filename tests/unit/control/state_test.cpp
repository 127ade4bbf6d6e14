// SPDX-License-Identifier: Apache-2.0
// What goes over a restart, in its files: whole, translated into the numbers of the next run, and
// refused where it is damaged, old, or somebody else's.
#include "control/state/call_file.h"
#include "control/state/file_replacement.h"
#include "control/state/keeper.h"
#include "control/state/operator_file.h"
#include "control/state/operator_writer.h"
#include "control/state/put_aside.h"
#include "control/state/state_file.h"
#include "state_bed.h"
#include "tests/models/kept_calls.h"

#include <gmock/gmock.h>

#include <csignal>
#include <sys/resource.h>
#include <sys/stat.h>

namespace linehunt::test::state_test {
namespace {

using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using state = state_bed;

const auto start = wall_clock::time_point{seconds(1'800'000'000)};

// At once, where the daemon has a thread.
void write_changes(const keeper& where, const operator_state& changes) {
  operator_writer one(where.changes_file(), where.known_changes(),
                      [](const auto& job) { job()(); });
  one.write(changes.changes(), [](bool saved) { EXPECT_TRUE(saved); });
}

TEST_F(state, a_call_comes_back_as_it_was_in_the_numbers_of_the_next_run) {
  const world before(both);
  {
    call_file_writer out(file("calls"), before.now(), start);
    out.add(call_at(before, 1, "1@x"));
    out.add(call_at(before, 2, "2@x"));
    ASSERT_EQ(out.finish().value(), 2u);
  }
  struct ::stat kept {};
  ASSERT_EQ(::stat(file("calls").c_str(), &kept), 0);
  EXPECT_EQ(kept.st_mode & 0777, 0600u);

  const world after({models::machine(7, "conf=1"), both[1], both[0]});
  ASSERT_NE(before.with(1).index, after.with(1).index);
  ASSERT_NE(before.name("pstn"), after.name("pstn"));
  models::kept_calls found;
  const auto report =
      read_calls(file("calls"), after.now(), start + seconds(4), seconds(300), [&](const auto& c) {
        found.add(c);
        return true;
      });
  ASSERT_TRUE(report) << report.error();
  EXPECT_EQ(report->restored, 2u);
  EXPECT_EQ(report->refused, 0u);
  EXPECT_EQ(report->unknown_load, 0u);
  EXPECT_TRUE(report->whole);
  ASSERT_EQ(found.size(), 2u);
  const kept_call wanted = call_at(after, 1, "1@x");
  const kept_call& got = found[0];
  for (const auto text :
       {&kept_call::call_id, &kept_call::from_tag, &kept_call::to_tag, &kept_call::caller_target,
        &kept_call::callee_target, &kept_call::caller_routes, &kept_call::callee_routes,
        &kept_call::from_uri, &kept_call::to_uri})
    EXPECT_EQ(got.*text, wanted.*text);
  EXPECT_EQ(got.handle, wanted.handle);
  EXPECT_EQ(got.caller, wanted.caller);
  EXPECT_EQ(got.callee, wanted.callee);
  EXPECT_EQ(got.caller_listener, 1);
  EXPECT_EQ(got.callee_listener, 0);
  EXPECT_EQ(got.destination, wanted.destination);
  EXPECT_EQ(got.resources, wanted.resources);
  EXPECT_EQ(got.resource_count, 2);
  EXPECT_EQ(got.age_us, 11'000'000u) << "four seconds older";
  EXPECT_EQ(got.answered_after_ms, 1234u);
  EXPECT_EQ(got.expires_after_s, 90u);
  EXPECT_EQ(got.caller_cseq, 5u);
  EXPECT_EQ(got.callee_cseq, 4'000'000'000u);
  EXPECT_TRUE(got.balanced && got.acked && got.ping_callee);
  EXPECT_FALSE(got.leaving || got.ping_caller || got.closing || got.caller_bye_done);
  EXPECT_EQ(found[1].destination, after.with(2).index);
}

TEST_F(state, what_is_not_configured_any_more_is_left_out_and_told) {
  const world before(both);
  {
    call_file_writer out(file("calls"), before.now(), start);
    out.add(call_at(before, 1, "1@x"));
    out.add(call_at(before, 2, "2@x"));
    ASSERT_TRUE(out.finish());
  }
  const world after({models::machine(2, "vm=5")}, "192.0.2.9");
  models::kept_calls found;
  const auto report =
      read_calls(file("calls"), after.now(), start, seconds(300), [&](const auto& c) {
        found.add(c);
        return found.size() == 2;
      });
  ASSERT_TRUE(report);
  EXPECT_EQ(report->restored, 1u);
  EXPECT_EQ(report->refused, 1u);
  EXPECT_EQ(report->unknown_load, 1u) << "of those that were restored";
  EXPECT_EQ(found[0].destination, no_index);
  EXPECT_EQ(found[0].resource_count, 0);
  EXPECT_EQ(found[1].resource_count, 1);
  EXPECT_EQ(found[1].resources[0], after.name("vm"));
  EXPECT_GE(found[1].callee_listener, 2u) << "none that there is";
}

TEST_F(state, calls_that_are_too_old_are_over) {
  const world w(both);
  {
    call_file_writer out(file("calls"), w.now(), start);
    out.add(call_at(w, 1, "1@x"));
    ASSERT_TRUE(out.finish());
  }
  const auto read_at = [&](seconds after) {
    return read_calls(file("calls"), w.now(), start + after, seconds(300),
                      [](const auto&) { return true; });
  };
  EXPECT_TRUE(read_at(seconds(299)));
  const auto late = read_at(seconds(301));
  ASSERT_FALSE(late);
  EXPECT_THAT(late.error(), HasSubstr("301 s ago"));
  EXPECT_TRUE(read_at(seconds(-2))) << "a clock that was set back a little";
  const auto early = read_at(seconds(-301));
  ASSERT_FALSE(early);
  EXPECT_THAT(early.error(), HasSubstr("is dated 301 s from now"));
  EXPECT_THAT(early.error(), HasSubstr("clock"));
}

// A wall clock that was set meanwhile neither loses calls nor keeps those that are over.
TEST_F(state, calls_of_the_same_start_of_the_machine_are_as_old_as_it_says) {
  const world w(both);
  moment written(start);
  written.start = "5f0c";
  written.up = seconds(1000);
  {
    call_file_writer out(file("calls"), w.now(), written);
    out.add(call_at(w, 1, "1@x"));
    ASSERT_TRUE(out.finish());
  }
  const auto age_at = [&](seconds up, seconds wall, const char* machine_start) {
    moment now(start + wall);
    now.start = machine_start;
    now.up = up;
    const auto report = read_calls(file("calls"), w.now(), now, seconds(300),
                                   [](const kept_call&) { return true; });
    return report ? std::to_string(report->age.count()) : report.error();
  };
  EXPECT_EQ(age_at(seconds(1004), seconds(86'400), "5f0c"), "4") << "set forward";
  EXPECT_EQ(age_at(seconds(1004), seconds(-86'400), "5f0c"), "4") << "and back";
  EXPECT_THAT(age_at(seconds(1301), seconds(4), "5f0c"), HasSubstr("301 s ago"));
  EXPECT_EQ(age_at(seconds(9), seconds(60), "77aa"), "60") << "after another start";
  EXPECT_THAT(age_at(seconds(1004), seconds(301), "77aa"), HasSubstr("301 s ago"));
  EXPECT_EQ(age_at(seconds(1004), seconds(60), ""), "60") << "not known";
  EXPECT_EQ(age_at(seconds(9), seconds(60), "5f0c"), "60") << "it never goes back";
}

TEST_F(state, now_is_told_by_both_clocks) {
  const moment one = moment::now(), other = moment::now();
  EXPECT_EQ(one.start.size(), 36u) << one.start;
  EXPECT_EQ(one.start, other.start);
  EXPECT_GT(one.up, seconds(0));
  EXPECT_GE(age_of(one, other).count(), 0);
  nlohmann::json head;
  put_moment(one, head);
  const moment again = moment_in(nlohmann::json::parse(head.dump()));
  EXPECT_EQ(again.start, one.start);
  EXPECT_EQ(again.up, one.up);
  EXPECT_EQ(again.wall, one.wall);
}

TEST_F(state, a_file_of_calls_that_breaks_off_gives_what_it_has) {
  const world w(both);
  {
    call_file_writer out(file("calls"), w.now(), start);
    for (const char* id : {"1@x", "2@x", "3@x"})
      out.add(call_at(w, 1, id));
    ASSERT_TRUE(out.finish());
  }
  const std::string whole = read(file("calls"));
  std::size_t some = 0;
  for (std::size_t len = 0; len < whole.size(); ++len) {
    write(file("cut"), whole.substr(0, len));
    const auto report =
        read_calls(file("cut"), w.now(), start, seconds(300), [](const auto&) { return true; });
    if (!report) continue;
    EXPECT_FALSE(report->whole) << len;
    EXPECT_LE(report->restored, 3u);
    some += report->restored == 2 ? 1u : 0u;
  }
  EXPECT_GT(some, 100u);
}

TEST_F(state, any_bytes_are_read_without_harm) {
  const world w(both);
  {
    call_file_writer out(file("calls"), w.now(), start);
    for (const char* id : {"1@x", "2@x"})
      out.add(call_at(w, 1, id));
    ASSERT_TRUE(out.finish());
  }
  const std::string whole = read(file("calls"));
  std::uint32_t chance = 1;
  const auto next = [&chance] { return chance = chance * 1664525 + 1013904223; };
  std::size_t refused = 0;
  for (int i = 0; i < 3000; ++i) {
    std::string spoiled = whole;
    for (unsigned n = 1 + next() % 3; n-- > 0;)
      spoiled[(next() >> 8) % spoiled.size()] = static_cast<char>(next() >> 24);
    write(file("spoiled"), spoiled);
    std::uint64_t handed = 0;
    const auto report =
        read_calls(file("spoiled"), w.now(), start, seconds(300), [&](const kept_call& c) {
          ++handed;
          EXPECT_TRUE(c.destination == no_index || c.destination < 64);
          EXPECT_LE(c.resource_count, c.resources.size());
          return true;
        });
    refused += report && report->whole ? 0u : 1u;
    if (report) {
      EXPECT_EQ(report->restored, handed);
    }
  }
  EXPECT_GT(refused, 300u);
  for (const char* text :
       {"", "x", "{}", "\xa1\x64kind\x01", "\x9b\xff\xff\xff\xff\xff\xff\xff\xff"}) {
    write(file("other"), text);
    EXPECT_FALSE(
        read_calls(file("other"), w.now(), start, seconds(300), [](const auto&) { return true; }));
  }
  const auto none =
      read_calls(file("none"), w.now(), start, seconds(300), [](const auto&) { return true; });
  ASSERT_FALSE(none);
  EXPECT_THAT(none.error(), IsEmpty()) << "nothing to be told";
}

TEST_F(state, a_file_is_replaced_as_a_whole_or_not_at_all) {
  const std::string path = file("deep/down/it");
  EXPECT_THAT(replace_file(path, "one"), IsEmpty());
  EXPECT_EQ(read(path), "one");
  {
    file_replacement half(path);
    half.write("half");
  }
  EXPECT_EQ(read(path), "one");
  EXPECT_FALSE(std::filesystem::exists(path + ".new"));
  const std::string much(3 << 20, 'x');
  EXPECT_THAT(replace_file(path, much), IsEmpty());
  EXPECT_EQ(read(path), much);
  // Where a folder is in the way.
  std::filesystem::create_directories(file("folder/inside"));
  EXPECT_THAT(replace_file(file("folder"), "x"), HasSubstr("irectory"));
  EXPECT_FALSE(std::filesystem::exists(file("folder.new")));
  EXPECT_THAT(replace_file("/dev/full/x", "x"), HasSubstr("directory"));
}

TEST_F(state, a_full_disk_leaves_the_file_as_it_was) {
  write(file("it"), "before");
  // Played by a limit on the size of files.
  const auto before_signal = std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const rlimit small{1000, before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &small);
  const std::string failure = replace_file(file("it"), std::string(5000, 'x'));
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, before_signal);
  EXPECT_THAT(failure, HasSubstr("too large"));
  EXPECT_EQ(read(file("it")), "before");
  EXPECT_FALSE(std::filesystem::exists(file("it.new")));
}

TEST_F(state, nobody_leads_a_writer_to_another_file) {
  write(file("victim"), "stays");
  std::filesystem::create_symlink(file("victim"), file("it.new"));
  EXPECT_THAT(replace_file(file("it"), "new"), IsEmpty());
  EXPECT_EQ(read(file("victim")), "stays");
  EXPECT_EQ(read(file("it")), "new");
}

TEST_F(state, a_file_that_is_not_what_it_should_be_is_not_read) {
  EXPECT_TRUE(open_state_file(file("none")));
  EXPECT_FALSE(*open_state_file(file("none")));
  write(file("good"), "x");
  ASSERT_EQ(::chmod(file("good").c_str(), 0640), 0);
  EXPECT_TRUE(open_state_file(file("good")) && *open_state_file(file("good")));
  const auto refused = [this](const char* name) {
    const auto opened = open_state_file(file(name));
    return !opened && opened.error().find(file(name)) != std::string::npos;
  };
  write(file("everybody's"), "x");
  ASSERT_EQ(::chmod(file("everybody's").c_str(), 0622), 0);
  EXPECT_TRUE(refused("everybody's"));
  std::filesystem::create_symlink(file("good"), file("link"));
  EXPECT_TRUE(refused("link"));
  ASSERT_EQ(::mkfifo(file("fifo").c_str(), 0600), 0);
  EXPECT_TRUE(refused("fifo")) << "and nobody waits for its other end";
  std::filesystem::create_directory(file("folder"));
  EXPECT_TRUE(refused("folder"));
}

// The run before has written as the user of [service], in a folder that is his group's.
TEST_F(state, files_of_the_user_to_become_are_read_in_a_folder_of_another) {
  if (::geteuid() != 0) GTEST_SKIP() << "ONLY ROOT CAN GIVE FILES TO ANOTHER USER";
  constexpr ::uid_t user = 4711;
  const world w(both);
  const auto leave = [&] {
    ASSERT_THAT(keep_changes(file("operator.json"), {{3, 1, "sip:192.0.2.23", true, {}}}),
                IsEmpty());
    for (const char* name : {"calls.cbor", "calls.copy.cbor"}) {
      call_file_writer out(file(name), w.now(), wall_clock::now());
      out.add(call_at(w, 1, "1@x"));
      ASSERT_TRUE(out.finish());
    }
    for (const char* name : {"operator.json", "calls.cbor", "calls.copy.cbor"})
      ASSERT_EQ(::chown(file(name).c_str(), user, user), 0);
  };
  config::service_settings settings;
  settings.state_dir = folder;
  for (const char* calls : {"calls.cbor", "calls.copy.cbor"}) {
    leave();
    if (calls == std::string_view{"calls.copy.cbor"}) std::filesystem::remove(file("calls.cbor"));
    keeper one(settings, user);
    operator_state changes;
    one.remember(changes);
    EXPECT_EQ(changes.changes().size(), 1u);
    std::uint64_t taken = 0;
    one.calls_of_before()(w.now(), [&](const kept_call&) { return ++taken > 0; });
    EXPECT_EQ(taken, 1u) << calls;
  }
  leave();
  keeper other(settings);
  operator_state changes;
  other.remember(changes);
  EXPECT_THAT(changes.changes(), IsEmpty());
  other.calls_of_before()(w.now(), [](const kept_call&) -> bool {
    ADD_FAILURE() << "whose user nobody has named";
    return false;
  });
}

TEST_F(state, items_within_items_are_not_followed_down) {
  const world w(both);
  for (const char open : {'\x81', '\x9f', '\xbf'}) {
    write(file("deep"), std::string(1 << 20, open));
    EXPECT_FALSE(
        read_calls(file("deep"), w.now(), start, seconds(300), [](const auto&) { return true; }));
  }
}

TEST_F(state, a_head_that_claims_more_items_than_there_can_be_is_damaged) {
  const world w(both);
  for (const char open : {'\x9b', '\xbb'}) {
    write(file("long"), open + std::string("\x7f\xff\xff\xff\xff\xff\xff\xff"));
    const auto report =
        read_calls(file("long"), w.now(), start, seconds(300), [](const auto&) { return true; });
    ASSERT_FALSE(report);
    EXPECT_THAT(report.error(), HasSubstr("is damaged"));
  }
}

TEST_F(state, changes_of_operators_come_back) {
  const std::vector<operator_change> changes{
      {3, 1, "sip:192.0.2.23", true, {}},
      {4, 2, "sip:\"x\"@192.0.2.24", false, {{"pstn", 32, 8}, {"vm", 5, 0}}, true}};
  EXPECT_THAT(keep_changes(file("operator.json"), changes), IsEmpty());
  EXPECT_EQ(kept_changes(file("operator.json")).value(), changes);
  EXPECT_THAT(kept_changes(file("none")).value(), IsEmpty());
  for (const char* text : {"", "[]", "{\"linehunt_changes\": 1}",
                           R"({"linehunt_changes": 1, "destinations": [{"id": "x"}]})",
                           R"({"linehunt_changes": 1, "destinations": [{"id": 1e30}]})"}) {
    write(file("wrong"), text);
    EXPECT_FALSE(kept_changes(file("wrong"))) << text;
  }
  write(file("wrong"), R"({"linehunt_changes": 2})");
  EXPECT_THAT(kept_changes(file("wrong")).error(), HasSubstr("of version 2, of a later linehunt"));
  write(file("wrong"), R"({"linehunt_changes": "2"})");
  EXPECT_THAT(kept_changes(file("wrong")).error(), HasSubstr("of no version"));
}

TEST_F(state, changes_are_written_once_and_the_keeper_brings_them_back) {
  config::service_settings settings;
  settings.state_dir = folder;
  std::vector<destination_model> configured{models::machine(1, "pstn=10"),
                                            models::machine(2, "pstn=10")};
  operator_state first;
  first.apply(configured);
  {
    keeper one(settings);
    operator_state none;
    one.remember(none);
    write_changes(one, first);
    EXPECT_FALSE(std::filesystem::exists(file("operator.json"))) << "nothing to keep";
    first.set_by_admin(1, false);
    first.set_capacity(2, "pstn", 4);
    write_changes(one, first);
  }
  {
    operator_state again;
    keeper one(settings);
    one.remember(again);
    ASSERT_TRUE(std::filesystem::remove(file("operator.json")));
    write_changes(one, first);
    EXPECT_FALSE(std::filesystem::exists(file("operator.json"))) << "what it said already";
    first.set_by_admin(2, false);
    write_changes(one, first);
  }
  operator_state second;
  keeper other(settings);
  other.remember(second);
  second.apply(configured);
  EXPECT_FALSE(configured[0].enabled);
  EXPECT_FALSE(configured[1].enabled);
  EXPECT_TRUE(second.status(1).by_admin);
  EXPECT_EQ(configured[1].resources[0].capacity, 4);
}

TEST_F(state, a_change_that_was_taken_back_is_forgotten_in_the_file_too) {
  config::service_settings settings;
  settings.state_dir = folder;
  std::vector<destination_model> configured{models::machine(1, "pstn=10")};
  for (const bool enabled : {false, true}) {
    operator_state changes;
    keeper one(settings);
    one.remember(changes);
    changes.apply(configured);
    changes.set_by_admin(1, enabled);
    write_changes(one, changes);
  }
  EXPECT_THAT(kept_changes(file("operator.json")).value(), IsEmpty());
}

TEST_F(state, a_damaged_file_of_changes_is_put_aside) {
  config::service_settings settings;
  settings.state_dir = folder;
  write(file("operator.json"), "{ no JSON");
  ASSERT_EQ(::chmod(file("operator.json").c_str(), 0600), 0);
  keeper one(settings);
  operator_state changes;
  one.remember(changes);
  write_changes(one, changes);
  EXPECT_EQ(read(file("operator.json.bad")), "{ no JSON");
  EXPECT_THAT(kept_changes(file("operator.json")).value(), IsEmpty());
}

// Each may be the one that is wanted, also where an automatic restart refuses the next.
TEST_F(state, files_that_were_put_aside_before_are_kept_up_to_a_number) {
  const std::string path = file("operator.json");
  const auto refuse = [&](const std::string& text) {
    write(path, text);
    testing::internal::CaptureStdout();
    EXPECT_TRUE(put_aside(path, ", for whoever can mend it"));
    return testing::internal::GetCapturedStdout();
  };
  EXPECT_THAT(refuse("1"), AllOf(HasSubstr("it is " + path + ".bad now, for whoever can mend it\n"),
                                 Not(HasSubstr("Of before"))));
  EXPECT_THAT(refuse("2"), HasSubstr("mend it. Of before there are " + path + ".bad.1\n"));
  const std::string both_of_before = path + ".bad.1 and " + path + ".bad.2\n";
  EXPECT_THAT(refuse("3"), HasSubstr(both_of_before));
  EXPECT_THAT(refuse("4"), HasSubstr(both_of_before));
  EXPECT_EQ(read(path + ".bad"), "4");
  EXPECT_EQ(read(path + ".bad.1"), "3");
  EXPECT_EQ(read(path + ".bad.2"), "2");
  EXPECT_FALSE(std::filesystem::exists(path + ".bad.3"));
  EXPECT_TRUE(put_aside(path, "")) << "there is none any more";
  EXPECT_EQ(read(path + ".bad"), "4");
  // Taken back to be mended, it leaves a place; and what cannot be moved is not written over.
  std::filesystem::remove(path + ".bad.1");
  refuse("5");
  EXPECT_EQ(read(path + ".bad.1"), "4");
  EXPECT_EQ(read(path + ".bad.2"), "2");
  std::filesystem::remove(path + ".bad.2");
  std::filesystem::create_directories(path + ".bad.2/in the way");
  write(path, "6");
  testing::internal::CaptureStdout();
  EXPECT_FALSE(put_aside(path, ""));
  EXPECT_THAT(testing::internal::GetCapturedStdout(), HasSubstr("cannot be renamed"));
  EXPECT_EQ(read(path), "6");
  EXPECT_EQ(read(path + ".bad"), "5");
  EXPECT_EQ(read(path + ".bad.1"), "4");
}

TEST_F(state, calls_are_not_left_for_a_later_run_where_none_are_kept) {
  config::service_settings settings;
  settings.state_dir = folder;
  settings.calls_valid_s = 0;
  write(file("calls.cbor"), "of a run before");
  EXPECT_TRUE(keeper(settings).take_over());
  EXPECT_FALSE(std::filesystem::exists(file("calls.cbor")));
}

TEST_F(state, without_a_folder_nothing_is_kept_and_nothing_fails) {
  keeper none({});
  EXPECT_FALSE(none.active());
  EXPECT_FALSE(none.keeps_calls());
  EXPECT_FALSE(none.calls_of_before());
  EXPECT_TRUE(none.take_over());
  operator_state changes;
  none.remember(changes);
  write_changes(none, changes);
  EXPECT_THAT(changes.changes(), IsEmpty());
}

TEST_F(state, a_folder_that_is_none_is_told) {
  config::service_settings settings;
  write(file("file"), "");
  settings.state_dir = file("file");
  keeper one(settings);
  const auto taken = one.take_over();
  ASSERT_FALSE(taken);
  EXPECT_THAT(taken.error(), HasSubstr(settings.state_dir + " cannot be written: Not a dir"));
  settings.state_dir = file("to/be/made");
  EXPECT_TRUE(keeper(settings).take_over());
  EXPECT_TRUE(std::filesystem::is_directory(settings.state_dir));
}

TEST_F(state, the_file_of_calls_is_gone_once_they_are_taken_up) {
  const world w(both);
  {
    call_file_writer out(file("calls.cbor"), w.now(), wall_clock::now());
    out.add(call_at(w, 1, "1@x"));
    ASSERT_TRUE(out.finish());
  }
  config::service_settings settings;
  settings.state_dir = folder;
  settings.calls_valid_s = 0;
  EXPECT_FALSE(keeper(settings).calls_of_before()) << "none are kept";
  settings.calls_valid_s = 300;
  keeper one(settings);
  std::uint64_t calls = 0;
  one.calls_of_before()(w.now(), [&](const kept_call&) { return ++calls > 0; });
  EXPECT_EQ(calls, 1u);
  EXPECT_TRUE(std::filesystem::exists(file("calls.cbor"))) << "the start may still fail";
  EXPECT_TRUE(one.take_over());
  EXPECT_FALSE(std::filesystem::exists(file("calls.cbor")));
}

} // namespace
} // namespace linehunt::test::state_test
