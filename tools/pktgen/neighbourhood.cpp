// SPDX-License-Identifier: Apache-2.0
// ARP (RFC 826) and neighbour discovery (RFC 4861 7).
#include "tools/pktgen/frame.h"

#include <algorithm>
#include <cstring>

namespace linehunt::pktgen {

namespace {

constexpr std::size_t arp_at = 14, arp_bytes = 28;
constexpr std::size_t ip6_at = 14, icmp_at = ip6_at + 40, ndp_bytes = 24 + 8;
constexpr std::uint8_t solicitation = 135, advertisement = 136;

void put(std::uint8_t* at, const void* from, std::size_t len) noexcept {
  std::memcpy(at, from, len);
}

void seal_icmp6(std::uint8_t* frame) noexcept {
  std::uint8_t* const icmp = frame + icmp_at;
  icmp[2] = icmp[3] = 0;
  const std::uint8_t rest[8] = {0, 0, 0, ndp_bytes, 0, 0, 0, 58};
  const std::uint64_t sum = std::uint64_t{ones_sum(frame + ip6_at + 8, 32)} + ones_sum(rest, 8) +
                            ones_sum(icmp, ndp_bytes);
  const auto field = static_cast<std::uint16_t>(~folded(sum));
  put(icmp + 2, &field, 2);
}

void ip6_header(std::uint8_t* frame, const ip_address& from, const ip_address& to) noexcept {
  std::uint8_t* const ip = frame + ip6_at;
  std::memset(ip, 0, 40);
  ip[0] = 0x60;
  ip[5] = ndp_bytes;
  ip[6] = 58;
  ip[7] = 255; // RFC 4861 7.1: proves that it was not routed
  put(ip + 8, from.bytes.data(), 16);
  put(ip + 24, to.bytes.data(), 16);
}

} // namespace

neighbourhood::neighbourhood(const scene& of, const mac_address& ours)
    : device_(of.device.ip), mac_(ours) {
  for (std::size_t s = 0; s < of.stations(); ++s)
    if (!is_ours(of.station(s).ip)) ours_.push_back(of.station(s).ip);
}

bool neighbourhood::is_ours(const ip_address& ip) const noexcept {
  return std::ranges::find(ours_, ip) != ours_.end();
}

std::size_t neighbourhood::ask(std::uint8_t* f, std::size_t from) const noexcept {
  const ip_address& we = ours_[from];
  put(f + 6, mac_.data(), 6);
  if (!device_.is_v6) {
    static constexpr std::uint8_t fixed[10] = {0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, 1};
    put(f, broadcast_mac.data(), 6);
    put(f + 12, fixed, sizeof fixed);
    put(f + arp_at + 8, mac_.data(), 6);
    put(f + arp_at + 14, we.bytes.data(), 4);
    std::memset(f + arp_at + 18, 0, 6);
    put(f + arp_at + 24, device_.bytes.data(), 4);
    return arp_at + arp_bytes;
  }
  ip_address group{{0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff}, true};
  put(&group.bytes[13], &device_.bytes[13], 3);
  f[0] = f[1] = 0x33;
  put(f + 2, &group.bytes[12], 4);
  f[12] = 0x86;
  f[13] = 0xdd;
  ip6_header(f, we, group);
  std::uint8_t* const icmp = f + icmp_at;
  std::memset(icmp, 0, ndp_bytes);
  icmp[0] = solicitation;
  put(icmp + 8, device_.bytes.data(), 16);
  icmp[24] = 1; // source link-layer address
  icmp[25] = 1;
  put(icmp + 26, mac_.data(), 6);
  seal_icmp6(f);
  return icmp_at + ndp_bytes;
}

std::size_t neighbourhood::take(std::span<std::uint8_t> frame, std::size_t len) noexcept {
  if (len > frame.size()) return 0;
  return frame[12] == 0x08 ? take_arp(frame, len) : take_ndp(frame, len);
}

std::size_t neighbourhood::take_arp(std::span<std::uint8_t> frame, std::size_t len) noexcept {
  if (len < arp_at + arp_bytes) return 0;
  std::uint8_t* const arp = frame.data() + arp_at;
  ip_address sender, target;
  put(sender.bytes.data(), arp + 14, 4);
  put(target.bytes.data(), arp + 24, 4);
  if (sender == device_) {
    mac_address mac;
    put(mac.data(), arp + 8, 6);
    device_mac_ = mac;
  }
  const bool asks = arp[6] == 0 && arp[7] == 1;
  if (!asks || sender == target || !is_ours(target)) return 0;
  put(frame.data(), &frame[6], 6);
  put(&frame[6], mac_.data(), 6);
  arp[7] = 2;
  put(arp + 18, arp + 8, 10); // who asked becomes the target
  put(arp + 8, mac_.data(), 6);
  put(arp + 14, target.bytes.data(), 4);
  return arp_at + arp_bytes;
}

std::size_t neighbourhood::take_ndp(std::span<std::uint8_t> frame, std::size_t len) noexcept {
  if (len < icmp_at + 24 || frame.size() < icmp_at + ndp_bytes) return 0;
  std::uint8_t* const icmp = frame.data() + icmp_at;
  ip_address asker{{}, true}, target{{}, true};
  put(asker.bytes.data(), &frame[ip6_at + 8], 16);
  put(target.bytes.data(), icmp + 8, 16);
  mac_address sender;
  put(sender.data(), &frame[6], 6);
  if (icmp[0] == advertisement && target == device_) device_mac_ = sender;
  if (icmp[0] != solicitation || !is_ours(target)) return 0;
  if (asker == device_) device_mac_ = sender;
  put(frame.data(), sender.data(), 6);
  put(&frame[6], mac_.data(), 6);
  ip6_header(frame.data(), target, asker);
  icmp[0] = advertisement;
  icmp[1] = 0;
  std::memset(icmp + 4, 0, 4);
  icmp[4] = 0x60; // solicited, override
  icmp[24] = 2;   // target link-layer address
  icmp[25] = 1;
  put(icmp + 26, mac_.data(), 6);
  seal_icmp6(frame.data());
  return icmp_at + ndp_bytes;
}

} // namespace linehunt::pktgen
