// SPDX-License-Identifier: Apache-2.0
// See socket_file.h.
#include "control/admin/socket_file.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace linehunt::admin {
namespace {

// Whether another process answers on the socket or reads the FIFO. Only what surely is left over
// counts as that.
bool somebody_answers(const std::string& path, file_kind kind) {
  if (kind == file_kind::fifo) {
    const int fifo = ::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    if (fifo >= 0) ::close(fifo);
    return fifo >= 0 || errno != ENXIO;
  }
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  const int type = kind == file_kind::stream_socket ? SOCK_STREAM : SOCK_DGRAM;
  const int probe = ::socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const void* any = &address;
  const bool refused = ::connect(probe, static_cast<const sockaddr*>(any), sizeof address) != 0 &&
                       errno == ECONNREFUSED;
  ::close(probe);
  return !refused;
}

} // namespace

std::string clear_way(const std::string& title, const std::string& path, file_kind kind) {
  std::error_code failure;
  const std::filesystem::path parent = std::filesystem::path(path).parent_path();
  if (!parent.empty() && !std::filesystem::exists(parent, failure)) {
    std::filesystem::create_directory(parent, failure);
    if (failure)
      return fmt::format("{}: folder {} cannot be made: {}; make it or name another path in "
                         "[admin]",
                         title, parent.string(), failure.message());
  }
  struct stat found {};
  if (::lstat(path.c_str(), &found) != 0) return {};
  const bool fits = kind == file_kind::fifo ? S_ISFIFO(found.st_mode) : S_ISSOCK(found.st_mode);
  if (!fits)
    return fmt::format("{}: a file that is no {} stands there; name another path in [admin]", title,
                       kind == file_kind::fifo ? "FIFO" : "socket");
  if (somebody_answers(path, kind))
    return fmt::format("{}: another linehunt answers on it; stop that one or name another path in "
                       "[admin]",
                       title);
  if (::unlink(path.c_str()) != 0)
    return fmt::format("{}: the old one cannot be removed: {}; remove it by hand", title,
                       std::strerror(errno));
  return {};
}

} // namespace linehunt::admin
