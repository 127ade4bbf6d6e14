// SPDX-License-Identifier: Apache-2.0
// What a reload may change, what it keeps, and what workers must be told besides the snapshot.
#include "control/daemon/reload.h"

#include "control/blocking_thread.h"
#include "control/config/destination_rows.h"
#include "control/config/load_file.h"
#include "control/config/unchangeable.h"
#include "control/daemon/status_told.h"
#include "dataplane/rules/compiled.h"
#include "logged.h"
#include "one_port.h"

#include <boost/asio/executor_work_guard.hpp>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace linehunt::reload_test {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

const std::string head = config::one_port + R"([[rule]]
balance = 1
resources = "vm"
)";

constexpr auto no_calls = [](destination_index) { return false; };

std::string destination_text(int id, const std::string& resources) {
  return "[[destination]]\nid = " + std::to_string(id) + "\ngroup = 1\nuri = \"sip:192.0.2.2" +
         std::to_string(id) + "\"\nresources = \"" + resources + "\"\n";
}

config::configuration load(const std::string& text) {
  config::diagnostics out("t.toml");
  auto whole = config::load_text(
      text, [](const auto&) { return std::nullopt; }, out);
  EXPECT_TRUE(whole) << ::testing::PrintToString(out.lines());
  return whole ? *whole : config::configuration{};
}

class reload_test : public ::testing::Test {
 protected:
  std::unique_ptr<const snapshot> build(const std::string& destinations) {
    config::diagnostics out("t.toml");
    before = source.changes();
    auto world = source.build(load(head + destinations), out);
    EXPECT_TRUE(world) << ::testing::PrintToString(out.lines());
    return world;
  }
  world_source source{engine_limits{}};
  operator_state before;
};

TEST_F(reload_test, numbers_stay_with_their_destinations) {
  const auto first = build(destination_text(1, "vm=5") + destination_text(2, "vm=6"));
  const auto second = build(destination_text(2, "vm=6; conf=1") + destination_text(1, "vm=5"));
  ASSERT_EQ(second->destinations.size(), 2u);
  EXPECT_EQ(second->generation, first->generation + 1);
  EXPECT_EQ(second->destinations[1].index, first->destinations[0].index);
  EXPECT_EQ(second->destinations[1].resources[0].slot, first->destinations[0].resources[0].slot);
}

TEST_F(reload_test, how_probes_look_goes_into_the_snapshot) {
  const auto first = build("");
  EXPECT_EQ(first->probe_method, "OPTIONS");
  EXPECT_EQ(first->probe_from, "sip:prober@localhost");
  const auto second = build("[probing]\nmethod = \"INFO\"\nfrom = \"sip:watch@198.51.100.9\"\n");
  EXPECT_EQ(second->probe_method, "INFO");
  EXPECT_EQ(second->probe_from, "sip:watch@198.51.100.9");
}

TEST_F(reload_test, a_change_of_status_is_told_with_group_and_uri) {
  const auto world = build(destination_text(1, "vm=5") +
                           "[[destination]]\nid = 3\ngroup = 7\nuri = \"sip:192.0.2.23\"\n"
                           "resources = \"vm=5\"\n");
  ASSERT_EQ(world->destinations.size(), 2u);
  const nlohmann::json expected = {{"group", 7},
                                   {"uri", "sip:192.0.2.23"},
                                   {"destination_id", 3},
                                   {"status", "disabled"},
                                   {"cause", "probe 503"}};
  EXPECT_EQ(status_told(world->destinations[1], "disabled", "probe 503"), expected);
}

TEST_F(reload_test, what_calls_hold_is_draining_until_they_end) {
  const auto first = build(destination_text(1, "vm=5") + destination_text(2, "vm=6"));
  const slot_index slot = first->destinations[1].resources[0].slot;
  (void)build(destination_text(1, "vm=5"));
  ASSERT_EQ(source.draining().size(), 1u);
  EXPECT_EQ(source.draining()[0].model.id, 2u);
  EXPECT_EQ(source.draining()[0].slots, std::vector{slot});
  const auto all_settled = [](std::vector<slot_index> unheld) { return unheld; };
  const destination_index index = first->destinations[1].index;
  EXPECT_EQ(source.draining()[0].index, index);
  source.release_settled([&](slot_index s) { return s == slot; },
                         [&](auto d) { return d == index; }, all_settled);
  EXPECT_EQ(source.draining().size(), 1u) << "a call still holds it";
  source.release_settled([](slot_index) { return false; }, no_calls, all_settled);
  EXPECT_THAT(source.draining(), IsEmpty());
}

