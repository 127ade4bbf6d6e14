// SPDX-License-Identifier: Apache-2.0
// The fields of the routing view, as far as they are in their plain form. Compiled once for each
// kernel: with three-operand instructions and BMI it takes a sixth less time.
//
// Included by kernel files only, each of which gets its own copy (unnamed namespace).
#pragma once

#include "sipparse/kernels/kernel.h"
#include "sipparse/plain_fields.h"
#include "sipparse/plain_uri.h"
#include "sipparse/routing_view.h"

#include <memory>

namespace linehunt::sip::kernels {
namespace {

unsigned read_plain(const message_view& message, routing_view& out) noexcept {
  // In place: assigned, it would be made elsewhere first, and its gaps copied along.
  std::construct_at(static_cast<routing_fields*>(&out));
  out.has_next_via = false; // `next_via` is cleared where it is read
  const char* const base = message.base;
  const char* const limit = base + message.len_bytes;
  unsigned left = 0;
  // Runs `field` on the first header with that name. A mandatory one that is not there is left,
  // too.
  const auto read = [&](header_id id, bool mandatory, auto&& field) {
    const std::uint8_t at = message.first[static_cast<std::size_t>(id)];
    if (at == no_header) {
      left |= mandatory ? bit_of(id) : 0;
      return;
    }
    const slice value = message.headers[at].value;
    const char* const first = base + value.off;
    if (!field(plain::text{first, first + value.len, limit})) left |= bit_of(id);
  };
  read(header_id::via, true, [&](const plain::text& t) { return plain::via(t, out.top_via); });
  read(header_id::from, true,
       [&](const plain::text& t) { return plain::address(t, out.from_uri, out.from_tag); });
  read(header_id::to, true,
       [&](const plain::text& t) { return plain::address(t, out.to_uri, out.to_tag); });
  read(header_id::call_id, true, [&](const plain::text& t) {
    out.call_id = plain::between(t.first, t.last);
    return plain::call_id(t);
  });
  read(header_id::cseq, true, [&](const plain::text& t) { return plain::cseq(t, out.cseq); });
  read(header_id::max_forwards, false, [&](const plain::text& t) {
    std::uint32_t hops = 0;
    if (!plain::number(t, hops) || hops >= no_max_forwards) return false;
    out.max_forwards = static_cast<std::uint16_t>(hops);
    return true;
  });
  read(header_id::route, false,
       [&](const plain::text& t) { return plain::route(t, out.top_route_uri); });
  read(header_id::content_length, false,
       [&](const plain::text& t) { return plain::number(t, out.content_length); });
  if (message.is_request) {
    const char* const first = base + message.request_uri.off;
    std::construct_at(&out.request_uri);
    out.request_uri.ok =
        plain::sip_uri({first, first + message.request_uri.len, limit}, out.request_uri.value);
    return left;
  }
  // The Via that comes next in nearly all responses: the line behind the topmost. Both may lie
  // behind the index.
  const std::size_t next = message.first[static_cast<std::size_t>(header_id::via)] + 1u;
  if (next < message.header_count) {
    const header& h = message.headers[next];
    const char* const first = base + h.value.off;
    if (h.id == header_id::via) {
      std::construct_at(&out.next_via);
      out.has_next_via = plain::via({first, first + h.value.len, limit}, out.next_via);
    }
  }
  return left;
}

} // namespace
} // namespace linehunt::sip::kernels
