// SPDX-License-Identifier: Apache-2.0
// Who answers clients in the loop's thread works for a slice of time, and then it is the turn of
// everybody else in the loop: timers, signals, what came in meanwhile. The slice is of all
// together, so that many who ask for little keep the loop no longer than one who asks for much.
// Belongs to that thread.
#pragma once

#include <chrono>
#include <functional>
#include <memory>

namespace linehunt::admin {

class turns {
 public:
  using work = std::function<void()>;

  // `post` calls it later in the same thread, once the loop has looked at everything else.
  explicit turns(std::function<void(work)> post,
                 std::chrono::nanoseconds slice = std::chrono::milliseconds(50));

  // True: go on. False: `resume` is called when it is its turn. Who has not begun yet does not wait
  // for all who have, since they may want many turns: every second slice begins with one of each.
  [[nodiscard]] bool take(bool has_begun, const work& resume);
  // What was done since.
  void spent(std::chrono::nanoseconds time);

  // A long answer holds all that it shows, so they are written one after the other: as many at once
  // would be done together, at the end, and need the memory of all. True: it may begin. False:
  // `resume` is called when it may.
  [[nodiscard]] bool begin_long(const work& resume);
  void end_long();

 private:
  struct state;
  std::shared_ptr<state> state_; // what is posted may be called, or not, after we have gone
};

} // namespace linehunt::admin
