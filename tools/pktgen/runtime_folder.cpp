// SPDX-License-Identifier: Apache-2.0
#include "tools/pktgen/runtime_folder.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <string_view>
#include <system_error>

namespace linehunt::pktgen {

namespace {

// DPDK's lib/eal/common/eal_filesystem.h and lib/telemetry; most names go on with a number.
bool is_of_dpdk(std::string_view name) noexcept {
  constexpr std::array<std::string_view, 5> beginnings{"config", "fbarray_", "hugepage_",
                                                       "mp_socket", "dpdk_telemetry."};
  return std::any_of(beginnings.begin(), beginnings.end(),
                     [&](std::string_view begin) { return name.starts_with(begin); });
}

} // namespace

void remove_runtime_folder(const std::string& folder) noexcept {
  namespace fs = std::filesystem;
  try {
    for (const fs::directory_entry& entry : fs::directory_iterator(folder))
      if (is_of_dpdk(entry.path().filename().native()) && !entry.is_directory())
        fs::remove(entry.path());
    fs::remove(folder);
  } catch (const fs::filesystem_error&) {
    return; // it is only untidy
  } catch (const std::bad_alloc&) {
    return;
  }
}

} // namespace linehunt::pktgen
