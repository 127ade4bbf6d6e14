// SPDX-License-Identifier: Apache-2.0
#include "dataplane/dpdk/frame_match.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <netinet/in.h>
#include <rte_ether.h>

namespace linehunt::dpdk {

namespace {

std::uint16_t be16_at(std::span<const char> frame, std::size_t at) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(frame[i]); };
  return static_cast<std::uint16_t>(byte(at) << 8 | byte(at + 1));
}

class key_writer {
 public:
  void add(std::span<const char> frame, std::size_t at, std::size_t count) noexcept {
    std::memcpy(key_.bytes.data() + used_, frame.data() + at, count);
    used_ += count;
  }
  [[nodiscard]] const datagram_key& key() const noexcept { return key_; }

 private:
  datagram_key key_;
  std::size_t used_ = 0;
};

// RFC 791 3.1: identification at 4, flags and offset at 6, protocol at 9, addresses at 12.
std::optional<datagram_key> ipv4_key(std::span<const char> frame, std::size_t l3) noexcept {
  constexpr std::uint16_t more_or_offset = 0x3fff;
  if (frame.size() < l3 + 20 || (be16_at(frame, l3 + 6) & more_or_offset) == 0) return std::nullopt;
  key_writer out;
  out.add(frame, l3 + 12, 8);
  out.add(frame, l3 + 4, 2);
  out.add(frame, l3 + 9, 1);
  return out.key();
}

// RFC 8200 4.5: where the fragment header follows at once, as the reassembler wants it.
std::optional<datagram_key> ipv6_key(std::span<const char> frame, std::size_t l3) noexcept {
  if (frame.size() < l3 + 48 || frame[l3 + 6] != IPPROTO_FRAGMENT) return std::nullopt;
  key_writer out;
  out.add(frame, l3 + 8, 32);
  out.add(frame, l3 + 44, 4);
  out.add(frame, l3 + 40, 1);
  return out.key();
}

} // namespace

std::optional<datagram_key> fragment_key(std::span<const char> frame) noexcept {
  std::size_t type_at = 12;
  for (int tags = 0; tags < 2 && frame.size() >= type_at + 6; ++tags) {
    const std::uint16_t type = be16_at(frame, type_at);
    if (type != RTE_ETHER_TYPE_VLAN && type != RTE_ETHER_TYPE_QINQ) break;
    type_at += 4;
  }
  if (frame.size() < type_at + 2) return std::nullopt;
  const std::uint16_t type = be16_at(frame, type_at);
  if (type == RTE_ETHER_TYPE_IPV4) return ipv4_key(frame, type_at + 2);
  if (type == RTE_ETHER_TYPE_IPV6) return ipv6_key(frame, type_at + 2);
  return std::nullopt;
}

bool frame_match::takes(std::span<const char> frame) noexcept {
  if (wanted_.empty()) return true;
  const bool has_it = memmem(frame.data(), frame.size(), wanted_.data(), wanted_.size()) != nullptr;
  const auto key = fragment_key(frame);
  if (!key) return has_it;
  if (std::ranges::find(matched_, *key) != matched_.end()) return true;
  if (has_it) matched_[next_++ % matched_.size()] = *key;
  return has_it;
}

} // namespace linehunt::dpdk
