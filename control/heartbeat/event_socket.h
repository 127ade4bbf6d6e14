// SPDX-License-Identifier: Apache-2.0
// One connection to the event socket of a FreeSWITCH: logs in, asks for HEARTBEAT events, hands
// them over; comes back after every failure, at longer and longer intervals. On the control
// thread's loop, never waits. Knows beats, not destinations.
#pragma once

#include "control/heartbeat/beat.h"
#include "control/heartbeat/socket_reader.h"
#include "dataplane/destination_model.h"

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace linehunt::heartbeat {

struct socket_settings {
  std::chrono::milliseconds interval{20'000}; // between beats, until one says another
  std::chrono::milliseconds login{5'000};     // from connecting to the first event asked for
  // Not for operators.
  std::chrono::milliseconds first_retry{1'000}, longest_retry{30'000};
  std::chrono::milliseconds least_gap{100}; // beats that come faster are left out
  friend bool operator==(const socket_settings&, const socket_settings&) = default;
};

// After so many intervals without a beat it is not believed any more.
inline constexpr int missed_beats = 3;

// A beat, and when it was heard.
struct heard_beat {
  beat what;
  std::chrono::steady_clock::time_point at{};
  friend bool operator==(const heard_beat&, const heard_beat&) = default;
};
// Between its beats; `unsaid` where it says nothing of that.
[[nodiscard]] std::chrono::milliseconds interval_of(const beat& b,
                                                    std::chrono::milliseconds unsaid) noexcept;
// How long the next one may take.
[[nodiscard]] constexpr std::chrono::milliseconds
patience_with(std::chrono::milliseconds interval) noexcept {
  return interval * missed_beats + interval / 2;
}

class event_socket : public std::enable_shared_from_this<event_socket> {
 public:
  struct listener {
    std::function<std::vector<endpoint>()> addresses; // of the host now; empty: not resolved
    std::function<void(const beat&)> on_beat;
    // No beat for too long. Said once, until the next beat.
    std::function<void(const std::string& cause)> on_silence;
    std::function<void(const std::string& cause)> on_failure; // of one connection, for the log
  };
  event_socket(boost::asio::io_context& loop, heartbeat_source source, socket_settings settings,
               listener tell);
  // Silence counts from `last` on.
  void start(const std::optional<heard_beat>& last = {});
  void stop(); // nothing is told any more
  // The host may have others than before. One that is connected to none of them is another machine
  // by now, whoever answers there.
  void on_addresses_changed();
  [[nodiscard]] const std::string& last_failure() const noexcept { return last_failure_; }

 private:
  using tcp = boost::asio::ip::tcp;
  using error_code = boost::system::error_code;
  enum class stage : std::uint8_t { waiting, connecting, greeting, login, subscribing, listening };

  void connect();
  void on_connected(error_code failure);
  void read();
  void on_message(const socket_message& message);
  void say(std::string line);
  void fail(std::string cause, bool told = true);
  void set_silence_timer(std::chrono::steady_clock::duration silent_for = {});

  boost::asio::io_context& loop_;
  heartbeat_source source_;
  socket_settings settings_;
  listener tell_;
  tcp::socket socket_;
  boost::asio::steady_timer timer_;   // login, or the next try
  boost::asio::steady_timer silence_; // since the last beat
  stage at_ = stage::waiting;
  std::uint64_t connection_ = 0; // what belongs to an older one is late
  socket_reader reader_;
  std::array<char, 4096> bytes_{};
  std::string to_send_;
  unsigned failures_ = 0; // in a row
  std::size_t address_at_ = 0;
  std::optional<endpoint> to_; // of this connection; nullopt: there was none
  std::chrono::milliseconds interval_;
  std::chrono::steady_clock::time_point last_beat_{};
  std::string last_failure_;
  bool silent_ = false; // since the last beat, and told so
  bool stopped_ = false;
};

} // namespace linehunt::heartbeat
