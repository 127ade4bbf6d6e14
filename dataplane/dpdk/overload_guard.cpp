// SPDX-License-Identifier: Apache-2.0
#include "dataplane/dpdk/overload_guard.h"

#include "sipparse/scan.h"

#include <cstddef>

namespace linehunt::dpdk {

namespace {

// A parameter or anything that looks like one: whoever has it is not let go.
bool has_tag(std::string_view to) noexcept {
  const auto is_space = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
  for (std::size_t at = to.find('='); at != to.npos; at = to.find('=', at + 1)) {
    std::size_t end = at;
    while (end > 0 && is_space(to[end - 1])) // also of a fold
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
  // Where the bytes end with its line, a fold with the tag may follow in the next segment; and an
  // empty fold, which is none of the value, with another one behind it.
  const std::size_t line_end = datagram.find('\n', to.data() + to.size() - datagram.data());
  if (line_end == datagram.npos || line_end + 1 >= datagram.size()) return false;
  const char behind = datagram[line_end + 1];
  return behind != ' ' && behind != '\t';
}

} // namespace linehunt::dpdk
