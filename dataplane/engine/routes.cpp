// SPDX-License-Identifier: Apache-2.0
// Reading and editing of Route and Record-Route.
#include "dataplane/engine/routes.h"

#include "dataplane/engine/addressing.h"
#include "dataplane/engine/branch.h"
#include "dataplane/engine/passes.h"
#include "sipparse/build.h"
#include "sipparse/fields.h"
#include "sipparse/uri.h"

#include <array>
#include <optional>

namespace linehunt::calls {
namespace {

constexpr std::size_t max_route_elements = 64;
constexpr std::size_t max_own_routes = 2 * max_passes; // two where the sides differ

struct route_element {
  std::uint16_t header = 0; // index into message_view::headers
  bool removed = false;
  sip::slice where;
  std::string_view uri;
};

// Elements are written before they are read; to clear all 64 would cost more than the rest.
struct route_list {
  route_list() noexcept {}
  union {
    std::array<route_element, max_route_elements> elements;
  };
  std::size_t count = 0;
};

sip::slice slice_of(const sip::message_view& message, std::string_view piece) noexcept {
  return {static_cast<std::uint16_t>(piece.data() - message.base),
          static_cast<std::uint16_t>(piece.size())};
}

// All elements of the headers with that name; false where one breaks the grammar or they are too
// many.
bool collect(const sip::message_view& message, sip::header_id id, route_list& out) noexcept {
  const std::size_t lines_wanted = message.count_of(id);
  std::size_t lines = 0;
  for (std::uint16_t h = message.first[static_cast<std::size_t>(id)];
       h < message.header_count && lines < lines_wanted; ++h) {
    if (message.headers[h].id != id) continue;
    ++lines;
    std::string_view left = message.text(message.headers[h].value);
    while (!left.empty()) {
      const auto address = sip::parse_address(left);
      if (!address || address->star || out.count == max_route_elements) return false;
      out.elements[out.count++] = {h, false, slice_of(message, address->element), address->uri};
      left = address->rest;
    }
  }
  return lines == lines_wanted;
}

// The same of the one Route that most requests within a call have: no element but that URI in its
// brackets. False: there is more.
bool collect_one_route(const sip::message_view& message, std::string_view uri,
                       route_list& out) noexcept {
  const std::uint16_t h = message.first[static_cast<std::size_t>(sip::header_id::route)];
  const sip::slice where = message.headers[h].value;
  if (message.count_of(sip::header_id::route) != 1 || uri.data() != message.base + where.off + 1 ||
      uri.size() + 2 != where.len)
    return false;
  out.elements[0] = {h, false, where, uri};
  out.count = 1;
  return true;
}

std::uint64_t handle_in(std::string_view uri_text) noexcept {
  const auto uri = sip::parse_uri(uri_text);
  if (!uri) return 0;
  const auto text = sip::find_parameter(uri->parameters, handle_parameter);
  return text ? read_hex(*text).value_or(0) : 0;
}

// A URI of ours: its handle, 0 where it has none. nullopt: somebody else's.
std::optional<std::uint64_t> own_handle(const snapshot& world, std::string_view uri) noexcept {
  if (const auto handle = own_route_handle(world, uri)) return handle;
  if (!names_us(world, uri)) return std::nullopt;
  return handle_in(uri);
}

// A Request-URI that is our Record-Route, left there by a strict router; 0: it is not.
std::uint64_t handle_of_request_uri(const snapshot& world, std::string_view uri) noexcept {
  if (uri.find(handle_parameter) == std::string_view::npos) return 0;
  return own_handle(world, uri).value_or(0);
}

// Elements that go are at the beginning or at the end of their header, or all of it.
bool remove_elements(const sip::message_view& message, const route_list& list,
                     sip::edit_list& edits) noexcept {
  for (std::size_t first = 0; first < list.count;) {
    const sip::header& header = message.headers[list.elements[first].header];
    std::size_t end = first;
    std::size_t leading = 0, trailing = 0;
    while (end < list.count && list.elements[end].header == list.elements[first].header)
      ++end;
    while (first + leading < end && list.elements[first + leading].removed)
      ++leading;
    while (leading + trailing < end - first && list.elements[end - 1 - trailing].removed)
      ++trailing;
    if (leading == end - first) {
      if (!edits.remove(header.line)) return false;
    } else {
      if (leading > 0) {
        const auto to = list.elements[first + leading].where.off;
        const auto from = list.elements[first].where.off;
        if (!edits.remove({from, static_cast<std::uint16_t>(to - from)})) return false;
      }
      if (trailing > 0) {
        const auto from = list.elements[end - 1 - trailing].where.end();
        const auto to = list.elements[end - 1].where.end();
        if (!edits.remove(
                {static_cast<std::uint16_t>(from), static_cast<std::uint16_t>(to - from)}))
          return false;
      }
    }
    first = end;
  }
  return true;
}

// Those from `first` on.
std::string_view write_routes(const sip::message_view& message, const route_list& list,
                              std::size_t first, std::span<char> out) noexcept {
  sip::writer text{out};
  for (std::size_t i = first; i < list.count; ++i) {
    if (i > first) text << ",";
    text << message.text(list.elements[i].where);
  }
  return {out.data(), text.size()};
}

} // namespace

bool is_loose(std::string_view uri_text) noexcept {
  const auto uri = sip::parse_uri(uri_text);
  return uri && sip::is_loose_router(*uri);
}

route_plan plan_routes(const sip::message_view& message, std::string_view top_route,
                       const snapshot& world, sip::edit_list& edits) noexcept {
  route_plan plan;
  plan.request_uri = message.text(message.request_uri);
  plan.target = plan.request_uri;
  if (!message.has(sip::header_id::route)) {
    plan.ok = true;
    // A strict router right behind the sender has used up the last Route.
    plan.handle = handle_of_request_uri(world, plan.request_uri);
    return plan;
  }

  route_list list;
  if (!collect_one_route(message, top_route, list) &&
      !collect(message, sip::header_id::route, list))
    return plan;
  std::size_t end = list.count;

  // RFC 3261 16.4: a strict router before us has put our Record-Route into the Request-URI; the
  // true one is the last Route.
  if (end > 0) {
    if (const auto handle = handle_of_request_uri(world, plan.request_uri); handle != 0) {
      plan.handle = handle;
      plan.request_uri = list.elements[--end].uri;
      plan.request_uri_moved = true;
      list.elements[end].removed = true;
    }
  }
  // Two in a row where the sides are on different listeners (RFC 5658), with one handle; with
  // another handle where the call came back to us from a proxy that does not record its route.
  std::size_t first = 0;
  while (first < end && first < max_own_routes) {
    const auto handle = own_handle(world, list.elements[first].uri);
    if (!handle) break;
    list.elements[first++].removed = true;
    if (plan.handle == 0)
      plan.handle = *handle;
    else if (*handle != 0 && *handle != plan.handle)
      plan.names_further_ways = true;
  }

  plan.target = plan.request_uri;
  if (first < end) {
    plan.next_hop = list.elements[first].uri;
    if (!is_loose(plan.next_hop)) {
      // RFC 3261 16.6 (6): a strict router behind us wants itself in the Request-URI and the true
      // one as the last Route.
      list.elements[first].removed = true;
      plan.request_uri = plan.next_hop;
      plan.request_uri_moved = true;
      std::uint16_t last_line = 0;
      for (std::uint16_t h = 0; h < message.header_count; ++h) {
        if (message.headers[h].id == sip::header_id::route) last_line = h;
      }
      const std::array<std::string_view, 3> line{"Route: <", plan.target, ">\r\n"};
      if (!edits.replace({static_cast<std::uint16_t>(message.headers[last_line].line.end()), 0},
                         line))
        return plan;
    }
  }
  if (plan.request_uri_moved && !edits.replace(message.request_uri, plan.request_uri)) return plan;
  plan.ok = remove_elements(message, list, edits);
  return plan;
}

bool has_routes(const sip::message_view& message, const snapshot& world, std::string_view target,
                std::string_view known) noexcept {
  route_list list;
  if (!collect(message, sip::header_id::route, list)) return false;
  const auto next_known = [&]() -> std::string_view {
    while (!known.empty()) {
      const auto route = sip::parse_address(known);
      if (!route) break;
      known = route->rest;
      if (!own_handle(world, route->uri)) return route->uri;
    }
    return {};
  };
  for (std::size_t i = 0; i < list.count; ++i) {
    const std::string_view uri = list.elements[i].uri;
    const bool is_target = uri.data() == target.data(); // the same bytes of the message
    if (!is_target && !own_handle(world, uri) && uri != next_known()) return false;
  }
  return next_known().empty();
}

std::string_view caller_routes(const sip::message_view& request, std::span<char> out) noexcept {
  if (!request.has(sip::header_id::record_route)) return {};
  // Without any of them rather than with a broken one, which no next hop would take.
  route_list list;
  if (!collect(request, sip::header_id::record_route, list)) return {};
  return write_routes(request, list, 0, out);
}

std::string_view caller_routes(const sip::message_view& response, const snapshot& world,
                               std::span<char> out) noexcept {
  route_list list;
  if (!collect(response, sip::header_id::record_route, list)) return {};
  std::size_t behind_us = 0;
  for (bool seen = false; behind_us < list.count; ++behind_us) {
    const bool ours = own_handle(world, list.elements[behind_us].uri).has_value();
    if (seen && !ours) break;
    seen = seen || ours;
  }
  return write_routes(response, list, behind_us, out);
}

std::string_view callee_routes(const sip::message_view& response, const snapshot& world,
                               std::span<char> out) noexcept {
  route_list list;
  if (!collect(response, sip::header_id::record_route, list)) return {};
  std::size_t before_us = 0;
  while (before_us < list.count && !own_handle(world, list.elements[before_us].uri))
    ++before_us;
  if (before_us == list.count) return {}; // ours is not there: nothing is known of the others
  sip::writer text{out};
  for (std::size_t i = before_us; i-- > 0;) {
    text << response.text(list.elements[i].where);
    if (i > 0) text << ",";
  }
  return {out.data(), before_us == 0 ? 0 : text.size()};
}

} // namespace linehunt::calls
