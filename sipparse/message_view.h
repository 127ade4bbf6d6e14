// SPDX-License-Identifier: Apache-2.0
// The message view: where the parts of one SIP message lie in its datagram. Offsets only, nothing
// is copied or owned. Knows nothing of sockets, calls or time.
//
//   INVITE sip:bob@b.example SIP/2.0 CRLF            start_line
//   ^method ^request_uri     ^version
//   Via: SIP/2.0/UDP a.example;branch=z9hG4bK1 CRLF  headers[0] {name "Via", value "SIP/2.0..."}
//   Subject: anything CRLF                           not indexed: routing does not need it
//   Call-ID: 17@a.example CRLF                       headers[1]
//   CRLF                                             headers_end: offset of this empty line
//   v=0 ...                                          body (as far as Content-Length says)
//
// A view is valid as long as the bytes it was made from neither move nor change: an edit list is
// applied only after the last use of the view.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace linehunt::sip {

// The largest UDP payload over IPv4 (65,535 - 20 - 8), so that every offset fits 16 bits.
inline constexpr std::size_t max_message_bytes = 65507;

// A range of the datagram. Offsets count from its first byte.
struct slice {
  std::uint16_t off = 0;
  std::uint16_t len = 0;
  [[nodiscard]] constexpr bool empty() const noexcept { return len == 0; }
  [[nodiscard]] constexpr std::uint32_t end() const noexcept { return std::uint32_t{off} + len; }
};

// RFC 3261, 3262, 3311, 6086, 3515, 6665, 3428, 3903. Methods are case-sensitive (RFC 3261 7.1).
enum class method : std::uint8_t {
  unknown,
  invite,
  ack,
  bye,
  cancel,
  options,
  register_,
  prack,
  update,
  info,
  refer,
  subscribe,
  notify,
  message,
  publish,
};

// The headers that somebody reads by their number: routing, call control, replies. All others are
// not indexed; a rule on one finds its lines by itself (dataplane/rules/header_lines.h).
enum class header_id : std::uint8_t {
  other,
  via,
  from,
  to,
  call_id,
  cseq,
  max_forwards,
  route,
  record_route,
  contact,
  content_length,
  content_type,
  require,
  proxy_require,
  session_expires,
  retry_after,
  reason,
  timestamp,
  replaces,
  count_,
};
inline constexpr std::size_t header_id_count = static_cast<std::size_t>(header_id::count_);

// One indexed header line. `line` runs from the name's first byte to the byte after its line end
// (folded continuation lines included); `value` has its outer white space trimmed and may hold
// folds inside.
struct header {
  slice line;
  slice value;
  header_id id = header_id::other;
  bool folded = false;
};

inline constexpr std::size_t max_indexed_headers = 128;
inline constexpr std::uint8_t no_header = 0xff;

struct message_view {
  const char* base = nullptr;
  std::uint32_t len_bytes = 0; // of the datagram

  bool is_request = false;
  sip::method method = sip::method::unknown; // of a request
  std::uint16_t status = 0;                  // of a response, 100..699
  slice start_line;                          // without its line end
  slice method_text, request_uri, version;   // request: as written; response: version only
  slice reason;                              // response, may be empty

  std::uint16_t headers_begin = 0; // first byte after the start line's line end
  std::uint16_t headers_end = 0;   // the empty line; len_bytes where there is none
  std::uint16_t body_begin = 0;    // first byte after the empty line
  bool has_empty_line = false;
  bool index_full = false; // further headers exist; `count` is right all the same

  std::uint16_t header_count = 0;                   // used entries of `headers`
  std::array<header, max_indexed_headers> headers;  // in message order
  std::array<std::uint8_t, header_id_count> first;  // index into headers, or no_header
  std::array<std::uint16_t, header_id_count> count; // lines seen with that name

  [[nodiscard]] std::string_view text(slice s) const noexcept { return {base + s.off, s.len}; }
  [[nodiscard]] std::string_view bytes() const noexcept { return {base, len_bytes}; }
  [[nodiscard]] bool has(header_id id) const noexcept {
    return first[static_cast<std::size_t>(id)] != no_header;
  }
  // Lines with that name, also those past the index.
  [[nodiscard]] std::uint16_t count_of(header_id id) const noexcept {
    return count[static_cast<std::size_t>(id)];
  }
  // The first header with that name, or nullptr.
  [[nodiscard]] const header* find(header_id id) const noexcept {
    const auto i = first[static_cast<std::size_t>(id)];
    return i == no_header ? nullptr : &headers[i];
  }
  // The value of the first header with that name; empty where there is none.
  [[nodiscard]] std::string_view value_of(header_id id) const noexcept {
    const header* h = find(id);
    return h ? text(h->value) : std::string_view{};
  }
};

} // namespace linehunt::sip
