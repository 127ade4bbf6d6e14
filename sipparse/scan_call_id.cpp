// SPDX-License-Identifier: Apache-2.0
// The Call-ID alone, for the worker that only has to know whose datagram it is. Looks at the lines
// that begin with c or i and at nothing else.
#include "sipparse/header_name.h"
#include "sipparse/header_value.h"
#include "sipparse/kernels/kernel.h"
#include "sipparse/scan.h"

namespace linehunt::sip {
namespace {

// The value of the header whose colon is at `colon`, as scan would give it. Empty where its line,
// folds included, does not end in this datagram.
std::string_view value_behind(std::string_view datagram, std::uint32_t colon) noexcept {
  const char* const base = datagram.data();
  bool folded = false;
  for (std::size_t end = colon + 1;; folded = true) {
    end = datagram.find('\n', end);
    if (end == datagram.npos) return {};
    ++end;
    if (end < datagram.size() && is_wsp(base[end])) continue;
    const slice value = trimmed_value(base, colon, static_cast<std::uint32_t>(end), folded);
    return {base + value.off, value.len};
  }
}

} // namespace

std::string_view find_call_id(std::string_view datagram) noexcept {
  if (datagram.size() > max_message_bytes) return {};
  const char* const base = datagram.data();
  const auto len = static_cast<std::uint32_t>(datagram.size());
  kernels::start_cursor cursor;
  // RFC 3261 7.5: empty lines before the start line are not the end of the headers.
  while (cursor.next < len && (base[cursor.next] == '\r' || base[cursor.next] == '\n'))
    ++cursor.next;

  const auto& kernel = kernels::current();
  for (;;) {
    const std::uint32_t at = kernel.find_candidate(base, len, cursor);
    if (at == len || base[at] == '\n' || (base[at] == '\r' && at + 1 < len && base[at + 1] == '\n'))
      return {};
    // "i" and "Call-ID", then optional white space, then the colon.
    const std::uint32_t name_len = (base[at] | 0x20) == 'i' ? 1 : 7;
    if (at + name_len >= len || base[at] == '\r') continue;
    std::uint32_t colon = at + name_len;
    while (colon < len && is_wsp(base[colon]))
      ++colon;
    if (colon == len || base[colon] != ':') continue;
    if (header_name::classify(base + at, name_len) == header_id::call_id)
      return value_behind(datagram, colon);
  }
}

} // namespace linehunt::sip
