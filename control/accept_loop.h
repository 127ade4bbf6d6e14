// SPDX-License-Identifier: Apache-2.0
// Takes one connection after the other from a listening socket and hands it over. Knows nothing of
// what is spoken on it.
#pragma once

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <utility>

namespace linehunt {

template <class Protocol>
class accept_loop : public std::enable_shared_from_this<accept_loop<Protocol>> {
 public:
  using socket = typename Protocol::socket;
  using admitting = std::function<void(socket peer)>;

  explicit accept_loop(boost::asio::io_context& loop) : acceptor_(loop), pause_(loop) {}

  // To be opened, bound and set listening by the owner.
  [[nodiscard]] typename Protocol::acceptor& acceptor() noexcept { return acceptor_; }

  // `admit` is called until stop().
  void start(admitting admit) {
    admit_ = std::move(admit);
    accept();
  }
  void stop() {
    boost::system::error_code ignored;
    admit_ = nullptr;
    pause_.cancel();
    acceptor_.close(ignored);
  }

 private:
  void accept() {
    acceptor_.async_accept(
        [self = this->shared_from_this()](boost::system::error_code failure, socket peer) {
          if (failure == boost::asio::error::operation_aborted || !self->admit_) return;
          if (!failure) {
            self->admit_(std::move(peer));
            return self->accept();
          }
          // Out of file descriptors, say: a short rest instead of a busy loop.
          self->pause_.expires_after(std::chrono::milliseconds(100));
          self->pause_.async_wait([self](boost::system::error_code stopped) {
            if (!stopped && self->admit_) self->accept();
          });
        });
  }

  typename Protocol::acceptor acceptor_;
  boost::asio::steady_timer pause_;
  admitting admit_;
};

} // namespace linehunt
