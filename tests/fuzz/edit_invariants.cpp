// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/edit_invariants.h"

#include "sipparse/edit_list.h"

#include <algorithm>
#include <span>
#include <string>

namespace linehunt::sip {
namespace {

// Reads the end of the datagram as numbers, so that the fuzzer steers the edits.
class choices {
 public:
  explicit choices(std::string_view bytes) noexcept : left_(bytes) {}
  std::size_t below(std::size_t n) noexcept {
    std::size_t value = 0;
    for (int i = 0; i < 2 && !left_.empty(); ++i) {
      value = value << 8 | static_cast<unsigned char>(left_.back());
      left_.remove_suffix(1);
    }
    return value % n;
  }

 private:
  std::string_view left_;
};

bool in_place_agrees(const edit_list& edits, std::string_view datagram, std::string_view want,
                     std::size_t headroom, std::size_t tailroom) {
  std::string room = std::string(headroom, '.').append(datagram).append(tailroom, '.');
  const std::string before = room;
  const auto placed =
      edits.apply_in_place(room, std::span<char>{room}.subspan(headroom, datagram.size()));
  // Refused: nothing may have changed.
  if (placed.empty() && !want.empty()) return room == before;
  return std::string_view{placed.data(), placed.size()} == want;
}

} // namespace

bool edits_agree(std::string_view datagram) {
  choices choose{datagram};
  const std::size_t count = 1 + choose.below(6);
  edit_list edits;
  std::string want{datagram};
  // From the front to the back, so that the string needs only one running offset.
  std::size_t from = 0;
  for (std::size_t i = 0; i < count && from <= datagram.size(); ++i) {
    const std::size_t off = from + choose.below(datagram.size() - from + 1);
    const std::size_t removed = choose.below(std::min<std::size_t>(datagram.size() - off, 40) + 1);
    const auto text = datagram.substr(choose.below(datagram.size() + 1), choose.below(60));
    const auto at =
        static_cast<std::size_t>(static_cast<std::ptrdiff_t>(off) + edits.growth_bytes());
    want.replace(at, removed, text);
    const slice what{static_cast<std::uint16_t>(off), static_cast<std::uint16_t>(removed)};
    if (!edits.replace(what, text)) return false;
    from = off + removed + 1; // touching edits have an order of their own: the unit test's matter
  }
  std::string gathered(want.size(), '?');
  if (edits.apply_to(datagram, gathered) != want.size() || gathered != want) return false;
  return in_place_agrees(edits, datagram, want, 0, 400) &&
         in_place_agrees(edits, datagram, want, 400, 0) &&
         in_place_agrees(edits, datagram, want, choose.below(64), choose.below(64));
}

} // namespace linehunt::sip
