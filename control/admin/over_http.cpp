// SPDX-License-Identifier: Apache-2.0
// See over_http.h.
#include "control/admin/over_http.h"

#include "control/admin/dispatcher.h"

#include <utility>

namespace linehunt::admin {

void over_http(const http::request& request, daemon_view& daemon, turns& taking,
               http::replying done) {
  dispatch(request.body, daemon, taking, {}, [done = std::move(done)](reply answer) {
    if (answer.text)
      done({200, "application/json", std::move(*answer.text)});
    else
      done({202, "application/json", {}});
  });
}

} // namespace linehunt::admin
