// SPDX-License-Identifier: Apache-2.0
// What a configuration file says, as values with their places. Built by load_file only where
// everything in it is right. Knows nothing of the running system.
#pragma once

#include "control/config/diagnostics.h"
#include "dataplane/address.h"
#include "dataplane/destination_model.h"
#include "dataplane/dpdk/runtime.h"
#include "dataplane/rules.h"
#include "dataplane/snapshot.h"

#include <cstdint>
#include <string>
#include <vector>

namespace linehunt::config {

struct listen_entry {
  endpoint local;
  std::string port; // name of a [[port]]; empty: the only one
  place at, address_at, port_at;
};

struct destination_entry {
  destination_model model;
  place at, uri_at;
};

struct rule_entry {
  rule_model model;
  place at;                        // the [[rule]] itself
  place group_at, target_at;       // balance; forward
  std::vector<place> condition_at; // beside model.conditions
  std::vector<place> resource_at;  // beside model.resources
  place from_group_at;
  bool broken = false; // has an error of its own; what follows from it need not be said
};

struct admin_settings {
  std::string socket = "/run/linehunt/linehunt.sock";
  std::uint32_t max_clients = 64;
  std::uint32_t max_request_bytes = 1 << 20;
};

struct configuration {
  dpdk::runtime_setup runtime; // with its ports
  std::vector<place> port_at;  // beside runtime.ports: where the device is named
  std::string kernel = "auto"; // of the scanner
  std::vector<listen_entry> listeners;
  linehunt::timers timers;
  std::string user_agent = "linehunt";
  admin_settings admin;
  std::string log_level = "info";
  std::vector<destination_entry> destinations; // in the order of the file
  std::vector<rule_entry> rules;
};

} // namespace linehunt::config
