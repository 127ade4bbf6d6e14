// SPDX-License-Identifier: Apache-2.0
// Signals of the daemon. SIGHUP reads the configuration again; SIGUSR1 opens the log file anew, as
// rotation wants it, and leaves the configuration alone; SIGTERM ends it when it has drained,
// a second one at once; SIGINT at once. Before there is anything to drain both end the loop.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <functional>

namespace linehunt {

class signal_watch {
 public:
  explicit signal_watch(boost::asio::io_context& loop);
  void on_hangup(std::function<void()> reload) { reload_ = std::move(reload); }
  void on_rotation(std::function<void()> reopen) { reopen_ = std::move(reopen); }
  void on_terminate(std::function<void()> drain) { drain_ = std::move(drain); }

 private:
  void wait();

  boost::asio::io_context& loop_;
  boost::asio::signal_set signals_;
  std::function<void()> reload_, reopen_, drain_;
};

} // namespace linehunt
