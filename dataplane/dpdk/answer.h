// SPDX-License-Identifier: Apache-2.0
// What the protocols below SIP make of a frame: a verdict, perhaps a reply written over the frame
// itself, perhaps news about a neighbour or a path, perhaps something to be said later.
#pragma once

#include "dataplane/address.h"
#include "dataplane/verdict.h"

#include <cstdint>
#include <optional>
#include <rte_ether.h>

namespace linehunt::dpdk {

// A neighbour's word about its own MAC address.
struct neighbour_claim {
  ip_address ip;
  rte_ether_addr mac{};
  bool may_create = false; // it talks to us, so we shall need it; else only known ones are updated
  bool is_answer = false;  // one of the workers has asked
  bool overrides = true;   // takes the place of another MAC (RFC 4861 7.2.5)
};

enum class mld_version : std::uint8_t { v1, v2 };

// Somebody asks which groups are wanted here (mld.h), and how long the answer may take.
struct mld_request {
  mld_version version = mld_version::v2;
  std::uint16_t within_ms = 0;
};

// Packets to this host may not be larger (path_mtu.h).
struct path_report {
  ip_address to;
  std::uint16_t mtu_bytes = 0;
};

struct answer {
  verdict what = verdict::arp_handled;
  bool send_back = false; // the mbuf now holds a frame to be sent out of the same port
  std::optional<neighbour_claim> claim = std::nullopt;
  std::optional<mld_request> report = std::nullopt;
  std::optional<path_report> path = std::nullopt;
};

} // namespace linehunt::dpdk
