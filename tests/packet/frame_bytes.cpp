// SPDX-License-Identifier: Apache-2.0
#include "frame_bytes.h"

#include <stdexcept>

namespace linehunt::test {

namespace {

std::uint16_t get16(std::string_view b, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(b.at(i)); };
  return static_cast<std::uint16_t>(byte(at) << 8 | byte(at + 1));
}

void put16(std::string& b, std::size_t at, std::uint16_t v) {
  b.replace(at, 2, be16(v));
}

std::string pseudo(const ip_address& from, const ip_address& to, std::uint8_t protocol,
                   std::size_t len) {
  return raw(from) + raw(to) + be32(static_cast<std::uint32_t>(len)) + be32(protocol);
}

std::string byte(unsigned v) {
  return std::string(1, static_cast<char>(v));
}

} // namespace

ip_address ip(std::string_view text) {
  const auto parsed = parse_ip(text);
  if (!parsed) throw std::invalid_argument(std::string(text));
  return *parsed;
}

endpoint endpoint_of(std::string_view text) {
  const auto parsed = parse_endpoint(text, 0);
  if (!parsed) throw std::invalid_argument(std::string(text));
  return *parsed;
}

std::uint16_t naive_checksum(std::string_view bytes) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i)
    sum += std::uint64_t{static_cast<std::uint8_t>(bytes[i])} << (i % 2 == 0 ? 8 : 0);
  while (sum > 0xffff)
    sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

std::string be16(std::uint32_t v) {
  return byte(v >> 8 & 0xff) + byte(v & 0xff);
}
std::string be32(std::uint32_t v) {
  return be16(v >> 16) + be16(v & 0xffff);
}

std::string raw(const ip_address& a) {
  return {reinterpret_cast<const char*>(a.bytes.data()), a.size_bytes()};
}

std::string raw(const mac_bytes& m) {
  return {reinterpret_cast<const char*>(m.data()), m.size()};
}

std::string ethernet(const link_parts& link, std::uint16_t type, std::string_view rest) {
  std::string out = raw(link.to) + raw(link.from);
  if (link.vlan != 0) out += be16(0x8100) + be16(link.vlan);
  return out + be16(type) + std::string(rest);
}

std::string ipv4(const ip_address& from, const ip_address& to, std::uint8_t protocol,
                 std::string_view rest, std::uint16_t flags_offset, std::string_view options) {
  const std::size_t header = 20 + options.size();
  std::string out = byte(static_cast<unsigned>(0x40 | header / 4)) + byte(0) +
                    be16(static_cast<std::uint32_t>(header + rest.size())) + be16(0x1234) +
                    be16(flags_offset) + byte(64) + byte(protocol) + be16(0) + raw(from) + raw(to) +
                    std::string(options);
  put16(out, 10, naive_checksum(out));
  return out + std::string(rest);
}

std::string ipv6(const ip_address& from, const ip_address& to, std::uint8_t next_header,
                 std::string_view rest, std::uint8_t hop_limit) {
  return be32(0x60000000) + be16(static_cast<std::uint32_t>(rest.size())) + byte(next_header) +
         byte(hop_limit) + raw(from) + raw(to) + std::string(rest);
}

std::string udp(const endpoint& from, const endpoint& to, std::string_view payload) {
  const auto len = static_cast<std::uint32_t>(8 + payload.size());
  std::string out = be16(from.port) + be16(to.port) + be16(len) + be16(0) + std::string(payload);
  const std::uint16_t sum = naive_checksum(pseudo(from.ip, to.ip, 17, len) + out);
  put16(out, 6, sum == 0 ? 0xffff : sum);
  return out;
}

std::string icmpv6(const ip_address& from, const ip_address& to, std::string_view message) {
  std::string out(message);
  put16(out, 2, 0);
  put16(out, 2, naive_checksum(pseudo(from, to, 58, out.size()) + out));
  return out;
}

