// SPDX-License-Identifier: Apache-2.0
// Strict reading of one TOML table: each key is asked for by name and type; what nobody asked for
// is an unknown key. Every failure becomes a diagnostic at its place, and reading goes on.
#pragma once

#include "control/config/diagnostics.h"

#include <concepts>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <toml++/toml.h>
#include <vector>

namespace linehunt::config {

[[nodiscard]] place place_of(const toml::node& node) noexcept;
// "a string", "a whole number", ... for messages.
[[nodiscard]] std::string_view kind_of(const toml::node& node) noexcept;

// A string of the file with its place.
struct placed_text {
  std::string text;
  place at;
};

class table_reader {
 public:
  // `title` names the table in messages: "[runtime]", "[[port]]".
  table_reader(const toml::table& table, std::string title, diagnostics& out);

  // Each reads the key into `target` and returns true; where the key is absent or wrong, `target`
  // stays as it is. A wrong one is reported.
  bool read(std::string_view key, std::string& target);
  bool read(std::string_view key, bool& target);
  template <std::unsigned_integral Number>
  requires(!std::same_as<Number, bool>) bool read(
      std::string_view key, Number& target, std::uint64_t min = 0,
      std::uint64_t max = std::numeric_limits<Number>::max()) {
    std::uint64_t value = 0;
    if (!read_number(key, value, min, max)) return false;
    target = static_cast<Number>(value);
    return true;
  }
  // An array of strings, or one string alone.
  bool read(std::string_view key, std::vector<placed_text>& target);
  bool read(std::string_view key, std::vector<unsigned>& target, std::uint64_t max);
  // The node itself, counted as known; nullptr where absent.
  const toml::node* node(std::string_view key);
  const toml::table* table(std::string_view key);
  // Each table of an array of tables.
  std::vector<const toml::table*> tables(std::string_view key);

  [[nodiscard]] bool has(std::string_view key) const { return table_.contains(key); }
  // Where the key is not there, finish() reports it. `example` is a line to write.
  void require(std::string_view key, std::string_view example);
  // The same of several, of which one must be there.
  void require_one_of(std::span<const std::string_view> keys, std::string_view message);
  // Where the value of the key stands; the table where the key is absent.
  [[nodiscard]] place at(std::string_view key) const;
  [[nodiscard]] place at() const;
  void error(std::string_view key, std::string message);

  // Reports the keys that nobody asked for, and those that are missing, but for one that is there
  // under a name like it. Call it when all are asked for. True: nothing was wrong in the table or
  // below it, so that what keys say of each other can be judged.
  bool finish();

 private:
  bool read_number(std::string_view key, std::uint64_t& value, std::uint64_t min,
                   std::uint64_t max);
  void wrong_kind(std::string_view key, const toml::node& node, std::string_view expected);

  struct missing {
    std::vector<std::string_view> keys; // any of them would do
    std::string message;
  };

  const toml::table& table_;
  std::string title_;
  bool in_brackets_; // a section, and not the file
  diagnostics& out_;
  std::size_t errors_before_;
  std::vector<std::string_view> known_;
  std::vector<missing> missing_;
};

} // namespace linehunt::config
