// SPDX-License-Identifier: Apache-2.0
// Files of state that are refused are not written over, since somebody may want them.
#pragma once

#include <string>
#include <string_view>

namespace linehunt {

// So many of one name are kept.
inline constexpr int most_put_aside = 3;

// Renames it to FILE.bad, what was that to FILE.bad.1, and so on; the oldest goes. It is logged
// where they are; `what_for` ends what is said of this one. Nothing where there is no such file.
// False: it cannot be renamed.
bool put_aside(const std::string& file, std::string_view what_for);

} // namespace linehunt
