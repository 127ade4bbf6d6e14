// SPDX-License-Identifier: Apache-2.0
// Precompiled: the grammars' library, which takes longer to read than they do to compile. Each file
// still includes what it uses.

#include <boost/spirit/home/x3.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