TEST_F(reload_test, a_call_that_needs_no_line_keeps_the_number_of_its_destination) {
  const auto first = build(destination_text(1, "vm=5") + destination_text(2, "vm=6"));
  const destination& gone = first->destinations[1];
  (void)build(destination_text(1, "vm=5"));
  const auto unheld = [](slot_index) { return false; };
  const auto all_settled = [](std::vector<slot_index> slots) { return slots; };
  source.release_settled(
      unheld, [&](auto d) { return d == gone.index; }, all_settled);
  ASSERT_EQ(source.draining().size(), 1u);
  const auto third = build(destination_text(1, "vm=5") + destination_text(3, "vm=6"));
  EXPECT_NE(third->destinations[1].index, gone.index);
  EXPECT_EQ(third->destinations[1].resources[0].slot, gone.resources[0].slot);
  source.release_settled(unheld, no_calls, all_settled);
  EXPECT_THAT(source.draining(), IsEmpty());
  const auto fourth = build(destination_text(1, "vm=5") + destination_text(3, "vm=6") +
                            destination_text(4, "vm=6"));
  EXPECT_EQ(fourth->destinations[2].index, gone.index);
}

TEST_F(reload_test, a_number_that_is_not_settled_goes_to_nobody_else) {
  const auto first = build(destination_text(1, "vm=5") + destination_text(2, "vm=6"));
  const destination& gone = first->destinations[1];
  (void)build(destination_text(1, "vm=5"));
  std::vector<slot_index> asked;
  const auto unheld = [](slot_index) { return false; };
  source.release_settled(unheld, no_calls, [&](std::vector<slot_index> slots) {
    asked = std::move(slots);
    return std::vector<slot_index>{};
  });
  EXPECT_EQ(asked, std::vector{gone.resources[0].slot});
  const auto third = build(destination_text(1, "vm=5") + destination_text(3, "vm=6"));
  EXPECT_NE(third->destinations[1].index, gone.index);
  EXPECT_NE(third->destinations[1].resources[0].slot, gone.resources[0].slot);
  source.release_settled(unheld, no_calls, [](std::vector<slot_index> slots) { return slots; });
  const auto fourth = build(destination_text(1, "vm=5") + destination_text(3, "vm=6") +
                            destination_text(4, "vm=6"));
  EXPECT_EQ(fourth->destinations[2].index, gone.index);
  EXPECT_EQ(fourth->destinations[2].resources[0].slot, gone.resources[0].slot);
}

TEST_F(reload_test, draining_destination_that_comes_back_finds_its_loads) {
  const auto first = build(destination_text(1, "vm=5") + destination_text(2, "vm=6"));
  (void)build(destination_text(1, "vm=5"));
  const auto third = build(destination_text(1, "vm=5") + destination_text(2, "vm=6"));
  EXPECT_THAT(source.draining(), IsEmpty());
  EXPECT_EQ(third->destinations[1].resources[0].slot, first->destinations[1].resources[0].slot);
}

TEST_F(reload_test, failed_build_changes_nothing) {
  (void)build(destination_text(1, "vm=5"));
  source.changes().set_capacity(1, "vm", 9);
  config::configuration broken = load(head + destination_text(1, "vm=7"));
  broken.rules[0].model.resources.clear(); // as if the check had missed it
  config::diagnostics out("t.toml");
  EXPECT_FALSE(source.build(broken, out));
  EXPECT_FALSE(out.lines().empty());
  EXPECT_EQ(source.changes().capacity(1, "vm"), 9);
  EXPECT_EQ(source.destinations()[0].resources[0].capacity, 5);
}

