// SPDX-License-Identifier: Apache-2.0
// What is wrong with a configuration, and where. Collects everything, so that one run of `linehunt
// check` shows every error. Knows nothing of TOML.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace linehunt::config {

// Lines and columns count from 1; line 0 is the file as a whole.
struct place {
  std::uint32_t line = 0;
  std::uint32_t column = 0;
  friend bool operator==(const place&, const place&) = default;
  friend auto operator<=>(const place&, const place&) = default;
};

// A note is about what is right, and yet may not be meant.
enum class severity : std::uint8_t { error, warning, note };

struct diagnostic {
  place at;
  std::string message; // "what is wrong; what to do"
  severity weight = severity::error;
};

class diagnostics {
 public:
  explicit diagnostics(std::string file) : file_(std::move(file)) {}

  // What a file or a row holds may be quoted in it: it makes no line of its own, nor steers a
  // terminal.
  void error(place at, std::string_view message);
  void warning(place at, std::string_view message);
  void note(place at, std::string_view message);

  [[nodiscard]] bool failed() const noexcept { return error_count_ != 0; }
  [[nodiscard]] std::size_t error_count() const noexcept { return error_count_; }
  [[nodiscard]] const std::string& file() const noexcept { return file_; }
  // In the order of the file.
  [[nodiscard]] std::vector<diagnostic> sorted() const;
  // "FILE:LINE:COLUMN: message".
  [[nodiscard]] std::string line_of(const diagnostic& one) const;
  // That of each, in the order of the file.
  [[nodiscard]] std::vector<std::string> lines() const;

 private:
  std::string file_;
  std::vector<diagnostic> entries_;
  std::size_t error_count_ = 0;
};

// The candidate that `word` was probably meant to be; empty where none is near.
[[nodiscard]] std::string_view nearest(std::string_view word,
                                       const std::vector<std::string_view>& candidates);

} // namespace linehunt::config
