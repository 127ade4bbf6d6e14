// SPDX-License-Identifier: Apache-2.0
// Via (RFC 3261 20.42, 25.1; rport RFC 3581; IPv6 forms RFC 5118 4.5).
#include "sipparse/grammar/by_grammar.h"
#include "sipparse/grammar/primitives.h"
#include "sipparse/plain_fields.h"

#include <array>

namespace linehunt::sip {
namespace grammar {
namespace {

struct via_target : via_field {
  const char* reached = nullptr;
  std::string_view port_text;
  std::string_view name, value, parameter; // of the parameter at hand
  const char* element_end = nullptr;
  unsigned seen = 0; // a bit for each name of `once`
};

// RFC 3261 7.3.1: no parameter twice. These decide where an answer goes, and to what.
constexpr std::array<std::string_view, 5> once{"branch", "rport", "received", "maddr", "ttl"};

std::string_view without_brackets(std::string_view host) noexcept {
  return !host.empty() && host.front() == '[' ? host.substr(1, host.size() - 2) : host;
}

// A parameter is complete. False: it is there a second time, or its value breaks its own grammar.
bool take_parameter(via_target& via) noexcept {
  const auto name = via.name;
  const auto value = via.value;
  for (unsigned i = 0; i < once.size(); ++i) {
    if (!equals_ignoring_case(name, once[i])) continue;
    if ((via.seen >> i & 1) != 0) return false;
    via.seen |= 1U << i;
  }
  if (equals_ignoring_case(name, "branch")) {
    via.branch = value;
    return !value.empty();
  }
  if (equals_ignoring_case(name, "rport")) {
    std::uint64_t port = 0;
    if (!value.empty() && !to_number(value, 65535, port)) return false;
    via.has_rport = true;
    via.rport = static_cast<std::uint16_t>(port);
    via.rport_text = via.parameter;
    return true;
  }
  if (equals_ignoring_case(name, "received")) {
    via.received = without_brackets(value);
    return !value.empty();
  }
  if (equals_ignoring_case(name, "maddr")) {
    via.maddr = without_brackets(value);
    return !value.empty();
  }
  if (equals_ignoring_case(name, "oc")) via.has_oc = true;
  return true;
}

struct begin_parameter {
  template <class Context>
  void operator()(const Context& context) const noexcept {
    auto& via = x3::get<target>(context);
    const auto& range = x3::_attr(context);
    via.name = {range.begin(), range.size()};
    via.value = {};
  }
};
struct end_parameter {
  template <class Context>
  void operator()(const Context& context) const noexcept {
    auto& via = x3::get<target>(context);
    const auto& range = x3::_attr(context);
    via.parameter = {range.begin(), range.size()};
    x3::_pass(context) = take_parameter(via);
    via.element_end = range.end();
  }
};
struct end_sent_by {
  template <class Context>
  void operator()(const Context& context) const noexcept {
    auto& via = x3::get<target>(context);
    via.element_end = x3::_attr(context).end();
  }
};

const auto sent_protocol = token >> separator('/') >> token >>
                           separator('/') >> view<&via_target::transport>(token);
const auto host = view<&via_target::sent_by_host>(run<host_chars> | ipv6_reference);
const auto sent_by =
    x3::raw[host >> -(separator(':') >> view<&via_target::port_text>(run<digit>))][end_sent_by{}];
const auto parameter =
    x3::raw[x3::raw[token][begin_parameter{}] >>
            -(separator('=') >> view<&via_target::value>(gen_value))][end_parameter{}];
const auto via_parm = sent_protocol >> mark >> lws >> sent_by >> mark >>
                      *(separator(';') >> parameter >> mark) >> sws;

} // namespace

field_result<via_field> via_by_grammar(std::string_view value) noexcept {
  via_target via;
  const char* end = run_rule(via_parm, value, via);
  const char* const last = value.data() + value.size();
  if (end == nullptr || (end != last && *end != ','))
    return failed_at<via_field>(value, via.reached, via);

  std::uint64_t port = 0;
  if (!via.port_text.empty() && !to_number(via.port_text, 65535, port))
    return failed_at<via_field>(value, via.port_text.data(), via);
  via.sent_by_port = static_cast<std::uint16_t>(port);
  via.sent_by_host = without_brackets(via.sent_by_host);
  via.element = value.substr(0, static_cast<std::size_t>(via.element_end - value.data()));
  if (end != last) {
    end = skip_lws(end + 1, last);
    via.rest = {end, static_cast<std::size_t>(last - end)};
  }
  return {via, true, 0};
}

} // namespace grammar

field_result<via_field> parse_via(std::string_view value) noexcept {
  const char* const last = value.data() + value.size();
  field_result<via_field> via; // filled where the caller has it; a copy would stall
  via.ok = plain::via({value.data(), last, last}, via.value);
  if (!via) via = grammar::via_by_grammar(value);
  return via;
}

} // namespace linehunt::sip
