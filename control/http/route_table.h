// SPDX-License-Identifier: Apache-2.0
// Who answers for which method and target.
#pragma once

#include "control/http/message.h"

#include <string>
#include <string_view>
#include <vector>

namespace linehunt::http {

class route_table {
 public:
  void add(std::string method, std::string target, answering answer) {
    routes_.push_back({std::move(method), std::move(target), std::move(answer)});
  }

  struct match {
    const answering* answer = nullptr; // nullptr: nobody answers this method here
    std::string allowed;               // the methods of the target; empty: no such target
  };
  // A query behind '?' is not looked at.
  [[nodiscard]] match find(std::string_view method, std::string_view target) const {
    match found;
    target = target.substr(0, target.find('?'));
    for (const route& r : routes_) {
      if (r.target != target) continue;
      if (r.method == method) found.answer = &r.answer;
      found.allowed += (found.allowed.empty() ? "" : ", ") + r.method;
    }
    return found;
  }

 private:
  struct route {
    std::string method, target;
    answering answer;
  };
  std::vector<route> routes_;
};

} // namespace linehunt::http
