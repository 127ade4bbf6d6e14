// SPDX-License-Identifier: Apache-2.0
// Identifiers that only this node can make: the branches of what we send, our To tags, and the key
// under which a server transaction is found. Nothing here keeps state.
//
//   z9hG4bK i 00000a000001000100 0123456789abcdef
//   cookie  | number, 16 hex     MAC, 16 hex, over kind, number, Call-ID and CSeq number
//           kind
//
// The MAC is what makes a response genuine: whoever has not seen our request cannot name a branch
// that passes. INVITE, its CANCEL and its hop-by-hop ACK share one branch, so the method is no part
// of it.
#pragma once

#include "dataplane/engine.h"
#include "sipparse/routing_view.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace linehunt::calls {

enum class branch_kind : char {
  invite = 'i',    // an INVITE of a transaction of ours; number = invite_branch
  stateless = 's', // forwarded within a call; number = stateless_branch
  own_bye = 'b',   // BYE of ours within a call; number = own_branch
  own_ping = 'o',  // OPTIONS of ours within a call; number = own_branch
  probe = 'p',     // OPTIONS to a destination; number = probe_branch
};

struct branch_id {
  branch_kind kind = branch_kind::stateless;
  std::uint64_t number = 0;
};

// number of an INVITE's branch: 24 bits transaction, 24 bits generation, 8 bits attempt, 8 bits the
// listener that the caller reached, so that a late 2xx finds its way without the transaction.
struct invite_branch {
  std::uint32_t transaction = 0;
  std::uint32_t generation = 0;
  std::uint8_t attempt = 0;
  listener_index caller_listener = 0;

  [[nodiscard]] constexpr std::uint64_t number() const noexcept {
    return std::uint64_t{transaction & 0xffffffu} << 40 |
           std::uint64_t{generation & 0xffffffu} << 16 | std::uint64_t{attempt} << 8 |
           caller_listener;
  }
  [[nodiscard]] static constexpr invite_branch from(std::uint64_t number) noexcept {
    return {static_cast<std::uint32_t>(number >> 40),
            static_cast<std::uint32_t>(number >> 16) & 0xffffffu,
            static_cast<std::uint8_t>(number >> 8), static_cast<listener_index>(number)};
  }
};

// number of a stateless branch (RFC 3261 16.11): 32 bits call record, 8 bits the listener that the
// request reached, 24 bits a keyed hash of the Via below (branch, sent-by, and where its response
// goes). A retransmission gives the same number.
struct stateless_branch {
  std::uint32_t call = 0;
  listener_index listener = 0;
  std::uint32_t via_hash = 0;

  [[nodiscard]] constexpr std::uint64_t number() const noexcept {
    return std::uint64_t{call} << 32 | std::uint64_t{listener} << 24 | (via_hash & 0xffffffu);
  }
  // The hash.
  [[nodiscard]] static std::uint32_t below(const sip::via_field& via, const endpoint& reply_to,
                                           const node_secret& secret) noexcept;
  [[nodiscard]] static constexpr stateless_branch from(std::uint64_t number) noexcept {
    return {static_cast<std::uint32_t>(number >> 32), static_cast<listener_index>(number >> 24),
            static_cast<std::uint32_t>(number) & 0xffffffu};
  }
};

// number of a request of our own within a call: 1 bit to whom, 15 bits its ordinal among those of
// its kind (a repetition has the same, the next request another), 16 bits generation and 32 bits
// record of the call's handle.
struct own_branch {
  std::uint32_t call = 0;
  std::uint16_t generation = 0;
  std::uint16_t ordinal = 0;
  bool to_callee = false;

  [[nodiscard]] constexpr std::uint64_t number() const noexcept {
    return (to_callee ? std::uint64_t{1} << 63 : 0) | std::uint64_t{ordinal & 0x7fffu} << 48 |
           std::uint64_t{generation} << 32 | call;
  }
  [[nodiscard]] static constexpr own_branch from(std::uint64_t number) noexcept {
    return {static_cast<std::uint32_t>(number), static_cast<std::uint16_t>(number >> 32),
            static_cast<std::uint16_t>(number >> 48 & 0x7fff), number >> 63 != 0};
  }
};

// number of a probe's branch: 8 bits which of the destination's addresses is asked, 24 bits
// destination, 32 bits the probe's number.
struct probe_branch {
  std::uint8_t address = 0;
  destination_index destination = 0;
  std::uint32_t probe = 0;

  [[nodiscard]] constexpr std::uint64_t number() const noexcept {
    return std::uint64_t{address} << 56 | std::uint64_t{destination & 0xffffffu} << 32 | probe;
  }
  [[nodiscard]] static constexpr probe_branch from(std::uint64_t number) noexcept {
    return {static_cast<std::uint8_t>(number >> 56),
            static_cast<destination_index>(number >> 32 & 0xffffffu),
            static_cast<std::uint32_t>(number)};
  }
};

inline constexpr std::size_t branch_bytes = 7 + 1 + 16 + 16;
struct branch_text {
  std::array<char, branch_bytes> bytes;
  operator std::string_view() const noexcept { return {bytes.data(), bytes.size()}; }
};
struct tag_text {
  std::array<char, 16> bytes;
  operator std::string_view() const noexcept { return {bytes.data(), bytes.size()}; }
};

[[nodiscard]] branch_text make_branch(branch_id id, std::uint64_t hash, std::uint32_t cseq,
                                      const node_secret& secret) noexcept;
// What make_branch was given, where `branch` is one of ours for that Call-ID and CSeq number.
[[nodiscard]] std::optional<branch_id> genuine_branch(std::string_view branch, std::uint64_t hash,
                                                      std::uint32_t cseq,
                                                      const node_secret& secret) noexcept;

// The To tag of our own replies: the same for every reply to one request, unguessable for others.
[[nodiscard]] tag_text make_tag(std::uint64_t hash, std::string_view from_tag,
                                const node_secret& secret) noexcept;

// RFC 3261 17.2.3, made narrower: branch, sent-by, Call-ID, From tag and CSeq number, which INVITE,
// CANCEL and the ACK of a failure have in common. A branch without the magic cookie, or of nothing
// else, is no identifier (RFC 4475 3.2.1): then the Request-URI counts too.
[[nodiscard]] std::uint64_t server_key(const sip::routing_view& view, std::string_view request_uri,
                                       std::uint64_t hash, const node_secret& secret) noexcept;

// Sixteen lower-case hex digits, and back.
void write_hex(std::uint64_t value, char* out) noexcept;
[[nodiscard]] std::optional<std::uint64_t> read_hex(std::string_view text) noexcept;

} // namespace linehunt::calls