TEST_F(reload_test, status_and_capacity_go_into_the_next_snapshot) {
  (void)build(destination_text(1, "vm=5"));
  source.changes().set_by_admin(1, false);
  source.changes().set_capacity(1, "vm", 9);
  const auto second = build(destination_text(1, "vm=5"));
  EXPECT_FALSE(second->destinations[0].enabled);
  EXPECT_EQ(second->destinations[0].resources[0].capacity, 9);
  EXPECT_THAT(corrections(before, *second), IsEmpty());
}

// 5 in the last snapshot, 9 by mail, 5 again in the file: neither snapshot shows the change.
TEST_F(reload_test, workers_are_told_what_no_snapshot_shows) {
  (void)build(destination_text(1, "vm=4"));
  source.changes().set_capacity(1, "vm", 5);
  (void)build(destination_text(1, "vm=4"));
  source.changes().set_capacity(1, "vm", 9);
  const auto third = build(destination_text(1, "vm=5"));
  const auto mails = corrections(before, *third);
  ASSERT_EQ(mails.size(), 1u);
  EXPECT_EQ(mails[0].kind, mail_kind::resize);
  EXPECT_EQ(mails[0].slot, third->destinations[0].resources[0].slot);
  EXPECT_EQ(mails[0].value, 5);

  source.changes().set_by_admin(1, false);
  auto moved = load(head + destination_text(1, "vm=5"));
  moved.destinations[0].model.uri = "sip:192.0.2.29";
  const operator_state then = source.changes();
  config::diagnostics out("t.toml");
  const auto fourth = source.build(moved, out);
  const auto again = corrections(then, *fourth);
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].kind, mail_kind::set_enabled);
  EXPECT_EQ(again[0].value, 1);
}

std::string named_destination(const std::string& uri) {
  return "[[destination]]\nid = 3\ngroup = 1\nuri = \"" + uri + "\"\nresources = \"vm=5\"\n";
}

TEST_F(reload_test, names_get_their_addresses_and_addresses_stay) {
  std::vector<std::string> asked;
  dns::found_addresses answer;
  source.resolve_by([&](const std::string& uri) {
    asked.push_back(uri);
    return answer;
  });
  const std::string text = destination_text(1, "vm=5") + named_destination("sip:box.example") +
                           "[[rule]]\nforward = \"sip:proxy.example:5070\"\n";
  const auto first = build(text);
  EXPECT_THAT(asked, ElementsAre("sip:box.example", "sip:proxy.example:5070"));
  ASSERT_EQ(first->destinations.size(), 2u);
  EXPECT_EQ(first->destinations[0].addresses.size(), 1u);
  EXPECT_TRUE(first->destinations[1].addresses.empty());
  EXPECT_EQ(first->rules->models()[1].target, endpoint{});

  answer.addresses = {*parse_endpoint("192.0.2.77:5070", 0), *parse_endpoint("192.0.2.78:5070", 0)};
  answer.turns = {{0, 3}, {0, 1}};
  const auto second = build(text);
  EXPECT_EQ(second->destinations[1].addresses, answer.addresses);
  EXPECT_EQ(second->destinations[1].turns, answer.turns);
  EXPECT_EQ(second->destinations[1].index, first->destinations[1].index);
  EXPECT_EQ(second->rules->models()[1].target, answer.addresses[0]);
  EXPECT_NE(second->destination_from(answer.addresses[1], 1), nullptr)
      << "a call may come from any of them";
}

