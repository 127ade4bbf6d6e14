// SPDX-License-Identifier: Apache-2.0
// Collecting and printing of diagnostics.
#include "control/config/diagnostics.h"

#include "dataplane/printable.h"

#include <algorithm>
#include <fmt/format.h>
#include <numeric>

namespace linehunt::config {
namespace {

// Levenshtein distance with one row of memory.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0]++;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t substituted = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({substituted, diagonal + 1, row[j] + 1});
    }
  }
  return row.back();
}

std::string_view prefix_of(severity weight) noexcept {
  switch (weight) {
  case severity::warning:
    return "warning: ";
  case severity::note:
    return "note: ";
  case severity::error:
    break;
  }
  return "";
}

} // namespace

void diagnostics::error(place at, std::string_view message) {
  entries_.push_back({at, printable(message), severity::error});
  ++error_count_;
}

void diagnostics::warning(place at, std::string_view message) {
  entries_.push_back({at, printable(message), severity::warning});
}

void diagnostics::note(place at, std::string_view message) {
  entries_.push_back({at, printable(message), severity::note});
}

std::vector<diagnostic> diagnostics::sorted() const {
  auto all = entries_;
  std::ranges::stable_sort(all, {}, &diagnostic::at);
  return all;
}

std::string diagnostics::line_of(const diagnostic& one) const {
  const std::string where =
      one.at.line == 0 ? file_ : fmt::format("{}:{}:{}", file_, one.at.line, one.at.column);
  return fmt::format("{}: {}{}", where, prefix_of(one.weight), one.message);
}

std::vector<std::string> diagnostics::lines() const {
  std::vector<std::string> out;
  for (const diagnostic& d : sorted())
    out.push_back(line_of(d));
  return out;
}

std::string_view nearest(std::string_view word, const std::vector<std::string_view>& candidates) {
  // Two slips of the finger are still the same word, if most of it is left.
  std::size_t best_distance = std::min<std::size_t>(2, word.size() / 2) + 1;
  std::string_view best;
  for (std::string_view candidate : candidates) {
    const std::size_t distance = edit_distance(word, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  if (!best.empty()) return best;
  // Perhaps its end is missing, such as the unit; where several begin like that, none is meant
  // more.
  for (const std::string_view candidate : candidates) {
    if (!candidate.starts_with(std::string{word} + '_')) continue;
    if (!best.empty()) return {};
    best = candidate;
  }
  return best;
}

} // namespace linehunt::config
