// SPDX-License-Identifier: Apache-2.0
// Precompiled: the large headers that most commands include.

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>
