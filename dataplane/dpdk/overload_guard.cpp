// SPDX-License-Identifier: Apache-2.0
#include "dataplane/dpdk/overload_guard.h"

#include <cstddef>

namespace linehunt::dpdk {

namespace {

// The line of the To that begins at `at`: "To" or "t", then white space and the colon.
bool names_to(std::string_view datagram, std::size_t at) noexcept {
  if ((datagram[at] | 0x20) != 't') return false;
  ++at;
  if (at < datagram.size() && (datagram[at] | 0x20) == 'o') ++at;
  while (at < datagram.size() && (datagram[at] == ' ' || datagram[at] == '\t'))
    ++at;
  return at < datagram.size() && datagram[at] == ':';
}

// A parameter or anything that looks like one: whoever has it is not let go.
bool has_tag(std::string_view line) noexcept {
  for (std::size_t at = line.find('='); at != line.npos; at = line.find('=', at + 1)) {
    std::size_t end = at;
    while (end > 0 && (line[end - 1] == ' ' || line[end - 1] == '\t'))
      --end;
    if (end >= 3 && (line[end - 3] | 0x20) == 't' && (line[end - 2] | 0x20) == 'a' &&
        (line[end - 1] | 0x20) == 'g')
      return true;
  }
  return false;
}

} // namespace

bool is_new_call(std::string_view datagram) noexcept {
  if (!datagram.starts_with("INVITE ")) return false;
  std::size_t end = datagram.find('\n');
  while (end != datagram.npos && end + 1 < datagram.size()) {
    const std::size_t begin = end + 1;
    end = datagram.find('\n', begin);
    if (datagram[begin] == '\r' || datagram[begin] == '\n') return false; // no To
    if (!names_to(datagram, begin)) continue;
    // A folded To may have its tag further down.
    if (end == datagram.npos || end + 1 == datagram.size() || datagram[end + 1] == ' ' ||
        datagram[end + 1] == '\t')
      return false;
    return !has_tag(datagram.substr(begin, end - begin));
  }
  return false;
}

} // namespace linehunt::dpdk
