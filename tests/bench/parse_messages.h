// SPDX-License-Identifier: Apache-2.0
// The messages that the parsers are measured on: shapes that cross a carrier edge, written for
// this benchmark.
#pragma once

#include <string>
#include <vector>

namespace linehunt::bench {

struct sample {
  std::string name;
  std::string bytes;
};

[[nodiscard]] std::vector<sample> sample_messages();

} // namespace linehunt::bench
