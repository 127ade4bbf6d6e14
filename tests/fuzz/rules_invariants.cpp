// SPDX-License-Identifier: Apache-2.0
// See rules_invariants.h.
#include "tests/fuzz/rules_invariants.h"

#include "dataplane/destination_model.h"
#include "dataplane/rules.h"
#include "dataplane/rules/header_lines.h"
#include "sipparse/routing_view.h"
#include "sipparse/scan.h"

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

namespace linehunt {

namespace {

rule_model look_at(rule_field field, std::string pattern, std::string header = "") {
  rule_condition condition;
  condition.field = field;
  condition.pattern = std::move(pattern);
  condition.header_name = std::move(header);
  condition.names = {"PCMU", "G729", "opus"};
  condition.networks = {*parse_prefix("192.0.2.0/25")};
  rule_model rule;
  rule.conditions = {condition};
  rule.action = rule_action::add;
  rule.resources = {"line"};
  return rule;
}

// Each adds the one resource, so that no rule keeps the next from being looked at.
const compiled_rules& rules_for_every_field() {
  static const auto rules = [] {
    std::vector<rule_model> models{
        look_at(rule_field::method, "^[A-Z]+$"),
        look_at(rule_field::ruri, "^sips?:.*;lr"),
        look_at(rule_field::ruri_user, "^$|^[0-9]+$"),
        look_at(rule_field::ruri_host, "\\.example$"),
        look_at(rule_field::from_uri, "alice|bob"),
        look_at(rule_field::to_uri, "^tel:"),
        look_at(rule_field::header, "(?s)^a.*b$", "Subject"),
        look_at(rule_field::header, "[^0-9]", "CSeq"),
        look_at(rule_field::header, "^$", "v"),
        look_at(rule_field::body, "a=sendonly"),
        look_at(rule_field::source, ""),
        look_at(rule_field::from_destination, ""),
        look_at(rule_field::codec_present, ""),
        look_at(rule_field::codec_absent, ""),
    };
    std::vector<compiled_rules::error> errors;
    auto made = compiled_rules::compile(std::move(models), {"line"}, 1, errors);
    for (const auto& e : errors)
      std::fprintf(stderr, "rule %zu: %s\n", e.rule, e.message.c_str());
    if (!made) std::abort();
    return made;
  }();
  return *rules;
}

// Lines found by name are those that the scan classified, with the same values.
std::string violated_header_lines(const sip::message_view& message) {
  for (std::size_t i = 1; i < sip::header_id_count; ++i) {
    const auto id = static_cast<sip::header_id>(i);
    const auto name = rules::header_named(sip::name_of(id));
    std::uint32_t at = message.headers_begin;
    std::string_view value;
    std::size_t lines = 0, indexed = 0;
    while (rules::next_line(message, name, at, value)) {
      ++lines;
      while (indexed < message.header_count && message.headers[indexed].id != id)
        ++indexed;
      if (indexed == message.header_count) continue; // past the index
      if (message.text(message.headers[indexed++].value) != value)
        return "a header's value differs from the scan's: " + name.long_form;
    }
    if (lines != message.count_of(id))
      return "the scan saw another number of lines: " + name.long_form;
  }
  return {};
}

std::string violated_decision(std::string_view datagram) {
  sip::message_view message;
  if (!sip::scan(datagram, message)) return {};
  if (std::string violated = violated_header_lines(message); !violated.empty()) return violated;
  sip::routing_view view;
  if (!message.is_request || !sip::make_routing_view(message, view)) return {};
  const rule_input input{&message, &view, *parse_endpoint("192.0.2.1", 5060), nullptr};
  const rule_decision first = rules_for_every_field().decide(input, 0);
  const rule_decision again = rules_for_every_field().decide(input, 0);
  if (first.resource_count != again.resource_count ||
      first.unknown_resource != again.unknown_resource)
    return "the same call was decided in two ways";
  // The source network always matches, and only once is the resource no repetition.
  if (first.rule || first.resource_count != 1) return "a rule that must hold did not";
  return {};
}

std::string violated_resources(std::string_view text) {
  std::vector<std::string> errors;
  const auto resources = parse_resources(text, errors);
  if (resources.empty() && errors.empty()) return "neither resources nor an error";
  std::string again;
  for (const resource_model& r : resources) {
    if (r.name.empty() || r.capacity < 0) return "a resource without name or below 0";
    if (r.heartbeat && (r.heartbeat->host.empty() || r.heartbeat->port == 0))
      return "a heartbeat from nowhere";
    if (!r.heartbeat) again += r.label + "=" + std::to_string(r.capacity) + ";";
  }
  if (again.empty()) return {};
  errors.clear();
  (void)parse_resources(again, errors);
  return errors.empty() ? "" : "resources written again are refused: " + errors.front();
}

std::string violated_address(std::string_view text) {
  const auto e = parse_endpoint(text, 5060);
  if (e && parse_endpoint(to_text(*e), 1) != *e) return "an endpoint is not what was written";
  const auto prefix = parse_prefix(text);
  if (prefix && !prefix->contains(prefix->ip)) return "a prefix does not contain its address";
  return {};
}

} // namespace

std::string violated_rules_invariant(std::string_view bytes) {
  for (const auto& check : {violated_decision, violated_resources, violated_address})
    if (std::string violated = check(bytes); !violated.empty()) return violated;
  return {};
}

} // namespace linehunt
