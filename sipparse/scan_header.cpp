// SPDX-License-Identifier: Apache-2.0
// One header alone, for the worker that only has to know whose datagram it is, or whether it is of
// a call at all. Looks at the lines that begin as that header does and at nothing else.
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

// The first header of that name; its names begin with different letters, or have one in common.
std::string_view find_header(std::string_view datagram, kernels::find_candidate_function* candidate,
                             header_id id, char compact, std::uint32_t long_len) noexcept {
  if (datagram.size() > max_message_bytes) return {};
  const char* const base = datagram.data();
  const auto len = static_cast<std::uint32_t>(datagram.size());
  kernels::start_cursor cursor;
  // RFC 3261 7.5: empty lines before the start line are not the end of the headers.
  while (cursor.next < len && (base[cursor.next] == '\r' || base[cursor.next] == '\n'))
    ++cursor.next;

  // The colon behind a name of that length, and white space; `len` where it is none.
  const auto colon_behind = [&](std::uint32_t at, std::uint32_t name_len) {
    std::uint32_t colon = at + name_len;
    while (colon < len && is_wsp(base[colon]))
      ++colon;
    return colon < len && base[colon] == ':' ? colon : len;
  };
  for (;;) {
    const std::uint32_t at = candidate(base, len, cursor);
    if (at == len || base[at] == '\n' || (base[at] == '\r' && at + 1 < len && base[at + 1] == '\n'))
      return {};
    if (base[at] == '\r') continue;
    std::uint32_t name_len = 1;
    std::uint32_t colon = (base[at] | 0x20) == compact ? colon_behind(at, 1) : len;
    if (colon == len) {
      name_len = long_len;
      colon = colon_behind(at, long_len);
    }
    if (colon != len && header_name::classify(base + at, name_len) == id)
      return value_behind(datagram, colon);
  }
}

} // namespace

std::string_view find_call_id(std::string_view datagram) noexcept {
  return find_header(datagram, kernels::current().find_call_id, header_id::call_id, 'i', 7);
}

std::string_view find_to(std::string_view datagram) noexcept {
  return find_header(datagram, kernels::current().find_to, header_id::to, 't', 2);
}

} // namespace linehunt::sip
