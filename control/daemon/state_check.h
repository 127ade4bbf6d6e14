// SPDX-License-Identifier: Apache-2.0
// What `linehunt check` says of [service] state_dir: whether a start could write there. Makes
// nothing.
#pragma once

#include "control/config/configuration.h"

#include <string>

namespace linehunt {

// What a start would say; empty: nothing, or it is not known, since only root can tell what another
// user may do. Whether another linehunt has the folder now is not asked: it may be the one that is
// to be started anew.
[[nodiscard]] std::string state_fault(const config::service_settings& service);

} // namespace linehunt
