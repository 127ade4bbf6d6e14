// SPDX-License-Identifier: Apache-2.0
// Names and meanings of the verdicts.
#include "dataplane/verdict.h"

namespace linehunt {
namespace {

struct description {
  std::string_view name, meaning;
};

constexpr std::array<description, verdict_count> descriptions{{
#define LINEHUNT_VERDICT(name, text) {#name, text},
    LINEHUNT_VERDICTS(LINEHUNT_VERDICT)
#undef LINEHUNT_VERDICT
}};

} // namespace

std::string_view name_of(verdict v) noexcept {
  return descriptions[static_cast<std::size_t>(v)].name;
}

std::string_view meaning_of(verdict v) noexcept {
  return descriptions[static_cast<std::size_t>(v)].meaning;
}

} // namespace linehunt
