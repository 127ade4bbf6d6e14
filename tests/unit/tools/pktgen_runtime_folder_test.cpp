// SPDX-License-Identifier: Apache-2.0
// DPDK's own files are removed with their folder; what somebody else put there stays.
#include "tools/pktgen/runtime_folder.h"

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <unistd.h>

namespace linehunt::pktgen {
namespace {

namespace fs = std::filesystem;

struct pktgen_runtime_folder : testing::Test {
  pktgen_runtime_folder() {
    fs::create_directories(folder);
    for (const char* name : {"config", "fbarray_memzone", "fbarray_memseg-2048k-0-0",
                             "hugepage_info", "mp_socket", "mp_socket_12_ab", "dpdk_telemetry.v2"})
      std::ofstream(folder / name) << "x";
  }
  ~pktgen_runtime_folder() override { fs::remove_all(folder); }
  fs::path folder = fs::path(testing::TempDir()) / ("pktgen-run-" + std::to_string(getpid()));
};

TEST_F(pktgen_runtime_folder, is_removed_with_the_files_of_dpdk) {
  remove_runtime_folder(folder);
  EXPECT_FALSE(fs::exists(folder));
  remove_runtime_folder(folder); // is not there
}

TEST_F(pktgen_runtime_folder, stays_with_what_is_not_of_dpdk) {
  std::ofstream(folder / "notes") << "x";
  fs::create_directory(folder / "config.old");
  remove_runtime_folder(folder);
  EXPECT_TRUE(fs::exists(folder / "notes"));
  EXPECT_TRUE(fs::exists(folder / "config.old"));
  EXPECT_FALSE(fs::exists(folder / "config"));
  EXPECT_FALSE(fs::exists(folder / "mp_socket"));
}

} // namespace
} // namespace linehunt::pktgen
