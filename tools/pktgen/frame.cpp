// SPDX-License-Identifier: Apache-2.0
#include "tools/pktgen/frame.h"

#include <cstring>

namespace linehunt::pktgen {

namespace {

constexpr std::size_t ether_bytes = 14, ipv4_bytes = 20, ipv6_bytes = 40, udp_bytes = 8;
constexpr std::uint16_t type_ipv4 = 0x0800, type_ipv6 = 0x86dd, type_arp = 0x0806;
constexpr std::uint8_t protocol_udp = 17, protocol_icmp6 = 58;

void put16(std::uint8_t* at, std::size_t value) noexcept {
  at[0] = static_cast<std::uint8_t>(value >> 8);
  at[1] = static_cast<std::uint8_t>(value);
}
std::uint16_t get16(const std::uint8_t* at) noexcept {
  return static_cast<std::uint16_t>(at[0] << 8 | at[1]);
}
// A sum goes into the packet in the byte order in which it was summed.
void put_sum(std::uint8_t* at, std::uint16_t sum) noexcept {
  std::memcpy(at, &sum, 2);
}
ip_address ip_at(const std::uint8_t* at, bool is_v6) noexcept {
  ip_address ip;
  ip.is_v6 = is_v6;
  std::memcpy(ip.bytes.data(), at, is_v6 ? 16 : 4);
  return ip;
}
std::uint32_t word_sum(std::size_t host_value) noexcept {
  std::uint8_t bytes[2];
  put16(bytes, host_value);
  return ones_sum(bytes, 2);
}

parsed_frame parse_udp(const std::uint8_t* udp, std::size_t len, std::uint64_t addresses,
                       parsed_frame out, bool verify) noexcept {
  if (len < udp_bytes) return {frame_kind::broken, {}, {}, {}};
  const std::size_t said = get16(udp + 4);
  if (said < udp_bytes || said > len) return {frame_kind::broken, {}, {}, {}};
  if (verify && get16(udp + 6) != 0 &&
      folded(addresses + word_sum(protocol_udp) + word_sum(said) + ones_sum(udp, said)) != 0xffff)
    return {frame_kind::broken, {}, {}, {}};
  out.kind = frame_kind::udp;
  out.from.port = get16(udp);
  out.to.port = get16(udp + 2);
  out.payload = {reinterpret_cast<const char*>(udp + udp_bytes), said - udp_bytes};
  return out;
}

} // namespace

// The compiler makes one for each width of registers; the loader takes the widest there is.
#if defined(__GNUC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__clang__)
[[gnu::target_clones("default", "avx2", "arch=x86-64-v4")]]
#endif
std::uint32_t
ones_sum(const void* bytes, std::size_t len) noexcept {
  const auto* at = static_cast<const std::uint8_t*>(bytes);
  // Lanes of 32-bit words in 64-bit sums: nothing carries out, whatever a packet holds.
  constexpr std::size_t lanes = 8;
  std::uint64_t low[lanes] = {}, high[lanes] = {};
  for (; len >= 8 * lanes; at += 8 * lanes, len -= 8 * lanes) {
    for (std::size_t i = 0; i < lanes; ++i) {
      std::uint64_t word;
      std::memcpy(&word, at + 8 * i, 8);
      low[i] += word & 0xffffffff;
      high[i] += word >> 32;
    }
  }
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < lanes; ++i)
    sum += low[i] + high[i];
  for (; len >= 8; at += 8, len -= 8) {
    std::uint64_t word;
    std::memcpy(&word, at, 8);
    sum += (word & 0xffffffff) + (word >> 32);
  }
  for (; len >= 2; at += 2, len -= 2) {
    std::uint16_t word;
    std::memcpy(&word, at, 2);
    sum += word;
  }
  if (len != 0) sum += *at; // padded with a zero byte behind it; little-endian
  return folded(sum);
}

