// SPDX-License-Identifier: Apache-2.0
// [[rule]]: name, what it matches (rule_match.cpp), and exactly one of add, balance, reply,
// forward, drop.
#include "control/config/rule_match.h"
#include "control/config/sections.h"
#include "control/config/sip_target.h"
#include "dataplane/printable.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <fmt/format.h>

namespace linehunt::config {
namespace {

constexpr std::string_view title = "[[rule]]";

bool is_resource_name(std::string_view text) noexcept {
  return !text.empty() && std::ranges::all_of(text, [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '_' || c == '-';
  });
}

// A list of names, or one string with ';' between them: "pstn; transc".
void read_resources(table_reader& section, std::string_view key, rule_entry& rule,
                    diagnostics& out) {
  std::vector<placed_text> texts;
  if (!section.read(key, texts)) return;
  for (const placed_text& item : texts) {
    std::string_view rest = item.text;
    while (!rest.empty()) {
      const std::size_t end = rest.find(';');
      std::string_view name = rest.substr(0, end);
      rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
      while (name.starts_with(' '))
        name.remove_prefix(1);
      while (name.ends_with(' '))
        name.remove_suffix(1);
      if (name.empty() && rest.empty() && texts.size() == 1 && !item.text.empty()) continue;
      if (!is_resource_name(name)) {
        out.error(item.at, fmt::format("{} '{}' is no resource name; write names such as \"pstn\" "
                                       "or \"pstn; transc\"",
                                       title, name));
        continue;
      }
      if (std::ranges::find(rule.model.resources, name) != rule.model.resources.end()) {
        out.error(item.at, fmt::format("{} '{}' names '{}' twice; name it once", title, key, name));
        continue;
      }
      rule.model.resources.emplace_back(name);
      rule.resource_at.push_back(item.at);
    }
  }
  if (rule.model.resources.size() > max_resources_per_call)
    section.error(key, fmt::format("'{}' names {} resources, a call can hold {}; name fewer", key,
                                   rule.model.resources.size(), max_resources_per_call));
}

// "486 Busy Here"; the reason may be absent.
bool parse_reply(std::string_view text, std::uint16_t& status, std::string& reason) {
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), status);
  if (failure != std::errc{} || status < 300 || status > 699) return false;
  std::string_view rest{end, static_cast<std::size_t>(text.data() + text.size() - end)};
  if (!rest.empty() && rest.front() != ' ') return false;
  while (rest.starts_with(' '))
    rest.remove_prefix(1);
  if (has_control_character(rest)) return false;
  reason = rest;
  return true;
}

void read_reply(table_reader& section, std::string_view key, rule_model& model) {
  std::string text;
  if (section.read(key, text) && !parse_reply(text, model.status, model.reason))
    section.error(key, fmt::format("'{}' is \"{}\"; write a final failure code and its reason, "
                                   "such as \"404 Destination not found\"",
                                   key, text));
}

void read_flags(table_reader& section, balance_flags& flags) {
  std::string letters;
  if (!section.read("flags", letters)) return;
  for (char letter : letters) {
    if (letter == 'r')
      flags.relative = true;
    else if (letter == 's')
      flags.random_tie = true;
    else if (letter == 'n')
      flags.negative = true;
    else
      section.error("flags", fmt::format("flag '{}' is unknown; write r (relative), s (any of the "
                                         "best), n (also above capacity)",
                                         letter));
  }
}

void read_failover_cause(const placed_text& cause, failover_policy& policy, diagnostics& out) {
  const std::string& text = cause.text;
  std::uint16_t code = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), code);
  if (text == "timeout")
    policy.local_timeout = true;
  else if (text == "no_answer")
    policy.no_answer = true;
  else if (text.size() == 3 && text[0] >= '3' && text[0] <= '6' && text.substr(1) == "xx")
    policy.code_class[static_cast<std::size_t>(text[0] - '0')] = true;
  else if (failure == std::errc{} && end == text.data() + text.size() && code >= 300 && code <= 699)
    policy.codes.push_back(code);
  else
    out.error(cause.at, fmt::format("{} failover on '{}' is not possible; write classes such as "
                                    "\"5xx\", codes such as \"408\", \"timeout\" or \"no_answer\"",
                                    title, text));
}

void read_failover(table_reader& section, failover_policy& policy, diagnostics& out) {
  const toml::table* table = section.table("failover");
  if (!table) return;
  table_reader inner(*table, "[[rule]] failover", out);
  inner.require("on", "on = [\"5xx\", \"6xx\", \"timeout\"]");
  std::vector<placed_text> causes;
  inner.read("on", causes);
  for (const placed_text& cause : causes)
    read_failover_cause(cause, policy, out);
  if (policy.codes.size() > max_failover_codes)
    inner.error("on", fmt::format("'on' has {} codes, and {} are possible; write classes such as "
                                  "\"5xx\" where you can",
                                  policy.codes.size(), max_failover_codes));
  inner.read("disable", policy.disable);
  inner.finish();
}

