// SPDX-License-Identifier: Apache-2.0
// Access to the bytes of an mbuf, its ownership, and the note that travels with a datagram from
// the worker that received it to the worker that owns its call. Knows nothing of protocols.
#pragma once

#include "dataplane/datagram.h"

#include <cstdint>
#include <cstring>
#include <memory>
#include <rte_mbuf.h>
#include <rte_mbuf_dyn.h>
#include <span>

namespace linehunt::dpdk {

// Packets or messages taken from a queue or ring, or given to one, at once.
inline constexpr std::size_t burst = 32;

struct mbuf_free {
  void operator()(rte_mbuf* m) const noexcept { rte_pktmbuf_free(m); }
};
using mbuf_ptr = std::unique_ptr<rte_mbuf, mbuf_free>;

// The frame's byte `offset_bytes` in the first segment. The caller has checked that it is there.
[[nodiscard]] inline std::uint8_t* bytes_at(const rte_mbuf& m, std::size_t offset_bytes) noexcept {
  return static_cast<std::uint8_t*>(m.buf_addr) + m.data_off + offset_bytes;
}

// Wire structures of DPDK are packed, so that any offset will do.
template <typename Header>
[[nodiscard]] Header& header_at(const rte_mbuf& m, std::size_t offset_bytes) noexcept {
  static_assert(alignof(Header) <= 2);
  return *static_cast<Header*>(static_cast<void*>(bytes_at(m, offset_bytes)));
}

// What was found out about a datagram when it came in. Lies in a dynamic field of the mbuf, so a
// handover moves one pointer.
struct arrival {
  std::array<std::uint8_t, 16> source_ip;
  std::uint16_t source_port;
  std::uint16_t payload_off; // from the start of the packet
  std::uint16_t payload_len; // may reach into further segments
  listener_index listener;   // by the snapshot whose generation ends in `generation`
  std::uint8_t generation;   // low 8 bits
  std::uint8_t port;         // index of the network port
  bool is_v6;
  [[nodiscard]] endpoint source() const noexcept {
    return {ip_address{source_ip, is_v6}, source_port};
  }
};
static_assert(sizeof(arrival) <= 28 && alignof(arrival) <= 4);

// Asks the mbuf library for the field; once at start, before any worker runs. False: no room left.
[[nodiscard]] bool register_arrival() noexcept;
extern int arrival_offset; // written by register_arrival alone

[[nodiscard]] inline arrival& arrival_of(rte_mbuf& m) noexcept {
  void* const at = reinterpret_cast<std::uint8_t*>(&m) + arrival_offset;
  return *static_cast<arrival*>(at);
}

// The hash of the datagram's Call-ID, or 0. Lies where a port may have left the hash of the packet,
// which nobody here reads.
inline void set_call_hash(rte_mbuf& m, std::uint64_t hash) noexcept {
  static_assert(sizeof(m.hash) >= sizeof(hash));
  std::memcpy(&m.hash, &hash, sizeof hash);
}
[[nodiscard]] inline std::uint64_t call_hash_of(const rte_mbuf& m) noexcept {
  std::uint64_t hash;
  std::memcpy(&hash, &m.hash, sizeof hash);
  return hash;
}

// The `len_bytes` bytes at `offset_bytes` as one piece: in place where they lie in one segment,
// else gathered into `scratch`. Empty where the packet is shorter or scratch too small.
[[nodiscard]] std::span<const char> contiguous(const rte_mbuf& m, std::uint32_t offset_bytes,
                                               std::uint32_t len_bytes,
                                               std::span<char> scratch) noexcept;

} // namespace linehunt::dpdk
