// SPDX-License-Identifier: Apache-2.0
// See call_file.h.
#include "control/state/call_file.h"

#include "control/state/json_number.h"
#include "control/state/state_file.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unordered_map>
#include <utility>
#include <vector>

namespace linehunt {
namespace {

using nlohmann::json;
using std::chrono::duration_cast;
using std::chrono::microseconds;
using std::chrono::seconds;

constexpr int call_file_version = 2;
// Of version 1, which did not have the last one; at its beginning it ended with ping_callee, and
// calls had no handles.
constexpr std::size_t marks_of_version_1 = 8, marks_at_first = 5;

// What else a call has, in the order of the file, behind its texts.
constexpr std::array numbers_of_call{&kept_call::answered_after_ms, &kept_call::expires_after_s,
                                     &kept_call::caller_cseq, &kept_call::callee_cseq};
constexpr std::array marks_of_call{
    &kept_call::balanced,        &kept_call::acked,           &kept_call::leaving,
    &kept_call::ping_caller,     &kept_call::ping_callee,     &kept_call::closing,
    &kept_call::caller_bye_done, &kept_call::callee_bye_done, &kept_call::uncertain};

std::string cbor(const json& item) {
  std::string bytes;
  json::to_cbor(item, bytes);
  return bytes;
}

std::string text_of(const endpoint& e) {
  return std::string{std::string_view{to_text(e)}};
}

// By number; empty where it is none.
const std::string& at_or_empty(const std::vector<std::string>& all, std::size_t which) {
  static const std::string none;
  return which < all.size() ? all[which] : none;
}

// What names and ids mean in this run.
class numbering {
 public:
  explicit numbering(const snapshot& world) : world_(world) {
    for (const destination& d : world.destinations)
      destinations_.emplace(d.id, &d);
    for (std::size_t i = 0; i < world.listeners.size(); ++i)
      listeners_.emplace(text_of(world.listeners[i].local), static_cast<listener_index>(i));
  }
  [[nodiscard]] const destination* destination_with(std::uint32_t id) const {
    const auto found = destinations_.find(id);
    return found == destinations_.end() ? nullptr : found->second;
  }
  [[nodiscard]] const resource* resource_of(const destination& d, const std::string& name) const {
    const auto found = std::ranges::find_if(
        d.resources, [&](const resource& r) { return world_.resource_names[r.name] == name; });
    return found == d.resources.end() ? nullptr : &*found;
  }
  // Of one that has gone a number that is none; the engine finds another.
  [[nodiscard]] listener_index listener_at(const std::string& address) const {
    const auto found = listeners_.find(address);
    return found == listeners_.end() ? static_cast<listener_index>(-1) : found->second;
  }

 private:
  const snapshot& world_;
  std::unordered_map<std::uint32_t, const destination*> destinations_;
  std::unordered_map<std::string, listener_index> listeners_;
};

endpoint endpoint_of(const json& item) {
  return parse_endpoint(item.get_ref<const std::string&>(), 0).value_or(endpoint{});
}

// Builds items that are as flat as ours: the library goes down by recursion, however deep it is.
class flat_item : public nlohmann::detail::json_sax_dom_parser<json> {
 public:
  explicit flat_item(json& into) : json_sax_dom_parser(into, false) {}
  bool start_array(std::size_t count) {
    return ++depth_ <= deepest && json_sax_dom_parser::start_array(count);
  }
  bool end_array() {
    --depth_;
    return json_sax_dom_parser::end_array();
  }
  bool start_object(std::size_t count) {
    return ++depth_ <= deepest && json_sax_dom_parser::start_object(count);
  }
  bool end_object() {
    --depth_;
    return json_sax_dom_parser::end_object();
  }

