// SPDX-License-Identifier: Apache-2.0
// Frames as strings of bytes, put together and taken apart without any code of the product, so
// that both can be compared.
#pragma once

#include "dataplane/address.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace linehunt::test {

using mac_bytes = std::array<std::uint8_t, 6>;

inline constexpr mac_bytes broadcast_mac{0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
inline constexpr mac_bytes our_mac{0x02, 0, 0, 0, 0, 0x01};
inline constexpr mac_bytes peer_mac{0x02, 0, 0, 0, 0, 0x10};

[[nodiscard]] ip_address ip(std::string_view text);
[[nodiscard]] endpoint endpoint_of(std::string_view text);

// RFC 1071, byte by byte.
[[nodiscard]] std::uint16_t naive_checksum(std::string_view bytes);
[[nodiscard]] std::string be16(std::uint32_t v);
[[nodiscard]] std::string be32(std::uint32_t v);
[[nodiscard]] std::string raw(const ip_address& a);
[[nodiscard]] std::string raw(const mac_bytes& m);

struct link_parts {
  mac_bytes to = our_mac, from = peer_mac;
  std::uint16_t vlan = 0; // 0: no tag
};
[[nodiscard]] std::string ethernet(const link_parts& link, std::uint16_t type,
                                   std::string_view rest);
// `flags_offset` as in the header; checksum filled.
[[nodiscard]] std::string ipv4(const ip_address& from, const ip_address& to, std::uint8_t protocol,
                               std::string_view rest, std::uint16_t flags_offset = 0,
                               std::string_view options = {});
[[nodiscard]] std::string ipv6(const ip_address& from, const ip_address& to,
                               std::uint8_t next_header, std::string_view rest,
                               std::uint8_t hop_limit = 64);
// With the checksum over pseudo header and rest; `protocol` 17 or 58.
[[nodiscard]] std::string udp(const endpoint& from, const endpoint& to, std::string_view payload);
[[nodiscard]] std::string icmpv6(const ip_address& from, const ip_address& to,
                                 std::string_view message); // bytes 2 and 3 are filled in

struct tcp_parts {
  std::uint16_t from_port = 40000, to_port = 5060;
  std::uint32_t seq = 0xfffffffe, ack = 0;
  std::uint8_t flags = 0x02; // FIN 1, SYN 2, RST 4, ACK 16
  std::uint16_t window = 64240;
  std::string_view options, data;
};
[[nodiscard]] std::string tcp(const ip_address& from, const ip_address& to, const tcp_parts& p);

// A whole frame with a UDP datagram, of either family.
[[nodiscard]] std::string udp_frame(const endpoint& from, const endpoint& to,
                                    std::string_view payload, const link_parts& link = {});
[[nodiscard]] std::string arp_frame(std::uint16_t opcode, const mac_bytes& sender_mac,
                                    const ip_address& sender, const mac_bytes& target_mac,
                                    const ip_address& target, const link_parts& link);
// 135 or 136, with one MAC option (1 or 2).
[[nodiscard]] std::string neighbour_frame(std::uint8_t type, std::uint32_t flags,
                                          const ip_address& from, const ip_address& to,
                                          const ip_address& target, const mac_bytes& mac,
                                          const link_parts& link);

// Taken apart again; nullopt where anything, a checksum included, is wrong.
struct seen_udp {
  link_parts link;
  endpoint from, to;
  std::string payload;
};
[[nodiscard]] std::optional<seen_udp> read_udp(std::string_view frame);
[[nodiscard]] std::uint16_t ethertype_of(std::string_view frame);
[[nodiscard]] std::string hex(std::string_view bytes);

} // namespace linehunt::test
