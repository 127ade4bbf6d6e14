// SPDX-License-Identifier: Apache-2.0
// The command line.
#pragma once

#include "tools/pktgen/call_player.h"
#include "tools/pktgen/port_settings.h"
#include "tools/pktgen/scene.h"
#include "tools/pktgen/session.h"

#include <string>
#include <tl/expected.hpp>
#include <vector>

namespace linehunt::pktgen {

struct options {
  port_settings port;
  scene cast;
  call_settings calls;
  load_settings load;
  bool raw = false;   // packets to something that swaps addresses
  bool verify = true; // checksums of what arrives
  bool quiet = false;
  double patience_s = 10;    // for the link and the device's MAC
  std::vector<int> watched;  // threads of the device under test
  double backlog_factor = 5; // how much longer than a wait its backlog lasts
  std::string json_file;
};

// Fails with the exit status: 0 where help was asked for, else 2; what is to be said has been said.
[[nodiscard]] tl::expected<options, int> read_options(int argc, char** argv);

} // namespace linehunt::pktgen
