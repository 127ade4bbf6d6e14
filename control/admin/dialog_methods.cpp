// SPDX-License-Identifier: Apache-2.0
// dlg_list, dlg_end_dlg: the live calls.
#include "control/admin/methods.h"

#include <algorithm>
#include <ctime>
#include <fmt/format.h>

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
  json callee = {{"callee_tag", call.to_tag}};
  if (!call.callee.empty()) callee["callee_address"] = call.callee;
  json out = {{"ID", call.id},
              {"state", call.answered ? confirmed_state : early_state},
              {"timestart", started},
              {"datestart", date},
              {"callid", call.call_id},
              {"caller_tag", call.from_tag},
              {"worker", call.worker},
              {"age", call.age_s},
              {"from_uri", call.from_uri},
              {"to_uri", call.to_uri},
              {"CALLEES", json::array({std::move(callee)})}};
  if (!call.caller.empty()) out["caller_address"] = call.caller;
  if (call.destination) out["destination"] = *call.destination;
  return out;
}

std::int64_t seconds(std::chrono::system_clock::time_point at) {
  return std::chrono::duration_cast<std::chrono::seconds>(at.time_since_epoch()).count();
}

json shown(const call_list& list, std::int64_t now_s) {
  json dialogs = json::array();
  for (const call_state& call : list.calls)
    dialogs.push_back(shown(call, now_s));
  return dialogs;
}

rpc_answer page(const parameters& given, daemon_view& daemon) {
  const auto index = given.integer("index");
  if (!index) return tl::unexpected(index.error());
  const auto counter = given.integer("counter");
  if (!counter) return tl::unexpected(counter.error());
  if (*index < 0 || *counter < 0)
    return tl::unexpected(invalid_params("index and counter must be 0 or more"));
  call_query wanted;
  wanted.first = static_cast<std::uint64_t>(*index);
  wanted.most = std::min(static_cast<std::uint64_t>(*counter), max_listed_calls);
  const call_list found = daemon.calls(wanted);
  return json{{"count", found.count}, {"Dialogs", shown(found, seconds(daemon.now()))}};
}

rpc_answer list_calls(const parameters& given, daemon_view& daemon) {
  if (given.has("index")) return page(given, daemon);
  call_query wanted;
  if (given.has("callid")) {
    const auto text = given.text("callid");
    if (!text) return tl::unexpected(text.error());
    wanted.call_id = *text;
  }
  if (given.has("from_tag")) {
    const auto text = given.text("from_tag");
    if (!text) return tl::unexpected(text.error());
    wanted.from_tag = *text;
  }
  const call_list found = daemon.calls(wanted);
  if (given.has("callid") && found.count == 0)
    return tl::unexpected(rpc_error{404, "No such dialog", {}});
  if (found.calls.size() < found.count)
    return tl::unexpected(rpc_error{
        413, "Too many dialogs",
        fmt::format("{} calls, and {} are listed at once; ask with index and counter, or for one "
                    "callid",
                    found.count, found.calls.size())});
  return json{{"Dialogs", shown(found, seconds(daemon.now()))}};
}

rpc_answer end(const parameters& given, daemon_view& daemon) {
  const auto name = given.text("dialog_id");
  if (!name) return tl::unexpected(name.error());
  call_query wanted;
  wanted.named = *name;
  wanted.most = 1;
  const call_list found = name->empty() ? call_list{} : daemon.calls(wanted);
  if (found.calls.empty()) return tl::unexpected(rpc_error{404, "Requested Dialog not found", {}});
  if (const auto done = daemon.end_call(found.calls.front()); !done) {
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
       list_calls},
      {"dlg_end_dlg", "dialog:end", {{"dialog_id"}}, false, end},
  };
}

} // namespace linehunt::admin
