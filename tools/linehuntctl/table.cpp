// SPDX-License-Identifier: Apache-2.0
// Layout of tables and bars.
#include "tools/linehuntctl/table.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>

namespace linehunt::ctl {
namespace {

// Length of the escape sequence "ESC [ ... letter" at the front; 0 where there is none.
std::size_t escape_len(std::string_view text) noexcept {
  if (!text.starts_with("\x1b[")) return 0;
  const std::size_t end =
      text.find_first_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", 2);
  return end == std::string_view::npos ? text.size() : end + 1;
}

void append_cell(std::string& line, std::string_view cell, std::size_t width, align side,
                 bool last) {
  const std::string blank(width - width_of(cell), ' ');
  if (side == align::right) line += blank;
  line += cell;
  if (side == align::left && !last) line += blank;
  if (!last) line += "  ";
}

} // namespace

std::size_t width_of(std::string_view text) noexcept {
  std::size_t width = 0;
  while (!text.empty()) {
    if (const std::size_t skip = escape_len(text); skip != 0) {
      text.remove_prefix(skip);
      continue;
    }
    // Continuation bytes of UTF-8 take no column.
    width += (static_cast<unsigned char>(text.front()) & 0xc0) != 0x80 ? 1 : 0;
    text.remove_prefix(1);
  }
  return width;
}

std::string clipped(std::string_view text, std::size_t columns) {
  std::string out;
  std::size_t width = 0;
  while (!text.empty()) {
    std::size_t len = escape_len(text);
    if (len == 0) {
      len = 1;
      while (len < text.size() && (static_cast<unsigned char>(text[len]) & 0xc0) == 0x80)
        ++len;
      if (++width > columns) {
        text.remove_prefix(len);
        continue;
      }
    }
    out += text.substr(0, len);
    text.remove_prefix(len);
  }
  return out;
}

std::string table::text() const {
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    std::size_t width = width_of(columns_[i].title);
    for (const auto& row : rows_)
      width = std::max(width, width_of(row[i]));
    widths.push_back(width);
  }
  std::string out;
  const auto add_line = [&](const auto& cell_of) {
    std::string line;
    for (std::size_t i = 0; i < columns_.size(); ++i)
      append_cell(line, cell_of(i), widths[i], columns_[i].side, i + 1 == columns_.size());
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + '\n';
  };
  add_line([&](std::size_t i) { return std::string_view{columns_[i].title}; });
  for (const auto& row : rows_)
    add_line([&](std::size_t i) { return std::string_view{row[i]}; });
  return out;
}

std::string load_bar(double share, std::size_t cells) {
  static constexpr std::array<std::string_view, 8> part{"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  const double bounded = std::clamp(share, 0.0, 1.0);
  const auto eighths =
      static_cast<std::size_t>(std::lround(bounded * static_cast<double>(cells) * 8));
  std::string bar;
  for (std::size_t i = 0; i < eighths / 8; ++i)
    bar += "█";
  bar += part[eighths % 8];
  const std::string rest(cells - (eighths + 7) / 8, ' ');
  const std::string_view colour = share >= 0.9 ? "31" : share >= 0.7 ? "33" : "32";
  return fmt::format("\x1b[{}m{}\x1b[0m{}", colour, bar, rest);
}

} // namespace linehunt::ctl
