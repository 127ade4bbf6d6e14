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
  void add(const kept_call& call) {
    entry& e = all_.emplace_back();
    e.call = call;
    for (std::size_t i = 0; i < e.texts.size(); ++i) {
      e.texts[i] = call.*text_members[i];
      e.call.*text_members[i] = e.texts[i];
    }
  }
  [[nodiscard]] std::size_t size() const { return all_.size(); }
  [[nodiscard]] kept_call& operator[](std::size_t i) { return all_[i].call; }

 private:
  static constexpr std::array text_members{
      &kept_call::call_id,       &kept_call::from_tag,      &kept_call::to_tag,
      &kept_call::caller_target, &kept_call::callee_target, &kept_call::caller_routes,
      &kept_call::callee_routes, &kept_call::from_uri,      &kept_call::to_uri};
  struct entry {
    kept_call call;
    std::array<std::string, text_members.size()> texts;
  };
  std::deque<entry> all_; // whose entries stay where they are
};

} // namespace linehunt::models
