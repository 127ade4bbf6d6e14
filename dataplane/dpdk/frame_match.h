// SPDX-License-Identifier: Apache-2.0
// Whether a frame has the bytes that a capture looks for. Of a datagram in fragments only one has
// them, so the last datagrams that matched are remembered, and their later fragments match too.
// Pure: bytes in, yes or no out.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>

namespace linehunt::dpdk {

// What the fragments of one datagram have in common: addresses, identification, protocol.
struct datagram_key {
  std::array<char, 38> bytes{};
  bool operator==(const datagram_key&) const = default;
};

// Nothing where the frame is no fragment of IPv4 or IPv6. VLAN tags are passed over.
[[nodiscard]] std::optional<datagram_key> fragment_key(std::span<const char> frame) noexcept;

class frame_match {
 public:
  explicit frame_match(std::string wanted) : wanted_(std::move(wanted)) {} // empty: every frame
  // Neither allocates nor throws.
  [[nodiscard]] bool takes(std::span<const char> frame) noexcept;

 private:
  std::string wanted_;
  std::array<datagram_key, 16> matched_{}; // the oldest goes first
  std::size_t next_ = 0;
};

} // namespace linehunt::dpdk
