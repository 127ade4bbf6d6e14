// SPDX-License-Identifier: Apache-2.0
// Building of whole messages into the caller's buffer: replies to a request, and the requests that
// a proxy makes itself. Every function returns the length written, or 0 where it does not fit or
// where the message it starts from lacks what it needs.
#pragma once

#include "sipparse/message_view.h"
#include "sipparse/routing_view.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace linehunt::sip {

// Appends to a fixed buffer; after the first piece that does not fit nothing more is written and
// `size` says 0.
class writer {
 public:
  explicit writer(std::span<char> out) noexcept : out_(out) {}
  // Here, so that the length of a literal is known where it is copied.
  writer& operator<<(std::string_view piece) noexcept {
    if (overflow_ || piece.size() > out_.size() - used_) {
      overflow_ = true;
      return *this;
    }
    if (!piece.empty()) std::memcpy(out_.data() + used_, piece.data(), piece.size());
    used_ += piece.size();
    return *this;
  }
  writer& operator<<(std::uint64_t number) noexcept;
  [[nodiscard]] std::size_t size() const noexcept { return overflow_ ? 0 : used_; }

 private:
  std::span<char> out_;
  std::size_t used_ = 0;
  bool overflow_ = false;
};

// RFC 3261 8.2.6: every Via, From, To, Call-ID and CSeq as they came, in order. `received` and
// `rport` go into the topmost Via where `received` is not empty (RFC 3261 18.2.1, RFC 3581 4).
// `to_tag` is added where the request's To has none and status is above 100. `extra_headers` are
// whole lines, each with its CRLF, and so is `server_line`. For a 100 Timestamp is copied as well
// (8.2.6.1).
struct reply_parts {
  std::uint16_t status = 0;
  std::string_view reason = {};
  std::string_view to_tag = {};
  std::string_view received = {};
  std::uint16_t rport = 0; // source port; written only where the Via asked with ";rport"
  std::string_view extra_headers = {};
  std::string_view server_line = {}; // RFC 3261 20.35
  // The request's, where its routing view is there; nullptr: it is read anew.
  const via_field* top_via = nullptr;
};
[[nodiscard]] std::size_t build_reply(const message_view& request, const reply_parts& parts,
                                      std::span<char> out) noexcept;

// The reason phrase of RFC 3261 21 and later codes; "Unknown" for others.
[[nodiscard]] std::string_view reason_phrase(std::uint16_t status) noexcept;

// RFC 3261 17.1.1.3: the hop-by-hop ACK of a failure. `sent_invite` is the INVITE as we sent it
// (our Via on top); `to_value` is the To header value of the response.
[[nodiscard]] std::size_t build_ack(const message_view& sent_invite, std::string_view to_value,
                                    std::span<char> out) noexcept;

// RFC 3261 9.1: the CANCEL of an INVITE that we sent; its topmost Via alone, same Call-ID, To,
// From, CSeq number and Route. `reason_header` is a whole line or empty (RFC 3326).
[[nodiscard]] std::size_t build_cancel(const message_view& sent_invite,
                                       std::string_view reason_header,
                                       std::span<char> out) noexcept;

// A request of our own: BYE into a dialog, in-dialog OPTIONS, or an OPTIONS probe.
struct request_parts {
  std::string_view method = {};
  std::string_view request_uri = {};
  std::string_view via_sent_by = {}; // "192.0.2.1:5060", "[2001:db8::1]:5060"
  std::string_view branch = {};
  std::string_view from = {}; // whole header values
  std::string_view to = {};
  std::string_view call_id = {};
  std::uint32_t cseq = 0;
  std::string_view route = {};         // Route header value, comma-separated; empty for none
  std::string_view extra_headers = {}; // whole lines with CRLF
};
[[nodiscard]] std::size_t build_request(const request_parts& parts, std::span<char> out) noexcept;

} // namespace linehunt::sip
