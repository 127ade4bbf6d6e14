// SPDX-License-Identifier: Apache-2.0
// Names against a real DNS server: what RFC 3263 asks for in which order, refresh at the TTL, the
// server's death and return. Each waits for what it wants to see, with a limit.
#include "control/resolver/resolver.h"

#include "dns_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace linehunt::dns::resolver_test {
namespace {

using namespace std::chrono_literals;
using test::dns_server;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class resolver_test : public ::testing::Test {
 protected:
  resolver_test() {
    settings.servers.addresses = {server.address()};
    settings.servers.timeout_ms = 100;
    settings.servers.tries = 2;
    settings.min_ttl = 20ms;
    settings.max_stale = 10min;
    settings.first_retry = 20ms;
    settings.longest_retry = 100ms;
    settings.gather = 1ms;
    settings.between = 1ms;
    settings.longest_ttl = 50ms;
    settings.longest_negative_ttl = 50ms;
  }

  void use(const std::vector<std::string>& records) {
    server.start(records);
    const auto done = names.configure(settings);
    ASSERT_TRUE(done) << done.error();
  }
  // Turns the loop until `holds`.
  template <class Condition>
  [[nodiscard]] bool until(Condition holds) {
    const auto limit = std::chrono::steady_clock::now() + 60s;
    while (!holds()) {
      if (std::chrono::steady_clock::now() > limit) return false;
      loop.restart();
      loop.run_for(2ms);
    }
    return true;
  }
  std::vector<std::string> addresses(const sip_name& name) {
    std::vector<std::string> all;
    for (const endpoint& e : names.current(name).addresses)
      all.emplace_back(to_text(e));
    return all;
  }
  std::vector<std::string> resolved(const sip_name& name) {
    EXPECT_TRUE(until([&] { return !addresses(name).empty(); })) << names.about(name).cause;
    return addresses(name);
  }

  boost::asio::io_context loop;
  dns_server server;
  resolver_settings settings;
  int changes = 0;
  std::vector<name_report> reports;
  resolver names{loop,
                 {true, true},
                 [this] {
                   ++changes;
                   return resolver::refusal{};
                 },
                 [this](const name_report& r) { reports.push_back(r); }};
};

TEST_F(resolver_test, plain_name_gives_all_addresses_at_the_default_port) {
  use({"--host-record=box.test,192.0.2.12", "--host-record=box.test,192.0.2.11",
       "--host-record=box.test,2001:db8::5"});
  EXPECT_THAT(addresses({"box.test"}), IsEmpty()) << "nothing is known before an answer";
  EXPECT_THAT(resolved({"box.test"}),
              ElementsAre("192.0.2.11:5060", "192.0.2.12:5060", "[2001:db8::5]:5060"));
  const auto turns = names.current({"box.test"}).turns;
  ASSERT_EQ(turns.size(), 3u);
  EXPECT_EQ(turns[0], turns[2]) << "equal shares of one rank";
  ASSERT_TRUE(until([&] { return changes == 1; }));
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(reports[0].status, name_status::resolved);
}

TEST_F(resolver_test, port_in_the_uri_means_no_srv) {
  use({"--host-record=box.test,192.0.2.11", "--host-record=other.test,192.0.2.99",
       "--srv-host=_sip._udp.box.test,other.test,5099,1,1"});
  EXPECT_THAT(resolved({"box.test", 5070}), ElementsAre("192.0.2.11:5070"));
  EXPECT_THAT(resolved({"box.test"}), ElementsAre("192.0.2.99:5099"));
}

TEST_F(resolver_test, srv_by_priority_and_weight) {
  use({"--host-record=a.test,192.0.2.1", "--host-record=b.test,192.0.2.2",
       "--host-record=c.test,192.0.2.3", "--host-record=d.test,192.0.2.4",
       "--srv-host=_sip._udp.x.test,a.test,5061,20,5",
       "--srv-host=_sip._udp.x.test,b.test,5062,10,60",
       "--srv-host=_sip._udp.x.test,c.test,5063,10,20",
       "--srv-host=_sip._udp.x.test,d.test,5064,10,0"});
  EXPECT_THAT(resolved({"x.test"}),
              ElementsAre("192.0.2.2:5062", "192.0.2.3:5063", "192.0.2.4:5064", "192.0.2.1:5061"));
  const auto turns = names.current({"x.test"}).turns;
  ASSERT_EQ(turns.size(), 4u);
  EXPECT_EQ(turns[0].rank, 0);
  EXPECT_EQ(turns[2].rank, 0);
  EXPECT_EQ(turns[3].rank, 1);
  EXPECT_EQ(turns[0].share, 3 * turns[1].share);
  EXPECT_GT(turns[2].share, 0u) << "a weight of 0 is rare, not never";
  EXPECT_LT(turns[2].share * 100, turns[1].share);
}

TEST_F(resolver_test, naptr_leads_to_another_srv_name) {
  const std::vector<std::string> zone{
      "--host-record=edge.test,192.0.2.7",
      "--host-record=plain.test,192.0.2.8",
      "--srv-host=_sip._udp.carrier.test,edge.test,5070,1,1",
      "--srv-host=_sip._udp.n.test,plain.test,5080,1,1",
      "--naptr-record=n.test,10,10,s,SIP+D2T,,_sip._tcp.carrier.test",
      "--naptr-record=n.test,50,10,S,sip+d2u,,_sip._udp.carrier.test"};
  use(zone);
  EXPECT_THAT(resolved({"n.test"}), ElementsAre("192.0.2.7:5070"));
  EXPECT_THAT(resolved({"n.test", 0, true}), ElementsAre("192.0.2.8:5080"))
      << "transport=udp: no NAPTR (RFC 3263 4.1)";
}

TEST_F(resolver_test, too_many_aliases_are_said) {
  std::vector<std::string> zone{"--host-record=a12.test,192.0.2.7"};
  for (int i = 0; i < 12; ++i)
    zone.push_back("--cname=a" + std::to_string(i) + ".test,a" + std::to_string(i + 1) + ".test");
  use(zone);
  EXPECT_THAT(resolved({"a5.test", 5060}), ElementsAre("192.0.2.7:5060"));
  EXPECT_THAT(addresses({"a0.test", 5060}), IsEmpty());
  ASSERT_TRUE(until([&] { return reports.size() == 2; }));
  EXPECT_THAT(reports[1].cause, HasSubstr("a0.test: more than 8 aliases"));
}

TEST_F(resolver_test, name_that_is_not_there_is_tried_again_and_not_dropped) {
  use({});
  EXPECT_THAT(addresses({"later.test"}), IsEmpty());
  ASSERT_TRUE(until([&] { return !reports.empty(); }));
  EXPECT_EQ(reports[0].status, name_status::unresolved);
  EXPECT_THAT(reports[0].cause, HasSubstr("later.test"));
  server.stop();
  server.start({"--host-record=later.test,192.0.2.5"});
  EXPECT_THAT(resolved({"later.test"}), ElementsAre("192.0.2.5:5060"));
  EXPECT_EQ(names.about({"later.test"}).status, name_status::resolved);
}

TEST_F(resolver_test, changed_record_is_seen_when_the_ttl_runs_out) {
  settings.longest_ttl = 24h;
  use({"--host-record=box.test,192.0.2.1,1"});
  EXPECT_THAT(resolved({"box.test"}), ElementsAre("192.0.2.1:5060"));
  ASSERT_TRUE(until([&] { return changes == 1; }));
  const auto began = std::chrono::steady_clock::now();
  server.stop();
  server.start({"--host-record=box.test,192.0.2.2,1000"});
  ASSERT_TRUE(until([&] { return addresses({"box.test"}).front() == "192.0.2.2:5060"; }));
  EXPECT_GT(std::chrono::steady_clock::now() - began, 200ms) << "it asked before the TTL was over";
  ASSERT_TRUE(until([&] { return changes == 2; }));
}

TEST_F(resolver_test, nothing_changes_while_the_answers_stay_the_same) {
  use({"--host-record=box.test,192.0.2.1", "--host-record=box.test,192.0.2.2"});
  (void)resolved({"box.test"});
  const auto limit = std::chrono::steady_clock::now() + 300ms; // six refreshes
  (void)until([&] { return std::chrono::steady_clock::now() > limit; });
  EXPECT_EQ(changes, 1);
  EXPECT_EQ(reports.size(), 1u);
}

TEST_F(resolver_test, good_answer_stays_while_the_server_is_dead) {
  use({"--host-record=box.test,192.0.2.1"});
  (void)resolved({"box.test"});
  server.stop();
  ASSERT_TRUE(until([&] { return names.about({"box.test"}).status == name_status::stale; }));
  EXPECT_THAT(addresses({"box.test"}), ElementsAre("192.0.2.1:5060"));
  EXPECT_FALSE(names.about({"box.test"}).cause.empty());
  EXPECT_EQ(names.stale_names(), 1u);
  server.start({"--host-record=box.test,192.0.2.9"});
  ASSERT_TRUE(until([&] { return names.about({"box.test"}).status == name_status::resolved; }));
  EXPECT_EQ(names.stale_names(), 0u);
  EXPECT_THAT(addresses({"box.test"}), ElementsAre("192.0.2.9:5060"));
}

TEST_F(resolver_test, stale_answer_ends_after_its_time) {
  settings.max_stale = 200ms;
  use({"--host-record=box.test,192.0.2.1"});
  (void)resolved({"box.test"});
  server.stop();
  ASSERT_TRUE(until([&] { return addresses({"box.test"}).empty(); }));
  EXPECT_EQ(names.about({"box.test"}).status, name_status::unresolved);
  EXPECT_EQ(names.stale_names(), 0u);
  ASSERT_TRUE(until([&] { return changes == 2; }));
  ASSERT_EQ(reports.size(), 3u);
  EXPECT_EQ(reports[1].status, name_status::stale);
  server.start({"--host-record=box.test,192.0.2.1"});
  EXPECT_THAT(resolved({"box.test"}), ElementsAre("192.0.2.1:5060"));
}

struct resolver_order : resolver_test {
  resolver_order() {
    settings.gather = 100ms;
    server.start({"--host-record=box.test,192.0.2.1"});
  }
  // Asks for a name, until that has been heard.
  void begin(std::size_t heard) {
    ASSERT_TRUE(told.configure(settings));
    (void)told.current({"box.test"});
    ASSERT_TRUE(until([&] { return seen.size() >= heard && !now().empty(); }));
  }
  std::vector<endpoint> now() { return told.current({"box.test"}).addresses; }
  std::vector<std::string> seen;
  resolver::refusal refusal;
  resolver told{loop,
                {true, true},
                [this] {
                  seen.push_back("changed, " + std::to_string(now().size()));
                  return refusal;
                },
                [this](const name_report& r) { seen.emplace_back(word_for(r.status)); }};
};

TEST_F(resolver_order, a_name_is_told_when_its_addresses_are_in_use) {
  begin(2);
  EXPECT_THAT(seen, ElementsAre("changed, 1", "resolved"));
  server.stop();
  server.start({"--host-record=other.test,192.0.2.1"});
  ASSERT_TRUE(until([&] { return seen.back() == "unresolved"; }));
  EXPECT_EQ(*(seen.end() - 2), "changed, 0");
}

TEST_F(resolver_order, a_name_is_told_when_somebody_else_has_its_addresses_in_use_before) {
  begin(0);
  told.tell_published();
  EXPECT_THAT(seen, ElementsAre("resolved"));
  ASSERT_TRUE(until([&] { return seen.size() == 2; }));
  EXPECT_THAT(seen, ElementsAre("resolved", "changed, 1")) << "and once";
}

TEST_F(resolver_order, a_name_whose_addresses_are_refused_is_told_so_once_and_tried_again) {
  refusal = "no room";
  begin(4);
  EXPECT_EQ(seen.at(1), "refused");
  EXPECT_EQ(std::ranges::count(seen, "refused"), 1);
  EXPECT_EQ(std::ranges::count(seen, "resolved"), 0);
  EXPECT_EQ(told.about({"box.test"}).status, name_status::refused);
  EXPECT_EQ(told.about({"box.test"}).cause, "no room");
  refusal.clear();
  ASSERT_TRUE(until([&] { return seen.back() == "resolved"; }));
  EXPECT_EQ(told.about({"box.test"}).status, name_status::resolved);
  const std::size_t heard = seen.size();
  const auto limit = std::chrono::steady_clock::now() + 300ms; // it would be tried again
  (void)until([&] { return std::chrono::steady_clock::now() > limit; });
  EXPECT_EQ(seen.size(), heard);
}

TEST_F(resolver_order, a_name_that_was_refused_is_told_when_a_reload_has_put_it_to_use) {
  settings.first_retry = 24h;
  settings.longest_retry = 24h;
  refusal = "no room";
  begin(2);
  told.tell_published();
  EXPECT_THAT(seen, ElementsAre("changed, 1", "refused", "resolved"));
  EXPECT_EQ(told.about({"box.test"}).status, name_status::resolved);
}

TEST_F(resolver_test, name_that_was_taken_away_ends_at_once) {
  use({"--host-record=box.test,192.0.2.1"});
  (void)resolved({"box.test"});
  server.stop();
  server.start({});
  ASSERT_TRUE(until([&] { return addresses({"box.test"}).empty(); }));
  EXPECT_EQ(names.about({"box.test"}).status, name_status::unresolved);
}

TEST_F(resolver_test, dead_server_beside_a_living_one_costs_only_time) {
  dns_server dead;
  settings.servers.addresses = {dead.address(), server.address()};
  use({"--host-record=box.test,192.0.2.1"});
  EXPECT_THAT(resolved({"box.test"}), ElementsAre("192.0.2.1:5060"));
}

TEST_F(resolver_test, only_families_that_we_can_reach) {
  resolver four{loop, {true, false}, [] { return resolver::refusal{}; }, [](const name_report&) {}};
  use({"--host-record=box.test,192.0.2.1", "--host-record=box.test,2001:db8::1",
       "--host-record=six.test,2001:db8::2"});
  ASSERT_TRUE(four.configure(settings));
  ASSERT_TRUE(until([&] { return !four.current({"box.test"}).addresses.empty(); }));
  EXPECT_EQ(four.current({"box.test"}).addresses.size(), 1u);
  (void)four.current({"six.test"});
  ASSERT_TRUE(until([&] { return four.about({"six.test"}).cause != "not looked up yet"; }));
  EXPECT_THAT(four.current({"six.test"}).addresses, IsEmpty());
}

TEST_F(resolver_test, thousand_names_are_a_few_changes) {
  settings.gather = 100ms;
  settings.between = 1s;
  settings.longest_ttl = 24h;
  settings.servers.timeout_ms = 5000;
  std::vector<std::string> zone;
  for (int i = 0; i < 1000; ++i)
    zone.push_back("--host-record=n" + std::to_string(i) + ".test,192.0.2." +
                   std::to_string(1 + i % 200) + ",3600");
  use(zone);
  std::size_t found = 0;
  const auto began = std::chrono::steady_clock::now();
  ASSERT_TRUE(until([&] {
    found = 0;
    for (int i = 0; i < 1000; ++i)
      found += names.current({"n" + std::to_string(i) + ".test", 5060}).addresses.size();
    return found == 1000;
  })) << found;
  const auto took = std::chrono::steady_clock::now() - began;
  EXPECT_LE(changes, 2 + took / 1s);
}

TEST_F(resolver_test, names_nobody_asks_for_are_forgotten) {
  use({"--host-record=a.test,192.0.2.1", "--host-record=b.test,192.0.2.2"});
  (void)resolved({"a.test"});
  (void)resolved({"b.test"});
  names.begin_asking();
  (void)names.current({"b.test"});
  names.forget_unasked();
  EXPECT_EQ(names.names(), 1u);
  const auto limit = std::chrono::steady_clock::now() + 150ms; // its timer would have come
  (void)until([&] { return std::chrono::steady_clock::now() > limit; });
  EXPECT_EQ(names.names(), 1u);
}

TEST_F(resolver_test, a_file_of_servers_that_changes_is_read_again) {
  char folder[] = "/tmp/linehunt-resolv-XXXXXX";
  ASSERT_NE(mkdtemp(folder), nullptr);
  const std::filesystem::path file = std::filesystem::path(folder) / "resolv.conf";
  const auto names_server = [&](const std::string& address) {
    std::ofstream(file.string() + ".new") << "nameserver " << address << "\n";
    std::filesystem::rename(file.string() + ".new", file);
  };
  settings.servers.file = file;
  settings.servers.addresses.clear();
  settings.servers.port = server.port();
  names_server("127.0.0.2"); // where nobody answers
  use({"--host-record=box.test,192.0.2.1"});
  (void)names.current({"box.test"});
  ASSERT_TRUE(until([&] { return !reports.empty(); }));
  EXPECT_EQ(reports[0].status, name_status::unresolved);
  names_server("127.0.0.1");
  EXPECT_THAT(resolved({"box.test"}), ElementsAre("192.0.2.1:5060"));

  names_server("127.0.0.2");
  ASSERT_TRUE(names.configure(settings)) << "a reload comes before the next look-up";
  EXPECT_TRUE(until([&] { return names.about({"box.test"}).status == name_status::stale; }));
  names_server("127.0.0.1");
  EXPECT_TRUE(until([&] { return names.about({"box.test"}).status == name_status::resolved; }));
  std::filesystem::remove_all(folder);
}

// Names that have failed often would wait for a minute otherwise.
TEST_F(resolver_test, other_servers_are_asked_at_once) {
  server.start({"--host-record=box.test,192.0.2.1", "--host-record=known.test,192.0.2.2"});
  dns_server dead;
  const auto good = settings.servers.addresses;
  settings.servers.addresses = {dead.address()};
  settings.first_retry = settings.longest_retry = 24h;
  settings.longest_negative_ttl = 24h;
  ASSERT_TRUE(names.configure(settings));
  (void)names.current({"box.test"});
  ASSERT_TRUE(until([&] { return !reports.empty(); }));
  EXPECT_EQ(reports[0].status, name_status::unresolved);
  settings.servers.addresses = good;
  ASSERT_TRUE(names.configure(settings));
  EXPECT_THAT(resolved({"box.test"}), ElementsAre("192.0.2.1:5060"));
}

// One look-up finds the other file, and the names that wait for their turn have the servers of it.
TEST_F(resolver_test, servers_of_another_file_are_asked_for_all_that_failed) {
  char folder[] = "/tmp/linehunt-resolv-XXXXXX";
  ASSERT_NE(mkdtemp(folder), nullptr);
  settings.servers.file = std::filesystem::path(folder) / "resolv.conf";
  settings.servers.addresses.clear();
  settings.servers.port = server.port();
  settings.first_retry = settings.longest_retry = 24h;
  std::ofstream(settings.servers.file) << "nameserver 127.0.0.2\n"; // where nobody answers
  use({"--host-record=box.test,192.0.2.1", "--host-record=new.test,192.0.2.2"});
  (void)names.current({"box.test"});
  ASSERT_TRUE(until([&] { return !reports.empty(); }));
  std::filesystem::remove(settings.servers.file);
  std::ofstream(settings.servers.file) << "nameserver 127.0.0.1\n# another\n";
  EXPECT_THAT(resolved({"new.test"}), ElementsAre("192.0.2.2:5060"));
  EXPECT_THAT(resolved({"box.test"}), ElementsAre("192.0.2.1:5060"));
  std::filesystem::remove_all(folder);
}

TEST_F(resolver_test, wrong_server_is_refused_and_the_old_ones_stay) {
  use({"--host-record=box.test,192.0.2.1"});
  auto wrong = settings;
  wrong.servers.addresses = {"no server"};
  EXPECT_FALSE(names.configure(wrong));
  EXPECT_THAT(resolved({"box.test"}), ElementsAre("192.0.2.1:5060"));
}

// As a start sees it: what the run before knew, while no server answers.
class resolver_start : public resolver_test {
 protected:
  resolver_start() {
    settings.servers.addresses = {dead.address()};
    before.name = {"box.test"};
    before.where.addresses = {endpoint{*parse_ip("192.0.2.7"), 5099},
                              endpoint{*parse_ip("2001:db8::7"), 5099},
                              endpoint{*parse_ip("192.0.2.8"), 5098}};
    before.where.turns = {{0, 30}, {0, 20}, {1, 100}};
    before.ttl = 60s;
    before.answered_at = std::chrono::steady_clock::now() - 5min;
  }
  void start() {
    ASSERT_TRUE(names.configure(settings));
    names.remember({before});
  }
  dns_server dead;
  known_name before;
};

TEST_F(resolver_start, addresses_of_before_are_used_until_a_server_answers) {
  settings.longest_ttl = 24h;
  start();
  EXPECT_EQ(names.current({"box.test"}), before.where);
  EXPECT_EQ(names.about({"box.test"}).status, name_status::stale);
  EXPECT_THAT(names.about({"box.test"}).cause, HasSubstr("of before the start"));
  EXPECT_THAT(names.known(), ElementsAre(before)) << "for another start";
  ASSERT_TRUE(until([&] { return !reports.empty(); }));
  EXPECT_EQ(reports[0].status, name_status::stale);
  EXPECT_THAT(reports[0].cause, HasSubstr("; the addresses are those of before the start"));
  EXPECT_EQ(names.current({"box.test"}), before.where);
  EXPECT_EQ(changes, 0);
  settings.servers.addresses = {server.address()};
  use({"--host-record=box.test,192.0.2.1"});
  ASSERT_TRUE(until([&] { return changes == 1; }));
  EXPECT_THAT(addresses({"box.test"}), ElementsAre("192.0.2.1:5060"));
  ASSERT_EQ(reports.size(), 2u);
  EXPECT_EQ(reports[1].status, name_status::resolved);
  ASSERT_EQ(names.known().size(), 1u);
  EXPECT_EQ(names.known()[0].where, names.current({"box.test"}));
  EXPECT_GT(names.known()[0].answered_at, before.answered_at);
}

TEST_F(resolver_start, a_server_that_knows_no_such_name_takes_them_at_once) {
  settings.servers.addresses = {server.address()};
  use({"--host-record=other.test,192.0.2.1"});
  names.remember({before});
  EXPECT_FALSE(addresses({"box.test"}).empty());
  ASSERT_TRUE(until([&] { return changes == 1; }));
  EXPECT_THAT(addresses({"box.test"}), IsEmpty());
  EXPECT_THAT(names.known(), IsEmpty());
}

TEST_F(resolver_start, another_port_is_another_name) {
  start();
  EXPECT_THAT(addresses({"box.test", 5099}), IsEmpty());
  EXPECT_THAT(addresses({"box.test", 0, true}), IsEmpty()) << "and without NAPTR as well";
  EXPECT_FALSE(addresses({"box.test"}).empty());
  EXPECT_EQ(names.stale_names(), 1u);
  names.begin_asking();
  names.forget_unasked();
  EXPECT_EQ(names.stale_names(), 0u) << "nobody asks for it any more";
}

TEST_F(resolver_start, what_is_longer_over_than_max_stale_is_not_used) {
  settings.max_stale = 10min;
  settings.longest_ttl = 1min;
  before.ttl = 24h; // it would have been one minute here
  before.answered_at = std::chrono::steady_clock::now() - 11min - 1s;
  start();
  EXPECT_THAT(names.known(), IsEmpty());
  EXPECT_THAT(addresses({"box.test"}), IsEmpty());
}

TEST_F(resolver_start, addresses_of_before_end_while_nobody_answers) {
  settings.max_stale = 10min;
  settings.longest_ttl = 1min;
  before.answered_at = std::chrono::steady_clock::now() - 11min + 300ms;
  start();
  EXPECT_FALSE(addresses({"box.test"}).empty());
  ASSERT_TRUE(until([&] { return changes == 1; }));
  EXPECT_THAT(addresses({"box.test"}), IsEmpty());
  EXPECT_EQ(names.about({"box.test"}).status, name_status::unresolved);
}

TEST_F(resolver_start, what_no_listener_reaches_is_left_out) {
  resolver v4{loop, {true, false}, [] { return resolver::refusal{}; }, [](const name_report&) {}};
  ASSERT_TRUE(v4.configure(settings));
  v4.remember({before});
  const found_addresses found = v4.current({"box.test"});
  EXPECT_EQ(found.addresses, (std::vector{before.where.addresses[0], before.where.addresses[2]}));
  EXPECT_EQ(found.turns, (std::vector{before.where.turns[0], before.where.turns[2]}));
}

} // namespace
} // namespace linehunt::dns::resolver_test
