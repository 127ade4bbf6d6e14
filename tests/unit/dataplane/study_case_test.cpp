// SPDX-License-Identifier: Apache-2.0
// The tutorial's study case (tools/linehunt.example.toml) as rules: every branch, and no allocation
// on the way.
#include "dataplane/rules.h"
#include "dataplane/snapshot_builder.h"

#include "tests/unit/dataplane/allocation_count.h"
#include "tests/unit/dataplane/rule_call.h"

#include <cstdlib>
#include <gmock/gmock.h>
#include <hs/hs.h>

using namespace linehunt;
using testing::ElementsAre;
using testing::IsEmpty;

namespace {

rule_model balance(std::string name, std::vector<rule_condition> conditions, std::string resource) {
  rule_model rule;
  rule.name = std::move(name);
  rule.conditions = std::move(conditions);
  rule.resources = {std::move(resource)};
  rule.group = 1;
  rule.failover.code_class[5] = rule.failover.code_class[6] = true;
  rule.failover.local_timeout = true;
  rule.failover.disable = true;
  rule.status = 500;
  rule.reason = "Service full";
  return rule;
}

// Calls of any method but INVITE do not come to the rules: the engine answers 405.
std::vector<rule_model> study_case() {
  rule_condition from_our_boxes;
  from_our_boxes.field = rule_field::from_destination;
  from_our_boxes.group = 1;
  rule_model inbound;
  inbound.name = "inbound";
  inbound.conditions = {from_our_boxes};
  inbound.action = rule_action::forward;
  inbound.target_uri = "sip:192.0.2.99:5060";
  inbound.target = *parse_endpoint("192.0.2.99:5060", 5060);
  inbound.resources = {"pstn"};
  inbound.group = 1;
  inbound.count = true;

  rule_condition no_g711;
  no_g711.field = rule_field::codec_absent;
  no_g711.names = {"PCMU", "PCMA"};
  const rule_condition number = on(rule_field::ruri_user, "^[0-9]+$");
  rule_model transcode;
  transcode.name = "transcode";
  transcode.conditions = {number, no_g711};
  transcode.action = rule_action::add;
  transcode.resources = {"transc"};

  rule_model unknown;
  unknown.name = "unknown";
  unknown.action = rule_action::reply;
  unknown.status = 404;
  unknown.reason = "Destination not found";
  return {inbound, transcode, balance("voicemail", {on(rule_field::ruri_user, "^VM_")}, "vm"),
          balance("pstn", {number}, "pstn"), unknown};
}

class study_case_test : public testing::Test {
 protected:
  void SetUp() override { build(study_case()); }
  void build(std::vector<rule_model> rules) {
    snapshot_model model;
    model.listeners = {{*parse_endpoint("192.0.2.1:5060", 5060), 0, ""}};
    model.rules = std::move(rules);
    const char* resources[] = {"transc=30; pstn=32", "vm=100; transc=10", "vm=50; conf=300",
                               "vm=10;conf=10;transc=10;pstn=32"};
    std::vector<std::string> text_errors;
    for (std::uint32_t id = 1; id <= 4; ++id) {
      destination_model d;
      d.id = id;
      d.group = 1;
      d.addresses = {*parse_endpoint("192.0.2.1" + std::to_string(id), 5060)};
      d.resources = parse_resources(resources[id - 1], text_errors);
      model.destinations.push_back(d);
    }
    std::vector<build_error> errors;
    world_ = build_snapshot(model, book_, errors);
    for (const build_error& e : errors)
      ADD_FAILURE() << e.message;
    ASSERT_NE(world_, nullptr);
  }

  struct outcome {
    std::string rule;
    std::vector<std::string> resources;
    std::uint32_t from_id = 0; // id of the destination that the call comes from
  };
  outcome decide(const call_text& text, std::string_view source = "203.0.113.1:5060") {
    const rule_call call(text, world_.get(), source);
    const std::size_t before = allocations_so_far();
    const rule_decision decision = world_->rules->decide(call.input(), 0);
    EXPECT_EQ(allocations_so_far(), before) << "decide allocates";
    EXPECT_FALSE(decision.unknown_resource);
    outcome out;
    if (decision.rule) out.rule = decision.rule->name;
    for (std::size_t i = 0; i < decision.resource_count; ++i)
      out.resources.push_back(world_->resource_names[decision.resources[i]]);
    for (const destination& d : world_->destinations)
      if (d.index == decision.source_destination) out.from_id = d.id;
    return out;
  }

