// SPDX-License-Identifier: Apache-2.0
// JSON-RPC 2.0: the text of a request in, the text of the answer out, at once or later. A function
// over a daemon_view, the same for every transport.
#pragma once

#include "control/admin/daemon_view.h"
#include "control/admin/turns.h"

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace linehunt::admin {

struct reply {
  // One line, without its newline; bytes that are not UTF-8 are replaced. Nothing where there is no
  // answer to give: notifications (JSON-RPC 4.1).
  std::optional<std::string> text;
  bool follows = false; // the client wants events from now on
};

using replying = std::function<void(reply)>;
// A part of the answer stands, and the rest takes its time: what happens from now on is not in that
// part, so who follows events, or asks for them in it (`follows`), is to get them behind the
// answer.
using holding_events = std::function<void(bool follows)>;

// A batch has an end; what is left is refused.
struct batch_limits {
  std::size_t requests = 100;
  std::size_t answer_bytes = 64 << 20;
  std::chrono::milliseconds at_work{2000}; // in all its turns
};

// One request or a batch, whose requests are answered one after the other; between two of them may
// be those of other clients. `done` is called once: before this returns, or later in the same
// thread where a method takes its time, or others have had theirs. `daemon` and `taking` outlive
// that. `hold` is called before `done` if at all, and once more where a batch asks for events only
// behind that; a transport without a way for events has none, and offers no method that follows
// them.
void dispatch(std::string_view request, daemon_view& daemon, turns& taking, holding_events hold,
              replying done, const batch_limits& limits = {});

// The answer to a request that a transport refuses unread.
[[nodiscard]] std::string refusal(std::string_view why);

} // namespace linehunt::admin
