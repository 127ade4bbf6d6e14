// SPDX-License-Identifier: Apache-2.0
// See models.h.
#include "tests/models/models.h"

#include <stdexcept>
#include <utility>

namespace linehunt::models {

endpoint at(std::string_view text) {
  return parse_endpoint(text, 5060).value();
}

destination_model machine(std::uint32_t id, std::string_view resources, bool ipv6) {
  destination_model d;
  d.id = id;
  d.group = 1;
  const std::string number = std::to_string(10 + id);
  const std::string host = ipv6 ? "[2001:db8::" + number + "]" : "192.0.2." + number;
  d.uri = "sip:" + host + ":5060";
  d.addresses = {at(host)};
  std::vector<std::string> errors;
  d.resources = parse_resources(resources, errors);
  if (!errors.empty()) throw std::logic_error(errors.front());
  return d;
}

listener listening_at(std::string_view text) {
  listener l;
  l.local = at(text);
  return l;
}

rule_model balancing(std::string user, std::vector<std::string> resources) {
  rule_model rule;
  rule_condition condition;
  condition.field = rule_field::ruri_user;
  condition.pattern = std::move(user);
  rule.conditions.push_back(std::move(condition));
  rule.action = rule_action::balance;
  rule.group = 1;
  rule.resources = std::move(resources);
  rule.failover.code_class[5] = rule.failover.code_class[6] = true;
  rule.failover.local_timeout = true;
  return rule;
}

rule_model from_machines(std::string_view target) {
  rule_model rule;
  rule_condition condition;
  condition.field = rule_field::from_destination;
  condition.group = 1;
  rule.conditions = {condition};
  rule.action = rule_action::forward;
  rule.group = 1;
  rule.count = true;
  rule.resources = {"pstn"};
  rule.target_uri = "sip:" + std::string{target};
  rule.target = at(target);
  return rule;
}

std::unique_ptr<const snapshot> build(const snapshot_model& model, index_book& book) {
  std::vector<build_error> errors;
  auto world = build_snapshot(model, book, errors);
  if (!world) throw std::logic_error(errors.empty() ? "no snapshot" : errors.front().message);
  return world;
}

std::unique_ptr<engine> make_engine(const snapshot& world, const engine_limits& limits,
                                    worker_id self, worker_id workers, const node_secret& key,
                                    std::uint64_t random_seed) {
  engine_setup setup;
  setup.self = self;
  setup.workers = workers;
  setup.limits = limits;
  setup.secret = key;
  setup.random_seed = random_seed;
  return std::make_unique<engine>(setup, world);
}

} // namespace linehunt::models
