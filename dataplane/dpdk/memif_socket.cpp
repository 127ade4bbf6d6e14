// SPDX-License-Identifier: Apache-2.0
#include "dataplane/dpdk/memif_socket.h"

#include "dataplane/dpdk/device_check.h"

#include <cerrno>
#include <string>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace linehunt::dpdk {

namespace {

bool listens(std::string_view device) {
  const std::string role = device_argument(device, "role");
  return device.starts_with("net_memif") && (role == "server" || role == "master");
}

// Asked with a socket of another type: nobody who listens gets a connection, which the driver does
// not bear being closed at once; the kernel says "refused" only where no socket has that file.
// False as well where that cannot be told.
bool is_refused(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return false;
  path.copy(address.sun_path, path.size());
  const int probe = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (probe < 0) return false;
  const auto* const at = static_cast<const sockaddr*>(static_cast<const void*>(&address));
  const bool refused = ::connect(probe, at, sizeof address) != 0 && errno == ECONNREFUSED;
  ::close(probe);
  return refused;
}

} // namespace

void remove_left_memif_socket(std::string_view device) {
  if (!listens(device) || device_argument(device, "socket-abstract") != "no") return;
  std::string path = device_argument(device, "socket");
  if (path.empty()) path = "/run/memif.sock"; // the driver's
  struct stat found {};
  if (::lstat(path.c_str(), &found) == 0 && S_ISSOCK(found.st_mode) && is_refused(path))
    (void)::unlink(path.c_str());
}

} // namespace linehunt::dpdk
