// SPDX-License-Identifier: Apache-2.0
// Scripts for the fuzzer to begin with, each deep in a call: what engine_script.cpp reads, written.
// They lie in seeds/fuzz_engine as files; engine_script_test says when these are out of date.
#pragma once

#include "tests/fuzz/engine_script.h"

#include <functional>
#include <string>
#include <vector>

namespace linehunt::fuzz {

struct engine_seed {
  std::string name; // of its file
  std::string script;
  std::function<bool(const script_result&)> reaches; // what it is for
};

[[nodiscard]] std::vector<engine_seed> engine_seeds();

} // namespace linehunt::fuzz
