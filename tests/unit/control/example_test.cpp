// SPDX-License-Identifier: Apache-2.0
// The shipped example is right and says the tutorial's study case.
#include "control/config/load_file.h"
#include "control/config/snapshot_source.h"
#include "dataplane/dpdk/device_check.h"

#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>

namespace linehunt::config {
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

// Every key that a comment of the example offers is one that the program knows.
TEST(example, keys_in_comments_are_known) {
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
  ASSERT_NE(cores, std::string::npos);
  text.replace(cores, 14, "cores = [1]");
  diagnostics out("example");
  EXPECT_TRUE(load_text(text, dpdk::check_device, out));
  for (const diagnostic& said : out.sorted())
    EXPECT_EQ(said.weight, severity::note) << said.message;
}

} // namespace
} // namespace linehunt::config
