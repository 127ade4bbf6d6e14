// SPDX-License-Identifier: Apache-2.0
// linehuntctl calls and end: the live calls, and the end of one.
#include "dataplane/printable.h"
#include "tools/linehuntctl/commands.h"
#include "tools/linehuntctl/table.h"

#include <fmt/format.h>

namespace linehunt::ctl {
namespace {

constexpr int confirmed_state = 4;
constexpr int calls_in_a_page = 5000;

std::string age_text(std::int64_t seconds) {
  return fmt::format("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
}

bool names(const json& call, const std::string& who) {
  return call.value("from_uri", "").find(who) != std::string::npos ||
         call.value("to_uri", "").find(who) != std::string::npos;
}

bool fits(const json& call, const call_filter& wanted) {
  if (wanted.destination && call.value("destination", json{}) != *wanted.destination) return false;
  if (wanted.answered && (call.value("state", 0) == confirmed_state) != *wanted.answered)
    return false;
  if (!wanted.party.empty() && !names(call, wanted.party)) return false;
  const auto age_s = call.value("age", std::int64_t{0});
  return age_s >= wanted.older_s.value_or(0) && (!wanted.younger_s || age_s < *wanted.younger_s);
}

std::string calls_text(const json& dialogs) {
  table rows({{"CALL-ID"},
              {"STATE"},
              {"AGE", align::right},
              {"DEST", align::right},
              {"WORKER", align::right},
              {"FROM"},
              {"TO"}});
  for (const json& call : dialogs) {
    const auto destination = call.find("destination");
    rows.add({printable(call.value("callid", "")),
              call.value("state", 0) == confirmed_state ? "answered" : "calling",
              age_text(call.value("age", std::int64_t{0})),
              destination == call.end() ? "-" : destination->dump(),
              fmt::to_string(call.value("worker", 0u)), printable(call.value("from_uri", "")),
              printable(call.value("to_uri", ""))});
  }
  return rows.text();
}

// All calls, or one. The daemon lists some thousands at once, so they are asked for in pages; who
// comes and goes meanwhile may be missing.
tl::expected<json, fault> dialogs(connection& daemon, const std::string& call_id) {
  if (!call_id.empty()) {
    auto answer = daemon.call("dlg_list", json{{"callid", call_id}});
    if (!answer) return tl::unexpected(answer.error());
    return answer->value("Dialogs", json::array());
  }
  json all = json::array();
  for (std::uint64_t count = 1; all.size() < count;) {
    const auto page =
        daemon.call("dlg_list", json{{"index", all.size()}, {"counter", calls_in_a_page}});
    if (!page) return tl::unexpected(page.error());
    const json some = page->value("Dialogs", json::array());
    if (some.empty()) break;
    all.insert(all.end(), some.begin(), some.end());
    count = page->value("count", std::uint64_t{0});
  }
  return all;
}

} // namespace

outcome calls(connection& daemon, const output_style& style, const call_filter& wanted) {
  auto all = dialogs(daemon, wanted.call_id);
  if (!all) return tl::unexpected(all.error());
  json shown = json::array();
  for (json& call : *all)
    if (fits(call, wanted)) shown.push_back(std::move(call));
  if (style.as_json)
    print(json{{"Dialogs", std::move(shown)}});
  else
    print(calls_text(shown));
  return {};
}

outcome end(connection& daemon, const output_style& style, const std::string& call_id) {
  const auto answer = daemon.call("dlg_end_dlg", json{{"dialog_id", call_id}});
  if (!answer) return tl::unexpected(answer.error());
  if (style.as_json)
    print(*answer);
  else
    print(fmt::format("call {} ends\n", printable(call_id)));
  return {};
}

} // namespace linehunt::ctl
