// SPDX-License-Identifier: Apache-2.0
// Calls that go from one engine into another, with texts of their own.
#pragma once

#include "dataplane/engine.h"

#include <array>
#include <deque>
#include <string>

namespace linehunt::models {

class kept_calls {
 public:
  kept_calls() = default;
  kept_calls(kept_calls&&) = default;
  kept_calls& operator=(kept_calls&&) = default;

  void add(const kept_call& call) {
    entry& e = all_.emplace_back();
    e.call = call;
    for (std::size_t i = 0; i < e.texts.size(); ++i) {
      e.texts[i] = call.*kept_texts[i];
      e.call.*kept_texts[i] = e.texts[i];
    }
  }
  [[nodiscard]] std::size_t size() const { return all_.size(); }
  [[nodiscard]] kept_call& operator[](std::size_t i) { return all_[i].call; }

 private:
  struct entry {
    kept_call call;
    std::array<std::string, kept_texts.size()> texts;
  };
  std::deque<entry> all_; // whose entries stay where they are
};

} // namespace linehunt::models
