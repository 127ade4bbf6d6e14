// SPDX-License-Identifier: Apache-2.0
// See kept_copies.h.
#include "control/state/kept_copies.h"

#include <string_view>

namespace linehunt {

bool kept_copies::take(const kept_call& call) noexcept {
  std::size_t bytes = 0;
  for (const auto text : kept_texts)
    bytes += (call.*text).size();
  if (used_ == calls_.size() || bytes > texts_.size() - used_bytes_) return false;
  kept_call& copy = calls_[used_++];
  copy = call;
  for (const auto text : kept_texts) {
    char* const to = texts_.data() + used_bytes_;
    used_bytes_ += (call.*text).copy(to, (call.*text).size());
    copy.*text = {to, (call.*text).size()};
  }
  return true;
}

} // namespace linehunt
