// SPDX-License-Identifier: Apache-2.0
// IP addresses and UDP endpoints as values. Knows nothing of sockets or of the byte order of a
// packet's headers beyond: addresses are in network order, ports are numbers.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace linehunt {

struct ip_address {
  // IPv4 occupies the first four bytes, the rest is zero.
  std::array<std::uint8_t, 16> bytes{};
  bool is_v6 = false;
  [[nodiscard]] std::uint8_t size_bytes() const noexcept { return is_v6 ? 16 : 4; }
  [[nodiscard]] bool is_unspecified() const noexcept { return (half(0) | half(1)) == 0; }
  // May belong to one host: neither multicast, nor reserved (240/4 with the limited broadcast), nor
  // "this network" (0/8, RFC 1122 3.2.1.3). That of a network's broadcast is up to its prefix.
  [[nodiscard]] bool is_unicast() const noexcept {
    if (is_v6) return bytes[0] != 0xff && !is_unspecified(); // RFC 4291 2.4
    return bytes[0] != 0 && bytes[0] < 224;
  }
  // In two words: as arrays they would go through memcmp, several times for each packet.
  friend bool operator==(const ip_address& a, const ip_address& b) noexcept {
    return a.half(0) == b.half(0) && a.half(1) == b.half(1) && a.is_v6 == b.is_v6;
  }
  friend auto operator<=>(const ip_address&, const ip_address&) = default;

 private:
  [[nodiscard]] std::uint64_t half(std::size_t which) const noexcept {
    std::uint64_t word;
    std::memcpy(&word, bytes.data() + 8 * which, sizeof word);
    return word;
  }
};

struct endpoint {
  ip_address ip;
  std::uint16_t port = 0; // host order
  friend bool operator==(const endpoint&, const endpoint&) = default;
  friend auto operator<=>(const endpoint&, const endpoint&) = default;
};

// An address with a prefix length: a connected network or a source filter.
struct ip_prefix {
  ip_address ip;
  std::uint8_t length_bits = 0;
  [[nodiscard]] bool contains(const ip_address& other) const noexcept;
  // All hosts of it (RFC 1122 3.2.1.3); a network of two addresses has none (RFC 3021).
  [[nodiscard]] bool is_broadcast(const ip_address& other) const noexcept;
  friend bool operator==(const ip_prefix&, const ip_prefix&) = default;
};

// Textual forms of RFC 4291 2.2 / RFC 5952; IPv4-mapped IPv6 stays IPv6. With or without brackets.
[[nodiscard]] std::optional<ip_address> parse_ip(std::string_view text) noexcept;
// "192.0.2.0/24"; a bare address is a full-length prefix.
[[nodiscard]] std::optional<ip_prefix> parse_prefix(std::string_view text) noexcept;
// "192.0.2.1:5060", "[2001:db8::1]:5060"; `default_port` where none is written.
[[nodiscard]] std::optional<endpoint> parse_endpoint(std::string_view text,
                                                     std::uint16_t default_port) noexcept;

// Writes the text into `out` and returns it; 46 bytes always suffice, 54 for an endpoint.
struct address_text {
  std::array<char, 56> bytes;
  std::uint8_t len = 0;
  operator std::string_view() const noexcept { return {bytes.data(), len}; }
};
[[nodiscard]] address_text to_text(const ip_address& ip) noexcept; // no brackets
[[nodiscard]] address_text to_text(const endpoint& e) noexcept;    // IPv6 in brackets

} // namespace linehunt
