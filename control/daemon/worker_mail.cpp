// SPDX-License-Identifier: Apache-2.0
// See worker_mail.h.
#include "control/daemon/worker_mail.h"

#include <chrono>
#include <thread>

namespace linehunt {

bool worker_mail::deliver() {
  while (!owed_.empty() && send_(owed_.front()))
    owed_.pop_front();
  return owed_.empty();
}

bool worker_mail::tell(const mail& what) {
  constexpr int tries = 200;
  for (int i = 0; i < tries; ++i) {
    if (deliver() && send_(what)) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return false;
}

// Where something is owed already the workers were waited for before.
bool worker_mail::owe(const mail& what) {
  if (deliver() && tell(what)) return true;
  std::erase_if(owed_, [&](const mail& earlier) {
    return earlier.kind == what.kind && earlier.slot == what.slot &&
           earlier.subject == what.subject;
  });
  owed_.push_back(what);
  return false;
}

} // namespace linehunt
