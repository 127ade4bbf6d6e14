// SPDX-License-Identifier: Apache-2.0
// The routing view: the mandatory fields of RFC 3261 8.1.1, the topmost Route and the body's
// length, read once and checked against each other.
#include "sipparse/routing_view.h"

#include "sipparse/grammar/by_grammar.h"
#include "sipparse/kernels/kernel.h"

#include <algorithm>
#include <array>

namespace linehunt::sip {
namespace {

// Keeps the first error; later fields are read all the same.
struct first_error {
  routing_result result;
  void note(routing_error error, std::uint32_t at) noexcept {
    if (result) result = {error, static_cast<std::uint16_t>(at)};
  }
};

bool is_repeated(const message_view& message, header_id id) noexcept {
  return message.count_of(id) > 1;
}

// The second header with that name, for the error; where the index was full, its end.
std::uint32_t offset_of_second(const message_view& message, header_id id) noexcept {
  bool seen = false;
  for (std::size_t i = 0; i < message.header_count; ++i) {
    if (message.headers[i].id != id) continue;
    if (seen) return message.headers[i].line.off;
    seen = true;
  }
  return message.headers_end;
}

// RFC 3261 20.14 allows one; several that agree do no harm (RFC 4475 3.3.9 has two that differ).
bool content_lengths_differ(const message_view& message, std::uint32_t length) noexcept {
  std::uint16_t seen = 0;
  for (std::size_t i = 0; i < message.header_count; ++i) {
    const header& h = message.headers[i];
    if (h.id != header_id::content_length) continue;
    ++seen;
    const auto other = parse_number(message.text(h.value), max_message_bytes);
    if (!other || *other != length) return true;
  }
  return seen != message.count_of(header_id::content_length);
}

// The fields that are not in plain form, by the grammar. Each is told apart from one that is
// missing, which is no error of Max-Forwards, Route or Content-Length: those are not asked for
// then.

void read_via(const message_view& message, via_field& out, first_error& errors) noexcept {
  const header* const h = message.find(header_id::via);
  if (h == nullptr) return errors.note(routing_error::via, message.headers_end);
  const auto via = parse_via(message.text(h->value));
  out = via.value;
  if (!via) errors.note(routing_error::via, h->value.off + via.at);
}

void read_party(const message_view& message, header_id id, routing_error error,
                std::string_view& uri, std::string_view& tag, first_error& errors) noexcept {
  const header* const h = message.find(id);
  if (h == nullptr) return errors.note(error, message.headers_end);
  const auto address = parse_address(message.text(h->value));
  uri = address->uri;
  tag = address->tag;
  if (!address || address->star) return errors.note(error, h->value.off + address.at);
  // RFC 3261 20.20, 20.39: one name-addr, no list of them. The one with the tag must not be in
  // doubt.
  if (address->element.size() != h->value.len)
    errors.note(error, h->value.off + static_cast<std::uint32_t>(address->element.size()));
}

void read_cseq(const message_view& message, cseq_field& out, first_error& errors) noexcept {
  const header* const h = message.find(header_id::cseq);
  if (h == nullptr) return errors.note(routing_error::cseq, message.headers_end);
  const auto cseq = parse_cseq(message.text(h->value));
  out = cseq.value;
  if (!cseq) errors.note(routing_error::cseq, h->value.off + cseq.at);
}

void read_max_forwards(const message_view& message, std::uint16_t& out,
                       first_error& errors) noexcept {
  const header* const h = message.find(header_id::max_forwards);
  // RFC 3261 20.22 ends at 255; a larger one does no harm (RFC 4475 3.1.2.4).
  const auto hops = parse_number(message.text(h->value), no_max_forwards - 1);
  if (hops)
    out = static_cast<std::uint16_t>(*hops);
  else
    errors.note(routing_error::max_forwards, h->value.off + hops.at);
}

void read_route(const message_view& message, std::string_view& out, first_error& errors) noexcept {
  const header* const h = message.find(header_id::route);
  const auto route = parse_address(message.text(h->value));
  out = route->uri;
  if (!route || route->star) errors.note(routing_error::route, h->value.off + route.at);
}

[[gnu::noinline]] void read_by_grammar(const message_view& message, unsigned left,
                                       routing_view& out, first_error& errors) noexcept {
  const auto is_left = [left](header_id id) { return (left & kernels::bit_of(id)) != 0; };
  if (is_left(header_id::via)) read_via(message, out.top_via, errors);
  if (is_left(header_id::from))
    read_party(message, header_id::from, routing_error::from, out.from_uri, out.from_tag, errors);
  if (is_left(header_id::to))
    read_party(message, header_id::to, routing_error::to, out.to_uri, out.to_tag, errors);
  if (is_left(header_id::call_id)) { // plain is all that a Call-ID can be
    const header* const h = message.find(header_id::call_id);
    errors.note(routing_error::call_id, h ? h->value.off : message.headers_end);
  }
  if (is_left(header_id::cseq)) read_cseq(message, out.cseq, errors);
  if (is_left(header_id::max_forwards)) read_max_forwards(message, out.max_forwards, errors);
  if (is_left(header_id::route)) read_route(message, out.top_route_uri, errors);
}

// By the grammar: the rest of the topmost line, or the next line that is not empty.
[[gnu::noinline]] void read_next_via(const message_view& message, routing_view& out) noexcept {
  std::string_view value = out.top_via.rest;
  for (std::uint16_t h = message.first[static_cast<std::size_t>(header_id::via)] + 1u;
       value.empty() && h < message.header_count; ++h) {
    if (message.headers[h].id == header_id::via) value = message.text(message.headers[h].value);
  }
  if (value.empty()) return;
  const auto via = parse_via(value);
  out.next_via = *via;
  out.has_next_via = via.ok;
}

// RFC 3261 18.3 refuses a body that ends before its Content-Length does. The INVITE of RFC
// 5118 4.6, which is to be accepted, lacks 17 bytes in nine lines though, as if line ends had been
// counted twice. So an SDP that ends with a whole line and lacks at most two bytes a line is a
// miscount.
bool is_miscounted_sdp(std::string_view body, std::uint32_t declared) noexcept {
  if (!body.starts_with("v=0") || !body.ends_with('\n')) return false;
  const auto lines = static_cast<std::size_t>(std::count(body.begin(), body.end(), '\n'));
  return declared - body.size() <= 2 * lines;
}

// The first Content-Length stands in `out` already where it was plain.
void read_body(const message_view& message, bool is_plain, routing_view& out,
               first_error& errors) noexcept {
  const std::uint32_t available = message.len_bytes - message.body_begin;
  const std::uint32_t plain_length = out.content_length;
  out.content_length = available;
  if (const header* const h = message.find(header_id::content_length)) {
    const auto length = is_plain ? field_result<std::uint32_t>{plain_length, true, 0}
                                 : parse_number(message.text(h->value), 0xffffffffU);
    if (!length) {
      errors.note(routing_error::content_length, h->value.off + length.at);
    } else if (is_repeated(message, header_id::content_length) &&
               content_lengths_differ(message, *length)) {
      errors.note(routing_error::repeated, offset_of_second(message, header_id::content_length));
    } else if (*length > available) {
      if (!is_miscounted_sdp({message.base + message.body_begin, available}, *length))
        errors.note(routing_error::body_short, h->value.off);
    } else {
      out.content_length = *length;
      out.has_content_length = true;
    }
  }
  out.body = {message.base + message.body_begin, out.content_length};
}

} // namespace

routing_result make_routing_view(const message_view& message, routing_view& out) noexcept {
  first_error errors;
  const unsigned left = kernels::current().read_plain(message, out);
  if (left != 0) [[unlikely]]
    read_by_grammar(message, left, out, errors);
  if (message.is_request) {
    if (!out.request_uri) [[unlikely]]
      out.request_uri = grammar::uri_by_grammar(message.text(message.request_uri));
  } else if (!out.has_next_via || !out.top_via.rest.empty()) [[unlikely]] {
    read_next_via(message, out);
  }

  // RFC 3261 8.1.1.5; two unknown methods may still differ (RFC 4475 3.1.2.17). Nobody compares
  // what could not be read.
  if (message.is_request && errors.result.error != routing_error::cseq &&
      !out.cseq.method_text.empty() &&
      (out.cseq.method != message.method ||
       (out.cseq.method == method::unknown &&
        out.cseq.method_text != message.text(message.method_text))))
    errors.note(routing_error::cseq_mismatch, message.find(header_id::cseq)->value.off);
  read_body(message, (left & kernels::bit_of(header_id::content_length)) == 0, out, errors);

  // RFC 3261 7.3.1: these appear once (RFC 4475 3.3.8).
  constexpr std::array once{header_id::from, header_id::to, header_id::call_id, header_id::cseq,
                            header_id::max_forwards};
  unsigned counts = 0; // above 1 where one of them is
  for (const auto id : once)
    counts |= message.count_of(id);
  if (counts > 1) [[unlikely]]
    for (const auto id : once)
      if (is_repeated(message, id))
        errors.note(routing_error::repeated, offset_of_second(message, id));
  return errors.result;
}

} // namespace linehunt::sip
