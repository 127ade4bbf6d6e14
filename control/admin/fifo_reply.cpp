// SPDX-License-Identifier: Apache-2.0
// See fifo_reply.h.
#include "control/admin/fifo_reply.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace linehunt::admin {

namespace asio = boost::asio;
using error_code = boost::system::error_code;

namespace {

constexpr std::chrono::milliseconds retry_interval{5};

// A FIFO of the same user or root: those who may write to the request FIFO. Whatever else stands
// under that name is not written to.
bool is_trusted(int file) {
  struct stat found {};
  return ::fstat(file, &found) == 0 && S_ISFIFO(found.st_mode) &&
         (found.st_uid == 0 || found.st_uid == ::geteuid());
}

} // namespace

fifo_reply::fifo_reply(const asio::any_io_executor& loop, std::string path, std::string line,
                       std::function<void(bool taken)> on_end)
    : fifo_(loop), retry_timer_(loop), deadline_timer_(loop), path_(std::move(path)),
      line_(std::move(line)), on_end_(std::move(on_end)) {}

void fifo_reply::start(std::chrono::milliseconds deadline) {
  deadline_timer_.expires_after(deadline);
  deadline_timer_.async_wait([self = shared_from_this()](error_code stopped) {
    if (!stopped) self->end(false);
  });
  try_open();
}

void fifo_reply::close() {
  on_end_ = nullptr;
  end(false);
}

void fifo_reply::try_open() {
  const int fifo = ::open(path_.c_str(), O_WRONLY | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC);
  if (fifo >= 0) return write(fifo);
  if (errno != ENXIO) return end(false); // ENXIO: nobody reads yet
  retry_timer_.expires_after(retry_interval);
  retry_timer_.async_wait([self = shared_from_this()](error_code stopped) {
    if (!stopped) self->try_open();
  });
}

void fifo_reply::write(int fifo) {
  if (!is_trusted(fifo)) {
    ::close(fifo);
    return end(false);
  }
  error_code failure;
  fifo_.assign(fifo, failure);
  if (failure) {
    ::close(fifo);
    return end(false);
  }
  asio::async_write(
      fifo_, asio::buffer(line_),
      [self = shared_from_this()](error_code broken, std::size_t) { self->end(!broken); });
}

void fifo_reply::end(bool taken) {
  error_code ignored;
  retry_timer_.cancel();
  deadline_timer_.cancel();
  fifo_.close(ignored);
  if (const auto on_end = std::exchange(on_end_, nullptr)) on_end(taken);
}

} // namespace linehunt::admin
