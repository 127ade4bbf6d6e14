// SPDX-License-Identifier: Apache-2.0
// Binding of parameters to the recipes of a method.
#include "control/admin/rpc.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>

namespace linehunt::admin {
namespace {

rpc_error bad_type(std::string_view name) {
  return invalid_params(fmt::format("Bad type for parameter '{}'", name));
}

bool same_names(const json& given, const recipe& wanted) {
  return given.size() == wanted.size() &&
         std::ranges::all_of(wanted, [&](std::string_view name) { return given.contains(name); });
}

} // namespace

std::string text_of(const json& answer) {
  return answer.dump(-1, ' ', false, json::error_handler_t::replace);
}

rpc_error invalid_params(std::string data) {
  return {invalid_params_code, "Invalid params", std::move(data)};
}

tl::expected<parameters, rpc_error> parameters::bind(const json* params,
                                                     const std::vector<recipe>& recipes,
                                                     bool gathers, bool optional_names) {
  parameters bound;
  const json none = json::array();
  const json& given = params ? *params : none;
  if (gathers && given.is_array() && !given.empty()) {
    bound.values_[std::string{recipes.front().front()}] = given;
    return bound;
  }
  if (optional_names && given.is_object()) {
    for (const auto& [name, value] : given.items())
      if (std::ranges::find(recipes.back(), name) == recipes.back().end())
        return tl::unexpected(invalid_params(fmt::format(
            "There is no parameter '{}'; there are: {}", name, fmt::join(recipes.back(), ", "))));
    bound.values_ = given;
    return bound;
  }
  const auto fits = [&](const recipe& r) { return r.size() == given.size(); };
  if (std::ranges::none_of(recipes, fits))
    return tl::unexpected(invalid_params("Too few or too many parameters"));
  if (given.is_object() && !given.empty()) {
    if (std::ranges::none_of(recipes, [&](const recipe& r) { return same_names(given, r); }))
      return tl::unexpected(invalid_params("Named parameters do not match"));
    bound.values_ = given;
    return bound;
  }
  const recipe& chosen = *std::ranges::find_if(recipes, fits);
  for (std::size_t i = 0; i < chosen.size(); ++i)
    bound.values_[std::string{chosen[i]}] = given[i];
  return bound;
}

tl::expected<std::int64_t, rpc_error> parameters::integer(std::string_view name) const {
  const json& value = *values_.find(name);
  if (value.is_number_unsigned() && value.get<std::uint64_t>() > INT64_MAX)
    return tl::unexpected(bad_type(name));
  if (value.is_number_integer()) return value.get<std::int64_t>();
  if (!value.is_string()) return tl::unexpected(bad_type(name));
  const auto& text = value.get_ref<const std::string&>();
  std::int64_t number = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failure != std::errc{} || end != text.data() + text.size())
    return tl::unexpected(bad_type(name));
  return number;
}

tl::expected<std::string, rpc_error> parameters::text(std::string_view name) const {
  const json& value = *values_.find(name);
  // A number is as good as its digits: a Call-ID of digits only arrives like that.
  if (value.is_number_integer()) return value.dump();
  if (!value.is_string()) return tl::unexpected(bad_type(name));
  return value.get<std::string>();
}

tl::expected<std::vector<std::string>, rpc_error> parameters::texts(std::string_view name) const {
  const json& value = *values_.find(name);
  std::vector<std::string> all;
  if (value.is_string()) return std::vector{value.get<std::string>()};
  if (!value.is_array()) return tl::unexpected(bad_type(name));
  for (const json& item : value) {
    // One level deeper: ["all"] as the only positional parameter.
    if (item.is_array()) {
      for (const json& inner : item) {
        if (!inner.is_string()) return tl::unexpected(bad_type(name));
        all.push_back(inner.get<std::string>());
      }
    } else if (item.is_string()) {
      all.push_back(item.get<std::string>());
    } else {
      return tl::unexpected(bad_type(name));
    }
  }
  return all;
}

} // namespace linehunt::admin