// Which parties of an answered call have to show signs of life.
void read_ping(table_reader& section, ping_policy& ping, diagnostics& out) {
  std::vector<placed_text> parties;
  if (!section.read("ping", parties)) return;
  for (const placed_text& party : parties) {
    if (party.text == "caller")
      ping.caller = true;
    else if (party.text == "callee")
      ping.callee = true;
    else
      out.error(party.at, fmt::format("{} ping of '{}' is not possible; write \"caller\", "
                                      "\"callee\", or [\"caller\", \"callee\"]",
                                      title, party.text));
  }
}

void read_forward(table_reader& section, rule_entry& rule, diagnostics& out) {
  rule.target_at = section.at("forward");
  if (section.read("forward", rule.model.target_uri)) {
    if (const auto address = sip_target(rule.model.target_uri); !address)
      section.error("forward", address.error());
    else if (!address->empty())
      rule.model.target = address->front(); // a name has none, until it is looked up
  }
  if (!section.has("count")) return;
  rule.model.count = true;
  read_resources(section, "count", rule, out);
  for (const rule_condition& condition : rule.model.conditions)
    if (condition.field == rule_field::from_destination) rule.model.group = condition.group;
}

void read_action(table_reader& section, rule_entry& rule, diagnostics& out) {
  static constexpr std::array<std::string_view, 5> actions{"add", "balance", "reply", "forward",
                                                           "drop"};
  std::string_view chosen;
  for (std::string_view action : actions) {
    if (!section.has(action)) continue;
    if (!chosen.empty()) {
      section.error(action,
                    fmt::format("'{}' and '{}' in one rule; write two rules", chosen, action));
      section.node(action);
      continue;
    }
    chosen = action;
  }
  if (chosen == "add") {
    rule.model.action = rule_action::add;
    read_resources(section, "add", rule, out);
  } else if (chosen == "balance") {
    rule.model.action = rule_action::balance;
    section.read("balance", rule.model.group);
    rule.group_at = section.at("balance");
    read_resources(section, "resources", rule, out);
    read_flags(section, rule.model.flags);
    read_failover(section, rule.model.failover, out);
    read_reply(section, "full", rule.model);
    if (rule.model.reason.size() > max_refusal_reason_bytes)
      section.error("full", fmt::format("the reason of 'full' has {} bytes, and {} are possible; "
                                        "shorten it",
                                        rule.model.reason.size(), max_refusal_reason_bytes));
    read_ping(section, rule.model.ping, out);
  } else if (chosen == "reply") {
    rule.model.action = rule_action::reply;
    read_reply(section, "reply", rule.model);
  } else if (chosen == "forward") {
    rule.model.action = rule_action::forward;
    read_forward(section, rule, out);
    read_ping(section, rule.model.ping, out);
  } else if (chosen == "drop") {
    rule.model.action = rule_action::drop;
    bool drop = true;
    if (section.read("drop", drop) && !drop)
      section.error("drop", "'drop' is false; write drop = true, or another action");
  } else {
    if (section.has("group")) {
      section.node("group");
      section.error("group", "'group' is no key of a rule; write balance = 1, with the number of "
                             "the group");
    } else {
      section.require_one_of(actions,
                             "does nothing; write one of add, balance, reply, forward or drop");
    }
    // Of whichever it is.
    for (const std::string_view key : {"resources", "flags", "failover", "full", "ping", "count"})
      section.node(key);
  }
}

// Of a rule in which nothing else is wrong.
void check_action(table_reader& section, const rule_entry& rule, diagnostics& out) {
  const bool from_destination =
      std::ranges::any_of(rule.model.conditions, [](const rule_condition& c) {
        return c.field == rule_field::from_destination;
      });
  if (rule.model.count && !from_destination)
    section.error("count", "'count' holds lines of the destination that a call comes from; add "
                           "from_group to 'match'");
  if (rule.no_invite_at.line != 0 && rule.model.action != rule_action::drop)
    out.warning(rule.no_invite_at,
                "[[rule]] match method is not INVITE, and rules other than drop see nothing else: "
                "outside a call OPTIONS to us is answered 200, all others 405");
}

} // namespace

void read_rules(table_reader& root, configuration& into, diagnostics& out) {
  const std::size_t errors_before_all = out.error_count();
  for (const toml::table* table : root.tables("rule")) {
    table_reader section(*table, std::string{title}, out);
    rule_entry rule;
    const std::size_t errors_before = out.error_count();
    rule.at = section.at();
    section.read("name", rule.model.name);
    if (const toml::table* match = section.table("match")) read_match(*match, rule, out);
    read_action(section, rule, out);
    if (section.finish()) check_action(section, rule, out);
    rule.broken = out.error_count() != errors_before;
    into.rules.push_back(std::move(rule));
  }
  into.broken.rules = out.error_count() != errors_before_all;
}

} // namespace linehunt::config