 private:
  static constexpr int deepest = 2;
  int depth_ = 0;
};

// Of no type where it is broken, so that asking it for anything throws.
json next_item(std::FILE* file) {
  json item;
  flat_item builder(item);
  if (!json::sax_parse(file, &builder, json::input_format_t::cbor, false))
    return json(json::value_t::discarded);
  return item;
}

bool more_in(std::FILE* file) {
  const int next = std::fgetc(file);
  if (next == EOF) return false;
  std::ungetc(next, file);
  return true;
}

struct read_call {
  kept_call call; // its texts lie in the item that it was read from
  bool lost_lines = false, lost_destination = false;
};

constexpr std::size_t items_of_call(std::size_t marks, bool handle) {
  return kept_texts.size() + numbers_of_call.size() + marks + (handle ? 8 : 7);
}

// Throws json::exception where the item is no call.
read_call call_in(const json& item, int format, const numbering& numbers) {
  const bool at_first = format == 1 && item.size() == items_of_call(marks_at_first, false);
  const std::size_t marks = at_first      ? marks_at_first
                            : format == 1 ? marks_of_version_1
                                          : marks_of_call.size();
  read_call r;
  kept_call& call = r.call;
  std::size_t at = 0;
  for (const auto text : kept_texts)
    call.*text = item.at(at++).get_ref<const std::string&>();
  for (const auto number : numbers_of_call)
    call.*number = number_in<std::uint32_t>(item.at(at++));
  for (std::size_t mark = 0; mark < marks; ++mark)
    item.at(at++).get_to(call.*marks_of_call[mark]);
  call.age_us = number_in<std::uint64_t>(item.at(at++));
  // Without one its parties' routes name nobody, and its tags tell which it is.
  if (!at_first) call.handle = number_in<std::uint64_t>(item.at(at++));
  call.caller = endpoint_of(item.at(at++));
  call.callee = endpoint_of(item.at(at++));
  call.caller_listener = numbers.listener_at(item.at(at++).get_ref<const std::string&>());
  call.callee_listener = numbers.listener_at(item.at(at++).get_ref<const std::string&>());
  const json& where = item.at(at++);
  const json& resources = item.at(at++);
  const destination* const d =
      where.is_null() ? nullptr : numbers.destination_with(number_in<std::uint32_t>(where));
  if (d != nullptr) call.destination = d->index;
  r.lost_destination = d == nullptr && !where.is_null();
  for (const json& name : resources) {
    const resource* const found =
        d != nullptr ? numbers.resource_of(*d, name.get_ref<const std::string&>()) : nullptr;
    if (found != nullptr && call.resource_count < call.resources.size())
      call.resources[call.resource_count++] = found->name;
    else
      r.lost_lines = true;
  }
  return r;
}

} // namespace

call_names::call_names(const snapshot& world) : resources(world.resource_names) {
  for (const destination& d : world.destinations)
    ids.emplace(d.index, d.id);
  for (const listener& l : world.listeners)
    listeners.push_back(text_of(l.local));
}

call_file_writer::call_file_writer(const std::string& path, call_names names, const moment& now)
    : file_(path), names_(std::move(names)) {
  json head;
  head["linehunt_calls"] = call_file_version;
  put_moment(now, head);
  file_.write(cbor(head));
}

void call_file_writer::add(const kept_call& call) {
  json item = json::array();
  for (const auto text : kept_texts)
    item.push_back(call.*text);
  for (const auto number : numbers_of_call)
    item.push_back(call.*number);
  for (const auto mark : marks_of_call)
    item.push_back(call.*mark);
  item.push_back(call.age_us);
  item.push_back(call.handle);
  item.push_back(text_of(call.caller));
  item.push_back(text_of(call.callee));
  item.push_back(at_or_empty(names_.listeners, call.caller_listener));
  item.push_back(at_or_empty(names_.listeners, call.callee_listener));
  const auto id = names_.ids.find(call.destination);
  item.push_back(id != names_.ids.end() ? json(id->second) : json());
  json resources = json::array();
  for (std::size_t i = 0; i < call.resource_count; ++i)
    resources.push_back(at_or_empty(names_.resources, call.resources[i]));
  item.push_back(std::move(resources));
  file_.write(cbor(item));
  ++calls_;
}

void call_file_writer::add_end() {
  if (!std::exchange(ended_, true)) file_.write(cbor({{"calls", calls_}}));
}

void call_file_writer::hand_over() {
  add_end();
  file_.hand_over();
}

tl::expected<std::uint64_t, std::string> call_file_writer::finish() {
  add_end();
  std::string failure = file_.put_in_place();
  if (!failure.empty()) return tl::unexpected(std::move(failure));
  return calls_;
}

tl::expected<call_file_report, std::string>
read_calls(const std::string& path, const snapshot& world, const moment& now, seconds oldest,
           const std::function<bool(const kept_call&)>& restore, ::uid_t user) {
  auto opened = open_state_file(path, user);
  if (!opened) return tl::unexpected(opened.error());
  if (!*opened) return tl::unexpected(std::string{});
  std::FILE* const file = opened->get();
  const auto next = [file] { return next_item(file); };
  call_file_report report;
  try {
    const json head = next();
    const json& wrote = head.at("linehunt_calls");
    if (wrote != call_file_version && wrote != 1)
      return tl::unexpected(unknown_version(path, wrote, call_file_version));
    const microseconds age = age_of(moment_in(head), now);
    if (age < -oldest)
      return tl::unexpected(
          fmt::format("{} is dated {} s from now; was the clock set back, or is it "
                      "wrong?",
                      path, duration_cast<seconds>(-age).count()));
    if (age > oldest)
      return tl::unexpected(fmt::format("{} was written {} s ago, calls_valid_s is {}", path,
                                        duration_cast<seconds>(age).count(), oldest.count()));
    report.age = std::max(duration_cast<seconds>(age), seconds{0});
    const auto older_us = static_cast<std::uint64_t>(std::max(age, microseconds{0}).count());
    const numbering numbers(world);
    const auto format = number_in<int>(wrote);
    std::uint64_t calls = 0;
    while (more_in(file)) {
      const json item = next();
      if (item.is_object()) {
        report.whole = item.at("calls") == calls;
        return report;
      }
      read_call one = call_in(item, format, numbers);
      ++calls;
      one.call.age_us += older_us;
      const bool taken = restore(one.call);
      ++(taken ? report.restored : report.refused);
      if (taken && one.lost_lines) ++report.unknown_load;
      if (taken && one.lost_lines && one.lost_destination) ++report.unknown_destination;
    }
  } catch (const json::exception&) {
    if (report.restored + report.refused == 0)
      return tl::unexpected(fmt::format("{} is no file of calls, or is damaged", path));
  }
  report.whole = false;
  return report;
}

} // namespace linehunt
