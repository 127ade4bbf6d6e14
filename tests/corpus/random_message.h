// SPDX-License-Identifier: Apache-2.0
// Random messages of the subset that reference_grammar.h declares, with white space, folds, cases
// and forms as wild as the ABNF allows.
#pragma once

#include <random>
#include <string>

namespace linehunt::reference {

[[nodiscard]] std::string random_message(std::mt19937& random);

} // namespace linehunt::reference
