// SPDX-License-Identifier: Apache-2.0
// The texts that say where a destination is and what it offers, wherever they come from: the same
// words are right or wrong in the file and in a database.
#pragma once

#include "dataplane/destination_model.h"

#include <string>
#include <string_view>
#include <vector>

namespace linehunt::config {

// Each gives a message for everything that is wrong; none: it is now part of the model.
[[nodiscard]] std::vector<std::string> take_uri(std::string_view uri, destination_model& model);
[[nodiscard]] std::vector<std::string> take_resources(std::string_view text,
                                                      destination_model& model);

// The text as UTF-8, which JSON and metrics are made of: U+FFFD stands for what is none. The file
// is UTF-8 anyway, a database may hold anything.
[[nodiscard]] std::string as_utf8(std::string_view text);

} // namespace linehunt::config
