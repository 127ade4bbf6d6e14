// SPDX-License-Identifier: Apache-2.0
// Takes one connection after the other from a listening socket and hands it over. Where the process
// has no file descriptor left, one connection at a time has the one that was kept for that. Knows
// nothing of what is spoken.
#pragma once

#include "control/descriptor_reserve.h"

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <spdlog/spdlog.h>
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
    boost::system::error_code ignored;
    acceptor_.non_blocking(true, ignored); // see accept_by_reserve
    accept();
  }
  void stop() {
    boost::system::error_code ignored;
    admit_ = nullptr;
    pause_.cancel();
    acceptor_.close(ignored);
  }
  // Who has the descriptor that is kept for him, since there was no other.
  [[nodiscard]] std::uint64_t had_reserve() const noexcept { return had_reserve_; }
  // While `admit` is called: for such a one, whom the next one waits for.
  [[nodiscard]] bool by_reserve() const noexcept { return by_reserve_; }

 private:
  using clock = std::chrono::steady_clock;
  static constexpr std::chrono::milliseconds rest{100};
  static constexpr std::chrono::minutes between_warnings{1};

  void accept() {
    reserve_.fill();
    acceptor_.async_accept(
        [self = this->shared_from_this()](boost::system::error_code failure, socket peer) {
          if (failure == boost::asio::error::operation_aborted || !self->admit_) return;
          if (!failure) {
            self->admit_(std::move(peer));
            return self->accept();
          }
          if (failure == boost::asio::error::no_descriptors) self->accept_by_reserve();
          // A short rest instead of a busy loop.
          self->pause_.expires_after(rest);
          self->pause_.async_wait([self](boost::system::error_code stopped) {
            if (!stopped && self->admit_) self->accept();
          });
        });
  }

  // Does not wait: the failure comes where nobody wants to be accepted, too.
  void accept_by_reserve() {
    if (!reserve_.give_up()) return;
    boost::system::error_code failure;
    socket peer(acceptor_.get_executor());
    acceptor_.accept(peer, failure);
    if (failure) return reserve_.fill();
    ++had_reserve_;
    const auto now = clock::now();
    if (!warned_ || now - *warned_ >= between_warnings) {
      warned_ = now;
      spdlog::error("linehunt has no file descriptor left; clients of the admin interface are "
                    "served one at a time. Raise LimitNOFILE= of the unit (ulimit -n)");
    }
    by_reserve_ = true;
    admit_(std::move(peer));
    by_reserve_ = false;
  }

  typename Protocol::acceptor acceptor_;
  boost::asio::steady_timer pause_;
  admitting admit_;
  descriptor_reserve reserve_;
  std::optional<clock::time_point> warned_;
  std::uint64_t had_reserve_ = 0;
  bool by_reserve_ = false;
};

} // namespace linehunt
