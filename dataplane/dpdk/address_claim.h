// SPDX-License-Identifier: Apache-2.0
// One linehunt for each address of an interface: two would both answer ARP for it, and both work on
// its packets. And one for each interface with af_xdp, which takes the frames of all others there:
// as a second one closes it, the driver takes the first one's program off. Each claim is a socket
// with a name in the abstract name space of Unix sockets, which belongs to the network namespace,
// as interfaces do; the kernel takes it back however the process ends. Of af_packet and af_xdp
// only, which let several open the same interface.
#pragma once

#include "dataplane/dpdk/runtime.h"

#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

namespace linehunt::dpdk {

class address_claims {
 public:
  address_claims() = default;
  ~address_claims();
  address_claims(address_claims&& other) noexcept;
  address_claims& operator=(address_claims&& other) noexcept;

  // All addresses of those ports; before any of them is opened. The error says who has one of them,
  // where that can be known.
  [[nodiscard]] static tl::expected<address_claims, error>
  make(const std::vector<port_setup>& ports);
  // Now and then while they are held: each start that was refused has left its question in the
  // queue of a claim, and none is heard any more once that is full.
  void let_askers_go() const noexcept;
  // A line for each name that was taken by somebody who is no linehunt, as any user may do.
  [[nodiscard]] const std::vector<std::string>& unguarded() const noexcept { return unguarded_; }

 private:
  // `what`: its name; `subject`: what an error calls it; `kind`: what another one needs.
  [[nodiscard]] std::optional<error> add(const port_setup& port, const std::string& what,
                                         const std::string& subject, std::string_view kind);

  std::vector<int> sockets_;
  std::vector<std::string> unguarded_;
};

} // namespace linehunt::dpdk
