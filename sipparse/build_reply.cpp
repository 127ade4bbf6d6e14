// SPDX-License-Identifier: Apache-2.0
// Replies to a request, made of its own header lines (RFC 3261 8.2.6). Works also for requests that
// failed the scan or the routing view: what they have is copied, what they lack is left out, but
// without a Via nobody could be answered.
#include "sipparse/build.h"

#include "sipparse/fields.h"

#include <algorithm>
#include <bitset>

namespace linehunt::sip {
namespace {

// A header line as received, without its line end.
std::string_view without_line_end(std::string_view line) noexcept {
  if (line.ends_with('\n')) line.remove_suffix(1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

// What stands before `inner`, a view into `outer`.
std::string_view before(std::string_view outer, std::string_view inner) noexcept {
  return outer.substr(0, static_cast<std::size_t>(inner.data() - outer.data()));
}

// What stands behind `inner`, a view into `outer`.
std::string_view behind(std::string_view outer, std::string_view inner) noexcept {
  return outer.substr(static_cast<std::size_t>(inner.data() + inner.size() - outer.data()));
}

// The parameter's value with the brackets that parse_via took off.
std::string_view with_brackets(std::string_view line, std::string_view value) noexcept {
  const auto from = static_cast<std::size_t>(value.data() - line.data());
  if (from == 0 || line[from - 1] != '[' || from + value.size() >= line.size()) return value;
  return line.substr(from - 1, value.size() + 2);
}

// The topmost Via with what the server has to say about its sender: `received` (RFC 3261 18.2.1)
// replaces one that the sender wrote itself, `rport` (RFC 3581 4) fills the one that it asked for.
void write_top_via(writer& out, std::string_view line, std::string_view value,
                   const reply_parts& parts) noexcept {
  if (parts.received.empty()) {
    out << line << "\r\n";
    return;
  }
  field_result<via_field> read;
  const via_field* via = parts.top_via;
  if (via == nullptr) {
    read = parse_via(value);
    via = &read.value;
  }
  if (via->element.empty()) { // it breaks the grammar
    out << line << "\r\n";
    return;
  }
  struct change {
    std::string_view old; // empty: insert here
    bool is_rport;
  };
  const std::string_view end_of_element = via->element.substr(via->element.size());
  const auto received = via->received.empty() ? end_of_element : with_brackets(line, via->received);
  change first{received, false};
  change second{via->rport_text, true};
  if (via->has_rport && second.old.data() < first.old.data()) std::swap(first, second);

  std::string_view left = line;
  for (const change& c : {first, second}) {
    if (c.is_rport && !via->has_rport) continue;
    out << before(left, c.old);
    left = behind(left, c.old);
    if (c.is_rport) {
      if (c.old.starts_with(';')) out << ";";
      out << "rport=" << std::uint64_t{parts.rport};
    } else {
      if (via->received.empty()) out << ";received=";
      out << parts.received;
    }
  }
  out << left << "\r\n";
}

// The tag goes where the value ends: white space and folds may follow.
void write_to(writer& out, std::string_view line, std::string_view value,
              const reply_parts& parts) noexcept {
  const std::string_view rest = behind(line, value);
  out << before(line, rest);
  if (parts.status > 100 && !parts.to_tag.empty()) {
    const auto to = parse_address(value);
    if (!to || to->tag.empty()) out << ";tag=" << parts.to_tag;
  }
  out << rest << "\r\n";
}

} // namespace

std::size_t build_reply(const message_view& request, const reply_parts& parts,
                        std::span<char> buffer) noexcept {
  if (!request.has(header_id::via)) return 0;
  writer out{buffer};
  out << "SIP/2.0 " << std::uint64_t{parts.status} << " " << parts.reason << "\r\n";

  std::uint16_t vias = 0;
  std::bitset<header_id_count> written; // a repeated From, To, Call-ID or CSeq is copied once
  for (std::size_t i = 0; i < request.header_count; ++i) {
    const header& h = request.headers[i];
    const auto line = without_line_end(request.text(h.line));
    switch (h.id) {
    case header_id::via:
      if (vias++ == 0) {
        write_top_via(out, line, request.text(h.value), parts);
      } else {
        out << line << "\r\n";
      }
      break;
    case header_id::from:
    case header_id::call_id:
    case header_id::cseq:
    case header_id::to:
      if (written.test(static_cast<std::size_t>(h.id))) break;
      written.set(static_cast<std::size_t>(h.id));
      if (h.id == header_id::to) {
        write_to(out, line, request.text(h.value), parts);
      } else {
        out << line << "\r\n";
      }
      break;
    default:
      break;
    }
  }
  // With Vias past the index the reply could not find its way back.
  if (vias != request.count_of(header_id::via)) return 0;
  // RFC 3261 8.2.6.1.
  if (const header* const h = request.find(header_id::timestamp);
      parts.status == 100 && h != nullptr)
    out << without_line_end(request.text(h->line)) << "\r\n";
  out << parts.server_line << parts.extra_headers << "Content-Length: 0\r\n\r\n";
  return out.size();
}

} // namespace linehunt::sip
