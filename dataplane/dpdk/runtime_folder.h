// SPDX-License-Identifier: Apache-2.0
// What DPDK leaves behind: a folder for each file prefix, with or without files in it. Knows the
// file system alone, no DPDK; also for programs beside the balancer.
#pragma once

#include <array>
#include <string>

namespace linehunt::dpdk {

// Where DPDK 22.11 makes its folder "dpdk" and a folder of the prefix in it, if that is a place
// where this process may not; else empty.
[[nodiscard]] std::string forbidden_place(const std::string& prefix);

// For the time of rte_eal_init: a folder that a crash has left for this prefix is not removed under
// our feet by somebody else who starts just now. Where DPDK has it is known only afterwards, so
// this looks in all places.
class runtime_folder_hold {
 public:
  explicit runtime_folder_hold(const std::string& prefix) noexcept;
  ~runtime_folder_hold();
  runtime_folder_hold(const runtime_folder_hold&) = delete;
  runtime_folder_hold& operator=(const runtime_folder_hold&) = delete;

 private:
  std::array<int, 4> marks_{-1, -1, -1, -1};
};

class runtime_folder {
 public:
  // Puts a mark into it, which holds for as long as this lives, and removes the folders beside it
  // that bear the mark of a process which is no more. Nothing that fails here matters.
  explicit runtime_folder(std::string path) noexcept;
  // Removes DPDK's files and the folder. It stays where anybody else uses it, with what is not
  // DPDK's, and where this process has become a user who may not. After rte_eal_cleanup.
  ~runtime_folder();
  runtime_folder(const runtime_folder&) = delete;
  runtime_folder& operator=(const runtime_folder&) = delete;

  static constexpr const char* mark_name = "linehunt.lock";

 private:
  std::string path_;
  int mark_ = -1; // locked, shared with others of the same prefix; -1: none
};

} // namespace linehunt::dpdk
