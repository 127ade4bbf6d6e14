// SPDX-License-Identifier: Apache-2.0
// Parsing of "vm=50; pstn=32".
#include "control/config/resources.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <fmt/format.h>

namespace linehunt::config {
namespace {

std::string_view trimmed(std::string_view text) noexcept {
  constexpr std::string_view space = " \t\r\n";
  const std::size_t first = text.find_first_not_of(space);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(space) - first + 1);
}

tl::expected<resource_entry, std::string> parse_one(std::string_view item) {
  const std::size_t equals = item.find('=');
  if (equals == std::string_view::npos)
    return tl::unexpected(fmt::format("resource '{}' has no capacity; write '{}=30'", item, item));
  const std::string_view name = trimmed(item.substr(0, equals));
  const std::string_view number = trimmed(item.substr(equals + 1));
  if (!is_resource_name(name))
    return tl::unexpected(fmt::format("resource name '{}' is not made of letters, digits, '_' and "
                                      "'-'; rename it",
                                      name));
  if (number.starts_with("fs://"))
    return tl::unexpected(fmt::format("resource '{}' takes its capacity from FreeSWITCH, which "
                                      "this version does not do; write a number",
                                      name));
  std::int64_t capacity = 0;
  const auto [end, failure] =
      std::from_chars(number.data(), number.data() + number.size(), capacity);
  if (failure != std::errc{} || end != number.data() + number.size() || capacity < 0 ||
      capacity > std::numeric_limits<std::int32_t>::max())
    return tl::unexpected(fmt::format("capacity '{}' of resource '{}' is not a whole number from 0 "
                                      "to 2147483647; write how many calls it can take",
                                      number, name));
  return resource_entry{std::string{name}, static_cast<std::int32_t>(capacity)};
}

} // namespace

std::string_view bare_name(std::string_view name) noexcept {
  if (name.ends_with("/b") || name.ends_with("/s")) name.remove_suffix(2);
  return name;
}

bool is_resource_name(std::string_view text) noexcept {
  text = bare_name(text);
  return !text.empty() && std::ranges::all_of(text, [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '_' || c == '-';
  });
}

tl::expected<std::vector<resource_entry>, std::string> parse_resources(std::string_view text) {
  std::vector<resource_entry> all;
  while (!text.empty()) {
    const std::size_t end = text.find(';');
    const std::string_view item = trimmed(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    if (item.empty()) {
      if (trimmed(text).empty()) break; // a trailing ';'
      return tl::unexpected(std::string{"there is nothing between two ';'; take one out"});
    }
    auto one = parse_one(item);
    if (!one) return tl::unexpected(std::move(one.error()));
    const auto same = [&](const resource_entry& r) {
      return bare_name(r.name) == bare_name(one->name);
    };
    if (std::ranges::any_of(all, same))
      return tl::unexpected(fmt::format("resource '{}' is there twice; keep one", one->name));
    all.push_back(std::move(*one));
  }
  if (all.empty())
    return tl::unexpected(std::string{"no resource at all; write for example \"vm=50; pstn=32\""});
  return all;
}

} // namespace linehunt::config
