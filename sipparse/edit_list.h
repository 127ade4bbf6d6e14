// SPDX-License-Identifier: Apache-2.0
// The edit list: what changes in a message on its way through, as insertions, replacements and
// removals at offsets of the received bytes. Inserted text is kept in the list's own small arena,
// so a list outlives the pieces it was made of. Fixed size, never allocates.
#pragma once

#include "sipparse/message_view.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace linehunt::sip {

inline constexpr std::size_t max_edits = 16;
inline constexpr std::size_t max_edit_text_bytes = 2048;

struct edit {
  std::uint16_t off = 0;      // where, in the bytes as received
  std::uint16_t removed = 0;  // bytes taken away from there
  std::uint16_t text_off = 0; // what stands there instead, in the arena
  std::uint16_t text_len = 0;
};

class edit_list {
 public:
  // Edits may be added in any order and must not overlap; at one offset insertions keep the order
  // in which they were added and stand before a removal. False: full, or overlapping; the list is
  // then unusable and `valid` says so.
  bool insert(std::uint32_t off, std::string_view text) noexcept {
    return replace(slice{static_cast<std::uint16_t>(off), 0}, text);
  }
  bool remove(slice what) noexcept { return replace(what, std::string_view{}); }
  bool replace(slice what, std::string_view text) noexcept;
  // The text is given in pieces, to be put together without a buffer of the caller's.
  bool replace(slice what, std::span<const std::string_view> pieces) noexcept;

  void clear() noexcept;
  [[nodiscard]] bool valid() const noexcept { return valid_; }
  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
  // By rising offset.
  [[nodiscard]] std::span<const edit> edits() const noexcept { return {edits_.data(), count_}; }
  [[nodiscard]] std::string_view text_of(const edit& e) const noexcept {
    return {arena_.data() + e.text_off, e.text_len};
  }
  // Bytes that the message grows by; negative where it shrinks.
  [[nodiscard]] std::int32_t growth_bytes() const noexcept { return growth_; }

  // Gathers the edited message into `out`. Returns its length, or 0 where it does not fit.
  [[nodiscard]] std::size_t apply_to(std::string_view original, std::span<char> out) const noexcept;

  // Edits in place by moving the shorter side. `message` lies inside `room` (head- and tailroom
  // around it). Returns where the edited message lies, empty where the room does not suffice; then
  // nothing has changed.
  [[nodiscard]] std::span<char> apply_in_place(std::span<char> room,
                                               std::span<char> message) const noexcept;

 private:
  // Takes note of an edit. Returns where its text goes; nullptr where there is nothing to do, or
  // the list has become unusable.
  char* add(slice what, std::size_t text_len) noexcept;
  // Where the edit goes that belongs before the last one; what stands there has moved up. False:
  // they overlap.
  bool make_place(slice what, std::size_t& index) noexcept;

  std::array<edit, max_edits> edits_;
  std::array<char, max_edit_text_bytes> arena_;
  std::uint16_t count_ = 0;
  std::uint16_t arena_used_ = 0;
  std::int32_t growth_ = 0;
  bool valid_ = true;
};

} // namespace linehunt::sip
