// SPDX-License-Identifier: Apache-2.0
// The scan: one SIMD pass finds where lines end; folds, header names, values and the parts of the
// start line are found in them. Never reads a byte at or past the end of the datagram.
#pragma once

#include "sipparse/message_view.h"

#include <cstdint>
#include <optional>
#include <string_view>

namespace linehunt::sip {

enum class scan_error : std::uint8_t {
  none,
  empty,           // nothing but CRLF (keep-alive, RFC 5626 3.5.1) or no byte at all
  too_long,        // more than max_message_bytes
  not_sip,         // the first line is neither a request line nor a status line
  bad_start_line,  // looks like SIP, but its start line breaks RFC 3261 7.1 / 7.2
  bad_version,     // request with another version than SIP/2.0 (RFC 3261 21.5.6: 505)
  bad_status,      // status code outside 100..699 or not three digits
  no_header_end,   // the datagram ends before the empty line
  bad_header_line, // a line without a colon, an empty header name, or a bare CR
};

struct [[nodiscard]] scan_result {
  scan_error error = scan_error::none;
  std::uint16_t at = 0; // offset of the offending byte
  explicit operator bool() const noexcept { return error == scan_error::none; }
};

// Fills `out`. On an error past the start line the view holds what was found up to there, so that
// a reply (400, 505) can still be built from its Via, From, To, Call-ID and CSeq. Leading CRLFs are
// skipped (RFC 3261 7.5). Bare LF is accepted as a line end, bare CR is an error before the body.
scan_result scan(std::string_view datagram, message_view& out) noexcept;

// The Call-ID alone, for sharding; the first Call-ID (or "i") header of the datagram. Empty where
// there is none. Much cheaper than scan, never reads past the datagram, agrees with scan.
[[nodiscard]] std::string_view find_call_id(std::string_view datagram) noexcept;

// The same for the To ("t").
[[nodiscard]] std::string_view find_to(std::string_view datagram) noexcept;

// The kernels, in rising order of width. `best_kernel` looks at the processor once.
enum class kernel : std::uint8_t { scalar, sse42, avx2, avx512 };
[[nodiscard]] std::string_view name_of(kernel k) noexcept;
[[nodiscard]] std::optional<kernel> kernel_named(std::string_view name) noexcept;
[[nodiscard]] bool kernel_supported(kernel k) noexcept;
[[nodiscard]] kernel best_kernel() noexcept;

// Chosen at start: the best one, or the one that LINEHUNT_KERNEL names. `use_kernel` is for tests
// and for the configuration; it must not be called while other threads scan. False: not supported.
[[nodiscard]] kernel current_kernel() noexcept;
[[nodiscard]] bool use_kernel(kernel k) noexcept;

[[nodiscard]] std::string_view name_of(method m) noexcept; // "INVITE"; "" for unknown
[[nodiscard]] method method_named(std::string_view text) noexcept;
[[nodiscard]] std::string_view name_of(header_id id) noexcept; // long form, "Call-ID"

} // namespace linehunt::sip
