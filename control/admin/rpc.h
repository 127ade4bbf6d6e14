// SPDX-License-Identifier: Apache-2.0
// JSON-RPC 2.0 errors as the OpenSIPS management interface words them, and the parameters of a
// method call: positional or named, numbers as numbers or as strings.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

namespace linehunt::admin {

using json = nlohmann::json;

// On one line; bytes that are not UTF-8 are replaced.
[[nodiscard]] std::string text_of(const json& answer);

struct rpc_error {
  int code = 0;
  std::string message;
  std::string data; // empty: no such member
};

inline constexpr int parse_error_code = -32700;
inline constexpr int invalid_request_code = -32600;
inline constexpr int method_not_found_code = -32601;
inline constexpr int invalid_params_code = -32602;
inline constexpr int internal_error_code = -32603;

[[nodiscard]] rpc_error invalid_params(std::string data);

// One way to call a method: the names of its parameters, in their order.
using recipe = std::vector<std::string_view>;

class parameters {
 public:
  // `params` may be nullptr (none given). With `gathers`, all positional parameters together are
  // the list that is the only parameter of the first recipe. With `optional_names`, named ones may
  // be any of the last recipe's.
  [[nodiscard]] static tl::expected<parameters, rpc_error> bind(const json* params,
                                                                const std::vector<recipe>& recipes,
                                                                bool gathers,
                                                                bool optional_names = false);

  [[nodiscard]] bool has(std::string_view name) const { return values_.contains(name); }
  [[nodiscard]] tl::expected<std::int64_t, rpc_error> integer(std::string_view name) const;
  [[nodiscard]] tl::expected<std::string, rpc_error> text(std::string_view name) const;
  // A list of strings, or one string.
  [[nodiscard]] tl::expected<std::vector<std::string>, rpc_error>
  texts(std::string_view name) const;

 private:
  json values_ = json::object();
};

} // namespace linehunt::admin
