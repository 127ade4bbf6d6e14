// SPDX-License-Identifier: Apache-2.0
// Is a network device that the configuration names written as DPDK wants it? Whether it exists on
// this machine says a device_check.
#pragma once

#include "dataplane/dpdk/runtime.h"

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace linehunt::config {

// What is wrong with the port's device on this machine: dpdk::check_device, or what a test brings.
using device_check = std::function<std::optional<dpdk::error>(const dpdk::port_setup&)>;

// What is wrong with the text and what to write; nothing where it may name a device.
[[nodiscard]] std::optional<std::string> misspelling(std::string_view device);

} // namespace linehunt::config
