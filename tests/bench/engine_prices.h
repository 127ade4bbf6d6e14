// SPDX-License-Identifier: Apache-2.0
// What each part of the engine that a configuration can switch on costs, against the basic call
// without any of them, in one run.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace linehunt::bench {

// Prints the table, by turns over all rows so that a busy machine is busy for all of them. Counts
// instructions with callgrind, which runs this program again, where it is installed. Throws where a
// row does not do what it is for.
[[nodiscard]] nlohmann::json print_prices(bool quick);

// For callgrind and perf: one row alone, `turns` batches of calls. Prints the parser's kernel,
// how many datagrams it took and how long each took.
void run_price(const std::string& name, int turns);

} // namespace linehunt::bench
