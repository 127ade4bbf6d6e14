// SPDX-License-Identifier: Apache-2.0
// Says once that a file cannot be written, and once that it can again.
#pragma once

#include <string>
#include <utility>

namespace linehunt {

class write_trouble {
 public:
  // `forgotten`: what a restart would not know any more.
  write_trouble(std::string file, std::string forgotten)
      : file_(std::move(file)), forgotten_(std::move(forgotten)) {}
  // How a try went: empty, or what was wrong.
  void note(const std::string& failure);

 private:
  std::string file_, forgotten_;
  bool told_ = false;
};

} // namespace linehunt
