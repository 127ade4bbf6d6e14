// SPDX-License-Identifier: Apache-2.0
// The terminal while something is drawn again and again, and the signals that end it.
#pragma once

#include <cstddef>
#include <string>
#include <termios.h>

namespace linehunt::ctl {

// While it lives, SIGINT, SIGTERM and SIGHUP do not end the process but the next pause. One at a
// time.
class interruption {
 public:
  interruption();
  ~interruption(); // the signals do again what they did
  interruption(const interruption&) = delete;
  interruption& operator=(const interruption&) = delete;

  // False: interrupted, or `q` was pressed where a screen reads the keys.
  [[nodiscard]] bool pause(double seconds) const;
  [[nodiscard]] bool came() const noexcept;
};

// Takes over the terminal at standard output and gives it back as it was, however it is left:
// pictures replace each other on a page of their own, the cursor is away, keys are not echoed.
// Where standard output is no terminal (`on` false) pictures follow each other.
class screen {
 public:
  explicit screen(bool on);
  ~screen();
  screen(const screen&) = delete;
  screen& operator=(const screen&) = delete;

  // What does not fit is left out at the right and below, the last line then says so.
  void draw(const std::string& picture) const;

 private:
  bool on_;
  bool reads_keys_ = false;
  termios before_{};
};

// The picture cut to so many columns and rows, for a terminal that shows another one.
[[nodiscard]] std::string fitted(const std::string& picture, std::size_t columns, std::size_t rows);

} // namespace linehunt::ctl
