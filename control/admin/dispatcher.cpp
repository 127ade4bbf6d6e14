// SPDX-License-Identifier: Apache-2.0
// JSON-RPC 2.0 framing.
#include "control/admin/dispatcher.h"

#include "control/admin/methods.h"

namespace linehunt::admin {
namespace {

std::string text_of(const json& answer) {
  return answer.dump(-1, ' ', false, json::error_handler_t::replace);
}

json failure(const rpc_error& error, const json& id) {
  json body = {{"code", error.code}, {"message", error.message}};
  if (!error.data.empty()) body["data"] = error.data;
  return {{"jsonrpc", "2.0"}, {"error", std::move(body)}, {"id", id}};
}

bool is_id(const json& id) {
  return id.is_string() || id.is_number() || id.is_null();
}

rpc_answer run(const std::string& name, const json* params, daemon_view& daemon) {
  const method* found = method_named(name);
  if (!found) return tl::unexpected(rpc_error{method_not_found_code, "Method not found", {}});
  const auto bound = parameters::bind(params, found->recipes, found->gathers);
  if (!bound) return tl::unexpected(bound.error());
  return found->run(*bound, daemon);
}

// One request object. Nothing for a notification.
std::optional<json> answer_one(const json& request, daemon_view& daemon) {
  const rpc_error invalid{invalid_request_code, "Invalid Request", {}};
  if (!request.is_object()) return failure(invalid, nullptr);
  const auto id_at = request.find("id");
  const bool notification = id_at == request.end();
  const json id = !notification && is_id(*id_at) ? *id_at : json{};
  const auto protocol = request.find("jsonrpc");
  const auto name = request.find("method");
  const auto params_at = request.find("params");
  const json* params = params_at == request.end() || params_at->is_null() ? nullptr : &*params_at;
  if (protocol == request.end() || *protocol != "2.0" || name == request.end() ||
      !name->is_string() || (!notification && !is_id(*id_at)) ||
      (params && !params->is_structured()))
    return failure(invalid, id);
  const rpc_answer answer = run(name->get_ref<const std::string&>(), params, daemon);
  if (notification) return std::nullopt;
  if (!answer) return failure(answer.error(), id);
  return json{{"jsonrpc", "2.0"}, {"result", *answer}, {"id", id}};
}

} // namespace

std::optional<std::string> dispatch(std::string_view request, daemon_view& daemon) {
  const json parsed = json::parse(request, nullptr, false);
  if (parsed.is_discarded())
    return text_of(failure({parse_error_code, "Parse error", {}}, nullptr));
  if (!parsed.is_array()) {
    const auto answer = answer_one(parsed, daemon);
    return answer ? std::optional{text_of(*answer)} : std::nullopt;
  }
  if (parsed.empty())
    return text_of(failure({invalid_request_code, "Invalid Request", {}}, nullptr));
  json answers = json::array();
  for (const json& one : parsed)
    if (auto answer = answer_one(one, daemon)) answers.push_back(std::move(*answer));
  return answers.empty() ? std::nullopt : std::optional{text_of(answers)};
}

std::string refusal(std::string_view why) {
  return text_of(failure({invalid_request_code, "Invalid Request", std::string{why}}, nullptr));
}

} // namespace linehunt::admin
