// SPDX-License-Identifier: Apache-2.0
// Text of strangers for logs and terminals: control characters are C0, DEL, and C1 (U+0080 to
// U+009F; to many terminals U+009B is as good as "ESC ["). One rule for all who write such text.
#pragma once

#include <string>
#include <string_view>

namespace linehunt {

[[nodiscard]] bool has_control_character(std::string_view text) noexcept;

// Control characters, and bytes that are no UTF-8, made visible: in one line, and JSON in one line
// stays JSON.
[[nodiscard]] std::string printable(std::string_view text);
// The same for text of several lines, which it stays.
[[nodiscard]] std::string printable_lines(std::string_view text);

} // namespace linehunt
