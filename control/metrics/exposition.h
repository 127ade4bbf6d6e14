// SPDX-License-Identifier: Apache-2.0
// The text that Prometheus scrapes. Names follow its conventions: base units, _total for what only
// rises. Labels are bounded by the configuration: destinations, their resources, workers, verdicts.
#pragma once

#include "control/metrics/node_figures.h"

#include <atomic>
#include <string>
#include <string_view>

namespace linehunt::metrics {

inline constexpr std::string_view content_type = "text/plain; version=0.0.4; charset=utf-8";

class exposition {
 public:
  // Reads what the workers count, which takes the same with many destinations as with few.
  explicit exposition(node_figures figures);
  // Any thread may make it, since nothing is used but what has been read. A part of it where
  // `given_up` becomes true meanwhile.
  [[nodiscard]] std::string text(const std::atomic<bool>& given_up = never) const;

 private:
  static inline const std::atomic<bool> never{false};
  node_figures figures_;        // without the workers
  std::string before_, behind_; // what is written of destinations
};

} // namespace linehunt::metrics
