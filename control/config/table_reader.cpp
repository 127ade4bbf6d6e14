// SPDX-License-Identifier: Apache-2.0
// Strict reading of TOML tables.
#include "control/config/table_reader.h"

#include <algorithm>
#include <fmt/format.h>

namespace linehunt::config {
namespace {

place from_toml(const toml::source_position& p) noexcept {
  return {static_cast<std::uint32_t>(p.line), static_cast<std::uint32_t>(p.column)};
}

std::string joined(const std::vector<std::string_view>& words) {
  std::string all;
  for (std::string_view word : words) {
    if (!all.empty()) all += ", ";
    all += word;
  }
  return all;
}

} // namespace

place place_of(const toml::node& node) noexcept {
  return from_toml(node.source().begin);
}

std::string_view kind_of(const toml::node& node) noexcept {
  switch (node.type()) {
  case toml::node_type::table:
    return "a table";
  case toml::node_type::array:
    return "a list";
  case toml::node_type::string:
    return "a string";
  case toml::node_type::integer:
    return "a whole number";
  case toml::node_type::floating_point:
    return "a number with a fraction";
  case toml::node_type::boolean:
    return "true or false";
  default:
    return "a date or time";
  }
}

table_reader::table_reader(const toml::table& table, std::string title, diagnostics& out)
    : table_(table), title_(std::move(title)), in_brackets_(title_.starts_with('[')), out_(out),
      errors_before_(out.error_count()) {}

const toml::node* table_reader::node(std::string_view key) {
  known_.push_back(key);
  return table_.get(key);
}

void table_reader::wrong_kind(std::string_view key, const toml::node& node,
                              std::string_view expected) {
  out_.error(place_of(node),
             fmt::format("{} '{}' is {}; write {}", title_, key, kind_of(node), expected));
}

bool table_reader::read(std::string_view key, std::string& target) {
  const toml::node* found = node(key);
  if (!found) return false;
  const auto* text = found->as_string();
  if (!text) {
    wrong_kind(key, *found, "a string in quotes");
    return false;
  }
  target = text->get();
  return true;
}

bool table_reader::read(std::string_view key, bool& target) {
  const toml::node* found = node(key);
  if (!found) return false;
  const auto* value = found->as_boolean();
  if (!value) {
    wrong_kind(key, *found, "true or false");
    return false;
  }
  target = value->get();
  return true;
}

bool table_reader::read_number(std::string_view key, std::uint64_t& value, std::uint64_t min,
                               std::uint64_t max) {
  const toml::node* found = node(key);
  if (!found) return false;
  const auto* number = found->as_integer();
  if (!number) {
    wrong_kind(key, *found, fmt::format("a whole number from {} to {}", min, max));
    return false;
  }
  if (number->get() < 0 || static_cast<std::uint64_t>(number->get()) < min ||
      static_cast<std::uint64_t>(number->get()) > max) {
    out_.error(place_of(*found), fmt::format("{} '{}' is {}; write a whole number from {} to {}",
                                             title_, key, number->get(), min, max));
    return false;
  }
  value = static_cast<std::uint64_t>(number->get());
  return true;
}

bool table_reader::read(std::string_view key, std::vector<placed_text>& target) {
  const toml::node* found = node(key);
  if (!found) return false;
  if (const auto* one = found->as_string()) {
    target = {{one->get(), place_of(*found)}};
    return true;
  }
  const auto* list = found->as_array();
  if (!list) {
    wrong_kind(key, *found, "a list of strings");
    return false;
  }
  std::vector<placed_text> texts;
  for (const toml::node& item : *list) {
    if (const auto* text = item.as_string())
      texts.push_back({text->get(), place_of(item)});
    else
      out_.error(place_of(item), fmt::format("{} '{}' holds {}; write strings in quotes only",
                                             title_, key, kind_of(item)));
  }
  if (texts.size() != list->size()) return false;
  target = std::move(texts);
  return true;
}

bool table_reader::read(std::string_view key, std::vector<unsigned>& target, std::uint64_t max) {
  const toml::node* found = node(key);
  if (!found) return false;
  const auto* list = found->as_array();
  if (!list) {
    wrong_kind(key, *found, "a list of whole numbers");
    return false;
  }
  std::vector<unsigned> numbers;
  for (const toml::node& item : *list) {
    const auto* number = item.as_integer();
    if (number && number->get() >= 0 && static_cast<std::uint64_t>(number->get()) <= max)
      numbers.push_back(static_cast<unsigned>(number->get()));
    else
      out_.error(place_of(item), fmt::format("{} '{}' must hold whole numbers from 0 to {} only",
                                             title_, key, max));
  }
  if (numbers.size() != list->size()) return false;
  target = std::move(numbers);
  return true;
}

const toml::table* table_reader::table(std::string_view key) {
  const toml::node* found = node(key);
  if (!found) return nullptr;
  if (!found->is_table())
    wrong_kind(key, *found,
               in_brackets_ ? "keys and values in braces, { key = value }"
                            : fmt::format("[{}] and its keys below it", key));
  return found->as_table();
}

std::vector<const toml::table*> table_reader::tables(std::string_view key) {
  const toml::node* found = node(key);
  if (!found) return {};
  const auto* list = found->as_array();
  if (!list) {
    wrong_kind(key, *found, fmt::format("[[{}]] with two brackets on each side", key));
    return {};
  }
  std::vector<const toml::table*> all;
  for (const toml::node& item : *list) {
    if (const auto* one = item.as_table())
      all.push_back(one);
    else
      wrong_kind(key, item, "tables only");
  }
  return all;
}

void table_reader::require(std::string_view key, std::string_view example) {
  require_one_of({&key, 1}, fmt::format("has no '{}'; write for example {}", key, example));
}

void table_reader::require_one_of(std::span<const std::string_view> keys,
                                  std::string_view message) {
  known_.insert(known_.end(), keys.begin(), keys.end());
  if (std::ranges::none_of(keys, [&](std::string_view key) { return has(key); }))
    missing_.push_back({{keys.begin(), keys.end()}, fmt::format("{} {}", title_, message)});
}

place table_reader::at(std::string_view key) const {
  const toml::node* found = table_.get(key);
  return found ? place_of(*found) : at();
}

place table_reader::at() const {
  return place_of(table_);
}

void table_reader::error(std::string_view key, std::string message) {
  out_.error(at(key), fmt::format("{} {}", title_, message));
}

bool table_reader::finish() {
  std::ranges::sort(known_);
  known_.erase(std::unique(known_.begin(), known_.end()), known_.end());
  for (const auto& [key, value] : table_) {
    if (std::ranges::binary_search(known_, key.str())) continue;
    const std::string_view meant = nearest(key.str(), known_);
    std::erase_if(missing_, [&](const missing& one) {
      return std::ranges::find(one.keys, meant) != one.keys.end();
    });
    const std::string advice = meant.empty() ? fmt::format("known here: {}", joined(known_))
                                             : fmt::format("did you mean '{}'?", meant);
    out_.error(from_toml(key.source().begin),
               fmt::format("{} unknown key '{}'; {}", title_, key.str(), advice));
  }
  for (const missing& one : missing_)
    out_.error(at(), one.message);
  return out_.error_count() == errors_before_;
}

} // namespace linehunt::config
