// SPDX-License-Identifier: Apache-2.0
// Scripts for the engine: bytes read as a sequence of datagrams, mail, reloads and waiting. The
// fuzzer and the replay of its findings run them.
#pragma once

#include "dataplane/engine.h"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace linehunt::fuzz {

struct script_result {
  std::string violated; // empty where all is well
  std::uint64_t datagrams = 0;
  std::uint64_t calls_started = 0, calls_answered = 0, failovers = 0, calls_replacing = 0;
  std::array<std::uint64_t, end_cause_count> ended{}; // by end_cause
  std::array<std::uint64_t, verdict_count> verdicts{};
};

// Runs the script against a node of two workers.
[[nodiscard]] script_result run_engine_script(std::string_view script);

} // namespace linehunt::fuzz
