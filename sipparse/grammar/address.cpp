// SPDX-License-Identifier: Apache-2.0
// From, To, Contact, Route, Record-Route and their like: name-addr or addr-spec with header
// parameters (RFC 3261 20.10, 25.1). What is inside the URI is uri.h's matter.
#include "sipparse/grammar/by_grammar.h"
#include "sipparse/grammar/primitives.h"
#include "sipparse/plain_fields.h"

namespace linehunt::sip {
namespace grammar {
namespace {

struct address_target : address_field {
  const char* reached = nullptr;
  std::string_view name, value; // of the parameter at hand
};

// RFC 3261 7.3.1: no parameter twice. Of a second tag nobody knows whether the end point takes it,
// and one without a value would have a second one beside it in each answer.
struct end_parameter {
  template <class Context>
  void operator()(const Context& context) const noexcept {
    auto& address = x3::get<target>(context);
    if (equals_ignoring_case(address.name, "tag")) {
      x3::_pass(context) = address.tag.empty() && !address.value.empty();
      if (address.tag.empty()) address.tag = address.value;
    }
    address.value = {};
  }
};

const auto absolute_uri = [](auto rest) { return run<scheme_chars> >> x3::lit(':') >> rest; };

// Unquoted words. The white space in front of '<' is not part of the name, so that the text runs
// from the first word to the end of the last.
const auto words = run<display_chars> >> *(lws >> run<display_chars>);
const auto display_name = view<&address_target::display_name>(quoted_string | words);
const auto
    bracketed = x3::lit('<') >>
                view<&address_target::uri>(absolute_uri(run<bracketed_uri_chars>)) >> x3::lit('>');
const auto name_addr = -display_name >> sws >> bracketed;
const auto addr_spec = view<&address_target::uri>(absolute_uri(run<bare_uri_chars>));

const auto parameter =
    x3::raw[view<&address_target::name>(token) >>
            -(separator('=') >> view<&address_target::value>(gen_value))][end_parameter{}];
const auto parameters = mark >> *(separator(';') >> parameter >> mark);

} // namespace

field_result<address_field> address_by_grammar(std::string_view value) noexcept {
  address_target address;
  const char* const last = value.data() + value.size();
  const auto from = [last](const char* p) {
    return std::string_view(p, static_cast<std::size_t>(last - p));
  };

  if (value == "*") { // RFC 3261 20.10, Contact only
    address.star = true;
    address.element = value;
    return {address, true, 0};
  }
  const char* end = run_rule(name_addr, value, address);
  address.angle_brackets = end != nullptr;
  if (end == nullptr) {
    address.display_name = {};
    end = run_rule(addr_spec, value, address);
  }
  if (end == nullptr) {
    address.uri = {};
    return failed_at<address_field>(value, value.data(), address);
  }

  const char* const uri_end = end;
  const bool matched = run_rule(parameters, from(end), address) != nullptr;
  const char* const element_end = address.reached;
  end = skip_lws(element_end, last);
  if (!matched || (end != last && *end != ','))
    return failed_at<address_field>(value, end, address);
  const char* const first_parameter = skip_lws(uri_end, element_end);
  address.parameters = {first_parameter, static_cast<std::size_t>(element_end - first_parameter)};
  address.element = value.substr(0, static_cast<std::size_t>(element_end - value.data()));
  if (end != last) address.rest = from(skip_lws(end + 1, last));
  return {address, true, 0};
}

} // namespace grammar

field_result<address_field> parse_address(std::string_view value) noexcept {
  const char* const last = value.data() + value.size();
  field_result<address_field> result; // filled where the caller has it; a copy would stall
  address_field& address = result.value;
  result.ok = plain::address({value.data(), last, last}, address.uri, address.tag);
  if (!result) {
    result = grammar::address_by_grammar(value);
    return result;
  }
  // What plain::address lets through has nothing but these.
  const char* const uri_end = address.uri.data() + address.uri.size();
  address.angle_brackets = address.uri.data() != value.data();
  if (value.front() == '"') {
    const char* end = address.uri.data() - 1; // at '<'
    end -= end[-1] == ' ';
    address.display_name = plain::between(value.data(), end);
  }
  address.parameters = plain::between(uri_end + address.angle_brackets, last);
  address.element = value;
  return result;
}

} // namespace linehunt::sip
