// SPDX-License-Identifier: Apache-2.0
// A text with fields of fixed width: made once from a pattern, then written for each call as one
// copy and a few stores. Knows nothing of SIP.
//
//   "Call-ID: {call_id}@host"   ->   "Call-ID: 9f86d081884c7d65@host"
#pragma once

#include "tools/pktgen/identity.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace linehunt::pktgen {

// Sixteen lower-case hex digits.
void write_hex(std::uint64_t value, char* out) noexcept;
// False where one of the sixteen characters is no lower-case hex digit.
[[nodiscard]] bool read_hex(const char* text, std::uint64_t& out) noexcept;
// `width` decimal digits that vary with the value, 16 at most.
void write_digits(std::uint64_t value, unsigned width, char* out) noexcept;

class patched_text {
 public:
  patched_text() = default;
  // {call_id} {from_tag} {to_tag} {invite_branch} {ack_branch} {bye_branch} are 16 hex digits,
  // {caller} is 10 digits, {session} 10 others; a run of # is that many digits of whom is dialled.
  explicit patched_text(std::string_view pattern);

  [[nodiscard]] std::size_t size() const noexcept { return bytes_.size(); }
  // Writes size() bytes and returns what follows them.
  char* write(char* out, const identity& who) const noexcept;
  [[nodiscard]] std::string text(const identity& who) const;

 private:
  enum class field : std::uint8_t {
    call_id,
    from_tag,
    to_tag,
    invite_branch,
    ack_branch,
    bye_branch,
    caller,
    session,
    dialled,
  };
  struct patch {
    std::uint16_t offset;
    field what;
    std::uint8_t width;
  };
  std::string bytes_;
  std::vector<patch> patches_;
};

} // namespace linehunt::pktgen
