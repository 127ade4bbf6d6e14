// SPDX-License-Identifier: Apache-2.0
#include "parse_contenders.h"

#include "sipparse/routing_view.h"
#include "sipparse/scan.h"

#include <cstring>

namespace linehunt::bench {
namespace {

bool parse(std::string_view bytes, sip::message_view& message, sip::routing_view& view) {
  return sip::scan(bytes, message) && sip::make_routing_view(message, view);
}

} // namespace

std::uint64_t parse_linehunt(std::string_view bytes) {
  static sip::message_view message;
  static sip::routing_view view;
  if (!parse(bytes, message, view)) return 0;
  return 1 + view.top_via.branch.size() + view.top_via.sent_by_port + view.call_id.size() +
         view.from_tag.size() + view.to_tag.size() + view.cseq.number + view.max_forwards +
         view.top_route_uri.size() + view.content_length + message.status;
}

std::uint64_t count_lines(std::string_view bytes) {
  std::uint64_t lines = 0;
  const char* const last = bytes.data() + bytes.size();
  for (const char* p = bytes.data(); p != last; ++p, ++lines) {
    p = static_cast<const char*>(std::memchr(p, '\n', static_cast<std::size_t>(last - p)));
    if (p == nullptr) break;
  }
  return lines;
}

std::optional<summary> read_linehunt(std::string_view bytes) {
  sip::message_view message;
  sip::routing_view view;
  if (!parse(bytes, message, view)) return std::nullopt;
  summary s;
  s.method = message.text(message.method_text);
  s.status = message.status;
  s.transport = view.top_via.transport;
  s.via_host = view.top_via.sent_by_host;
  s.via_port = view.top_via.sent_by_port;
  s.branch = view.top_via.branch;
  s.call_id = view.call_id;
  s.from_tag = view.from_tag;
  s.to_tag = view.to_tag;
  s.cseq = view.cseq.number;
  s.cseq_method = view.cseq.method_text;
  s.max_forwards = view.max_forwards;
  s.top_route = view.top_route_uri;
  s.content_length = view.content_length;
  return s;
}

} // namespace linehunt::bench
