// SPDX-License-Identifier: Apache-2.0
// Classification of a received header name, long or compact, in any case. Private to sipparse.
#pragma once

#include "sipparse/message_view.h"

#include <cstdint>

namespace linehunt::sip {

// `name` lies in [base, base + len) at `off` and is `name_len` bytes long, at least 1.
[[nodiscard]] header_id classify_header_name(const char* base, std::uint32_t len, std::uint32_t off,
                                             std::uint32_t name_len) noexcept;

} // namespace linehunt::sip
