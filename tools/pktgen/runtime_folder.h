// SPDX-License-Identifier: Apache-2.0
// What DPDK leaves behind: a folder for each run, named after the file prefix. No DPDK here.
#pragma once

#include <string>

namespace linehunt::pktgen {

// Removes the files that DPDK makes in its folder for runtime data, and the folder, if nothing else
// is in it. Whatever cannot be removed stays.
void remove_runtime_folder(const std::string& folder) noexcept;

} // namespace linehunt::pktgen
