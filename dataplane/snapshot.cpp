// SPDX-License-Identifier: Apache-2.0
// Look-ups over a published snapshot.
#include "dataplane/snapshot.h"

#include "sipparse/ascii_case.h"

#include <algorithm>

namespace linehunt {

const listener* snapshot::listener_for(const ip_address& ip, listener_index& index) const noexcept {
  // routes are sorted, longest prefix first.
  for (const route& r : routes) {
    if (r.listener >= listeners.size() || !r.net.contains(ip)) continue;
    index = r.listener;
    return &listeners[r.listener];
  }
  for (std::size_t i = 0; i < listeners.size(); ++i) {
    if (listeners[i].local.ip.is_v6 != ip.is_v6) continue;
    index = static_cast<listener_index>(i);
    return &listeners[i];
  }
  return nullptr;
}

bool snapshot::is_local(const endpoint& e) const noexcept {
  return std::any_of(listeners.begin(), listeners.end(),
                     [&](const listener& l) { return l.local == e || l.outside == e; });
}

bool snapshot::is_local(std::string_view name, std::uint16_t port) const noexcept {
  const auto same = [name](const std::string& ours) {
    return sip::equals_ignoring_case(ours, name);
  };
  return std::any_of(listeners.begin(), listeners.end(), [&](const listener& l) {
    return (l.outside ? l.outside->port : l.local.port) == port &&
           std::any_of(l.names.begin(), l.names.end(), same);
  });
}

void snapshot::index_sources() {
  sources_ = {};
  for (std::uint32_t i = 0; i < destinations.size(); ++i) {
    for (const endpoint& address : destinations[i].addresses)
      sources_.add(address, destinations[i].group, i);
  }
}

const destination* snapshot::destination_from(const endpoint& source,
                                              std::uint32_t group) const noexcept {
  const auto in_group = group == 0 ? std::nullopt : std::optional(group);
  const auto position = sources_.find(source, in_group);
  return position ? &destinations[*position] : nullptr;
}

const destination* snapshot::destination_in(std::uint32_t group,
                                            const endpoint& address) const noexcept {
  const auto position = sources_.find(address, group);
  return position ? &destinations[*position] : nullptr;
}

} // namespace linehunt
