// SPDX-License-Identifier: Apache-2.0
// Deciding a new call by the rules, in order. Runs on the packet path: allocates nothing. Knows
// neither Hyperscan nor how a field is found; see dataplane/rules/.
#include "dataplane/rules.h"

#include "dataplane/rules/call_facts.h"
#include "dataplane/snapshot.h"

#include <algorithm>
#include <cassert>

namespace linehunt {

namespace {

void gather(rule_decision& decision, const rules::rule& rule) noexcept {
  for (const std::uint16_t name : rule.resources) {
    const auto* end = decision.resources.begin() + decision.resource_count;
    const bool twice = std::find(decision.resources.cbegin(), end, name) != end;
    if (name == rules::no_resource || twice || decision.resource_count == max_rule_resources)
      decision.unknown_resource = true;
    else
      decision.resources[decision.resource_count++] = name;
  }
}

} // namespace

rule_decision compiled_rules::decide(const rule_input& input, std::size_t worker) const noexcept {
  assert(worker < state_->workspaces.size());
  rules::call_facts facts(*state_, input, state_->workspaces[worker]);
  rule_decision decision;
  for (const rules::rule& rule : state_->rules) {
    const bool holds = std::all_of(rule.conditions.begin(), rule.conditions.end(),
                                   [&](const rules::condition& c) { return facts.holds(c); });
    if (!holds) continue;
    gather(decision, rule);
    if (rule.model->action == rule_action::add) continue;
    decision.rule = rule.model;
    if (rule.model->count && input.world && !rule.asks_source) {
      const destination* from = input.world->destination_from(input.source, rule.model->group);
      if (from) decision.source_destination = from->index;
    } else {
      decision.source_destination = facts.source_destination();
    }
    return decision;
  }
  return decision;
}

} // namespace linehunt
