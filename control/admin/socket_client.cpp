// SPDX-License-Identifier: Apache-2.0
// One client of the admin socket.
#include "control/admin/socket_client.h"

#include "control/admin/dispatcher.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>

namespace linehunt::admin {

namespace asio = boost::asio;
using error_code = boost::system::error_code;

socket_client::socket_client(socket connection, const socket_setup& setup,
                             const socket_server::answering& answer)
    : connection_(std::move(connection)), deadline_(connection_.get_executor()), setup_(setup),
      answer_(answer) {}

void socket_client::start() {
  read();
}

void socket_client::close() {
  error_code ignored;
  deadline_.cancel();
  connection_.close(ignored);
}

void socket_client::refuse(std::string_view why) {
  write(refusal(why), true);
}

void socket_client::arm(std::chrono::milliseconds deadline) {
  deadline_.expires_after(deadline);
  deadline_.async_wait([self = shared_from_this()](error_code failure) {
    if (!failure) self->close();
  });
}

void socket_client::read() {
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
  if (pending_.empty()) arm(setup_.request_deadline);
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
      return write(refusal("Request too large"), true);
    if (end == std::string::npos && (!ended_ || pending_.empty())) {
      searched_bytes_ = pending_.size();
      return ended_ ? close() : read();
    }
    const std::string request = pending_.substr(0, end);
    pending_.erase(0, end == std::string::npos ? end : end + 1);
    searched_bytes_ = 0;
    if (request.find_first_not_of(" \t\r") == std::string::npos) continue;
    if (auto answer = answer_(request)) return write(std::move(*answer), false);
  }
}

void socket_client::write(std::string answer, bool then_close) {
  answer_text_ = std::move(answer);
  answer_text_ += '\n';
  arm(setup_.answer_deadline);
  asio::async_write(connection_, asio::buffer(answer_text_),
                    [self = shared_from_this(), then_close](error_code failure, std::size_t) {
                      self->deadline_.cancel();
                      if (failure || then_close) return self->close();
                      if (!self->pending_.empty()) self->arm(self->setup_.request_deadline);
                      self->answer_next();
                    });
}

} // namespace linehunt::admin
