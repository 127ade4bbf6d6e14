// SPDX-License-Identifier: Apache-2.0
// JSON-RPC 2.0: the text of a request in, the text of the answer out. A pure function over a
// daemon_view, the same for every transport.
#pragma once

#include "control/admin/daemon_view.h"

#include <optional>
#include <string>
#include <string_view>

namespace linehunt::admin {

// One request or a batch. Nothing where there is no answer to give: notifications (JSON-RPC 4.1).
// The answer is one line, without its newline; bytes that are not UTF-8 are replaced.
[[nodiscard]] std::optional<std::string> dispatch(std::string_view request, daemon_view& daemon);

// The answer to a request that a transport refuses unread.
[[nodiscard]] std::string refusal(std::string_view why);

} // namespace linehunt::admin
