// SPDX-License-Identifier: Apache-2.0
// See call_facts.h.
#include "dataplane/rules/call_facts.h"

#include "dataplane/snapshot.h"
#include "sipparse/ascii_case.h"
#include "sipparse/sdp.h"

#include <algorithm>
#include <span>

namespace linehunt::rules {

namespace {

// Lines of one header name that are looked at; what a sender may make us do is bounded.
constexpr int max_header_lines = 64;

std::string_view uri_of(const sip::message_view& message, sip::header_id id) noexcept {
  const auto address = sip::parse_address(message.value_of(id));
  return address ? address->uri : std::string_view{};
}

} // namespace

call_facts::call_facts(const compiled_rules::state& rules, const rule_input& input,
                       workspace& space) noexcept
    : rules_(rules), input_(input), space_(space) {
  std::fill(space.matched.begin(), space.matched.end(), 0);
  std::fill(space.scanned.begin(), space.scanned.end(), std::uint8_t{0});
}

bool call_facts::holds(const condition& asked) noexcept {
  switch (asked.field) {
  case rule_field::source:
    return std::any_of(asked.networks.begin(), asked.networks.end(),
                       [&](const ip_prefix& net) { return net.contains(input_.source.ip); });
  case rule_field::from_destination: {
    if (!input_.world) return false;
    endpoint source = input_.source;
    if (asked.any_port) source.port = 0;
    const destination* from = input_.world->destination_from(source, asked.group);
    if (!from) return false;
    source_destination_ = from->index;
    return true;
  }
  case rule_field::codec_present:
    return (offer().offered & asked.codec_mask) != 0;
  case rule_field::codec_absent:
    return offer().has_sdp && (offer().offered & asked.codec_mask) == 0;
  default:
    return pattern_matches(asked);
  }
}

bool call_facts::pattern_matches(const condition& asked) noexcept {
  if (!space_.scanned[asked.pattern_field]) {
    space_.scanned[asked.pattern_field] = 1;
    scan(rules_.fields[asked.pattern_field]);
  }
  return (space_.matched[asked.bit / 64] >> (asked.bit % 64) & 1) != 0;
}

void call_facts::scan(const pattern_field& field) noexcept {
  if (field.field == rule_field::header) return scan_header(field);
  field.patterns.scan(text_of(field.field), space_.memory.get(),
                      std::span(space_.matched).subspan(field.first_word));
}

void call_facts::scan_header(const pattern_field& field) noexcept {
  std::uint32_t at = input_.message->headers_begin;
  std::string_view value;
  for (int line = 0; line < max_header_lines; ++line) {
    if (!next_line(*input_.message, field.header, at, value)) return;
    field.patterns.scan(value, space_.memory.get(),
                        std::span(space_.matched).subspan(field.first_word));
  }
}

std::string_view call_facts::text_of(rule_field field) noexcept {
  const sip::message_view& message = *input_.message;
  switch (field) {
  case rule_field::method:
    return message.text(message.method_text);
  case rule_field::ruri:
    return message.text(message.request_uri);
  case rule_field::ruri_user:
    return ruri().user;
  case rule_field::ruri_host:
    return ruri().host;
  case rule_field::from_uri:
    return uri_of(message, sip::header_id::from);
  case rule_field::to_uri:
    return uri_of(message, sip::header_id::to);
  case rule_field::body:
    return input_.view->body;
  default:
    return {};
  }
}

const sip::uri& call_facts::ruri() const noexcept {
  static constexpr sip::uri none;
  return input_.view->request_uri ? *input_.view->request_uri : none;
}

const call_facts::codecs& call_facts::offer() noexcept {
  if (offer_) return *offer_;
  struct collector {
    const std::vector<std::string>& names;
    codecs found;
  } all{rules_.codec_names, {}};
  const auto collect = [](void* context, const sip::sdp_codec& codec) {
    auto& into = *static_cast<collector*>(context);
    for (std::size_t i = 0; i < into.names.size(); ++i)
      if (sip::equals_ignoring_case(codec.name, into.names[i]))
        into.found.offered |= std::uint64_t{1} << i;
    return true;
  };
  const auto content_type = input_.message->value_of(sip::header_id::content_type);
  const std::string_view sdp = sip::find_sdp(content_type, input_.view->body);
  all.found.has_sdp = sip::for_each_codec(sdp, collect, &all);
  offer_ = all.found;
  return *offer_;
}

} // namespace linehunt::rules
