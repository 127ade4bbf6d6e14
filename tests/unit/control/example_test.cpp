// SPDX-License-Identifier: Apache-2.0
// The shipped example is right and says the tutorial's study case.
#include "control/config/load_file.h"
#include "control/config/snapshot_source.h"
#include "dataplane/dpdk/device_check.h"

#include <cstring>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>
#include <type_traits>
#include <vector>

namespace linehunt::config::example_test {
namespace {

configuration example() {
  diagnostics out(LINEHUNT_EXAMPLE);
  auto whole = load_file(dpdk::check_device, out);
  // As in the tutorial: every box may call, and two of them have no lines to the PSTN.
  EXPECT_THAT(out.lines(),
              ::testing::ElementsAre(::testing::HasSubstr("note: [[rule]] count 'pstn' is not "
                                                          "offered by destinations 2, 3")));
  return whole ? *whole : configuration{};
}

TEST(example, loads_without_an_error_or_a_warning) {
  const configuration whole = example();
  EXPECT_EQ(whole.destinations.size(), 4u);
  EXPECT_EQ(whole.listeners.size(), 1u);
}

TEST(example, holds_the_rules_of_the_study_case) {
  const configuration whole = example();
  ASSERT_EQ(whole.rules.size(), 5u);
  const rule_model& inbound = whole.rules[0].model;
  EXPECT_EQ(inbound.action, rule_action::forward);
  EXPECT_TRUE(inbound.count);
  EXPECT_EQ(inbound.resources, std::vector<std::string>{"pstn"});
  EXPECT_EQ(inbound.group, 1u);
  EXPECT_EQ(inbound.target, *parse_endpoint("192.0.2.5:5060", 0));
  const rule_model& voicemail = whole.rules[1].model;
  EXPECT_EQ(voicemail.action, rule_action::balance);
  EXPECT_TRUE(voicemail.failover.code_class[5] && voicemail.failover.code_class[6] &&
              voicemail.failover.local_timeout && voicemail.failover.disable);
  EXPECT_FALSE(voicemail.failover.code_class[4]);
  EXPECT_EQ(voicemail.status, 500);
  EXPECT_EQ(voicemail.reason, "Service full");
  EXPECT_EQ(whole.rules[2].model.action, rule_action::add);
  EXPECT_EQ(whole.rules[4].model.status, 404);
}

TEST(example, builds_a_snapshot) {
  const configuration whole = example();
  index_book book(whole.runtime.limits.max_destinations, whole.runtime.limits.max_slots);
  std::vector<build_error> errors;
  const auto world = build_snapshot(snapshot_source(whole), book, errors);
  ASSERT_TRUE(world) << (errors.empty() ? "" : errors.front().message);
  ASSERT_EQ(world->destinations.size(), 4u);
  EXPECT_EQ(world->destinations[3].resources.size(), 4u);
  listener_index index = 0;
  // On the network, and past the gateway.
  EXPECT_NE(world->listener_for(*parse_ip("192.0.2.21"), index), nullptr);
  EXPECT_NE(world->listener_for(*parse_ip("203.0.113.1"), index), nullptr);
}

// Every key that a comment of the example offers, without the comment sign.
std::string with_keys_of_comments() {
  std::ifstream file(LINEHUNT_EXAMPLE);
  std::string text, line;
  bool in_section = false;
  while (std::getline(file, line)) {
    // "# key = value" and "# [section]"; prose and second choices of a key stay comments.
    const bool key = line.starts_with("# ") && line.find(" = ") != std::string::npos &&
                     line.find(' ', 2) == line.find(" = ") && !line.starts_with("# device = ");
    if (key || line.starts_with("# [")) line.erase(0, 2);
    text += line + '\n';
    in_section = in_section || key;
  }
  EXPECT_TRUE(in_section);
  // cores must fit the one worker; one port name and one socket are as written.
  const auto cores = text.find("cores = [1, 2]");
  EXPECT_NE(cores, std::string::npos);
  return cores == std::string::npos ? text : text.replace(cores, 14, "cores = [1]");
}

TEST(example, keys_in_comments_are_known) {
  diagnostics out("example");
  EXPECT_TRUE(load_text(with_keys_of_comments(), dpdk::check_device, out));
  for (const diagnostic& said : out.sorted())
    EXPECT_EQ(said.weight, severity::note) << said.message;
}

// What stands between a line that begins so and one of "```", as often as there is any.
std::vector<std::string> blocks_of(const std::filesystem::path& document,
                                   const std::string& begin) {
  std::ifstream file(document);
  std::vector<std::string> blocks;
  bool inside = false;
  for (std::string line; std::getline(file, line);) {
    if (inside && line != "```") blocks.back() += line + '\n';
    if (!inside && line == begin) blocks.emplace_back();
    inside = inside ? line != "```" : line == begin;
  }
  return blocks;
}

TEST(example, configurations_of_readme_and_manual_load_without_a_warning) {
  const std::filesystem::path tools = std::filesystem::path(LINEHUNT_EXAMPLE).parent_path();
  const auto readme = blocks_of(tools.parent_path() / "README.md", "```toml");
  const auto manual = blocks_of(tools / "man/linehunt.toml.5.scd", "```");
  ASSERT_EQ(readme.size(), 2u);
  ASSERT_EQ(manual.size(), 2u);
  // Of the manual a rule comes first, and then a whole one.
  for (const std::string& text : {readme[0], readme[0] + readme[1], manual[1] + manual[0]}) {
    diagnostics out("document");
    EXPECT_TRUE(load_text(
        text, [](const auto&) { return std::nullopt; }, out))
        << text;
    EXPECT_THAT(out.lines(), ::testing::IsEmpty());
  }
}

template <class Numbers>
bool same_bytes(const Numbers& a, const Numbers& b) {
  static_assert(std::has_unique_object_representations_v<Numbers>);
  return std::memcmp(&a, &b, sizeof a) == 0;
}

TEST(example, what_a_comment_shows_is_the_default) {
  diagnostics out("example");
  const auto said = load_text(with_keys_of_comments(), dpdk::check_device, out);
  ASSERT_TRUE(said);
  const configuration left_out = example();
  EXPECT_TRUE(same_bytes(said->timers, left_out.timers));
  EXPECT_TRUE(same_bytes(said->runtime.limits, left_out.runtime.limits));
  EXPECT_EQ(said->runtime.memory_mb, left_out.runtime.memory_mb);
  EXPECT_EQ(said->runtime.mbufs, left_out.runtime.mbufs);
  EXPECT_EQ(said->runtime.file_prefix, left_out.runtime.file_prefix);
  EXPECT_EQ(said->runtime.control_core, left_out.runtime.control_core);
  EXPECT_EQ(said->runtime.hugepages, left_out.runtime.hugepages);
  EXPECT_EQ(said->runtime.yield_when_idle, left_out.runtime.yield_when_idle);
  EXPECT_EQ(said->kernel, left_out.kernel);
  EXPECT_EQ(said->log_level, left_out.log_level);
  EXPECT_EQ(said->user_agent, left_out.user_agent);
  EXPECT_EQ(said->probing.interval_s, left_out.probing.interval_s);
  EXPECT_EQ(said->probing.timeout_ms, left_out.probing.timeout_ms);
  EXPECT_EQ(said->probing.method, left_out.probing.method);
  EXPECT_EQ(said->probing.from, left_out.probing.from);
  EXPECT_EQ(said->probing.reply_codes, left_out.probing.reply_codes);
  EXPECT_EQ(said->probing.failures_to_disable, left_out.probing.failures_to_disable);
  EXPECT_EQ(said->probing.successes_to_enable, left_out.probing.successes_to_enable);
  database::settings there = said->database;
  there.url.clear();
  EXPECT_EQ(there, left_out.database);
  EXPECT_EQ(said->admin.socket, left_out.admin.socket);
  EXPECT_EQ(said->admin.datagram, left_out.admin.datagram);
  EXPECT_EQ(said->admin.fifo, left_out.admin.fifo);
  EXPECT_EQ(said->admin.fifo_reply_dir, left_out.admin.fifo_reply_dir);
  EXPECT_EQ(said->admin.http, left_out.admin.http);
  EXPECT_EQ(said->admin.metrics, left_out.admin.metrics);
  EXPECT_EQ(said->admin.capture_dir, left_out.admin.capture_dir);
  EXPECT_EQ(said->admin.max_clients, left_out.admin.max_clients);
  EXPECT_EQ(said->admin.max_request_bytes, left_out.admin.max_request_bytes);
  EXPECT_EQ(said->service.user, left_out.service.user);
  EXPECT_EQ(said->service.drain_limit_s, left_out.service.drain_limit_s);
  EXPECT_EQ(said->service.state_dir, left_out.service.state_dir);
  EXPECT_EQ(said->service.calls_valid_s, left_out.service.calls_valid_s);
  EXPECT_EQ(said->service.calls_copied_every_s, left_out.service.calls_copied_every_s);
  const dpdk::port_setup &port = said->runtime.ports.at(0), &usual = left_out.runtime.ports.at(0);
  EXPECT_EQ(port.vlan, usual.vlan);
  EXPECT_EQ(port.mtu_bytes, usual.mtu_bytes);
  EXPECT_EQ(port.checksum, usual.checksum);
  EXPECT_EQ(port.check_source, usual.check_source);
  EXPECT_EQ(port.rx_descriptors, usual.rx_descriptors);
  EXPECT_EQ(port.tx_descriptors, usual.tx_descriptors);
  EXPECT_EQ(said->listeners.at(0).local, left_out.listeners.at(0).local);
  EXPECT_EQ(said->log.file, left_out.log.file);
  EXPECT_EQ(said->dns, left_out.dns);
  EXPECT_EQ(said->heartbeat, left_out.heartbeat);
  EXPECT_EQ(said->overload.enabled, left_out.overload.enabled);
}

} // namespace
} // namespace linehunt::config::example_test