parsed_frame parse_frame(std::span<const std::uint8_t> frame, bool verify) noexcept {
  parsed_frame out;
  if (frame.size() < ether_bytes + ipv4_bytes) return {frame_kind::broken, {}, {}, {}};
  const std::uint16_t type = get16(&frame[12]);
  const std::uint8_t* const ip = frame.data() + ether_bytes;
  const std::size_t room = frame.size() - ether_bytes;
  if (type == type_arp) {
    out.kind = frame_kind::arp;
  } else if (type == type_ipv4) {
    const std::size_t header = (ip[0] & 15) * 4u, total = get16(ip + 2);
    if (header < ipv4_bytes || total < header || total > room ||
        (verify && ones_sum(ip, header) != 0xffff) || (get16(ip + 6) & 0x3fff) != 0)
      return {frame_kind::broken, {}, {}, {}};
    if (ip[9] != protocol_udp) return out;
    out.from.ip = ip_at(ip + 12, false);
    out.to.ip = ip_at(ip + 16, false);
    return parse_udp(ip + header, total - header, verify ? ones_sum(ip + 12, 8) : 0, out, verify);
  } else if (type == type_ipv6) {
    if (room < ipv6_bytes || get16(ip + 4) > room - ipv6_bytes)
      return {frame_kind::broken, {}, {}, {}};
    out.from.ip = ip_at(ip + 8, true);
    out.to.ip = ip_at(ip + 24, true);
    if (ip[6] == protocol_udp)
      return parse_udp(ip + ipv6_bytes, get16(ip + 4), verify ? ones_sum(ip + 8, 32) : 0, out,
                       verify);
    if (ip[6] == protocol_icmp6) out.kind = frame_kind::neighbour_discovery;
  }
  return out;
}

frame_writer::frame_writer(const scene& of, const mac_address& ours, const mac_address& device)
    : is_v6_(of.device.ip.is_v6) {
  header_bytes_ = ether_bytes + (is_v6_ ? ipv6_bytes : ipv4_bytes) + udp_bytes;
  for (std::size_t s = 0; s < of.stations(); ++s) {
    const endpoint& from = of.station(s);
    prepared p;
    std::uint8_t* const b = p.bytes.data();
    std::memcpy(b, device.data(), 6);
    std::memcpy(b + 6, ours.data(), 6);
    put16(b + 12, is_v6_ ? type_ipv6 : type_ipv4);
    std::uint8_t* const ip = b + ether_bytes;
    std::uint8_t* const udp = b + header_bytes_ - udp_bytes;
    if (is_v6_) {
      ip[0] = 0x60;
      ip[6] = protocol_udp;
      ip[7] = 64;
      std::memcpy(ip + 8, from.ip.bytes.data(), 16);
      std::memcpy(ip + 24, of.device.ip.bytes.data(), 16);
      p.pseudo_sum = ones_sum(ip + 8, 32);
    } else {
      ip[0] = 0x45;
      put16(ip + 6, 0x4000); // not to be cut up, so that its identification means nothing
      ip[8] = 64;
      ip[9] = protocol_udp;
      std::memcpy(ip + 12, from.ip.bytes.data(), 4);
      std::memcpy(ip + 16, of.device.ip.bytes.data(), 4);
      p.ip_sum = ones_sum(ip, ipv4_bytes);
      p.pseudo_sum = ones_sum(ip + 12, 8);
    }
    put16(udp, from.port);
    put16(udp + 2, of.device.port);
    p.pseudo_sum += word_sum(protocol_udp) + ones_sum(udp, 4);
    stations_.push_back(p);
  }
}

std::size_t frame_writer::write(std::uint8_t* frame, std::uint32_t station,
                                std::size_t payload_len) const noexcept {
  const prepared& p = stations_[station];
  std::memcpy(frame, p.bytes.data(), header_bytes_);
  std::uint8_t* const ip = frame + ether_bytes;
  std::uint8_t* const udp = frame + header_bytes_ - udp_bytes;
  const std::size_t udp_len = payload_len + udp_bytes;
  if (is_v6_) {
    put16(ip + 4, udp_len);
  } else {
    put16(ip + 2, udp_len + ipv4_bytes);
    put_sum(ip + 10, static_cast<std::uint16_t>(
                         ~folded(std::uint64_t{p.ip_sum} + word_sum(udp_len + ipv4_bytes))));
  }
  put16(udp + 4, udp_len);
  const std::uint64_t sum = std::uint64_t{p.pseudo_sum} + 2 * word_sum(udp_len) +
                            ones_sum(frame + header_bytes_, payload_len);
  const auto field = static_cast<std::uint16_t>(~folded(sum));
  put_sum(udp + 6, field == 0 ? std::uint16_t{0xffff} : field);
  return header_bytes_ + payload_len;
}

} // namespace linehunt::pktgen
