// SPDX-License-Identifier: Apache-2.0
// What operators have changed, in a file that the next run reads: JSON, for people too.
#pragma once

#include "control/daemon/operator_state.h"

#include <string>
#include <sys/types.h>
#include <tl/expected.hpp>
#include <unistd.h>
#include <vector>

namespace linehunt {

// Empty: the file says these changes now. Else what went wrong; whether it does is not certain.
[[nodiscard]] std::string keep_changes(const std::string& path,
                                       const std::vector<operator_change>& changes);
// None where there is no file. The error says why it cannot be read; see open_state_file for
// `user`.
[[nodiscard]] tl::expected<std::vector<operator_change>, std::string>
kept_changes(const std::string& path, ::uid_t user = ::geteuid());

} // namespace linehunt
