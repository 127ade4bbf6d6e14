// SPDX-License-Identifier: Apache-2.0
// A new configuration into the running daemon: read the file, validate all of it, build, publish.
// A failure at any step leaves everything as it was.
#pragma once

#include "control/config/configuration.h"
#include "control/config/devices.h"
#include "control/daemon/world_source.h"
#include "dataplane/dpdk/runtime.h"

#include <functional>
#include <string>
#include <tl/expected.hpp>

namespace linehunt {

// Says to every worker what a snapshot alone would not tell it.
using telling = std::function<void(const mail& what)>;

class reloader {
 public:
  reloader(std::string file, config::configuration running, config::device_check check,
           dpdk::runtime& runtime, world_source& source, telling tell_all)
      : file_(std::move(file)), running_(std::move(running)), check_(std::move(check)),
        runtime_(runtime), source_(source), tell_all_(std::move(tell_all)) {}

  // The error holds every line that `linehunt check` would print.
  [[nodiscard]] tl::expected<void, std::string> reload();

 private:
  std::string file_;
  config::configuration running_;
  config::device_check check_;
  dpdk::runtime& runtime_;
  world_source& source_;
  telling tell_all_;
};

// The mails that bring workers from what operators last said to what `world` says: a status or a
// capacity that was changed by mail since the previous snapshot is not in any of the two.
[[nodiscard]] std::vector<mail> corrections(const operator_state& before, const snapshot& world);

} // namespace linehunt
