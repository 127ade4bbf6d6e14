// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/message_invariants.h"

#include "sipparse/build.h"
#include "sipparse/edit_list.h"
#include "sipparse/fields.h"
#include "sipparse/grammar/by_grammar.h"
#include "sipparse/overload.h"
#include "sipparse/plain_fields.h"
#include "sipparse/routing_view.h"
#include "sipparse/scan.h"
#include "sipparse/sdp.h"
#include "sipparse/uri.h"
#include "sipparse/validate.h"
#include "tests/fuzz/edit_invariants.h"
#include "tests/fuzz/scan_reference.h"

#include <algorithm>
#include <array>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <tuple>

namespace linehunt::sip {
namespace {

// Thrown through this file only; sipparse itself is without exceptions.
struct violation : std::runtime_error {
  using std::runtime_error::runtime_error;
};

void require(bool holds, const char* what) {
  if (!holds) throw violation{what};
}

bool is_call_id(std::string_view text) {
  const char* const end = text.data() + text.size();
  return plain::call_id({text.data(), end, end});
}

bool within(std::string_view inner, std::string_view outer) {
  return inner.empty() || (inner.data() >= outer.data() &&
                           inner.data() + inner.size() <= outer.data() + outer.size());
}

bool same(slice a, slice b) {
  return a.off == b.off && a.len == b.len;
}

bool same(const message_view& a, const message_view& b) {
  const bool start = a.len_bytes == b.len_bytes && a.is_request == b.is_request &&
                     a.method == b.method && a.status == b.status &&
                     same(a.start_line, b.start_line) && same(a.method_text, b.method_text) &&
                     same(a.request_uri, b.request_uri) && same(a.version, b.version) &&
                     same(a.reason, b.reason);
  const bool ends = a.headers_begin == b.headers_begin && a.headers_end == b.headers_end &&
                    a.body_begin == b.body_begin && a.has_empty_line == b.has_empty_line &&
                    a.index_full == b.index_full && a.header_count == b.header_count &&
                    a.first == b.first && a.count == b.count;
  return start && ends &&
         std::equal(a.headers.begin(), a.headers.begin() + a.header_count, b.headers.begin(),
                    [](const header& x, const header& y) {
                      return same(x.line, y.line) && same(x.value, y.value) && x.id == y.id &&
                             x.folded == y.folded;
                    });
}

auto parts_of(const via_field& v) {
  return std::tuple(v.transport, v.sent_by_host, v.sent_by_port, v.branch, v.received, v.maddr,
                    v.has_rport, v.rport, v.has_oc, v.rport_text, v.element, v.rest);
}

auto parts_of(const address_field& a) {
  return std::tuple(a.display_name, a.uri, a.parameters, a.tag, a.element, a.rest, a.angle_brackets,
                    a.star);
}

auto parts_of(const uri& u) {
  return std::tuple(u.scheme, u.scheme_text, u.user, u.password, u.host, u.host_is_ipv6, u.port,
                    u.parameters, u.headers);
}

auto parts_of(const routing_view& v) {
  return std::tuple(parts_of(v.top_via), v.from_tag, v.to_tag, v.from_uri, v.to_uri, v.call_id,
                    v.cseq.number, v.cseq.method, v.cseq.method_text, v.max_forwards,
                    v.top_route_uri, v.content_length, v.has_content_length, v.body,
                    v.has_next_via);
}

// However it was read.
template <class Value>
void require_same(const field_result<Value>& a, const field_result<Value>& b, const char* what) {
  require(a.ok == b.ok && a.at == b.at && (!a || parts_of(*a) == parts_of(*b)), what);
}

void check_view(const message_view& view, scan_result scanned, std::string_view datagram) {
  require(scanned.at <= datagram.size(), "scan: error offset past the datagram");
  if (scanned.error == scan_error::too_long) return;
  const auto inside = [&](slice s) { return s.end() <= datagram.size(); };
  require(inside(view.start_line) && inside(view.method_text) && inside(view.request_uri) &&
              inside(view.version) && inside(view.reason),
          "scan: start line past the datagram");
  require(view.header_count <= max_indexed_headers, "scan: header_count");
  require(view.headers_begin <= view.headers_end && view.headers_end <= view.body_begin &&
              view.body_begin <= datagram.size(),
          "scan: order of the section offsets");
  std::uint32_t last_end = view.headers_begin;
  for (std::size_t i = 0; i < view.header_count; ++i) {
    const header& h = view.headers[i];
    require(h.id != header_id::other && h.id < header_id::count_, "scan: header id");
    require(h.line.off >= last_end && h.line.end() <= view.headers_end,
            "scan: header lines overlap or leave the header section");
    require(h.value.off > h.line.off && h.value.end() <= h.line.end(),
            "scan: value outside of its line");
    const auto value = view.text(h.value);
    constexpr std::string_view white = " \t\n"; // a bare CR is no white space
    require(value.empty() || (white.find(value.front()) == std::string_view::npos &&
                              white.find(value.back()) == std::string_view::npos),
            "scan: value not trimmed");
    const header* first = view.find(h.id);
    require(first && first <= &h && first->id == h.id, "scan: index of first headers");
    last_end = h.line.end();
  }
  if (scanned.error != scan_error::not_sip && scanned.error != scan_error::empty)
    require(is_as_the_bytes_say(view, scanned), "scan: not as the bytes say");
}

// `first` with the scalar kernel, then `again` with each other one that there is.
template <class First, class Again>
void with_all_kernels(const char* what, First first, Again again) {
  const kernel before = current_kernel();
  require(use_kernel(kernel::scalar), what);
  first();
  for (const kernel k : {kernel::sse42, kernel::avx2, kernel::avx512})
    if (kernel_supported(k) && use_kernel(k)) again();
  require(use_kernel(before), what);
}

// Scans with every kernel; all must say the same.
scan_result scan_with_all_kernels(std::string_view datagram, message_view& view) {
  scan_result result;
  std::string_view call_id, to;
  static message_view other;
  with_all_kernels(
      "scan: kernel not to be had",
      [&] {
        result = scan(datagram, view);
        call_id = find_call_id(datagram);
        to = find_to(datagram);
      },
      [&] {
        const scan_result again = scan(datagram, other);
        require(again.error == result.error && again.at == result.at,
                "scan: kernels disagree on error");
        require(same(view, other), "scan: kernels disagree on view");
        const auto call_id_again = find_call_id(datagram);
        require(call_id_again == call_id &&
                    (call_id.empty() || call_id.data() == call_id_again.data()),
                "find_call_id: kernels disagree");
        const auto to_again = find_to(datagram);
        require(to_again == to && (to.empty() || to.data() == to_again.data()),
                "find_to: kernels disagree");
      });
  require(within(call_id, datagram), "find_call_id: outside of the datagram");
  if (result && (view.has(header_id::call_id) || !view.index_full)) {
    require(call_id == view.value_of(header_id::call_id), "find_call_id: not as scan");
  }
  require(within(to, datagram), "find_to: outside of the datagram");
  if (result && (view.has(header_id::to) || !view.index_full)) {
    require(to == view.value_of(header_id::to), "find_to: not as scan");
  }
  return result;
}

// Fields are the same with every kernel.
routing_result route_with_all_kernels(const message_view& view, routing_view& routed) {
  routing_result result;
  static routing_view other;
  with_all_kernels(
      "routing view: kernel not to be had", [&] { result = make_routing_view(view, routed); },
      [&] {
        const routing_result again = make_routing_view(view, other);
        require(again.error == result.error && again.at == result.at,
                "routing view: kernels disagree on error");
        require(parts_of(other) == parts_of(routed), "routing view: kernels disagree");
        require(!view.is_request || parts_of(*other.request_uri) == parts_of(*routed.request_uri),
                "routing view: kernels disagree on the Request-URI");
        require(!routed.has_next_via || parts_of(other.next_via) == parts_of(routed.next_via),
                "routing view: kernels disagree on the next Via");
      });
  return result;
}

// Plain fields are read without their grammar, and loaded together with what stands behind them.
// The grammar, which gets the value alone, must say the same.
void check_routing_view(const message_view& view, const routing_view& routed,
                        routing_result routing) {
  if (!routing) return;
  const auto read = [&](header_id id) { return view.value_of(id); };
  const auto via = grammar::via_by_grammar(read(header_id::via));
  const auto from = grammar::address_by_grammar(read(header_id::from));
  const auto to = grammar::address_by_grammar(read(header_id::to));
  const auto cseq = parse_cseq(read(header_id::cseq));
  require(via && parts_of(*via) == parts_of(routed.top_via), "routing view: Via");
  require(from && from->uri == routed.from_uri && from->tag == routed.from_tag,
          "routing view: From");
  require(to && to->uri == routed.to_uri && to->tag == routed.to_tag, "routing view: To");
  require(routed.call_id == read(header_id::call_id) && is_call_id(routed.call_id),
          "routing view: Call-ID");
  require(cseq && cseq->number == routed.cseq.number && cseq->method == routed.cseq.method &&
              cseq->method_text == routed.cseq.method_text,
          "routing view: CSeq");
  const auto hops = parse_number(read(header_id::max_forwards), no_max_forwards - 1);
  require((hops ? *hops : no_max_forwards) == routed.max_forwards, "routing view: Max-Forwards");
  const auto route = grammar::address_by_grammar(read(header_id::route));
  require((route ? route->uri : std::string_view{}) == routed.top_route_uri, "routing view: Route");
  if (view.is_request) {
    const auto text = view.text(view.request_uri);
    require_same(routed.request_uri, grammar::uri_by_grammar(text), "routing view: Request-URI");
  }
}

// What we take off a response on its way (RFC 7339 4), and what is read of it before.
void check_overload(const via_field& via) {
  const overload_report report = parse_overload(via.element);
  require(report.present == via.has_oc, "parse_overload: not as parse_via");
  const overload_texts texts = find_overload(via.element);
  require(!report.present || texts.count > 0, "find_overload: nothing found");
  std::string left;
  const char* at = via.element.data();
  for (std::size_t i = 0; i < texts.count; ++i) {
    require(within(texts.pieces[i], via.element) && texts.pieces[i].data() >= at,
            "find_overload: outside, or out of order");
    left.append(at, texts.pieces[i].data());
    at = texts.pieces[i].data() + texts.pieces[i].size();
  }
  left.append(at, via.element.data() + via.element.size());
  if (!texts.complete) return;
  const auto without = parse_via(left);
  const overload_report none = parse_overload(left);
  require(without && !without->has_oc && !none.present && !none.has_validity && !none.has_seq,
          "find_overload: some of it is left");
  require(without->branch == via.branch && without->sent_by_host == via.sent_by_host &&
              without->received == via.received && without->has_rport == via.has_rport,
          "find_overload: took something else along");
}

void check_via_list(std::string_view value) {
  for (int elements = 0; !value.empty() && elements < 64; ++elements) {
    const auto via = parse_via(value);
    require_same(via, grammar::via_by_grammar(value), "parse_via: not as its grammar");
    require(via.at <= value.size(), "parse_via: error offset");
    if (!via) return;
    for (const auto part : {via->transport, via->sent_by_host, via->branch, via->received,
                            via->maddr, via->rport_text}) {
      require(within(part, via->element), "parse_via: part outside of its element");
    }
    require(within(via->element, value) && within(via->rest, value), "parse_via: outside");
    require(!via->element.empty() && !via->sent_by_host.empty() && !via->transport.empty(),
            "parse_via: empty but ok");
    require(via->rest.size() < value.size(), "parse_via: does not go on");
    check_overload(*via);
    value = via->rest;
  }
}

void check_uri(std::string_view text) {
  const auto parsed = parse_uri(text);
  require_same(parsed, grammar::uri_by_grammar(text), "parse_uri: not as its grammar");
  require(parsed.at <= text.size(), "parse_uri: error offset");
  if (!parsed) return;
  for (const auto part : {parsed->scheme_text, parsed->user, parsed->password, parsed->host,
                          parsed->parameters, parsed->headers}) {
    require(within(part, text), "parse_uri: part outside");
  }
  require(text.find_first_of(" \t\r\n<>") == std::string_view::npos,
          "parse_uri: accepts white space");
  if (parsed->scheme == uri_scheme::sip || parsed->scheme == uri_scheme::sips) {
    require(!parsed->host.empty(), "parse_uri: no host");
  }
  static_cast<void>(is_loose_router(*parsed));
}

void check_address_list(std::string_view value) {
  for (int elements = 0; !value.empty() && elements < 64; ++elements) {
    const auto address = parse_address(value);
    require_same(address, grammar::address_by_grammar(value), "parse_address: not as its grammar");
    require(address.at <= value.size(), "parse_address: error offset");
    if (!address) return;
    for (const auto part :
         {address->display_name, address->uri, address->parameters, address->tag}) {
      require(within(part, address->element), "parse_address: part outside of its element");
    }
    require(within(address->element, value) && within(address->rest, value),
            "parse_address: outside");
    require(address->rest.size() < value.size(), "parse_address: does not go on");
    require(address->star || !address->uri.empty(), "parse_address: no URI but ok");
    require(find_parameter(address->parameters, "tag").value_or("") == address->tag,
            "parse_address: tag differs from find_parameter");
    check_uri(address->uri);
    value = address->rest;
  }
}

void check_tokens(std::string_view value) {
  const std::string_view all = value;
  while (const auto token = next_token(value)) {
    require(within(*token, all) && !token->empty(), "next_token: empty or outside");
  }
}

void check_fields(const message_view& view) {
  check_uri(view.text(view.request_uri));
  for (std::size_t i = 0; i < view.header_count; ++i) {
    // Every grammar meets every value: a field is whatever the sender says it is.
    const auto value = view.text(view.headers[i].value);
    check_via_list(value);
    check_address_list(value);
    check_tokens(value);
    const auto cseq = parse_cseq(value);
    require(cseq.at <= value.size() && within(cseq->method_text, value), "parse_cseq: outside");
    const auto number = parse_number(value, 300);
    require(number.at <= value.size() && (!number || *number <= 300), "parse_number: above most");
    require(parse_retry_after(value).at <= value.size(), "parse_retry_after: error offset");
    require(parse_session_expires(value).at <= value.size(), "parse_session_expires: offset");
    const auto replaced = parse_replaces(value);
    require(replaced.at <= value.size() && within(replaced->call_id, value) &&
                within(replaced->to_tag, value) && within(replaced->from_tag, value) &&
                (!replaced || is_call_id(replaced->call_id)),
            "parse_replaces: outside, or no Call-ID");
  }
}

void check_sdp(std::string_view content_type, std::string_view body) {
  const auto sdp = find_sdp(content_type, body);
  require(within(sdp, body), "find_sdp: outside of the body");
  struct tally {
    std::string_view sdp;
    std::size_t count = 0;
    bool outside = false;
  } seen{sdp};
  const auto each = [](void* context, const sdp_codec& codec) {
    auto& t = *static_cast<tally*>(context);
    ++t.count;
    t.outside = t.outside || !within(codec.media, t.sdp) || codec.payload_type > 127;
    return true;
  };
  for (const auto text : {sdp, body}) {
    seen.sdp = text;
    const bool is_sdp = for_each_codec(text, each, &seen);
    require(is_sdp || seen.count == 0 || text.data() != sdp.data(), "for_each_codec: no SDP");
  }
  require(!seen.outside, "for_each_codec: outside of the body");
  require(seen.count <= 2 * body.size(), "for_each_codec: more codecs than bytes");
}

std::size_t vias_of(const message_view& view) {
  return view.count_of(header_id::via);
}

// A reply must be a message that we would accept ourselves, and carry what RFC 3261 8.2.6 wants.
void check_reply(const message_view& request, const routing_view& routed, bool routable,
                 std::uint16_t status, std::span<char> buffer) {
  const reply_parts parts{.status = status,
                          .reason = reason_phrase(status),
                          .to_tag = "own-tag",
                          .received = "192.0.2.77",
                          .rport = 5099,
                          .extra_headers = "Server: test\r\n"};
  std::size_t len = build_reply(request, parts, buffer);
  const std::string without_view{buffer.data(), len};
  reply_parts with_via = parts;
  with_via.top_via = &routed.top_via;
  len = build_reply(request, with_via, buffer);
  require((std::string_view{buffer.data(), len}) == without_view,
          "build_reply: the topmost Via read anew differs");
  require(len > 0, "build_reply: nothing built");
  require(build_reply(request, parts, buffer.first(len - 1)) == 0, "build_reply: buffer too small");
  require(build_reply(request, parts, buffer.first(len)) == len,
          "build_reply: buffer that just fits");

  static message_view reply;
  const std::string_view text{buffer.data(), len};
  const scan_result scanned = scan(text, reply);
  require(scanned.error == scan_error::none, "build_reply: does not scan");
  require(!reply.is_request && reply.status == status, "build_reply: other status");
  require(vias_of(reply) == vias_of(request), "build_reply: lost or won a Via");
  for (const auto id : {header_id::from, header_id::to, header_id::call_id, header_id::cseq}) {
    require(reply.count_of(id) == (request.has(id) ? 1 : 0), "build_reply: mandatory header");
    if (id != header_id::to) {
      require(reply.value_of(id) == request.value_of(id), "build_reply: header changed");
    }
  }
  if (!routable) return;
  routing_view view;
  require(bool{make_routing_view(reply, view)}, "build_reply: not routable though the request was");
  require(view.top_via.branch == routed.top_via.branch, "build_reply: branch changed");
  require(view.top_via.received == "192.0.2.77", "build_reply: received");
  require(view.top_via.has_rport == routed.top_via.has_rport, "build_reply: rport added or lost");
  require(!view.top_via.has_rport || view.top_via.rport == 5099, "build_reply: rport");
  require(view.call_id == routed.call_id && view.from_tag == routed.from_tag &&
              view.cseq.number == routed.cseq.number,
          "build_reply: call changed");
  const bool own_tag = routed.to_tag.empty() && status > 100;
  require(view.to_tag == (own_tag ? std::string_view{"own-tag"} : routed.to_tag),
          "build_reply: To tag");
  // Behind as many header lines as the index takes it is there, but not seen.
  require(view.body.empty() && (view.has_content_length || reply.index_full), "build_reply: body");
}

void check_of_invite(const message_view& invite, const routing_view& routed, bool ack,
                     std::span<char> buffer) {
  const auto to = invite.value_of(header_id::to);
  const std::size_t len = ack ? build_ack(invite, to, buffer)
                              : build_cancel(invite, "Reason: SIP;cause=487\r\n", buffer);
  require(len > 0, "build_ack/build_cancel: nothing built");
  static message_view built;
  require(scan({buffer.data(), len}, built).error == scan_error::none, "build_ack: does not scan");
  require(built.method == (ack ? method::ack : method::cancel), "build_ack: method");
  require(vias_of(built) == 1 &&
              built.count_of(header_id::route) == invite.count_of(header_id::route),
          "build_ack: Via or Route");
  require(built.text(built.request_uri) == invite.text(invite.request_uri), "build_ack: URI");
  routing_view view;
  const auto result = make_routing_view(built, view);
  require(bool{result}, "build_ack: not routable");
  require(view.top_via.element == routed.top_via.element && view.top_via.rest.empty(),
          "build_ack: Via");
  require(view.cseq.number == routed.cseq.number && view.call_id == routed.call_id &&
              view.from_tag == routed.from_tag && view.to_tag == routed.to_tag,
          "build_ack: call changed");
}

// The edits of a proxy: a Via on top, Max-Forwards replaced or added, the topmost Via's line taken
// out again. Gathered and in place must agree, and the result must say what we made it say.
void check_edits(std::string_view datagram, const message_view& view, const routing_view& routed,
                 std::span<char> buffer) {
  static constexpr std::string_view our_via = "Via: SIP/2.0/UDP lb.example;branch=z9hG4bKfuzz\r\n";
  static constexpr std::string_view our_hops = "Max-Forwards: 42\r\n";
  edit_list edits;
  bool added = edits.insert(view.find(header_id::via)->line.off, our_via);
  if (const header* hops = view.find(header_id::max_forwards)) {
    added = added && edits.replace(hops->value, "42");
  } else {
    added = added && edits.insert(view.headers_end, our_hops);
  }
  require(added, "edit_list: refused");

  const std::size_t len = edits.apply_to(datagram, buffer);
  require(len == datagram.size() + static_cast<std::size_t>(edits.growth_bytes()),
          "edit_list: length");
  const std::string_view gathered{buffer.data(), len};
  for (const std::size_t headroom : {std::size_t{0}, std::size_t{128}}) {
    std::string room(headroom, '.');
    room.append(datagram).append(128 - headroom, '.');
    const auto placed =
        edits.apply_in_place(room, std::span{room}.subspan(headroom, datagram.size()));
    require(std::string_view{placed.data(), placed.size()} == gathered,
            "edit_list: in place differs from gathered");
  }
  static message_view edited;
  if (len > max_message_bytes) return;
  require(scan(gathered, edited).error == scan_error::none, "edit_list: result does not scan");
  if (edited.index_full != view.index_full) return;
  routing_view after;
  require(bool{make_routing_view(edited, after)}, "edit_list: result not routable");
  require(after.top_via.branch == "z9hG4bKfuzz" && after.max_forwards == 42,
          "edit_list: edits not seen");
  require(after.body == routed.body && after.call_id == routed.call_id &&
              after.to_tag == routed.to_tag,
          "edit_list: other parts changed");
}

void check(std::string_view datagram) {
  static message_view view;
  const scan_result scanned = scan_with_all_kernels(datagram, view);
  check_view(view, scanned, datagram);

  routing_view routed;
  const routing_result routing = route_with_all_kernels(view, routed);
  require(routing.at <= datagram.size(), "routing view: error offset");
  for (const auto part : {routed.call_id, routed.from_tag, routed.to_tag, routed.top_route_uri,
                          routed.body, routed.top_via.element}) {
    require(within(part, datagram), "routing view: outside of the datagram");
  }
  check_routing_view(view, routed, routing);
  check_fields(view);
  check_sdp(view.value_of(header_id::content_type), routed.body);
  check_sdp("application/sdp", datagram);
  check_sdp("multipart/mixed;boundary=b", datagram);

  if (datagram.size() <= max_message_bytes) {
    require(edits_agree(datagram), "edit_list: differs from string surgery");
  }

  const validation verdict = validate(view, scanned, routed, routing);
  static const auto storage = std::make_unique<std::array<char, 80 * 1024>>();
  const std::span<char> buffer{*storage};
  switch (verdict.what) {
  case disposition::drop:
    return;
  case disposition::reply:
    require(view.is_request && view.method != method::ack, "validate: answers a response or ACK");
    require(verdict.status == 400 || verdict.status == 416 || verdict.status == 420 ||
                verdict.status == 483 || verdict.status == 505,
            "validate: unexpected status");
    require(verdict.status != 420 || view.has(header_id::proxy_require), "validate: 420");
    check_reply(view, routed, scanned && routing, verdict.status, buffer);
    return;
  case disposition::accept:
    break;
  }
  require(scanned && routing, "validate: accepts what does not parse");
  if (view.is_request) {
    require(bool{parse_uri(view.text(view.request_uri))}, "validate: accepts a broken URI");
    if (view.method != method::ack) {
      check_reply(view, routed, true, 100, buffer);
      check_reply(view, routed, true, 486, buffer);
    }
    if (view.method == method::invite) {
      check_of_invite(view, routed, true, buffer);
      check_of_invite(view, routed, false, buffer);
    }
  }
  check_edits(datagram, view, routed, buffer);
}

} // namespace

std::string violated_invariant(std::string_view datagram) {
  try {
    check(datagram);
    return {};
  } catch (const violation& v) {
    return v.what();
  }
}

} // namespace linehunt::sip
