// SPDX-License-Identifier: Apache-2.0
// From the text of a configuration file to a checked configuration, or to every error in it.
#pragma once

#include "control/config/configuration.h"
#include "control/config/devices.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace linehunt::config {

using known_patterns = std::shared_ptr<const compiled_patterns>;

// Nothing where `out` holds an error. Warnings may be there either way. Many patterns take seconds
// to compile, but for those that are `known`.
[[nodiscard]] std::optional<configuration> load_text(std::string_view text,
                                                     const device_check& check, diagnostics& out,
                                                     const known_patterns& known = nullptr);
// Reads the file that `out` is named after.
[[nodiscard]] std::optional<configuration> load_file(const device_check& check, diagnostics& out,
                                                     const known_patterns& known = nullptr);

} // namespace linehunt::config