std::string tcp(const ip_address& from, const ip_address& to, const tcp_parts& p) {
  const auto header_words = static_cast<unsigned>(5 + p.options.size() / 4);
  std::string out = be16(p.from_port) + be16(p.to_port) + be32(p.seq) + be32(p.ack) +
                    byte(header_words << 4) + byte(p.flags) + be16(p.window) + be16(0) + be16(0);
  out += std::string(p.options) + std::string(p.data);
  put16(out, 16, naive_checksum(pseudo(from, to, 6, out.size()) + out));
  return out;
}

std::string udp_frame(const endpoint& from, const endpoint& to, std::string_view payload,
                      const link_parts& link) {
  const std::string datagram = udp(from, to, payload);
  if (from.ip.is_v6) return ethernet(link, 0x86dd, ipv6(from.ip, to.ip, 17, datagram));
  return ethernet(link, 0x0800, ipv4(from.ip, to.ip, 17, datagram));
}

std::string arp_frame(std::uint16_t opcode, const mac_bytes& sender_mac, const ip_address& sender,
                      const mac_bytes& target_mac, const ip_address& target,
                      const link_parts& link) {
  return ethernet(link, 0x0806,
                  be16(1) + be16(0x0800) + byte(6) + byte(4) + be16(opcode) + raw(sender_mac) +
                      raw(sender) + raw(target_mac) + raw(target));
}

std::string neighbour_frame(std::uint8_t type, std::uint32_t flags, const ip_address& from,
                            const ip_address& to, const ip_address& target, const mac_bytes& mac,
                            const link_parts& link) {
  const std::string message = byte(type) + byte(0) + be16(0) + be32(flags) + raw(target) +
                              byte(type == 135 ? 1 : 2) + byte(1) + raw(mac);
  return ethernet(link, 0x86dd, ipv6(from, to, 58, icmpv6(from, to, message), 255));
}

std::uint16_t ethertype_of(std::string_view frame) {
  const std::uint16_t type = get16(frame, 12);
  return type == 0x8100 ? get16(frame, 16) : type;
}

std::optional<seen_udp> read_udp(std::string_view frame) {
  if (frame.size() < 14) return std::nullopt;
  seen_udp out;
  for (std::size_t i = 0; i < 6; ++i) {
    out.link.to[i] = static_cast<std::uint8_t>(frame[i]);
    out.link.from[i] = static_cast<std::uint8_t>(frame[6 + i]);
  }
  const bool tagged = get16(frame, 12) == 0x8100;
  if (tagged) out.link.vlan = get16(frame, 14);
  const std::uint16_t type = ethertype_of(frame);
  std::string_view packet = frame.substr(tagged ? 18 : 14);
  const bool v6 = type == 0x86dd;
  if (!v6 && type != 0x0800) return std::nullopt;
  const std::size_t header = v6 ? 40 : 20;
  if (packet.size() < header + 8) return std::nullopt;
  if (!v6 && (packet[0] != 0x45 || naive_checksum(packet.substr(0, 20)) != 0 || packet[9] != 17 ||
              (get16(packet, 6) & 0x3fff) != 0 || get16(packet, 2) != packet.size()))
    return std::nullopt;
  if (v6 && (packet[6] != 17 || get16(packet, 4) != packet.size() - 40)) return std::nullopt;
  const std::size_t source = v6 ? 8 : 12, size = v6 ? 16 : 4;
  for (std::size_t i = 0; i < size; ++i) {
    out.from.ip.bytes[i] = static_cast<std::uint8_t>(packet[source + i]);
    out.to.ip.bytes[i] = static_cast<std::uint8_t>(packet[source + size + i]);
  }
  out.from.ip.is_v6 = out.to.ip.is_v6 = v6;
  const std::string_view datagram = packet.substr(header);
  if (get16(datagram, 4) != datagram.size() || get16(datagram, 6) == 0) return std::nullopt;
  if (naive_checksum(pseudo(out.from.ip, out.to.ip, 17, datagram.size()) + std::string(datagram)) !=
      0)
    return std::nullopt;
  out.from.port = get16(datagram, 0);
  out.to.port = get16(datagram, 2);
  out.payload = datagram.substr(8);
  return out;
}

std::string hex(std::string_view bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    out += digits[static_cast<std::uint8_t>(c) >> 4];
    out += digits[static_cast<std::uint8_t>(c) & 15];
  }
  return out;
}

} // namespace linehunt::test
