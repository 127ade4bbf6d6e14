// SPDX-License-Identifier: Apache-2.0
// See event_socket.h.
#include "control/heartbeat/event_socket.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>
#include <fmt/format.h>

namespace linehunt::heartbeat {
namespace {

constexpr std::uint32_t longest_interval_s = 3600;

boost::asio::ip::tcp::endpoint tcp_endpoint(const endpoint& e) {
  namespace ip = boost::asio::ip;
  if (e.ip.is_v6) {
    ip::address_v6::bytes_type bytes;
    std::copy_n(e.ip.bytes.begin(), bytes.size(), bytes.begin());
    return {ip::address_v6(bytes), e.port};
  }
  ip::address_v4::bytes_type bytes;
  std::copy_n(e.ip.bytes.begin(), bytes.size(), bytes.begin());
  return {ip::address_v4(bytes), e.port};
}

} // namespace

event_socket::event_socket(boost::asio::io_context& loop, heartbeat_source source,
                           socket_settings settings, listener tell)
    : loop_(loop), source_(std::move(source)), settings_(settings), tell_(std::move(tell)),
      socket_(loop), timer_(loop), silence_(loop), interval_(settings.interval) {}

std::chrono::milliseconds interval_of(const beat& b, std::chrono::milliseconds unsaid) noexcept {
  if (b.interval_s == 0) return unsaid;
  return std::chrono::seconds(std::min(b.interval_s, longest_interval_s));
}

void event_socket::start(const std::optional<heard_beat>& last) {
  if (last) interval_ = interval_of(last->what, interval_);
  set_silence_timer(last ? std::chrono::steady_clock::now() - last->at
                         : std::chrono::steady_clock::duration{});
  connect();
}

void event_socket::stop() {
  stopped_ = true;
  ++connection_;
  timer_.cancel();
  silence_.cancel();
  error_code ignored;
  socket_.close(ignored);
}

void event_socket::connect() {
  const auto addresses = tell_.addresses();
  to_.reset();
  // The first time its name has not been looked up yet.
  if (addresses.empty()) return fail("the host has no address", failures_ > 0);
  to_ = addresses[address_at_++ % addresses.size()];
  at_ = stage::connecting;
  reader_ = {};
  const std::uint64_t connection = ++connection_;
  timer_.expires_after(settings_.login);
  timer_.async_wait([self = shared_from_this(), connection](error_code cancelled) {
    if (!cancelled && connection == self->connection_) self->fail("no login in time");
  });
  socket_ = tcp::socket(loop_);
  socket_.async_connect(tcp_endpoint(*to_), [self = shared_from_this(), connection](error_code e) {
    if (connection == self->connection_) self->on_connected(e);
  });
}

void event_socket::on_addresses_changed() {
  if (stopped_) return;
  const auto addresses = tell_.addresses();
  if (addresses.empty()) return; // a name that is lost says nothing about the machine
  if (!to_) {
    timer_.cancel();
    connect();
  } else if (at_ != stage::waiting && std::ranges::find(addresses, *to_) == addresses.end()) {
    fail("its name has another address now");
  }
}

void event_socket::on_connected(error_code failure) {
  if (failure) return fail(failure.message());
  at_ = stage::greeting;
  read();
}

void event_socket::read() {
  const std::uint64_t connection = connection_;
  socket_.async_read_some(boost::asio::buffer(bytes_), [self = shared_from_this(), connection](
                                                           error_code failure, std::size_t count) {
    if (connection != self->connection_) return;
    if (failure) return self->fail(failure.message());
    const bool good = self->reader_.feed({self->bytes_.data(), count}, [&](const auto& m) {
      if (connection == self->connection_) self->on_message(m);
    });
    if (connection != self->connection_) return;
    if (!good) return self->fail(self->reader_.fault());
    self->read();
  });
}

void event_socket::on_message(const socket_message& message) {
  const bool good = message.reply_text.starts_with("+OK");
  if (message.content_type == "auth/request" && at_ == stage::greeting) {
    at_ = stage::login; // asked again, it would be answered while the first answer is on its way
    say(source_.user.empty() ? fmt::format("auth {}\n\n", source_.password)
                             : fmt::format("userauth {}:{}\n\n", source_.user, source_.password));
  } else if (message.content_type == "command/reply" && at_ == stage::login) {
    if (!good) return fail("the login is refused; is the password right?");
    at_ = stage::subscribing;
    say("event plain HEARTBEAT\n\n");
  } else if (message.content_type == "command/reply" && at_ == stage::subscribing) {
    if (!good) return fail("HEARTBEAT events are refused");
    at_ = stage::listening;
    timer_.cancel();
    if (silent_) set_silence_timer(); // else the old one goes on, however often it comes and goes
  } else if (message.content_type == "text/event-plain" && at_ == stage::listening) {
    const auto now = std::chrono::steady_clock::now();
    const auto b = read_beat(message.body);
    if (!b && is_heartbeat(message.body))
      return tell_.on_failure(last_failure_ = "a heartbeat without a figure that is needed");
    if (!b || now - last_beat_ < settings_.least_gap) return;
    last_beat_ = now;
    failures_ = 0;
    last_failure_.clear();
    silent_ = false;
    interval_ = interval_of(*b, interval_);
    set_silence_timer();
    tell_.on_beat(*b);
  } else if (message.content_type == "text/rude-rejection") {
    fail("its access list refuses us");
  } else if (message.content_type == "text/disconnect-notice") {
    fail("it has said good-bye");
  }
}

void event_socket::say(std::string line) {
  to_send_ = std::move(line);
  boost::asio::async_write(
      socket_, boost::asio::buffer(to_send_),
      [self = shared_from_this(), connection = connection_](error_code failure, std::size_t) {
        if (failure && connection == self->connection_) self->fail(failure.message());
      });
}

void event_socket::fail(std::string cause, bool told) {
  if (stopped_) return;
  ++connection_;
  error_code ignored;
  socket_.close(ignored);
  at_ = stage::waiting;
  last_failure_ = std::move(cause);
  const unsigned doublings = std::min(failures_++, 16U);
  const auto wait = std::min<std::chrono::milliseconds>(settings_.first_retry * (1U << doublings),
                                                        settings_.longest_retry);
  timer_.expires_after(wait);
  timer_.async_wait([self = shared_from_this()](error_code cancelled) {
    if (!cancelled && !self->stopped_) self->connect();
  });
  if (told) tell_.on_failure(last_failure_);
}

void event_socket::set_silence_timer(std::chrono::steady_clock::duration silent_for) {
  silence_.expires_after(patience_with(interval_) - silent_for);
  silence_.async_wait([self = shared_from_this()](error_code cancelled) {
    if (cancelled || self->stopped_) return;
    self->silent_ = true;
    self->tell_.on_silence(self->last_failure_.empty() ? "no heartbeat" : self->last_failure_);
    // A connection that says nothing may be half open.
    if (!self->stopped_ && self->at_ == stage::listening) self->fail("no heartbeat");
  });
}

} // namespace linehunt::heartbeat
