// SPDX-License-Identifier: Apache-2.0
// What DPDK leaves behind: a folder for each file prefix, with or without files in it. Knows the
// file system alone, no DPDK; also for programs beside the balancer.
#pragma once

#include <string>

namespace linehunt::dpdk {

class runtime_folder {
 public:
  // Puts a mark into it, which holds for as long as this lives, and removes the folders beside it
  // that bear the mark of a process which is no more. Nothing that fails here matters.
  explicit runtime_folder(std::string path) noexcept;
  // Removes DPDK's files and the folder. It stays where anybody else uses it, and with what is not
  // DPDK's. After rte_eal_cleanup.
  ~runtime_folder();
  runtime_folder(const runtime_folder&) = delete;
  runtime_folder& operator=(const runtime_folder&) = delete;

  static constexpr const char* mark_name = "linehunt.lock";

 private:
  std::string path_;
  int mark_ = -1; // locked, shared with others of the same prefix; -1: none
};

} // namespace linehunt::dpdk