// A reloader of a file on the disk and of rows that a test says; it publishes to nobody.
class reload_of_rows : public ::testing::Test {
 protected:
  reload_of_rows() { say(with_database); }
  ~reload_of_rows() override { std::filesystem::remove(file); }
  void say(const std::string& section) const {
    std::ofstream(file) << section << head << destination_text(1, "vm=5");
  }
  static database::row row(std::uint32_t id) {
    return {id, 1, "sip:192.0.2." + std::to_string(100 + id), "vm=5", 0, "", ""};
  }
  // With the rows of `copy` in force.
  void start(const std::vector<database::row>& copy = {}) {
    const config::configuration whole = load(with_database + (head + destination_text(1, "vm=5")));
    config::configuration running = whole;
    config::diagnostics out(file);
    config::add_rows(copy, running, out);
    ASSERT_FALSE(out.failed());
    ASSERT_TRUE(source.build(running, out));
    row_source rows{
        [this](const auto&, const auto& done) { done(table); },
        [this](const auto&, std::vector<database::row> good) { kept = std::move(good); },
        [this](const auto&) { return kept; }};
    reloading.emplace(
        file, whole, running, [](const auto&) { return std::nullopt; }, std::move(rows),
        [this](auto world) { published = std::move(world); }, source, [](const mail&) {});
  }
  std::string reload() {
    std::string fault = "not called";
    reloading->reload([&](const auto& how) { fault = how ? "" : how.error(); });
    return fault;
  }
  [[nodiscard]] std::vector<std::uint32_t> in_force() const {
    std::vector<std::uint32_t> ids;
    for (const config::destination_entry& d : reloading->running().destinations)
      ids.push_back(d.model.id);
    return ids;
  }
  static constexpr const char* with_database =
      "[database]\nurl = \"sqlite:///nowhere/x.db\"\ncopy = \"/nowhere/copy\"\n";
  std::string file = ::testing::TempDir() + "linehunt_reload_" + std::to_string(::getpid());
  world_source source{engine_limits{}};
  std::unique_ptr<const snapshot> published;
  database::rows table;
  database::kept_rows kept = tl::unexpected(database::no_copy{});
  std::optional<reloader> reloading;
};

TEST_F(reload_of_rows, read_again_leave_the_log_level_to_the_operator) {
  start();
  table = {{row(2)}};
  spdlog::set_level(spdlog::level::debug);
  reloading->reread_rows([](const auto& how) { EXPECT_TRUE(how); });
  EXPECT_EQ(spdlog::get_level(), spdlog::level::debug);
  ASSERT_EQ(reload(), "");
  EXPECT_EQ(spdlog::get_level(), spdlog::level::info);
}

TEST_F(reload_of_rows, all_of_them_gone_is_refused_while_some_are_in_force) {
  start();
  table = {{row(2), row(3)}};
  ASSERT_EQ(reload(), "");
  ASSERT_EQ(kept->size(), 2u);
  published.reset();
  table->clear();
  for (int tries = 0; tries < 2; ++tries)
    EXPECT_THAT(reload(), AllOf(HasSubstr("table load_balancer"), HasSubstr("has no rows"),
                                HasSubstr("2 destinations of it are in force"),
                                HasSubstr("remove /nowhere/copy and restart"),
                                HasSubstr("take [database] out of the file and reload")));
  EXPECT_THAT(in_force(), ElementsAre(1, 2, 3));
  EXPECT_EQ(kept->size(), 2u) << "the copy as well";
  EXPECT_EQ(published, nullptr);
  table = {{row(3)}};
  EXPECT_EQ(reload(), "") << "fewer are fine";
  EXPECT_THAT(in_force(), ElementsAre(1, 3));
  table->clear();
  ASSERT_NE(reload(), "");
  say("");
  EXPECT_EQ(reload(), "") << "as it says";
  EXPECT_THAT(in_force(), ElementsAre(1));
}

// A row that is not there for one reload, in which its box is in maintenance.
TEST_F(reload_of_rows, a_box_that_an_admin_has_disabled_stays_so_when_its_row_was_gone) {
  start();
  table = {{row(2), row(3)}};
  ASSERT_EQ(reload(), "");
  source.changes().set_by_admin(3, false);
  table = {{row(2)}};
  ASSERT_EQ(reload(), "");
  table = {{row(2), row(3)}};
  ASSERT_EQ(reload(), "");
  ASSERT_EQ(published->destinations.size(), 3u);
  EXPECT_FALSE(published->destinations[2].enabled);
}

