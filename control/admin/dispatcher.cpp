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

class conversation {
 public:
  conversation(daemon_view& daemon, bool can_follow) : daemon_(daemon), can_follow_(can_follow) {}

  // One request object. Nothing for a notification.
  std::optional<json> answer(const json& request) {
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
    const rpc_answer answer = run(name->get_ref<const std::string&>(), params);
    if (notification) return std::nullopt;
    if (!answer) return failure(answer.error(), id);
    return json{{"jsonrpc", "2.0"}, {"result", *answer}, {"id", id}};
  }

  [[nodiscard]] bool follows() const noexcept { return follows_; }

 private:
  rpc_answer run(const std::string& name, const json* params) {
    const method* found = method_named(name);
    if (!found || (found->follows && !can_follow_))
      return tl::unexpected(rpc_error{method_not_found_code, "Method not found", {}});
    const auto bound = parameters::bind(params, found->recipes, found->gathers);
    if (!bound) return tl::unexpected(bound.error());
    follows_ = follows_ || found->follows;
    return found->run(*bound, daemon_);
  }

  daemon_view& daemon_;
  bool can_follow_;
  bool follows_ = false;
};

json answer_batch(const json& requests, conversation& with) {
  if (requests.empty()) return failure({invalid_request_code, "Invalid Request", {}}, nullptr);
  json answers = json::array();
  for (const json& one : requests)
    if (auto answer = with.answer(one)) answers.push_back(std::move(*answer));
  return answers;
}

} // namespace

reply dispatch(std::string_view request, daemon_view& daemon, bool can_follow) {
  const json parsed = json::parse(request, nullptr, false);
  if (parsed.is_discarded())
    return {text_of(failure({parse_error_code, "Parse error", {}}, nullptr)), false};
  conversation with(daemon, can_follow);
  std::optional<json> answer;
  if (!parsed.is_array())
    answer = with.answer(parsed);
  else if (json answers = answer_batch(parsed, with); !answers.empty())
    answer = std::move(answers);
  return {answer ? std::optional{text_of(*answer)} : std::nullopt, with.follows()};
}

std::string refusal(std::string_view why) {
  return text_of(failure({invalid_request_code, "Invalid Request", std::string{why}}, nullptr));
}

} // namespace linehunt::admin
