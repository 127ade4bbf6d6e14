// SPDX-License-Identifier: Apache-2.0
// One client of the admin socket: reads lines, answers them one after the other, and hands it the
// events that it follows. While an answer is under way nothing more is read, so a client that does
// not read cannot make us keep its answers.
#pragma once

#include "control/admin/socket_server.h"

#include <array>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>

namespace linehunt::admin {

class socket_client : public std::enable_shared_from_this<socket_client> {
 public:
  using socket = boost::asio::local::stream_protocol::socket;

  socket_client(socket connection, const socket_setup& setup,
                const socket_server::answering& answer);
  // `awaited`: others wait for it to go, so it is to ask something within the time for a request.
  void start(bool awaited);
  void close();
  // Says why and hangs up; for a client that is one too many.
  void refuse(std::string_view why);
  // An event, where the client follows them. False: it does not take them, and is hung up on.
  [[nodiscard]] bool publish(std::string_view line);

 private:
  enum class after { read_on, hang_up };

  void read();
  void on_bytes(std::size_t count);
  void on_end();
  void answer_next();
  void hold_events(bool follows);
  void on_answer(const reply& answer);
  void answer_with(std::string_view text, after then);
  void let_go(); // what is held
  void write_waiting();
  void on_written();
  void arm(boost::asio::steady_timer& timer, std::chrono::milliseconds deadline);

  socket connection_;
  boost::asio::steady_timer request_timer_, answer_timer_;
  const socket_setup setup_;
  const socket_server::answering answer_;
  std::array<char, 16384> chunk_;
  std::string pending_;                 // received, not yet answered
  std::size_t searched_bytes_ = 0;      // of pending_, that hold no newline
  std::string waiting_, writing_;       // answers and events, in their order
  std::size_t waiting_event_bytes_ = 0; // of waiting_
  std::string held_;                    // events of after what the answer at hand says already
  // An answer is not yet there or not yet written; nothing is read meanwhile.
  bool answering_ = false;
  bool answered_ = false; // it is there: in waiting_ or writing_
  bool asking_ = false;   // answer_ is on the stack
  bool follows_ = false;
  bool holding_ = false; // events go to held_
  bool awaited_ = false;
  bool ended_ = false; // the client will send no more
  after then_ = after::read_on;
};

} // namespace linehunt::admin
