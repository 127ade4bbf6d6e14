// SPDX-License-Identifier: Apache-2.0
// See datagram_server.h.
#include "control/admin/datagram_server.h"

#include "control/admin/socket_file.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/local/datagram_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace linehunt::admin {

namespace asio = boost::asio;
using datagram = asio::local::datagram_protocol;
using error_code = boost::system::error_code;

namespace {

// What the kernel lets through at once; it takes the most that it allows.
constexpr int wanted_buffer_bytes = 4 << 20;

} // namespace

struct datagram_server::state : std::enable_shared_from_this<state> {
  // One byte more than allowed, so that what is too long is seen to be.
  state(asio::io_context& loop, const datagram_setup& s)
      : setup(s), socket(loop), pause(loop), chunk(std::size_t{s.max_request_bytes} + 1) {}

  void receive() {
    socket.async_receive_from(asio::buffer(chunk), sender,
                              [self = shared_from_this()](error_code failure, std::size_t count) {
                                if (failure == asio::error::operation_aborted ||
                                    !self->socket.is_open())
                                  return;
                                if (!failure) {
                                  self->take({self->chunk.data(), count});
                                  return self->receive();
                                }
                                // Out of memory, say: a short rest instead of a busy loop.
                                self->pause.expires_after(std::chrono::milliseconds(100));
                                self->pause.async_wait([self](error_code stopped) {
                                  if (!stopped) self->receive();
                                });
                              });
  }

  void take(std::string_view request) {
    if (request.size() > setup.max_request_bytes) return send(refusal("Request too large"), sender);
    if (open >= setup.max_open) return send(refusal("Too many requests"), sender);
    ++open;
    answering_(request, [self = shared_from_this(), to = sender](const reply& answer) {
      --self->open;
      if (answer.text) self->send(*answer.text, to);
    });
  }

  void send(std::string_view answer, const datagram::endpoint& to) {
    if (to.path().empty()) return; // bound to nothing
    error_code failure;
    socket.send_to(asio::buffer(answer), to, 0, failure);
    if (failure == asio::error::message_size)
      socket.send_to(asio::buffer(refusal("The answer is too large for a datagram")), to, 0,
                     failure);
    if (failure) ++dropped;
  }

  datagram_setup setup;
  datagram::socket socket;
  asio::steady_timer pause;
  datagram::endpoint sender;
  std::vector<char> chunk;
  answering answering_;
  std::uint32_t open = 0; // not answered yet
  std::uint64_t dropped = 0;
};

tl::expected<std::unique_ptr<datagram_server>, std::string>
datagram_server::open(asio::io_context& loop, const datagram_setup& setup) {
  const std::string title = "admin datagram " + setup.path;
  if (std::string fault = clear_way(title, setup.path, file_kind::datagram_socket); !fault.empty())
    return tl::unexpected(fault);
  auto s = std::make_shared<state>(loop, setup);
  error_code failure;
  s->socket.open(datagram(), failure);
  if (!failure) s->socket.non_blocking(true, failure);
  // No moment in which others may send: the file is made with its mode.
  const mode_t before = ::umask(0177);
  if (!failure) s->socket.bind(datagram::endpoint(setup.path), failure);
  ::umask(before);
  if (failure)
    return tl::unexpected(
        fmt::format("{}: {}; name another path in [admin]", title, failure.message()));
  error_code ignored; // then answers are shorter
  s->socket.set_option(datagram::socket::send_buffer_size(wanted_buffer_bytes), ignored);
  return std::unique_ptr<datagram_server>(new datagram_server(std::move(s)));
}

datagram_server::datagram_server(std::shared_ptr<state> s) : state_(std::move(s)) {}

datagram_server::~datagram_server() {
  error_code ignored;
  state_->pause.cancel();
  state_->socket.close(ignored);
  ::unlink(state_->setup.path.c_str());
}

void datagram_server::serve(answering answer) {
  state_->answering_ = std::move(answer);
  state_->receive();
}

std::uint64_t datagram_server::dropped() const noexcept {
  return state_->dropped;
}

} // namespace linehunt::admin
