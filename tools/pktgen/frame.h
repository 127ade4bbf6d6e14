// SPDX-License-Identifier: Apache-2.0
// Ethernet, IPv4 or IPv6, and UDP around a message, ARP and neighbour discovery for our own
// addresses: bytes in, bytes out. Written independently of the device under test. Knows no DPDK.
#pragma once

#include "dataplane/address.h"
#include "tools/pktgen/scene.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace linehunt::pktgen {

using mac_address = std::array<std::uint8_t, 6>;
inline constexpr mac_address broadcast_mac{0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

// The one's complement sum of 16-bit words as they lie in memory (RFC 1071), not inverted.
[[nodiscard]] std::uint32_t ones_sum(const void* bytes, std::size_t len) noexcept;
[[nodiscard]] constexpr std::uint16_t folded(std::uint64_t sum) noexcept {
  while (sum >> 16 != 0)
    sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(sum);
}

enum class frame_kind : std::uint8_t { udp, arp, neighbour_discovery, other, broken };

struct parsed_frame {
  frame_kind kind = frame_kind::other;
  endpoint from, to;
  std::string_view payload;
};
// `verify`: compare the UDP checksum as well.
[[nodiscard]] parsed_frame parse_frame(std::span<const std::uint8_t> frame, bool verify) noexcept;

// Writes the headers of datagrams from each station to the device.
class frame_writer {
 public:
  frame_writer(const scene& of, const mac_address& ours, const mac_address& device);
  [[nodiscard]] std::size_t header_bytes() const noexcept { return header_bytes_; }
  // The payload lies header_bytes() behind `frame` already; returns the length of the frame.
  std::size_t write(std::uint8_t* frame, std::uint32_t station,
                    std::size_t payload_len) const noexcept;

 private:
  struct prepared {
    std::array<std::uint8_t, 64> bytes{};
    std::uint32_t ip_sum = 0, pseudo_sum = 0; // without lengths
  };
  std::vector<prepared> stations_;
  std::size_t header_bytes_;
  bool is_v6_;
};

// Who has the device's address, and answers for ours.
class neighbourhood {
 public:
  neighbourhood(const scene& of, const mac_address& ours);
  // The question for the device's MAC, from one of our addresses, which the device learns by it
  // (RFC 826, RFC 4861 7.2.3); returns its length. 128 bytes are enough.
  std::size_t ask(std::uint8_t* frame, std::size_t from = 0) const noexcept;
  [[nodiscard]] std::size_t addresses() const noexcept { return ours_.size(); }
  // An ARP or neighbour discovery frame: learns the device's MAC from it, and writes an answer into
  // it where it asks for one of us; returns the length of that answer, 0 where there is none.
  std::size_t take(std::span<std::uint8_t> frame, std::size_t len) noexcept;
  [[nodiscard]] const std::optional<mac_address>& device() const noexcept { return device_mac_; }

 private:
  std::size_t take_arp(std::span<std::uint8_t> frame, std::size_t len) noexcept;
  std::size_t take_ndp(std::span<std::uint8_t> frame, std::size_t len) noexcept;
  [[nodiscard]] bool is_ours(const ip_address& ip) const noexcept;

  ip_address device_;
  std::vector<ip_address> ours_; // without doubles
  mac_address mac_;
  std::optional<mac_address> device_mac_;
};

} // namespace linehunt::pktgen
