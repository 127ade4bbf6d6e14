// SPDX-License-Identifier: Apache-2.0
// How the port is opened. No DPDK here, so that the command line can be tested without it.
#pragma once

#include <string>
#include <vector>

namespace linehunt::pktgen {

struct port_settings {
  std::string device; // vdev with its arguments, PCI address; empty: the first that EAL has
  unsigned core = 0;
  bool hugepages = false;
  unsigned memory_mb = 256;
  unsigned mbufs = 16'384;
  unsigned descriptors = 2048;
  bool drop_when_full = false; // as on a wire; else messages wait until the port takes them
  std::string file_prefix;
  std::vector<std::string> eal; // further arguments, as they are
};

} // namespace linehunt::pktgen
