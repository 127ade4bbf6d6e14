// SPDX-License-Identifier: Apache-2.0
// From plain models to a snapshot: numbers handed out, rules compiled, destinations tied to the
// listener that reaches them. One way for the control thread, tests, the simulator and benches.
// Knows nothing of TOML or databases, and resolves no names.
#pragma once

#include "dataplane/destination_model.h"
#include "dataplane/index_book.h"
#include "dataplane/snapshot.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace linehunt {

struct snapshot_model {
  std::uint64_t generation = 0;
  std::vector<destination_model> destinations; // in the operator's order
  std::vector<listener> listeners;             // an empty `sent_by` is filled from `local`
  std::vector<route> routes;                   // in any order
  linehunt::timers timers;
  std::vector<rule_model> rules;
  std::shared_ptr<const compiled_patterns> patterns; // that are compiled already; may be nullptr
  overload_settings overload;
  std::string user_agent; // empty: our replies do not say who made them
  std::string probe_method = "OPTIONS";
  std::string probe_from = "sip:prober@localhost";
  worker_id workers = 1;
};

// What is wrong, and where in the model, so that the caller can say the line.
struct build_error {
  enum class part : std::uint8_t { destination, listener, rule };
  part where = part::destination;
  std::size_t index = 0;                              // into the list of that part
  std::size_t condition = compiled_rules::whole_rule; // of a rule
  std::string message;
};

// nullptr with every error said; `book` is then as it was before.
[[nodiscard]] std::unique_ptr<const snapshot>
build_snapshot(const snapshot_model& model, index_book& book, std::vector<build_error>& errors);

} // namespace linehunt
