// SPDX-License-Identifier: Apache-2.0
#include "tools/pktgen/checks.h"

#include "sipparse/fields.h"

#include <cstring>

namespace linehunt::pktgen {

namespace {

bool is_tag(std::string_view text, std::uint64_t tag) noexcept {
  std::uint64_t read = 0;
  return text.size() == 16 && read_hex(text.data(), read) && read == tag;
}

// Of a line of a request: what becomes of it is the device's business, and checked apart.
bool is_for_device(std::string_view line) noexcept {
  return line.starts_with("Via:") || line.starts_with("Max-Forwards:") ||
         line.starts_with("Content-Length:");
}

} // namespace

checks::checks(const scene& of, const messages& texts)
    : scene_(of), texts_(texts), device_host_(to_text(of.device.ip)),
      device_authority_(to_text(of.device)),
      device_bare_authority_(of.device.ip.is_v6 ? "[" + device_host_ + "]" : device_host_) {}

bool checks::is_device(std::string_view host, unsigned port) const noexcept {
  return host == device_host_ && (port == 0 ? 5060 : port) == scene_.device.port;
}

// As written, but that rport and received may have been filled (RFC 3581), wherever they stand.
bool checks::is_our_via(std::string_view value, std::uint8_t caller,
                        std::uint64_t branch) const noexcept {
  constexpr std::string_view cookie = "z9hG4bK";
  const std::string& begin = texts_.via_of(caller);
  if (value.size() > begin.size() + 16 && value.starts_with(begin) &&
      is_tag(value.substr(begin.size(), 16), branch))
    return value.substr(begin.size() + 16).starts_with(";rport");
  const auto via = sip::parse_via(value);
  const endpoint& us = scene_.callers[caller];
  return via && via->transport == "UDP" && via->branch.starts_with(cookie) &&
         is_tag(via->branch.substr(cookie.size()), branch) &&
         parse_ip(via->sent_by_host) == us.ip && via->sent_by_port == us.port && via->has_rport;
}

bool checks::names_device(std::string_view record_route) const noexcept {
  constexpr std::string_view begin = "<sip:";
  if (!record_route.starts_with(begin)) return false;
  record_route.remove_prefix(begin.size());
  const auto end = record_route.find_first_of(";>");
  if (end == std::string_view::npos || record_route.find(";lr") == std::string_view::npos)
    return false;
  const std::string_view authority = record_route.substr(0, end);
  return authority == device_authority_ ||
         (scene_.device.port == 5060 && authority == device_bare_authority_);
}

bool checks::keeps_lines(const received& m, const identity& who, call_shape shape,
                         std::uint32_t destination) const noexcept {
  char text[longest_message_bytes];
  const auto [len, begin] =
      m.view.method == sip::method::invite ? texts_.invite_there(text, who, shape)
      : m.view.method == sip::method::ack  ? texts_.ack_there(text, who, shape, destination)
                                           : texts_.bye_there(text, who, shape, destination);
  constexpr std::size_t eol = 2;
  const std::string_view sent(text, len);
  const std::string_view head = m.view.bytes().substr(0, m.view.body_begin);
  std::size_t behind = 0; // the line that was found last; mostly the next one is further down
  for (std::size_t at = begin; sent.substr(at, eol) != "\r\n";) {
    const std::size_t end = sent.find("\r\n", at) + eol;
    if (!is_for_device(sent.substr(at))) {
      const std::string_view line = sent.substr(at - eol, end + eol - at); // from the end before it
      std::size_t found = head.find(line, behind);
      if (found == std::string_view::npos) found = head.find(line);
      if (found == std::string_view::npos) return false;
      behind = found + line.size() - eol;
    }
    at = end;
  }
  return true;
}

std::optional<fault> checks::request(const received& m, const identity& who, call_shape shape,
                                     std::uint32_t destination,
                                     std::uint64_t branch) const noexcept {
  const bool is_invite = m.view.method == sip::method::invite;
  if (!is_device(m.fields.top_via.sent_by_host, m.fields.top_via.sent_by_port) ||
      m.fields.top_via.branch.empty())
    return fault::via_missing;
  // Ours is the next element: of the same line, or the second line.
  std::string_view ours = m.fields.top_via.rest;
  unsigned vias = 0;
  for (std::size_t i = 0; i < m.view.header_count; ++i)
    if (m.view.headers[i].id == sip::header_id::via && ++vias == 2)
      ours = m.view.text(m.view.headers[i].value);
  if (!is_our_via(ours, shape.caller, branch)) return fault::via_changed;

  if (is_invite && !names_device(m.view.value_of(sip::header_id::record_route)))
    return fault::record_route;
  if (m.view.has(sip::header_id::route)) return fault::route_left;
  if (m.fields.max_forwards != sent_max_forwards - 1) return fault::max_forwards;
  if (!is_tag(m.fields.from_tag, who.from_tag())) return fault::from_tag;
  if (is_invite ? !m.fields.to_tag.empty() : !is_tag(m.fields.to_tag, who.to_tag()))
    return fault::to_tag;
  const bool is_bye = m.view.method == sip::method::bye;
  if (m.fields.cseq.number != (is_bye ? 2u : 1u) || m.fields.cseq.method != m.view.method)
    return fault::cseq;

  const std::string_view uri = m.view.text(m.view.request_uri);
  if (!is_invite) {
    if (uri != texts_.contact_of(destination)) return fault::request_uri;
    if (!m.fields.body.empty()) return fault::body;
    return keeps_lines(m, who, shape, destination) ? std::nullopt : std::optional(fault::changed);
  }
  char expected[longest_message_bytes];
  if (uri != std::string_view(expected, texts_.request_uri(expected, who, shape)))
    return fault::request_uri;
  if (m.fields.body != std::string_view(expected, texts_.body(expected, who, shape)))
    return fault::body;
  if (!keeps_lines(m, who, shape, destination)) return fault::changed;
  if ((scene_.destinations[destination].offers >> shape.kind & 1) == 0) return fault::not_offered;
  return std::nullopt;
}

std::optional<fault> checks::response(const received& m, const identity& who, call_shape shape,
                                      std::uint64_t branch) const noexcept {
  if (m.view.count_of(sip::header_id::via) != 1 || !m.fields.top_via.rest.empty())
    return fault::via_left;
  if (!is_our_via(m.view.value_of(sip::header_id::via), shape.caller, branch))
    return is_device(m.fields.top_via.sent_by_host, m.fields.top_via.sent_by_port)
               ? fault::via_left
               : fault::via_changed;
  if (!is_tag(m.fields.from_tag, who.from_tag())) return fault::from_tag;
  const bool is_invite = m.fields.cseq.method == sip::method::invite;
  if (m.fields.cseq.number != (is_invite ? 1u : 2u)) return fault::cseq;
  // A device's own 100 may bear a tag (RFC 3261 8.2.6.2), but not that of a destination.
  if (m.view.status == 100)
    return is_tag(m.fields.to_tag, who.to_tag()) ? std::optional(fault::trying_forwarded)
                                                 : std::nullopt;
  if (m.view.status >= 300) return std::nullopt;
  if (!is_tag(m.fields.to_tag, who.to_tag())) return fault::to_tag;
  if (!is_invite) return std::nullopt;
  if (!names_device(m.view.value_of(sip::header_id::record_route))) return fault::record_route;
  char expected[longest_message_bytes];
  if (m.view.status == 200 &&
      m.fields.body != std::string_view(expected, texts_.answer_body(expected, who)))
    return fault::body;
  return std::nullopt;
}

} // namespace linehunt::pktgen