TEST_F(reload_of_rows, what_check_says_is_logged_as_what_it_is) {
  start();
  std::ofstream(file, std::ios::app)
      << "[[rule]]\nmatch = { method = \"REGISTER\" }\nadd = \"vm\"\n"
         "[[rule]]\nmatch = { from_group = 1 }\nforward = \"sip:192.0.2.5\"\n"
         "count = \"fax; vm\"\n";
  table = {{row(2), row(3)}};
  table->at(0).resources = "fax=1";
  table->at(1).uri = table->at(0).uri;
  const test::logged log;
  EXPECT_EQ(reload(), "");
  EXPECT_THAT(log.text.str(), ContainsRegex("warning .*: warning: .*method is not INVITE"));
  EXPECT_THAT(log.text.str(), HasSubstr("warning " + file +
                                        ": warning: table load_balancer, row 3: "
                                        "3 has the address of 2"));
  EXPECT_THAT(log.text.str(), ContainsRegex("info .*: note: .*'fax' is not offered by"));
  EXPECT_THAT(log.text.str(), Not(HasSubstr("error ")));
}

TEST_F(reload_of_rows, ids_that_come_and_go_are_logged) {
  test::logged log;
  start();
  table->clear();
  for (std::uint32_t id = 2; id <= 23; ++id)
    table->push_back(row(id));
  EXPECT_EQ(reload(), "");
  EXPECT_THAT(log.text.str(),
              HasSubstr("destinations added 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, "
                        "15, 16, 17, 18, 19, 20, 21 and 2 more\n"));
  table = {{row(2), row(30)}};
  for (std::uint32_t id = 5; id <= 23; ++id)
    table->push_back(row(id));
  EXPECT_EQ(reload(), "");
  EXPECT_THAT(log.text.str(), HasSubstr("destinations added 30; removed 3, 4\n"));
  log.text.str("");
  EXPECT_EQ(reload(), "");
  EXPECT_THAT(log.text.str(), Not(HasSubstr("destinations")));
}

TEST_F(reload_of_rows, none_at_a_start_leave_the_copy_in_force_and_are_asked_for_again) {
  kept = {{row(2)}};
  start(*kept);
  EXPECT_THAT(reload(), HasSubstr("1 destinations of it are in force"));
  EXPECT_THAT(in_force(), ElementsAre(1, 2));
  EXPECT_EQ(kept->size(), 1u);
  EXPECT_FALSE(reloading->rows_are_read());
}

TEST_F(reload_of_rows, none_do_not_take_the_place_of_a_copy_that_could_not_be_served) {
  kept = {{row(2)}};
  start();
  EXPECT_THAT(reload(), HasSubstr("its copy /nowhere/copy has 1; nothing was changed"));
  EXPECT_EQ(kept->size(), 1u);
  kept = tl::unexpected(database::no_copy{}); // removed
  EXPECT_EQ(reload(), "");
  EXPECT_TRUE(kept->empty());
}

// What is served now is what the next start has to serve.
TEST_F(reload_of_rows, those_that_are_good_are_kept_where_others_are_left_out) {
  database::row wrong = row(3);
  wrong.uri = "sip:192.0.2.300";
  start();
  table = {{wrong}};
  ASSERT_EQ(reload(), "");
  EXPECT_FALSE(kept) << "none are good";
  start();
  table = {{row(2), wrong}};
  ASSERT_EQ(reload(), "");
  EXPECT_THAT(in_force(), ElementsAre(1, 2));
  EXPECT_THAT(kept.value(), ElementsAre(row(2)));
  // And so it goes on, at the next start.
  start(*kept);
  table = {{row(2), wrong, row(4)}};
  ASSERT_EQ(reload(), "");
  EXPECT_THAT(in_force(), ElementsAre(1, 2, 4));
  EXPECT_THAT(kept.value(), ElementsAre(row(2), row(4)));
  EXPECT_THAT(reload(), HasSubstr("192.0.2.300")) << "a start is over";
}

TEST_F(reload_of_rows, one_that_is_in_force_is_not_left_out) {
  database::row wrong = row(3);
  wrong.uri = "sip:192.0.2.300";
  kept = {{row(2), row(3)}};
  start(*kept);
  table = {{row(2), wrong}};
  EXPECT_THAT(reload(), AllOf(HasSubstr("row 3:"), Not(HasSubstr("left out"))));
  EXPECT_THAT(in_force(), ElementsAre(1, 2, 3));
  EXPECT_EQ(kept->size(), 2u);
}

