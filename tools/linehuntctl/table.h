// SPDX-License-Identifier: Apache-2.0
// Tables for people: columns as wide as their widest cell, numbers to the right.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace linehunt::ctl {

enum class align { left, right };

class table {
 public:
  struct column {
    std::string title;
    align side = align::left;
  };
  explicit table(std::vector<column> columns) : columns_(std::move(columns)) {}

  // As many cells as there are columns. A cell may hold escape sequences of the terminal and UTF-8;
  // its width is what is seen.
  void add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  [[nodiscard]] std::string text() const;

 private:
  std::vector<column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

// Columns that the text takes on a terminal.
[[nodiscard]] std::size_t width_of(std::string_view text) noexcept;
// The front of the text that fits into so many columns; colours are still ended.
[[nodiscard]] std::string clipped(std::string_view text, std::size_t columns);
// How full, as a bar of `cells` columns with the colour of danger.
[[nodiscard]] std::string load_bar(double share, std::size_t cells);

} // namespace linehunt::ctl
