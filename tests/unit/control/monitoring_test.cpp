// SPDX-License-Identifier: Apache-2.0
// What MONITORING.md, the dashboard and the alert rules name is what Prometheus gets, all of it and
// nothing else.
#include "control/daemon/interfaces.h"
#include "control/daemon/statistics.h"
#include "control/metrics/exposition.h"
#include "control/state/call_copier.h"
#include "found_names.h"
#include "local_clients.h"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <iterator>
#include <map>
#include <regex>
#include <set>
#include <sstream>

namespace linehunt::metrics::monitoring_test {
namespace {

using ::testing::Contains;

using test::found;
using test::names;

std::string contents(const char* path) {
  std::ifstream file(path);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  EXPECT_FALSE(text.empty()) << path;
  return text;
}

// By each way in that there may be.
std::vector<admin::statistic> refusals() {
  const test::fresh_folder folder;
  config::admin_settings all;
  all.socket = folder.path / "stream";
  all.datagram = folder.path / "datagram";
  all.fifo = folder.path / "fifo";
  all.fifo_reply_dir = folder.path;
  all.http->port = 0;
  all.metrics = all.http;
  boost::asio::io_context loop;
  const auto opened = interfaces::open(loop, all);
  if (opened) return (*opened)->statistics();
  ADD_FAILURE() << opened.error();
  return {};
}

std::vector<admin::statistic> copies() {
  boost::asio::io_context loop;
  constexpr std::chrono::seconds interval{10};
  return call_copier(loop, 0, "", interval, interval, {}).statistics();
}

// Everything of which there may be none: a worker, a destination, a port, and so on.
std::string written_anew() {
  static const engine_counters engine;
  node_figures figures;
  figures.workers.resize(1);
  figures.workers[0].engine = &engine;
  figures.destinations = {{1, 1, "sip:192.0.2.1"}};
  figures.resources = {{1, "pstn", 32, 3, true}};
  figures.destinations[0].probe_round_trip_us = 1500;
  figures.post_dial = {destination_delays{.destination = 1}};
  figures.node.ports = {{"access"}};
  figures.node.degraded = degraded_by({});
  figures.ways_in = refusals();
  figures.copies = copies();
  return exposition(figures).text();
}

const std::string& everything() {
  static const std::string text = written_anew();
  return text;
}

// What `label` may be, for each metric that has it.
std::map<std::string, names> values_of(const std::string& label) {
  const std::regex sample(R"(^(linehunt_\w+)\{(?:[^}]*,)?)" + label + "=\"(\\w+)\"",
                          std::regex::multiline);
  const std::string& text = everything();
  std::map<std::string, names> all;
  for (std::sregex_iterator each(text.begin(), text.end(), sample), end; each != end; ++each)
    all[(*each)[1]].insert((*each)[2]);
  return all;
}

struct family {
  std::string type;
  names labels;
  bool operator==(const family&) const = default;
};

void PrintTo(const family& one, std::ostream* out) {
  *out << one.type;
  for (const std::string& label : one.labels)
    *out << " " << label;
}

std::map<std::string, family> written() {
  std::map<std::string, family> all;
  std::istringstream in(everything());
  std::string current;
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line);
    std::string mark, what, type;
    if (words >> mark >> what; mark == "#" && what == "TYPE") {
      words >> current >> type;
      all[current].type = type;
    }
    if (mark == "#") continue;
    for (const std::string& label : found(line, R"lit((\w+)=")lit"))
      if (label != "le") all[current].labels.insert(label);
  }
  return all;
}

// Rows "| `linehunt_calls` | gauge | calls | `state` | ... |" of the document.
std::map<std::string, family> documented() {
  const std::regex row(R"(^\| `(linehunt_\w+)` \| (\w+) \| [^|]+ \| ([^|]*) \| [^|]+ \|$)",
                       std::regex::multiline);
  const std::string text = contents(LINEHUNT_MONITORING);
  std::map<std::string, family> all;
  for (std::sregex_iterator each(text.begin(), text.end(), row), end; each != end; ++each)
    EXPECT_TRUE(
        all.try_emplace((*each)[1], family{(*each)[2], found((*each)[3], "`(\\w+)`")}).second)
        << each->str(1) << " twice";
  return all;
}

TEST(monitoring, document_has_each_metric_with_its_type_and_labels) {
  EXPECT_EQ(documented(), written());
  EXPECT_GE(documented().size(), 40u);
}

TEST(monitoring, document_has_the_values_of_labels_that_are_always_the_same) {
  const std::regex row(R"(^\| `(linehunt_\w+)` \| \w+ \| [^|]+ \| [^|]* \| ([^|]+) \|$)",
                       std::regex::multiline);
  const std::string text = contents(LINEHUNT_MONITORING);
  std::map<std::string, names> told;
  for (std::sregex_iterator each(text.begin(), text.end(), row), end; each != end; ++each)
    told[(*each)[1]] = found((*each)[2], "`(\\w+)`");
  for (const char* label : {"outcome", "cause", "state", "ring", "reason", "result"}) {
    const auto all = values_of(label);
    EXPECT_FALSE(all.empty()) << label;
    for (const auto& [metric, values] : all)
      EXPECT_EQ(told[metric], values) << metric;
  }
}

TEST(monitoring, document_says_what_to_do_for_each_reason_of_degraded) {
  const names row = found(contents(LINEHUNT_MONITORING), R"(^\| `LinehuntDegraded` \| (.*) \|$)");
  ASSERT_EQ(row.size(), 1u);
  const names told = found(*row.begin(), "`(\\w+)`");
  const names reasons = values_of("reason")["linehunt_degraded"];
  EXPECT_EQ(reasons.size(), 6u);
  for (const std::string& reason : reasons)
    EXPECT_THAT(told, Contains(reason));
}

TEST(monitoring, document_has_each_verdict_with_its_meaning) {
  const std::regex row(R"(^\| `([a-z_]+)` \| ([^|]+) \|$)", std::regex::multiline);
  const std::string text = contents(LINEHUNT_MONITORING);
  const auto from = text.find("\n## Verdicts");
  ASSERT_NE(from, std::string::npos);
  const std::string section = text.substr(from, text.find("\n## ", from + 1) - from);
  std::vector<std::pair<std::string, std::string>> told, expected;
  for (std::sregex_iterator each(section.begin(), section.end(), row), end; each != end; ++each)
    told.emplace_back((*each)[1], (*each)[2]);
  for (std::size_t v = 0; v < verdict_count; ++v)
    expected.emplace_back(name_of(static_cast<verdict>(v)), meaning_of(static_cast<verdict>(v)));
  EXPECT_EQ(told, expected);
}

TEST(monitoring, document_dashboard_and_alerts_name_only_metrics_that_there_are) {
  const auto families = written();
  for (const char* path : {LINEHUNT_MONITORING, LINEHUNT_DASHBOARD, LINEHUNT_ALERTS}) {
    for (const std::string& name : found(contents(path), R"((linehunt_\w+))")) {
      const std::string whole = std::regex_replace(name, std::regex("_(bucket|sum|count)$"), "");
      const auto histogram = families.find(whole);
      EXPECT_TRUE(families.contains(name) ||
                  (histogram != families.end() && histogram->second.type == "histogram"))
          << path << ": " << name;
    }
  }
}

TEST(monitoring, dashboard_shows_the_ports_and_whether_it_drains) {
  const names shown = found(contents(LINEHUNT_DASHBOARD), R"((linehunt_\w+))");
  for (const char* name : {"linehunt_port_link_up", "linehunt_port_rx_lost_total",
                           "linehunt_port_tx_errors_total", "linehunt_draining"})
    EXPECT_THAT(shown, Contains(name));
}

TEST(monitoring, dashboard_shows_whatever_keeps_new_calls_from_a_destination) {
  const names shown = found(contents(LINEHUNT_DASHBOARD), R"("expr": "(linehunt_\w+) [=>])");
  for (const char* name : {"linehunt_destination_enabled", "linehunt_destination_resolved",
                           "linehunt_destination_paused_seconds", "linehunt_destination_draining"})
    EXPECT_THAT(shown, Contains(name));
}

// Prometheus scrapes once a minute unless told otherwise, and a rate takes two scrapes.
TEST(monitoring, alerts_look_back_over_two_scrapes_even_if_one_is_lost) {
  const names ranges = found(contents(LINEHUNT_ALERTS), R"(\[(\w+)\])");
  EXPECT_GE(ranges.size(), 3u);
  for (const std::string& range : ranges) {
    ASSERT_TRUE(std::regex_match(range, std::regex("[0-9]+m"))) << range;
    EXPECT_GE(std::stoi(range), 3) << range;
  }
}

TEST(monitoring, alerts_ask_for_label_values_that_there_are) {
  const std::regex selector(R"((linehunt_\w+)\{([^}]*)\})"), one_label(R"re((\w+)=~?"([\w|]+)")re");
  const std::string alerts = contents(LINEHUNT_ALERTS);
  names labels;
  for (std::sregex_iterator each(alerts.begin(), alerts.end(), selector), end; each != end;
       ++each) {
    const std::string metric = (*each)[1], asked = (*each)[2];
    std::smatch parts;
    ASSERT_TRUE(std::regex_match(asked, parts, one_label)) << metric << ": " << asked;
    labels.insert(parts[1]);
    const names known = values_of(parts[1])[metric];
    for (const std::string& value : found(parts[2], "(\\w+)"))
      EXPECT_THAT(known, Contains(value)) << metric;
  }
  EXPECT_EQ(labels, (names{"outcome", "reason", "result", "verdict"}));
}

TEST(monitoring, document_says_what_to_do_on_each_alarm) {
  const names alarms = found(contents(LINEHUNT_ALERTS), R"(^ *- alert: (\w+)$)");
  EXPECT_GE(alarms.size(), 12u);
  EXPECT_EQ(found(contents(LINEHUNT_MONITORING), R"(^\| `(Linehunt\w+)` \|)"), alarms);
}

} // namespace
} // namespace linehunt::metrics::monitoring_test
