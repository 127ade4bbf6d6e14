// SPDX-License-Identifier: Apache-2.0
// The database for the event loop: asks in a thread of its own, keeps the copy, and never keeps
// anybody waiting for longer than it says. Belongs to the control thread.
#pragma once

#include "control/blocking_thread.h"
#include "control/database/table.h"

#include <functional>
#include <vector>

namespace linehunt::database {

class store {
 public:
  // `core`: the control thread's processor.
  store(boost::asio::io_context& loop, unsigned core) : thread_(loop, core) {}

  // `done` is called once, later, in the loop: with the rows, or with why there are none. Whoever
  // was told that the database does not answer has asked nothing any more.
  void read(const settings& from, std::function<void(rows)> done);
  // Keeps the copy. A failure is logged.
  void keep(const settings& from, std::vector<row> good);

 private:
  blocking_thread thread_;
};

} // namespace linehunt::database
