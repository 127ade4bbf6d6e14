// SPDX-License-Identifier: Apache-2.0
// What workers copy of their calls for one list. All room is there beforehand, since a worker must
// not allocate; what does not fit is counted and left out. Knows nothing of threads: one worker
// after the other takes, then control reads.
#pragma once

#include "control/admin/daemon_view.h"
#include "dataplane/engine.h"

#include <array>
#include <cstddef>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

namespace linehunt {

class call_copies {
 public:
  explicit call_copies(const admin::call_query& wanted);

  // In the worker's thread.
  void take(worker_id worker, const call_info& call) noexcept;

  using destination_ids = std::unordered_map<destination_index, std::uint32_t>;
  [[nodiscard]] admin::call_list list(time_us now, const destination_ids& ids) const;

 private:
  struct copy {
    worker_id worker = 0;
    std::uint64_t handle = 0;
    destination_index destination = no_index;
    bool answered = false;
    time_us started_at = 0;
    endpoint caller, callee;
    std::size_t texts_at = 0;
    std::array<std::size_t, 5> text_bytes{}; // Call-ID, tags and URIs of From and To
  };
  [[nodiscard]] bool fits(worker_id worker, const call_info& call) const noexcept;

  const admin::call_query& wanted_;
  std::optional<std::pair<std::uint64_t, std::uint64_t>> id_; // `named` as worker and handle
  std::vector<copy> copies_;
  std::vector<char> texts_;
  std::size_t copied_ = 0, used_bytes_ = 0;
  std::uint64_t count_ = 0;
  bool full_ = false; // what comes later is left out too, so that a list has no gaps
};

// "worker:handle", as a call is named to operators.
[[nodiscard]] std::string call_name(worker_id worker, std::uint64_t handle);
[[nodiscard]] std::optional<std::pair<std::uint64_t, std::uint64_t>>
read_call_name(std::string_view name) noexcept;

} // namespace linehunt
