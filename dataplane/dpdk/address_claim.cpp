// SPDX-License-Identifier: Apache-2.0
#include "dataplane/dpdk/address_claim.h"

#include "dataplane/dpdk/device_check.h"
#include "dataplane/dpdk/umem.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <fstream>
#include <net/if.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>
#include <utility>

namespace linehunt::dpdk {

namespace {

// Who asks whose a claim is stays in the queue of its socket until it is let go.
constexpr int most_askers = 4096;
constexpr int let_go_at_once = 64; // so that nobody keeps us busy by asking

struct abstract_name {
  explicit abstract_name(const std::string& name) {
    at.sun_family = AF_UNIX;
    const std::size_t size = name.copy(at.sun_path + 1, sizeof at.sun_path - 1);
    len = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + size);
  }
  [[nodiscard]] const sockaddr* address() const {
    return static_cast<const sockaddr*>(static_cast<const void*>(&at));
  }
  sockaddr_un at{};
  socklen_t len = 0;
};

int stream_socket() {
  return ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

// Who listens there. Another linehunt does so right after it has taken the name.
std::optional<ucred> holder_of(const abstract_name& name, int tries = 1) {
  for (; tries > 0; --tries) {
    const int asking = stream_socket();
    if (asking < 0) return std::nullopt;
    ucred who{};
    socklen_t len = sizeof who;
    const bool known = ::connect(asking, name.address(), name.len) == 0 &&
                       ::getsockopt(asking, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0;
    ::close(asking);
    if (known) return who;
    if (tries > 1) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return std::nullopt;
}

// ", process 4711 of user 0"; empty where that cannot be known.
std::string told(const std::optional<ucred>& who) {
  if (!who || who->pid == 0) return {}; // 0: of another container
  return ", process " + std::to_string(who->pid) + " of user " + std::to_string(who->uid);
}

// Whoever may open ports is root, or has been given our rights. All others may take names, too, and
// must not keep us from starting by that.
bool is_linehunt(const std::optional<ucred>& who) {
  return who && (who->uid == 0 || who->uid == ::geteuid());
}

error belongs_to(const std::optional<ucred>& who, const port_setup& port,
                 const std::string& subject, std::string_view kind) {
  return error{"port '" + port.name + "': " + subject + " belongs to another linehunt that runs" +
               told(who) + "; end that one, or give this one an " + std::string{kind} +
               " of its own"};
}

// Names of the network namespace that begin so; none where the kernel does not show them.
std::vector<std::string> names_that_begin(const std::string& begin) {
  std::vector<std::string> all;
  std::ifstream sockets("/proc/net/unix");
  for (std::string line; std::getline(sockets, line);)
    if (const auto at = line.find(" @" + begin); at != std::string::npos)
      all.push_back(line.substr(at + 2));
  return all;
}

} // namespace

address_claims::~address_claims() {
  for (const int each : sockets_)
    ::close(each);
}

address_claims::address_claims(address_claims&& other) noexcept
    : sockets_(std::exchange(other.sockets_, {})), unguarded_(std::move(other.unguarded_)) {}

address_claims& address_claims::operator=(address_claims&& other) noexcept {
  std::swap(sockets_, other.sockets_);
  std::swap(unguarded_, other.unguarded_);
  return *this;
}

tl::expected<address_claims, error> address_claims::make(const std::vector<port_setup>& ports) {
  address_claims all;
  std::vector<std::string> ours;
  for (const port_setup& port : ports) {
    if (!is_of_interface(port.device)) continue;
    const std::string interface = device_argument(port.device, "iface");
    const unsigned number = if_nametoindex(interface.c_str());
    if (number == 0) continue; // opening it says so
    // By its number, which outlives another name.
    const std::string place = "linehunt/" + std::to_string(number) + '/';
    const std::string named = "interface '" + interface + "'";
    for (const port_address& address : port.addresses) {
      const std::string text{std::string_view{to_text(address.ip)}};
      ours.push_back(place + std::to_string(port.vlan) + '/' + text);
      if (auto taken = all.add(port, ours.back(), text + " on " + named, "address"))
        return tl::unexpected(std::move(*taken));
    }
    const std::string alone = place + "af_xdp", subject = named + ", which af_xdp needs alone,";
    const bool with_xdp = is_af_xdp(port.device);
    // Of ours it may have several ports.
    if (with_xdp && std::ranges::find(ours, alone) == ours.end()) {
      ours.push_back(alone);
      if (auto taken = all.add(port, alone, subject, "interface"))
        return tl::unexpected(std::move(*taken));
    }
    for (const std::string& name : names_that_begin(with_xdp ? place : alone)) {
      if (std::ranges::find(ours, name) != ours.end()) continue;
      const auto who = holder_of(abstract_name(name));
      if (is_linehunt(who) && who->pid != ::getpid())
        return tl::unexpected(belongs_to(who, port, subject, "interface"));
    }
  }
  return all;
}

void address_claims::let_askers_go() const noexcept {
  for (const int claim : sockets_)
    for (int i = 0; i < let_go_at_once; ++i) {
      const int asker = ::accept4(claim, nullptr, nullptr, SOCK_CLOEXEC);
      if (asker < 0) break;
      ::close(asker);
    }
}

std::optional<error> address_claims::add(const port_setup& port, const std::string& what,
                                         const std::string& subject, std::string_view kind) {
  const abstract_name name(what);
  const int claim = stream_socket();
  if (claim >= 0) {
    sockets_.push_back(claim);
    if (::bind(claim, name.address(), name.len) == 0 && ::listen(claim, most_askers) == 0)
      return std::nullopt;
  }
  const int cause = errno;
  if (cause != EADDRINUSE)
    return error{"port '" + port.name + "': cannot open a socket: " + std::strerror(cause) +
                 (cause == EMFILE ? "; raise LimitNOFILE= of the unit, or `ulimit -n`" : "")};
  const auto who = holder_of(name, 3);
  if (is_linehunt(who)) return belongs_to(who, port, subject, kind);
  unguarded_.push_back(
      "port '" + port.name + "': something that is no linehunt" + told(who) + ", has the name '@" +
      what + "', by which two linehunts with " + subject +
      " notice each other; look for it with `ss -xap`, end it, and restart linehunt");
  return std::nullopt;
}

} // namespace linehunt::dpdk
