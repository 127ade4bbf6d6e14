// SPDX-License-Identifier: Apache-2.0
// Collecting edits by rising offset, and applying them by gathering or in place. Knows nothing of
// SIP: it sees bytes and offsets only.
#include "sipparse/edit_list.h"

#include <algorithm>
#include <cstring>

namespace linehunt::sip {
namespace {

// std::memcpy and std::memmove want valid pointers even for no bytes; empty pieces may have none.
void copy_bytes(char* to, std::string_view from) noexcept {
  if (!from.empty()) std::memcpy(to, from.data(), from.size());
}

// What stays between two edits: segment i lies before edit i, the last one after all edits. Not
// cleared, since all that are read have been written.
struct segment {
  std::uint32_t off;
  std::uint32_t len;
  std::int32_t shift; // by how much it would move if the first byte of the message stayed
};

} // namespace

bool edit_list::replace(slice what, std::string_view text) noexcept {
  if (char* const to = add(what, text.size())) copy_bytes(to, text);
  return valid_;
}

bool edit_list::replace(slice what, std::span<const std::string_view> pieces) noexcept {
  std::size_t len = 0;
  for (const auto piece : pieces)
    len += piece.size();
  if (char* to = add(what, len)) {
    for (const auto piece : pieces) {
      copy_bytes(to, piece);
      to += piece.size();
    }
  }
  return valid_;
}

char* edit_list::add(slice what, std::size_t text_len) noexcept {
  if (!valid_ || count_ == max_edits || text_len > max_edit_text_bytes - arena_used_) {
    valid_ = false;
    return nullptr;
  }
  if (what.len == 0 && text_len == 0) return nullptr;

  std::size_t index = count_;
  // Most edits come by rising offset.
  if (index > 0) {
    const edit& last = edits_[index - 1];
    if (last.off + std::uint32_t{last.removed} > what.off && !make_place(what, index)) {
      valid_ = false;
      return nullptr;
    }
  }
  edits_[index] = {what.off, what.len, arena_used_, static_cast<std::uint16_t>(text_len)};
  char* const to = arena_.data() + arena_used_;
  arena_used_ = static_cast<std::uint16_t>(arena_used_ + text_len);
  ++count_;
  growth_ += static_cast<std::int32_t>(text_len) - what.len;
  return to;
}

[[gnu::noinline]] bool edit_list::make_place(slice what, std::size_t& index) noexcept {
  // The new edit goes behind every edit that begins before it and behind the insertions at the same
  // offset; an insertion goes before the removal at the same offset.
  const auto goes_behind = [&](const edit& e) {
    return e.off > what.off || (e.off == what.off && e.removed > 0);
  };
  for (; index > 0 && goes_behind(edits_[index - 1]); --index)
    edits_[index] = edits_[index - 1];
  if (index > 0) {
    const edit& before = edits_[index - 1];
    if (before.off + std::uint32_t{before.removed} > what.off) return false;
  }
  return index == count_ || what.end() <= edits_[index].off; // where the next one was
}

void edit_list::clear() noexcept {
  count_ = 0;
  arena_used_ = 0;
  growth_ = 0;
  valid_ = true;
}

std::size_t edit_list::apply_to(std::string_view original, std::span<char> out) const noexcept {
  if (!valid_) return 0;
  const auto len = static_cast<std::int64_t>(original.size()) + growth_;
  if (len < 0 || static_cast<std::size_t>(len) > out.size()) return 0;
  if (count_ > 0 &&
      edits_[count_ - 1].off + std::size_t{edits_[count_ - 1].removed} > original.size()) {
    return 0;
  }
  const char* read = original.data();
  char* write = out.data();
  for (const edit& e : edits()) {
    const std::string_view kept{read, original.data() + e.off};
    copy_bytes(write, kept);
    write += kept.size();
    copy_bytes(write, text_of(e));
    write += e.text_len;
    read += kept.size() + e.removed;
  }
  copy_bytes(write, {read, original.data() + original.size()});
  return static_cast<std::size_t>(len);
}

std::span<char> edit_list::apply_in_place(std::span<char> room,
                                          std::span<char> message) const noexcept {
  if (!valid_) return {};
  std::array<segment, max_edits + 1> segments;
  std::uint32_t read = 0;
  std::int32_t shift = 0;
  for (std::size_t i = 0; i < count_; ++i) {
    const edit& e = edits_[i];
    segments[i] = {read, e.off - read, shift};
    read = e.off + std::uint32_t{e.removed};
    shift += static_cast<std::int32_t>(e.text_len) - e.removed;
  }
  if (read > message.size()) return {};
  segments[count_] = {read, static_cast<std::uint32_t>(message.size()) - read, shift};

  // One segment stays where it is, and with it neighbours that are as far from the first byte as
  // before; what lies before it moves into the headroom, what lies behind it into the tailroom. Of
  // the segments whose choice leaves enough room, take the one with which most bytes stay.
  const std::ptrdiff_t headroom = message.data() - room.data();
  const std::ptrdiff_t tailroom = static_cast<std::ptrdiff_t>(room.size()) - headroom -
                                  static_cast<std::ptrdiff_t>(message.size());
  bool found = false;
  std::uint32_t most = 0;
  std::int32_t start_shift = 0; // of the first byte
  std::uint32_t staying = 0;
  for (std::size_t i = 0; i <= count_; ++i) {
    const segment& s = segments[i];
    staying = i > 0 && segments[i - 1].shift == s.shift ? staying + s.len : s.len;
    if (s.shift > headroom || growth_ - s.shift > tailroom) continue;
    if (!found || staying > most) {
      found = true;
      most = staying;
      start_shift = -s.shift;
    }
  }
  if (!found) return {};

  // Right-moving segments from the last to the first, then left-moving ones from the first to the
  // last: so no move writes over bytes that still have to move.
  char* const base = message.data();
  for (std::size_t i = count_ + 1u; i-- > 0;) {
    const segment& s = segments[i];
    const std::int32_t by = s.shift + start_shift;
    if (by > 0 && s.len > 0) std::memmove(base + s.off + by, base + s.off, s.len);
  }
  for (std::size_t i = 0; i <= count_; ++i) {
    const segment& s = segments[i];
    const std::int32_t by = s.shift + start_shift;
    if (by < 0 && s.len > 0) std::memmove(base + s.off + by, base + s.off, s.len);
  }
  for (std::size_t i = 0; i < count_; ++i) {
    const segment& s = segments[i];
    copy_bytes(base + std::ptrdiff_t{s.off} + s.len + s.shift + start_shift, text_of(edits_[i]));
  }
  return {base + start_shift,
          static_cast<std::size_t>(static_cast<std::ptrdiff_t>(message.size()) + growth_)};
}

} // namespace linehunt::sip
