// SPDX-License-Identifier: Apache-2.0
#include "dataplane/dpdk/kernel_interface.h"

#include <bit>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <ifaddrs.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace linehunt::dpdk {
namespace {

// Any socket will do to ask.
class interface_query {
 public:
  interface_query() noexcept : socket_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {}
  ~interface_query() {
    if (socket_ >= 0) ::close(socket_);
  }
  interface_query(const interface_query&) = delete;
  interface_query& operator=(const interface_query&) = delete;
  [[nodiscard]] bool possible() const noexcept { return socket_ >= 0; }
  [[nodiscard]] bool ask(unsigned long what) noexcept {
    return ::ioctl(socket_, what, &request) == 0;
  }

  ifreq request{};

 private:
  const int socket_;
};

} // namespace

int interface_mtu(const std::string& name) noexcept {
  interface_query mtu;
  name.copy(mtu.request.ifr_name, sizeof mtu.request.ifr_name - 1);
  return mtu.possible() && mtu.ask(SIOCGIFMTU) ? mtu.request.ifr_mtu : 0;
}

std::optional<kernel_address> kernel_address_of(const ip_address& address,
                                                const std::string& only_on) {
  ifaddrs* all = nullptr;
  if (::getifaddrs(&all) != 0) return std::nullopt;
  const int family = address.is_v6 ? AF_INET6 : AF_INET;
  const std::size_t at =
      address.is_v6 ? offsetof(sockaddr_in6, sin6_addr) : offsetof(sockaddr_in, sin_addr);
  const auto bytes_of = [at](const sockaddr* a) {
    return static_cast<const std::uint8_t*>(static_cast<const void*>(a)) + at;
  };
  const unsigned only_index = ::if_nametoindex(only_on.c_str()); // it may be another name of it
  std::optional<kernel_address> found;
  for (const ifaddrs* one = all; one != nullptr && !found; one = one->ifa_next) {
    if (one->ifa_addr == nullptr || one->ifa_addr->sa_family != family) continue;
    if (std::memcmp(bytes_of(one->ifa_addr), address.bytes.data(), address.size_bytes()) != 0)
      continue;
    if (!only_on.empty() && ::if_nametoindex(one->ifa_name) != only_index) continue;
    found = {one->ifa_name, 0};
    for (unsigned i = 0; one->ifa_netmask != nullptr && i < address.size_bytes(); ++i)
      found->prefix_bits += static_cast<unsigned>(std::popcount(bytes_of(one->ifa_netmask)[i]));
  }
  ::freeifaddrs(all);
  return found;
}

rx_channels interface_rx_channels(const std::string& name) noexcept {
  interface_query query;
  ethtool_channels channels{};
  channels.cmd = ETHTOOL_GCHANNELS;
  name.copy(query.request.ifr_name, sizeof query.request.ifr_name - 1);
  query.request.ifr_data = static_cast<char*>(static_cast<void*>(&channels));
  if (!query.possible() || !query.ask(SIOCETHTOOL)) return {};
  return {channels.combined_count, channels.rx_count};
}

bool interface_is_up(unsigned index) noexcept {
  interface_query flags;
  if (!flags.possible()) return true;
  flags.request.ifr_ifindex = static_cast<int>(index);
  constexpr int up = IFF_UP | IFF_RUNNING;
  return flags.ask(SIOCGIFNAME) && flags.ask(SIOCGIFFLAGS) && (flags.request.ifr_flags & up) == up;
}

int packet_socket_refusal() noexcept {
  const int socket = ::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
  if (socket < 0) return errno;
  ::close(socket);
  return 0;
}

} // namespace linehunt::dpdk