// Of another database after a change of url, or damaged.
TEST_F(reload_of_rows, none_do_not_take_the_place_of_a_copy_that_cannot_be_used) {
  using enum database::no_copy::reason;
  for (const auto why : {of_another_database, unusable}) {
    kept = tl::unexpected(database::no_copy{why, "copy is wrong"});
    start();
    EXPECT_THAT(reload(), AllOf(HasSubstr("not known: copy is wrong. Nothing was changed"),
                                HasSubstr("remove /nowhere/copy and reload")));
    EXPECT_FALSE(kept.has_value());
    EXPECT_FALSE(reloading->rows_are_read());
    table = {{row(2)}};
    EXPECT_EQ(reload(), "");
    EXPECT_EQ(kept->size(), 1u);
    table->clear();
  }
}

TEST_F(reload_of_rows, none_are_taken_where_there_were_none_or_the_url_was_taken_out) {
  start();
  EXPECT_EQ(reload(), "");
  table = {{row(2)}};
  ASSERT_EQ(reload(), "");
  table->clear();
  EXPECT_NE(reload(), "");
  say("");
  EXPECT_EQ(reload(), "");
  EXPECT_THAT(in_force(), ElementsAre(1));
  say(with_database);
  EXPECT_EQ(reload(), "");
}

// Of many patterns it takes longer than the watchdog waits.
class reload_of_patterns : public reload_of_rows {
 protected:
  void say(const std::string& pattern) const { std::ofstream(file) << text(pattern); }
  static std::string text(const std::string& pattern) {
    return head + destination_text(1, "vm=5") + "[[rule]]\nmatch = { user = \"" + pattern +
           "\" }\nreply = \"404 Not found\"\n";
  }
  void start(const std::string& pattern) {
    const config::configuration whole = load(text(pattern));
    config::diagnostics out(file);
    published = source.build(whole, out);
    reloading.emplace(
        file, whole, whole, [](const auto&) { return std::nullopt; }, row_source{},
        [this](auto world) { published = std::move(world); }, source, [](const mail&) {});
  }
  [[nodiscard]] rules::pattern_set patterns() const {
    return published->rules->patterns()->sets.at(0);
  }
};

TEST_F(reload_of_patterns, they_are_compiled_once_when_the_file_is_checked) {
  start("^1");
  const rules::pattern_set first = patterns();
  EXPECT_TRUE(reloading->running().patterns->sets.at(0).shares_with(first));
  ASSERT_TRUE(reloading->republish());
  EXPECT_TRUE(patterns().shares_with(first)) << "only addresses have changed";
  say("^1");
  ASSERT_EQ(reload(), "");
  EXPECT_TRUE(patterns().shares_with(first)) << "the file says the same of them";
  say("^2");
  ASSERT_EQ(reload(), "");
  EXPECT_FALSE(patterns().shares_with(first));
  EXPECT_TRUE(reloading->running().patterns->sets.at(0).shares_with(patterns()));
}

TEST_F(reload_of_patterns, the_file_is_read_beside_the_loop) {
  start("^1");
  std::vector<std::function<std::function<void()>()>> jobs;
  reloading->read_aside([&](auto job, const auto&) { jobs.push_back(std::move(job)); });
  say("^2");
  EXPECT_EQ(reload(), "not called");
  ASSERT_EQ(jobs.size(), 1u);
  const auto take = jobs[0]();
  const rules::pattern_set before = patterns();
  ASSERT_TRUE(reloading->republish()) << "names go on meanwhile";
  EXPECT_TRUE(patterns().shares_with(before));
  std::vector<std::string> how;
  reloading->reload([&](const auto& done) { how.push_back(done ? "" : done.error()); });
  ASSERT_EQ(jobs.size(), 1u) << "one after the other";
  say("^(");
  take();
  EXPECT_FALSE(patterns().shares_with(before));
  ASSERT_EQ(jobs.size(), 2u);
  jobs[1]()();
  EXPECT_THAT(how, ElementsAre(HasSubstr("Missing close parenthesis")));
}

