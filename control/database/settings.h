// SPDX-License-Identifier: Apache-2.0
// Where destinations come from besides the configuration file, as [database] says it.
#pragma once

#include <cstdint>
#include <string>

namespace linehunt::database {

struct settings {
  std::string url; // empty: no database
  std::string table = "load_balancer";
  std::string copy = "/var/lib/linehunt/destinations.json"; // of the last good rows; empty: none
  std::uint32_t timeout_s = 5;                              // for a connection, and for an answer
  std::uint32_t retry_s = 60; // longest pause between two tries while nothing could be read
  friend bool operator==(const settings&, const settings&) = default;
};

} // namespace linehunt::database
