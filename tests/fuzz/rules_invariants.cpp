// SPDX-License-Identifier: Apache-2.0
// See rules_invariants.h.
#include "tests/fuzz/rules_invariants.h"

#include "dataplane/destination_model.h"
#include "dataplane/rules.h"
#include "dataplane/rules/header_lines.h"
#include "sipparse/routing_view.h"
#include "sipparse/scan.h"
#include "sipparse/sdp.h"
#include "sipparse/uri.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

namespace linehunt {

namespace {

// A rule that looks at one field, and the same in plain code.
struct question {
  rule_field field;
  std::string pattern, header;
  bool (*holds)(const rule_input& in);
};

bool only_of(std::string_view text, std::string_view chars) {
  return text.find_first_not_of(chars) == std::string_view::npos;
}

bool begins_with_any(std::string_view text, std::initializer_list<std::string_view> beginnings) {
  return std::any_of(beginnings.begin(), beginnings.end(),
                     [&](std::string_view each) { return text.starts_with(each); });
}

bool has(std::string_view text, std::string_view piece) {
  return text.find(piece) != std::string_view::npos;
}

std::string lower(std::string_view text) {
  std::string out{text};
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return out;
}

// Of a request whose Request-URI is no URI that we know, both are empty.
sip::uri request_uri(const rule_input& in) {
  const auto parsed = sip::parse_uri(in.message->text(in.message->request_uri));
  return parsed ? parsed.value : sip::uri{};
}

// Does any of the first 64 lines of that name, with their values as the scan has them, hold?
template <class Holds>
bool any_line(const rule_input& in, std::string_view name, Holds holds) {
  const auto wanted = rules::header_named(name);
  std::uint32_t at = in.message->headers_begin;
  std::string_view value;
  for (int line = 0; line < 64 && rules::next_line(*in.message, wanted, at, value); ++line)
    if (holds(value)) return true;
  return false;
}

struct offer {
  bool has_sdp = false, any_wanted = false;
};

const std::vector<std::string> wanted_codecs{"PCMU", "G729", "opus"};

offer offer_of(const rule_input& in) {
  offer found;
  const auto note = [](void* into, const sip::sdp_codec& codec) {
    for (const std::string& wanted : wanted_codecs)
      if (lower(wanted) == lower(codec.name)) static_cast<offer*>(into)->any_wanted = true;
    return true;
  };
  const auto type = in.message->value_of(sip::header_id::content_type);
  found.has_sdp = sip::for_each_codec(sip::find_sdp(type, in.view->body), note, &found);
  return found;
}

constexpr std::string_view digits = "0123456789";
constexpr std::string_view capitals = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

const std::vector<question>& questions() {
  static const std::vector<question> all{
      {rule_field::method, "^[A-Z]+$", "",
       [](const rule_input& in) {
         return only_of(in.message->text(in.message->method_text), capitals);
       }},
      {rule_field::ruri, "^sips?:.*;lr", "",
       [](const rule_input& in) {
         const std::string_view uri = in.message->text(in.message->request_uri);
         return begins_with_any(uri, {"sip:", "sips:"}) && has(uri, ";lr");
       }},
      {rule_field::ruri_user, "^$|^[0-9]+$", "",
       [](const rule_input& in) { return only_of(request_uri(in).user, digits); }},
      {rule_field::ruri_host, "\\.example$", "",
       [](const rule_input& in) { return lower(request_uri(in).host).ends_with(".example"); }},
      {rule_field::from_uri, "alice|bob", "",
       [](const rule_input& in) {
         return has(in.view->from_uri, "alice") || has(in.view->from_uri, "bob");
       }},
      {rule_field::to_uri, "^tel:", "",
       [](const rule_input& in) { return in.view->to_uri.starts_with("tel:"); }},
      {rule_field::header, "(?s)^a.*b$", "Subject",
       [](const rule_input& in) {
         return any_line(in, "Subject", [](std::string_view value) {
           return value.size() >= 2 && value.front() == 'a' && value.back() == 'b';
         });
       }},
      {rule_field::header, "^[0-9] ", "CSeq",
       [](const rule_input& in) {
         return any_line(in, "CSeq", [](std::string_view value) {
           return value.size() > 1 && has(digits, value.substr(0, 1)) && value[1] == ' ';
         });
       }},
      {rule_field::header, "^$", "v",
       [](const rule_input& in) {
         return any_line(in, "v", [](std::string_view value) { return value.empty(); });
       }},
      {rule_field::body, "a=sendonly", "",
       [](const rule_input& in) { return has(in.view->body, "a=sendonly"); }},
      {rule_field::source, "", "", [](const rule_input&) { return true; }},
      {rule_field::from_destination, "", "", [](const rule_input&) { return false; }},
      {rule_field::codec_present, "", "",
       [](const rule_input& in) { return offer_of(in).any_wanted; }},
      {rule_field::codec_absent, "", "",
       [](const rule_input& in) { return offer_of(in).has_sdp && !offer_of(in).any_wanted; }},
  };
  return all;
}

rule_model adds(const question& asked, std::string resource) {
  rule_condition condition;
  condition.field = asked.field;
  condition.pattern = asked.pattern;
  condition.header_name = asked.header;
  condition.names = wanted_codecs;
  condition.networks = {*parse_prefix("192.0.2.0/25")};
  rule_model rule;
  rule.conditions = {condition};
  rule.action = rule_action::add;
  rule.resources = {std::move(resource)};
  return rule;
}

// Each of so many questions adds a resource of its own: no decision has room for all of them.
constexpr std::size_t asked_at_once = max_rule_resources;

std::unique_ptr<const compiled_rules> rules_of(std::size_t first, std::size_t end) {
  std::vector<rule_model> models;
  std::vector<std::string> names;
  for (std::size_t i = first; i < end; ++i) {
    names.push_back("line" + std::to_string(i));
    models.push_back(adds(questions()[i], names.back()));
  }
  std::vector<compiled_rules::error> errors;
  auto made = compiled_rules::compile(std::move(models), names, 1, errors);
  for (const auto& e : errors)
    std::fprintf(stderr, "rule %zu: %s\n", e.rule, e.message.c_str());
  if (!made) std::abort();
  return made;
}

const std::vector<std::unique_ptr<const compiled_rules>>& rules_in_turn() {
  static const auto all = [] {
    std::vector<std::unique_ptr<const compiled_rules>> made;
    for (std::size_t first = 0; first < questions().size(); first += asked_at_once)
      made.push_back(rules_of(first, std::min(first + asked_at_once, questions().size())));
    return made;
  }();
  return all;
}

std::string violated_answers(const rule_input& input) {
  for (std::size_t set = 0; set < rules_in_turn().size(); ++set) {
    const rule_decision decision = rules_in_turn()[set]->decide(input, 0);
    if (decision.rule || decision.unknown_resource) return "rules that only add have decided";
    std::array<bool, asked_at_once> added{};
    for (std::size_t i = 0; i < decision.resource_count; ++i)
      added[decision.resources[i]] = true;
    for (std::size_t i = 0; set * asked_at_once + i < questions().size() && i < asked_at_once;
         ++i) {
      const question& asked = questions()[set * asked_at_once + i];
      if (added[i] != asked.holds(input))
        return (added[i] ? "a pattern matched what it must not: " : "a pattern did not match: ") +
               asked.pattern + ", question " + std::to_string(set * asked_at_once + i);
    }
  }
  return {};
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

// Empty where the datagram is no request of which rules could decide.
template <class Answer>
Answer of_request(std::string_view datagram, Answer (*ask)(const rule_input&)) {
  sip::message_view message;
  sip::routing_view view;
  if (!sip::scan(datagram, message) || !message.is_request ||
      !sip::make_routing_view(message, view))
    return {};
  return ask({&message, &view, *parse_endpoint("192.0.2.1", 5060), nullptr});
}

std::string violated_lines(std::string_view datagram) {
  sip::message_view message;
  if (!sip::scan(datagram, message)) return {};
  return violated_header_lines(message);
}

std::string violated_decision(std::string_view datagram) {
  return of_request(datagram, violated_answers);
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

std::vector<bool> all_answers(const rule_input& input) {
  std::vector<bool> answers;
  for (const question& each : questions())
    answers.push_back(each.holds(input));
  return answers;
}

} // namespace

std::vector<bool> answers_by_plain_code(std::string_view bytes) {
  return of_request(bytes, all_answers);
}

std::string violated_rules_invariant(std::string_view bytes) {
  for (const auto& check :
       {violated_lines, violated_decision, violated_resources, violated_address})
    if (std::string violated = check(bytes); !violated.empty()) return violated;
  return {};
}

} // namespace linehunt
