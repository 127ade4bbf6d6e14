// SPDX-License-Identifier: Apache-2.0
// How large packets may be on their way to IPv6 hosts, as far as routers have said that they were
// too large (RFC 8201). Of IPv4 packets, which go without DF, routers make fragments themselves.
// A report can be forged by whoever knows an address that we send large packets to: it costs
// fragments of 1280 bytes for ten minutes, and nothing else.
#pragma once

#include "dataplane/address.h"
#include "dataplane/datagram.h"
#include "dataplane/dpdk/answer.h"
#include "dataplane/dpdk/frame.h"
#include "dataplane/dpdk/station.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <rte_mbuf.h>

namespace linehunt::dpdk {

inline constexpr std::uint8_t packet_too_big = 2;      // RFC 4443 3.2
inline constexpr std::uint16_t least_mtu_bytes = 1280; // RFC 8200 5

// A Packet Too Big whose checksum is right: ignored, or with `answer::path`, where it quotes a
// packet of ours.
[[nodiscard]] answer take_packet_too_big(const station& we, const rte_mbuf& m,
                                         const frame& f) noexcept;

class path_mtu_table {
 public:
  static constexpr time_us lifetime_us = 600'000'000; // RFC 8201 4: ten minutes

  explicit path_mtu_table(std::uint64_t seed) : seed_(seed | 1) {}

  // Of a host that `towards` was asked for; smaller than before only, until that is forgotten.
  void note(const path_report& said, time_us now) noexcept;
  // `link_bytes` where nothing smaller is known. Asked for each packet of more than
  // least_mtu_bytes; hosts that were asked for longest ago give way.
  [[nodiscard]] std::uint16_t towards(const ip_address& to, std::uint16_t link_bytes,
                                      time_us now) noexcept;

 private:
  struct entry {
    ip_address to;
    bool in_use = false;
    std::uint16_t mtu_bytes = 0;
    time_us until = 0; // then it is forgotten
    time_us asked_at = 0;
  };
  static constexpr std::size_t ways = 4;
  using bucket = std::array<entry, ways>;
  [[nodiscard]] bucket& bucket_of(const ip_address& to) noexcept;

  std::array<bucket, 64> buckets_;
  std::uint64_t seed_; // so that nobody can aim at one of them
};

} // namespace linehunt::dpdk
