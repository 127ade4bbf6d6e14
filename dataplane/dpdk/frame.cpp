// SPDX-License-Identifier: Apache-2.0
#include "dataplane/dpdk/frame.h"

namespace linehunt::dpdk {

judgement inspect_network(const station& we, const rte_mbuf& m, frame& out) noexcept {
  if (const judgement j = inspect_ethernet(we, m, out)) return j;
  switch (out.ethertype) {
  case RTE_ETHER_TYPE_IPV4:
    return inspect_ipv4(we, m, out);
  case RTE_ETHER_TYPE_IPV6:
    return inspect_ipv6(we, m, out);
  case RTE_ETHER_TYPE_ARP:
    return std::nullopt;
  default:
    return verdict::dropped_ethertype;
  }
}

} // namespace linehunt::dpdk