// The file lies on a disk that does not answer: the test's end of a FIFO.
TEST_F(reload_of_patterns, a_file_that_hangs_holds_up_no_later_reload) {
  start("^1");
  std::filesystem::remove(file);
  ASSERT_EQ(::mkfifo(file.c_str(), 0600), 0);
  boost::asio::io_context loop;
  const auto more_to_come = boost::asio::make_work_guard(loop);
  blocking_thread thread(loop, 0);
  auto limit = std::chrono::milliseconds(20);
  reloading->read_aside([&](auto job, auto late) {
    thread.run_within(std::exchange(limit, std::chrono::minutes(1)), std::move(job),
                      std::move(late));
  });
  std::vector<std::string> how;
  const auto note = [&](const auto& done) { how.push_back(done ? "" : done.error()); };
  reloading->reload(note);
  while (how.empty())
    loop.run_one();
  EXPECT_THAT(how, ElementsAre(AllOf(HasSubstr(file), HasSubstr("within 120 s"),
                                     HasSubstr("see to the disk"))));
  const rules::pattern_set before = patterns();
  const std::string hung = file + ".hung";
  std::filesystem::rename(file, hung);
  say("^3");
  reloading->reload(note);
  std::ofstream(hung) << text("^2"); // comes now, and is too late
  while (how.size() < 2)
    loop.run_one();
  std::filesystem::remove(hung);
  EXPECT_EQ(how.at(1), "");
  EXPECT_FALSE(patterns().shares_with(before));
  EXPECT_EQ(reloading->running().rules.back().model.conditions.at(0).pattern, "^3");
  EXPECT_EQ(how.size(), 2u);
}

TEST(unchangeable, rules_destinations_timers_probing_and_database_may_change) {
  const auto running = load(head + destination_text(1, "vm=5"));
  const auto next =
      load(std::string{"[runtime]\nlog_level = \"debug\"\n[timers]\nt1_ms = "
                       "400\n[probing]\ninterval_s = 5\n[database]\nurl = \"sqlite:///x.db\"\n"
                       "[service]\ndrain_limit_s = 5\n"} +
           head + destination_text(2, "vm=7"));
  config::diagnostics out("t.toml");
  config::refuse_unchangeable(running, next, out);
  EXPECT_THAT(out.lines(), IsEmpty());
}

TEST(unchangeable, ports_workers_and_tables_may_not) {
  const auto running = load(head + destination_text(1, "vm=5"));
  auto next =
      load("[runtime]\nworkers = 2\n[limits]\nslots = 9\n" + head + destination_text(1, "vm=5"));
  next.runtime.ports[0].mtu_bytes = 1400;
  next.listeners[0].local.port = 5070;
  next.admin.socket = "/tmp/other";
  next.service.user = "other";
  next.service.state_dir = "/tmp/other";
  next.service.calls_valid_s = 7;
  next.service.calls_copied_every_s = 7;
  next.log.file = "/tmp/other.log";
  config::diagnostics out("t.toml");
  config::refuse_unchangeable(running, next, out);
  EXPECT_THAT(out.lines(),
              ElementsAre(HasSubstr("[runtime] workers"), HasSubstr("[limits]"),
                          HasSubstr("[[port]]"), HasSubstr("[[listen]]"), HasSubstr("[admin]"),
                          HasSubstr("[service] user"), HasSubstr("[service] state_dir"),
                          HasSubstr("[service] calls_valid_s"),
                          HasSubstr("[service] calls_copied_every_s"), HasSubstr("[log] file")));
}

TEST(unchangeable, whether_sources_are_checked) {
  const std::string rest = destination_text(1, "vm=5");
  const auto running = load(head + rest);
  std::string text = head + rest;
  text.insert(text.find("[[port]]\n") + 9, "check_source = false\n");
  const auto next = load(text);
  EXPECT_TRUE(running.runtime.ports[0].check_source);
  EXPECT_FALSE(next.runtime.ports[0].check_source);
  config::diagnostics out("t.toml");
  config::refuse_unchangeable(running, next, out);
  EXPECT_THAT(out.lines(), ElementsAre(HasSubstr("[[port]]")));
}

} // namespace
} // namespace linehunt::reload_test
