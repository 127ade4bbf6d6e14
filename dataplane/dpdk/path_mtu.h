// SPDX-License-Identifier: Apache-2.0
// How large packets may be on their way to IPv6 hosts, as far as routers have said that they were
// too large (RFC 8201). Of IPv4 packets, which go without DF, routers make fragments themselves.
// A report can be forged by whoever knows an address that we send to: it costs fragments of 1280
// bytes for ten minutes, and nothing else.
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

  // Smaller than before only, until that is forgotten. It may displace another host's.
  void note(const path_report& said, time_us now) noexcept;
  // `link_bytes` where nothing smaller is known.
  [[nodiscard]] std::uint16_t towards(const ip_address& to, std::uint16_t link_bytes,
                                      time_us now) const noexcept;

 private:
  struct entry {
    ip_address to;
    std::uint16_t mtu_bytes = 0;
    time_us until = 0;
  };
  [[nodiscard]] static std::size_t place_of(const ip_address& to) noexcept;

  std::array<entry, 256> entries_;
  time_us any_until_ = 0; // when the last of them is forgotten
};

} // namespace linehunt::dpdk
