// SPDX-License-Identifier: Apache-2.0
// See fifo_server.h.
#include "control/admin/fifo_server.h"

#include "control/admin/fifo_framing.h"
#include "control/admin/fifo_reply.h"
#include "control/admin/socket_file.h"

#include <algorithm>
#include <array>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace linehunt::admin {

namespace asio = boost::asio;
using error_code = boost::system::error_code;

namespace {

// Without a writer the kernel reports the FIFO as hung up at every look, so it is read at
// intervals until one comes. To open it anew instead would lose who writes at that moment.
constexpr std::chrono::milliseconds writer_interval{20};
constexpr int reads_at_a_time = 4; // then it is the turn of others

} // namespace

struct fifo_server::state : std::enable_shared_from_this<state> {
  state(asio::io_context& loop, const fifo_setup& s)
      : setup(s), fifo(loop), writer_timer(loop), request_timer(loop),
        framing(s.max_request_bytes) {}

  void wait_for_bytes() {
    fifo.async_wait(asio::posix::stream_descriptor::wait_read,
                    [self = shared_from_this()](error_code failure) {
                      if (!failure) self->read();
                    });
  }

  void wait_for_writer() {
    writer_timer.expires_after(writer_interval);
    writer_timer.async_wait([self = shared_from_this()](error_code stopped) {
      if (!stopped) self->read();
    });
  }

  void read() {
    if (!fifo.is_open()) return;
    for (int i = 0; i < reads_at_a_time; ++i) {
      const ssize_t count = ::read(fifo.native_handle(), chunk.data(), chunk.size());
      if (count < 0) break;
      if (count == 0) {
        framing.end();
        take();
        return wait_for_writer();
      }
      const bool begins = framing.idle();
      framing.feed({chunk.data(), static_cast<std::size_t>(count)});
      if (take() || begins) arm_request_timer();
    }
    wait_for_bytes();
  }

  // True if there was any request.
  bool take() {
    bool any = false;
    while (const auto one = framing.next()) {
      any = true;
      if (one->too_large)
        send(one->reply_name, refusal("Request too large"));
      else if (owed >= setup.max_replies)
        send(one->reply_name, refusal("Too many requests"));
      else
        answer(*one);
    }
    if (framing.idle()) request_timer.cancel();
    return any;
  }

  // What is begun must end in time; more bytes do not prolong it.
  void arm_request_timer() {
    if (framing.idle()) return;
    request_timer.expires_after(setup.request_deadline);
    request_timer.async_wait([self = shared_from_this()](error_code stopped) {
      // It may have run out just when the next request began.
      const bool due = self->request_timer.expiry() <= asio::steady_timer::clock_type::now();
      if (!stopped && due && self->framing.give_up()) ++self->given_up;
    });
  }

  void answer(const fifo_request& request) {
    ++owed;
    answering_(request.body,
               [self = shared_from_this(), name = request.reply_name](const reply& given) {
                 --self->owed;
                 if (given.text) self->send(name, *given.text);
               });
  }

  void send(const std::string& name, const std::string& answer) {
    if (name.empty() || !fifo.is_open()) return;
    std::erase_if(replies, [](const auto& one) { return one.expired(); });
    if (replies.size() >= setup.max_replies) {
      ++dropped;
      return;
    }
    auto one = std::make_shared<fifo_reply>(
        fifo.get_executor(), (std::filesystem::path(setup.reply_dir) / name).string(),
        answer + '\n', [self = shared_from_this()](bool taken) {
          if (!taken) ++self->dropped;
        });
    replies.push_back(one);
    one->start(setup.reply_deadline);
  }

  fifo_setup setup;
  asio::posix::stream_descriptor fifo;
  asio::steady_timer writer_timer, request_timer;
  std::array<char, 16384> chunk;
  fifo_framing framing;
  std::vector<std::weak_ptr<fifo_reply>> replies;
  answering answering_;
  std::uint32_t owed = 0; // answers that take their time
  std::uint64_t given_up = 0, dropped = 0;
};

tl::expected<std::unique_ptr<fifo_server>, std::string> fifo_server::open(asio::io_context& loop,
                                                                          const fifo_setup& setup) {
  const std::string title = "admin fifo " + setup.path;
  std::error_code unknown;
  if (!std::filesystem::is_directory(setup.reply_dir, unknown))
    return tl::unexpected(fmt::format("admin fifo_reply_dir {}: there is no such folder; make it "
                                      "or name another in [admin]",
                                      setup.reply_dir));
  if (std::string fault = clear_way(title, setup.path, file_kind::fifo); !fault.empty())
    return tl::unexpected(fault);
  const auto fails = [&] {
    return tl::unexpected(
        fmt::format("{}: {}; name another path in [admin]", title, std::strerror(errno)));
  };
  if (::mkfifo(setup.path.c_str(), 0600) != 0) return fails();
  const int file = ::open(setup.path.c_str(), O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
  if (file < 0) return fails();
  auto s = std::make_shared<state>(loop, setup);
  s->fifo.assign(file);
  // A client that goes away while it is answered must not end us.
  std::signal(SIGPIPE, SIG_IGN);
  return std::unique_ptr<fifo_server>(new fifo_server(std::move(s)));
}

fifo_server::fifo_server(std::shared_ptr<state> s) : state_(std::move(s)) {}

fifo_server::~fifo_server() {
  error_code ignored;
  state_->writer_timer.cancel();
  state_->request_timer.cancel();
  state_->fifo.close(ignored);
  ::unlink(state_->setup.path.c_str());
  for (const auto& weak : state_->replies)
    if (const auto one = weak.lock()) one->close();
}

void fifo_server::serve(answering answer) {
  state_->answering_ = std::move(answer);
  state_->read();
}

std::uint64_t fifo_server::refused() const noexcept {
  return state_->framing.refused() + state_->given_up;
}

std::uint64_t fifo_server::dropped() const noexcept {
  return state_->dropped;
}

} // namespace linehunt::admin
