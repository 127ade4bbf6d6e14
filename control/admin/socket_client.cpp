// SPDX-License-Identifier: Apache-2.0
// One client of the admin socket.
#include "control/admin/socket_client.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>
#include <utility>

namespace linehunt::admin {

namespace asio = boost::asio;
using error_code = boost::system::error_code;

socket_client::socket_client(socket connection, const socket_setup& setup,
                             const socket_server::answering& answer)
    : connection_(std::move(connection)), request_timer_(connection_.get_executor()),
      answer_timer_(connection_.get_executor()), setup_(setup), answer_(answer) {}

void socket_client::start(bool awaited) {
  awaited_ = awaited;
  read();
}

void socket_client::close() {
  error_code ignored;
  request_timer_.cancel();
  answer_timer_.cancel();
  connection_.close(ignored);
}

void socket_client::refuse(std::string_view why) {
  answer_with(refusal(why), after::hang_up);
}

bool socket_client::publish(std::string_view line) {
  if (!follows_ || !connection_.is_open()) return true;
  // An answer may be larger than all events that may wait.
  if (waiting_event_bytes_ + held_.size() + line.size() + 1 > setup_.max_waiting_bytes) {
    close();
    return false;
  }
  if (!holding_) waiting_event_bytes_ += line.size() + 1;
  (holding_ ? held_ : waiting_).append(line).append(1, '\n');
  write_waiting();
  return true;
}

void socket_client::hold_events(bool follows) {
  follows_ = follows_ || follows;
  holding_ = true;
}

void socket_client::arm(asio::steady_timer& timer, std::chrono::milliseconds deadline) {
  timer.expires_after(deadline);
  timer.async_wait([self = shared_from_this()](error_code failure) {
    if (!failure) self->close();
  });
}

void socket_client::read() {
  if (awaited_ && pending_.empty()) arm(request_timer_, setup_.request_deadline);
  connection_.async_read_some(asio::buffer(chunk_),
                              [self = shared_from_this()](error_code failure, std::size_t count) {
                                if (failure == asio::error::eof)
                                  self->on_end();
                                else if (failure)
                                  self->close();
                                else
                                  self->on_bytes(count);
                              });
}

void socket_client::on_bytes(std::size_t count) {
  // The time for a request runs from its first byte; more bytes do not prolong it.
  if (pending_.empty()) arm(request_timer_, setup_.request_deadline);
  pending_.append(chunk_.data(), count);
  answer_next();
}

// A last request may come without its newline.
void socket_client::on_end() {
  ended_ = true;
  answer_next();
}

void socket_client::answer_next() {
  for (;;) {
    const std::size_t end = pending_.find('\n', searched_bytes_);
    if (std::min(end, pending_.size()) > setup_.max_request_bytes)
      return answer_with(refusal("Request too large"), after::hang_up);
    if (end == std::string::npos && (!ended_ || pending_.empty())) {
      searched_bytes_ = pending_.size();
      return ended_ ? close() : read();
    }
    const std::string request = pending_.substr(0, end);
    pending_.erase(0, end == std::string::npos ? end : end + 1);
    searched_bytes_ = 0;
    request_timer_.cancel();
    if (!pending_.empty()) arm(request_timer_, setup_.request_deadline);
    if (request.find_first_not_of(" \t\r") == std::string::npos) continue;
    answering_ = asking_ = true;
    answer_(
        request, [self = shared_from_this()](bool follows) { self->hold_events(follows); },
        [self = shared_from_this()](const reply& answer) { self->on_answer(answer); });
    asking_ = false;
    if (answering_) return;
  }
}

void socket_client::on_answer(const reply& answer) {
  follows_ = follows_ || answer.follows;
  if (answer.text) return answer_with(*answer.text, after::read_on);
  answering_ = false;
  let_go();
  write_waiting();
  if (asking_) return; // answer_next goes on
  if (!pending_.empty()) arm(request_timer_, setup_.request_deadline);
  answer_next();
}

void socket_client::answer_with(std::string_view text, after then) {
  answering_ = answered_ = true;
  then_ = then;
  request_timer_.cancel();
  waiting_.append(text).append(1, '\n');
  let_go();
  write_waiting();
}

void socket_client::let_go() {
  holding_ = false;
  waiting_event_bytes_ += held_.size();
  waiting_ += std::exchange(held_, {});
}

void socket_client::write_waiting() {
  if (!writing_.empty() || waiting_.empty()) return;
  writing_ = std::exchange(waiting_, {});
  waiting_event_bytes_ = 0;
  arm(answer_timer_, setup_.answer_deadline);
  asio::async_write(connection_, asio::buffer(writing_),
                    [self = shared_from_this()](error_code failure, std::size_t) {
                      if (failure) return self->close();
                      self->on_written();
                    });
}

void socket_client::on_written() {
  answer_timer_.cancel();
  writing_.clear();
  if (!waiting_.empty()) return write_waiting();
  // Events alone were written: nobody waited, or the answer is still to come.
  if (!std::exchange(answered_, false)) return;
  answering_ = false;
  if (then_ == after::hang_up) return close();
  if (!pending_.empty()) arm(request_timer_, setup_.request_deadline);
  answer_next();
}

} // namespace linehunt::admin