  static call_text to(const char* user, std::string sdp = sdp_offer("0 8 101")) {
    call_text text;
    text.ruri = "sip:" + std::string(user) + "@lb.example";
    text.headers = "Content-Type: application/sdp\r\n";
    text.body = std::move(sdp);
    return text;
  }

  index_book book_{16, 64};
  std::unique_ptr<const snapshot> world_;
};

} // namespace

TEST_F(study_case_test, call_from_a_destination_is_counted_there) {
  const outcome call = decide(to("4930123"), "192.0.2.14:5060");
  EXPECT_EQ(call.rule, "inbound");
  EXPECT_THAT(call.resources, ElementsAre("pstn"));
  EXPECT_EQ(call.from_id, 4u);
  EXPECT_EQ(decide(to("4930123"), "192.0.2.14:5061").rule, "pstn"); // another port: a stranger
}

TEST_F(study_case_test, call_from_another_port_of_a_destination_is_counted_where_the_rule_says_so) {
  auto rules = study_case();
  rules.front().conditions.front().any_port = true;
  build(std::move(rules));
  const outcome call = decide(to("4930123"), "192.0.2.14:32768");
  EXPECT_EQ(call.rule, "inbound");
  EXPECT_EQ(call.from_id, 4u);
  EXPECT_EQ(decide(to("4930123"), "192.0.2.15:5060").rule, "pstn"); // another address
}

TEST(allocation_count, counts) {
  const std::size_t before = allocations_so_far();
  auto one = std::make_unique<std::string>(100, 'x');
  EXPECT_EQ(allocations_so_far(), before + 2);
  // Hyperscan's own are seen as well.
  const std::size_t before_scratch = allocations_so_far();
  hs_database_t* database = nullptr;
  hs_scratch_t* scratch = nullptr;
  hs_compile_error_t* error = nullptr;
  ASSERT_EQ(hs_compile("a", 0, HS_MODE_BLOCK, nullptr, &database, &error), HS_SUCCESS);
  const std::size_t compiled = allocations_so_far();
  EXPECT_GT(compiled, before_scratch);
  ASSERT_EQ(hs_alloc_scratch(database, &scratch), HS_SUCCESS);
  EXPECT_GT(allocations_so_far(), compiled);
  hs_free_scratch(scratch);
  hs_free_database(database);
}

TEST_F(study_case_test, voicemail) {
  const outcome call = decide(to("VM_17"));
  EXPECT_EQ(call.rule, "voicemail");
  EXPECT_THAT(call.resources, ElementsAre("vm"));
  EXPECT_THAT(decide(to("VM_17", sdp_offer("18"))).resources, ElementsAre("vm")); // no transcoding
}

TEST_F(study_case_test, pstn) {
  const outcome call = decide(to("4930123"));
  EXPECT_EQ(call.rule, "pstn");
  EXPECT_THAT(call.resources, ElementsAre("pstn"));
  EXPECT_EQ(call.from_id, 0u);
}

TEST_F(study_case_test, pstn_without_g711_needs_transcoding) {
  const outcome call = decide(to("4930123", sdp_offer("18 9")));
  EXPECT_EQ(call.rule, "pstn");
  EXPECT_THAT(call.resources, ElementsAre("transc", "pstn"));
  call_text no_offer = to("4930123", "");
  no_offer.headers.clear();
  EXPECT_THAT(decide(no_offer).resources, ElementsAre("pstn")); // a late offer says nothing yet
}

TEST_F(study_case_test, anything_else_is_not_found) {
  for (const char* user : {"alice", "vm_1", "49a", "+4930"}) {
    const outcome call = decide(to(user));
    EXPECT_EQ(call.rule, "unknown") << user;
    EXPECT_THAT(call.resources, IsEmpty());
  }
}

int main(int argc, char** argv) {
  hs_set_scratch_allocator(counted_malloc, std::free);
  hs_set_misc_allocator(counted_malloc, std::free);
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
