// SPDX-License-Identifier: Apache-2.0
// The `match` table of a rule: each key becomes one condition.
#pragma once

#include "control/config/configuration.h"
#include "control/config/table_reader.h"

namespace linehunt::config {

// Appends to rule.model.conditions and rule.condition_at; notes the places of some keys.
void read_match(const toml::table& match, rule_entry& rule, diagnostics& out);

} // namespace linehunt::config
