// SPDX-License-Identifier: Apache-2.0
// What a test asks of a server that runs in a loop of another thread, done there.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <functional>
#include <future>

namespace linehunt::test {

inline void run_in_loop(boost::asio::io_context& loop, const std::function<void()>& what) {
  std::promise<void> done;
  boost::asio::post(loop, [&] {
    what();
    done.set_value();
  });
  done.get_future().get();
}

} // namespace linehunt::test
