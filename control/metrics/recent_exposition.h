// SPDX-License-Identifier: Apache-2.0
// The last exposition, for all who ask soon after its making: with 10,000 destinations each takes a
// good part of a second, in which the control thread does nothing else, and there may be as many
// who ask as clients. Nobody's text is a copy.
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace linehunt::metrics {

class recent_exposition {
 public:
  using clock = std::chrono::steady_clock;
  using text = std::shared_ptr<const std::string>;
  // So many times what it took, but no longer than that: a short one is always of now.
  static constexpr int shares = 10;
  static constexpr clock::duration longest = std::chrono::seconds(1);

  explicit recent_exposition(std::function<std::string()> make,
                             std::function<clock::time_point()> now = clock::now)
      : make_(std::move(make)), now_(std::move(now)) {}

  [[nodiscard]] text get() {
    const clock::time_point begun = now_();
    if (last_ && begun < valid_until_) return last_;
    last_ = std::make_shared<const std::string>(make_());
    const clock::time_point made = now_();
    valid_until_ = made + std::min(longest, shares * (made - begun));
    return last_;
  }

 private:
  std::function<std::string()> make_;
  std::function<clock::time_point()> now_;
  text last_;
  clock::time_point valid_until_;
};

} // namespace linehunt::metrics
