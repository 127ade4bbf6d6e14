// SPDX-License-Identifier: Apache-2.0
// The last exposition, for all who ask within a second of its making: with 10,000 destinations each
// takes a good part of a second, in which the control thread does nothing else, and there may be as
// many who ask as clients. Nobody's text is a copy.
#pragma once

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
  static constexpr std::chrono::seconds valid_for{1};

  explicit recent_exposition(std::function<std::string()> make,
                             std::function<clock::time_point()> now = clock::now)
      : make_(std::move(make)), now_(std::move(now)) {}

  [[nodiscard]] text get() {
    if (last_ && now_() - made_at_ < valid_for) return last_;
    last_ = std::make_shared<const std::string>(make_());
    made_at_ = now_(); // not from its begin: it may take longer than it is valid
    return last_;
  }

 private:
  std::function<std::string()> make_;
  std::function<clock::time_point()> now_;
  text last_;
  clock::time_point made_at_;
};

} // namespace linehunt::metrics
