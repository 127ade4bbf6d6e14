// SPDX-License-Identifier: Apache-2.0
// JSON-RPC as the body of a POST: status 200 with the answer, also where that is an error; 202
// without a body for a notification.
#pragma once

#include "control/admin/daemon_view.h"
#include "control/admin/turns.h"
#include "control/http/message.h"

namespace linehunt::admin {

void over_http(const http::request& request, daemon_view& daemon, turns& taking,
               http::replying done);

} // namespace linehunt::admin
