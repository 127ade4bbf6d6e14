// SPDX-License-Identifier: Apache-2.0
// dlg_list, dlg_end_dlg: the live calls.
#include "control/admin/methods.h"

#include <algorithm>
#include <ctime>

namespace linehunt::admin {
namespace {

// States of the OpenSIPS dialog module: 2 early, 4 confirmed.
constexpr int early_state = 2;
constexpr int confirmed_state = 4;

json shown(const call_state& call, std::int64_t now_s) {
  const std::time_t started = now_s - call.age_s;
  std::tm parts{};
  localtime_r(&started, &parts);
  char date[32] = {};
  std::strftime(date, sizeof date, "%Y-%m-%d %H:%M:%S", &parts);
  json out = {{"ID", call.id},
              {"state", call.answered ? confirmed_state : early_state},
              {"timestart", started},
              {"datestart", date},
              {"callid", call.call_id},
              {"caller_tag", call.from_tag},
              {"worker", call.worker},
              {"age", call.age_s},
              {"CALLEES", json::array({{{"callee_tag", call.to_tag}}})}};
  if (call.destination) out["destination"] = *call.destination;
  return out;
}

std::int64_t seconds(std::chrono::system_clock::time_point at) {
  return std::chrono::duration_cast<std::chrono::seconds>(at.time_since_epoch()).count();
}

tl::expected<json, rpc_error> page(const parameters& given, const std::vector<call_state>& calls,
                                   std::int64_t now_s) {
  const auto index = given.integer("index");
  if (!index) return tl::unexpected(index.error());
  const auto counter = given.integer("counter");
  if (!counter) return tl::unexpected(counter.error());
  if (*index < 0 || *counter < 0)
    return tl::unexpected(invalid_params("index and counter must be 0 or more"));
  const auto size = static_cast<std::int64_t>(calls.size());
  const std::int64_t first = std::min(*index, size);
  const std::int64_t last = first + std::min(*counter, size - first);
  json dialogs = json::array();
  for (std::int64_t i = first; i < last; ++i)
    dialogs.push_back(shown(calls[static_cast<std::size_t>(i)], now_s));
  return json{{"count", size}, {"Dialogs", std::move(dialogs)}};
}

rpc_answer list(const parameters& given, daemon_view& daemon) {
  const std::int64_t now_s = seconds(daemon.now());
  const auto calls = daemon.calls();
  if (given.has("index")) return page(given, calls, now_s);
  std::string call_id, from_tag;
  if (given.has("callid")) {
    const auto text = given.text("callid");
    if (!text) return tl::unexpected(text.error());
    call_id = *text;
  }
  if (given.has("from_tag")) {
    const auto text = given.text("from_tag");
    if (!text) return tl::unexpected(text.error());
    from_tag = *text;
  }
  json dialogs = json::array();
  for (const call_state& call : calls)
    if ((call_id.empty() || call.call_id == call_id) &&
        (from_tag.empty() || call.from_tag == from_tag))
      dialogs.push_back(shown(call, now_s));
  if (given.has("callid") && dialogs.empty())
    return tl::unexpected(rpc_error{404, "No such dialog", {}});
  return json{{"Dialogs", std::move(dialogs)}};
}

rpc_answer end(const parameters& given, daemon_view& daemon) {
  const auto wanted = given.text("dialog_id");
  if (!wanted) return tl::unexpected(wanted.error());
  const auto calls = daemon.calls();
  const auto found = std::ranges::find_if(
      calls, [&](const call_state& call) { return call.id == *wanted || call.call_id == *wanted; });
  if (found == calls.end()) return tl::unexpected(rpc_error{404, "Requested Dialog not found", {}});
  if (const auto done = daemon.end_call(*found); !done) {
    if (done.error() == change_fault::busy)
      return tl::unexpected(
          rpc_error{503, "Workers are busy", "the call was not ended; try again"});
    return tl::unexpected(rpc_error{404, "Requested Dialog not found", {}});
  }
  return "OK";
}

} // namespace

std::vector<method> dialog_methods() {
  return {
      {"dlg_list",
       "dialog:list",
       {{}, {"callid"}, {"callid", "from_tag"}, {"index", "counter"}},
       false,
       list},
      {"dlg_end_dlg", "dialog:end", {{"dialog_id"}}, false, end},
  };
}

} // namespace linehunt::admin
