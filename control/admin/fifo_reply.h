// SPDX-License-Identifier: Apache-2.0
// One answer on its way into the FIFO that the client made for it: one line, then closed. The
// client opens its end only after it has sent the request, so the first tries may find nobody
// there.
#pragma once

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace linehunt::admin {

class fifo_reply : public std::enable_shared_from_this<fifo_reply> {
 public:
  // `on_end` is told once whether the client has taken all of it.
  fifo_reply(const boost::asio::any_io_executor& loop, std::string path, std::string line,
             std::function<void(bool taken)> on_end);
  void start(std::chrono::milliseconds deadline);
  void close(); // nobody is told

 private:
  void try_open();
  void write(int fifo);
  void end(bool taken);

  boost::asio::posix::stream_descriptor fifo_;
  boost::asio::steady_timer retry_timer_, deadline_timer_;
  std::string path_, line_;
  std::function<void(bool taken)> on_end_;
};

} // namespace linehunt::admin
