// SPDX-License-Identifier: Apache-2.0
// The way to the service manager: datagrams to the socket that $NOTIFY_SOCKET names (sd_notify(3)),
// without waiting, since nobody may read there: a service manager that hangs must not stop calls.
// Knows nothing of what they say. Belongs to the control thread.
#pragma once

#include <string>
#include <string_view>

namespace linehunt {

// `lines`: "KEY=VALUE", one or several. Where they cannot be sent, since the socket is full, say,
// they are kept, and sent with those that come next: the last value of a key, and the last of
// READY, RELOADING and STOPPING; but not WATCHDOG, which is of its moment. Nothing to do without a
// service manager.
void notify_service(std::string_view lines);

} // namespace linehunt
