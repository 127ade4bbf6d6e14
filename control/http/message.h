// SPDX-License-Identifier: Apache-2.0
// What passes between the HTTP server and those who answer for a target. Knows nothing of sockets.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace linehunt::http {

struct request {
  std::string_view body; // valid while it is answered
};

struct response {
  unsigned status = 200;
  std::string_view content_type = "application/json"; // of static storage
  std::string body;
  // In place of `body`, where several get the same.
  std::shared_ptr<const std::string> shared_body{};
};

// Calls the second once, in the loop's thread: at once or later.
using replying = std::function<void(response)>;
using answering = std::function<void(const request&, replying done)>;

} // namespace linehunt::http
