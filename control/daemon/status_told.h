// SPDX-License-Identifier: Apache-2.0
// What those who follow events are told of a destination's change of status.
#pragma once

#include "dataplane/snapshot.h"

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace linehunt {

[[nodiscard]] inline nlohmann::json status_told(const destination& d, std::string_view status,
                                                const std::string& cause) {
  return {{"group", d.group},
          {"uri", d.uri},
          {"destination_id", d.id},
          {"status", status},
          {"cause", cause}};
}

} // namespace linehunt
