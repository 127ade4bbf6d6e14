// SPDX-License-Identifier: Apache-2.0
#include "dataplane/dpdk/overload_guard.h"

#include "sipparse/scan.h"

#include <cstddef>

namespace linehunt::dpdk {

namespace {

// A parameter or anything that looks like one: whoever has it is not let go.
bool has_tag(std::string_view to) noexcept {
  for (std::size_t at = to.find('='); at != to.npos; at = to.find('=', at + 1)) {
    std::size_t end = at;
    while (end > 0 && (to[end - 1] == ' ' || to[end - 1] == '\t'))
      --end;
    if (end >= 3 && (to[end - 3] | 0x20) == 't' && (to[end - 2] | 0x20) == 'a' &&
        (to[end - 1] | 0x20) == 'g')
      return true;
  }
  return false;
}

} // namespace

bool is_new_call(std::string_view datagram) noexcept {
  if (!datagram.starts_with("INVITE ")) return false;
  const std::string_view to = sip::find_to(datagram);
  if (to.empty() || has_tag(to)) return false;
  // Where the bytes end with its line, a fold with the tag may follow in the next segment.
  const std::size_t line_end = datagram.find('\n', to.data() + to.size() - datagram.data());
  return line_end != datagram.npos && line_end + 1 < datagram.size();
}

} // namespace linehunt::dpdk
