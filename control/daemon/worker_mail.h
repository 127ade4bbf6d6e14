// SPDX-License-Identifier: Apache-2.0
// What the control thread tells all workers, in order: each thing to all of them or to none, and
// what has to be told, however long a ring is full, until they have it. Knows no worker.
#pragma once

#include "dataplane/mail.h"

#include <deque>
#include <functional>
#include <utility>

namespace linehunt {

class worker_mail {
 public:
  // `send` puts a mail into the ring of every worker, or into none: false.
  explicit worker_mail(std::function<bool(const mail&)> send) : send_(std::move(send)) {}

  // Tries again for 200 ms. False: no worker was told, and none will be.
  [[nodiscard]] bool tell(const mail& what);
  // The same, but what cannot be told now is told before all else, once there is room. False:
  // later. Each mail says how something shall be, so the last one of it is enough.
  bool owe(const mail& what);
  // Once a second or so. True: nothing is owed any more.
  bool deliver();
  [[nodiscard]] bool owes() const noexcept { return !owed_.empty(); }

 private:
  std::function<bool(const mail&)> send_;
  std::deque<mail> owed_;
};

} // namespace linehunt
