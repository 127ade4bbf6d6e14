// SPDX-License-Identifier: Apache-2.0
#include "dataplane/dpdk/xdp_sockets.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <linux/if_xdp.h>
#include <string>
#include <sys/socket.h>
#include <system_error>

namespace linehunt::dpdk {

std::vector<int> open_xdp_sockets() {
  std::vector<int> found;
  std::error_code unreadable;
  for (std::filesystem::directory_iterator at("/proc/self/fd", unreadable), end;
       !unreadable && at != end; at.increment(unreadable)) {
    const std::string name = at->path().filename();
    int file = -1, family = 0;
    socklen_t bytes = sizeof family;
    if (std::from_chars(name.data(), name.data() + name.size(), file).ec == std::errc{} &&
        ::getsockopt(file, SOL_SOCKET, SO_DOMAIN, &family, &bytes) == 0 && family == AF_XDP)
      found.push_back(file);
  }
  std::ranges::sort(found);
  return found;
}

xdp_drops dropped_by_kernel(const std::vector<int>& sockets) noexcept {
  xdp_drops sum;
  for (const int socket : sockets) {
    xdp_statistics counted{};
    socklen_t bytes = sizeof counted;
    if (::getsockopt(socket, SOL_XDP, XDP_STATISTICS, &counted, &bytes) != 0) continue;
    sum.rx_ring_full += counted.rx_ring_full;
    sum.no_buffer += counted.rx_dropped;
  }
  return sum;
}

} // namespace linehunt::dpdk
