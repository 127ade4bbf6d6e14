// SPDX-License-Identifier: Apache-2.0
// See call_file.h.
#include "control/state/call_file.h"

#include "control/state/cbor.h"
#include "control/state/json_number.h"
#include "control/state/state_file.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

namespace linehunt {
namespace {

using nlohmann::json;
using std::chrono::duration_cast;
using std::chrono::microseconds;
using std::chrono::seconds;

constexpr int call_file_version = 5;
// Version 4 ended with asked, version 3 ended with callee_doubted, version 2 with uncertain,
// version 1 before it; at its beginning that ended with ping_callee, and calls had no handles.
constexpr std::size_t marks_of_version_4 = 12, marks_of_version_3 = 11, marks_of_version_2 = 9,
                      marks_of_version_1 = 8, marks_at_first = 5;

// What else a call has, in the order of the file, behind its texts.
constexpr std::array numbers_of_call{&kept_call::answered_after_ms, &kept_call::expires_after_s,
                                     &kept_call::caller_cseq, &kept_call::callee_cseq};
constexpr std::array marks_of_call{
    &kept_call::balanced,        &kept_call::acked,           &kept_call::leaving,
    &kept_call::ping_caller,     &kept_call::ping_callee,     &kept_call::closing,
    &kept_call::caller_bye_done, &kept_call::callee_bye_done, &kept_call::uncertain,
    &kept_call::caller_doubted,  &kept_call::callee_doubted,  &kept_call::asked,
    &kept_call::spirals};

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
  [[nodiscard]] const resource* resource_of(const destination& d, std::string_view name) const {
    const auto found = std::ranges::find_if(
        d.resources, [&](const resource& r) { return world_.resource_names[r.name] == name; });
    return found == d.resources.end() ? nullptr : &*found;
  }
  // Of one that has gone a number that is none; the engine finds another.
  [[nodiscard]] listener_index listener_at(std::string_view address) const {
    const auto found = listeners_.find(std::string{address});
    return found == listeners_.end() ? static_cast<listener_index>(-1) : found->second;
  }

 private:
  const snapshot& world_;
  std::unordered_map<std::uint32_t, const destination*> destinations_;
  std::unordered_map<std::string, listener_index> listeners_;
};

// Builds items that are as flat as ours, and no longer: the library goes down by recursion, however
// deep it is, and throws where a length is more than there can be.
class flat_item : public nlohmann::detail::json_sax_dom_parser<json> {
 public:
  explicit flat_item(json& into) : json_sax_dom_parser(into, false) {}
  bool start_array(std::size_t count) {
    return fits(count) && json_sax_dom_parser::start_array(count);
  }
  bool end_array() {
    --depth_;
    return json_sax_dom_parser::end_array();
  }
  bool start_object(std::size_t count) {
    return fits(count) && json_sax_dom_parser::start_object(count);
  }
  bool end_object() {
    --depth_;
    return json_sax_dom_parser::end_object();
  }

 private:
  static constexpr int deepest = 2;
  static constexpr std::size_t longest = 100; // also against none, which the library has as -1
  bool fits(std::size_t count) { return ++depth_ <= deepest && count <= longest; }
  int depth_ = 0;
};

// What the file says of itself.
struct file_head {
  json version;
  moment written;
};
std::optional<file_head> read_head(std::FILE* file) {
  json head;
  flat_item builder(head);
  if (!json::sax_parse(file, &builder, json::input_format_t::cbor, false)) return std::nullopt;
  try {
    return file_head{head.at("linehunt_calls"), moment_in(head)};
  } catch (const json::exception&) {
    return std::nullopt;
  }
}

constexpr std::size_t items_of_call(std::size_t marks, bool handle) {
  return kept_texts.size() + numbers_of_call.size() + marks + (handle ? 8 : 7);
}

endpoint endpoint_in(cbor::reader& file) {
  return parse_endpoint(file.text(), 0).value_or(endpoint{});
}

struct read_call {
  kept_call call; // its texts are the reader's
  bool lost_lines = false, lost_destination = false;
};

// Throws cbor::bad_item where the next item is no call.
read_call call_in(cbor::reader& file, int format, const numbering& numbers) {
  const std::size_t items = file.array();
  const bool at_first = format == 1 && items == items_of_call(marks_at_first, false);
  const std::size_t marks = at_first      ? marks_at_first
                            : format == 1 ? marks_of_version_1
                            : format == 2 ? marks_of_version_2
                            : format == 3 ? marks_of_version_3
                            : format == 4 ? marks_of_version_4
                                          : marks_of_call.size();
  if (items != items_of_call(marks, !at_first)) throw cbor::bad_item("a call of another length");
  read_call r;
  kept_call& call = r.call;
  for (const auto text : kept_texts)
    call.*text = file.text();
  for (const auto number : numbers_of_call)
    call.*number = fitting<std::uint32_t>(file.number());
  for (std::size_t mark = 0; mark < marks; ++mark)
    call.*marks_of_call[mark] = file.flag();
  if (marks < marks_of_call.size()) call.spirals = true; // it may, and its tags tell with which
  call.age_us = file.number();
  // Without one its parties' routes name nobody, and its tags tell which it is.
  if (!at_first) call.handle = file.number();
  call.caller = endpoint_in(file);
  call.callee = endpoint_in(file);
  call.caller_listener = numbers.listener_at(file.text());
  call.callee_listener = numbers.listener_at(file.text());
  const bool nowhere = file.is_null();
  const destination* const d =
      nowhere ? nullptr : numbers.destination_with(fitting<std::uint32_t>(file.number()));
  if (d != nullptr) call.destination = d->index;
  r.lost_destination = d == nullptr && !nowhere;
  for (std::size_t left = file.array(); left > 0; --left) {
    const std::string_view name = file.text();
    const resource* const found = d != nullptr ? numbers.resource_of(*d, name) : nullptr;
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
  json::to_cbor(head, item_);
  file_.write(item_);
}

void call_file_writer::add(const kept_call& call) {
  item_.clear();
  cbor::writer item(item_);
  item.array(items_of_call(marks_of_call.size(), true));
  for (const auto text : kept_texts)
    item.text(call.*text);
  for (const auto number : numbers_of_call)
    item.number(call.*number);
  for (const auto mark : marks_of_call)
    item.flag(call.*mark);
  item.number(call.age_us).number(call.handle);
  item.text(to_text(call.caller)).text(to_text(call.callee));
  item.text(at_or_empty(names_.listeners, call.caller_listener));
  item.text(at_or_empty(names_.listeners, call.callee_listener));
  if (const auto id = names_.ids.find(call.destination); id != names_.ids.end())
    item.number(id->second);
  else
    item.null();
  item.array(call.resource_count);
  for (std::size_t i = 0; i < call.resource_count; ++i)
    item.text(at_or_empty(names_.resources, call.resources[i]));
  file_.write(item_);
  ++calls_;
}

void call_file_writer::add_end() {
  if (std::exchange(ended_, true)) return;
  item_.clear();
  cbor::writer(item_).map(1).text("calls").number(calls_);
  file_.write(item_);
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
  const std::string none = fmt::format("{} is no file of calls, or is damaged", path);
  const auto head = read_head(opened->get());
  if (!head) return tl::unexpected(none);
  if (head->version != 1 && head->version != 2 && head->version != 3 && head->version != 4 &&
      head->version != call_file_version)
    return tl::unexpected(unknown_version(path, head->version, call_file_version));
  const microseconds age = age_of(head->written, now);
  if (age < -oldest) return tl::unexpected(dated_ahead(path, age));
  if (age > oldest)
    return tl::unexpected(fmt::format("{} was written {} s ago, calls_valid_s is {}", path,
                                      duration_cast<seconds>(age).count(), oldest.count()));
  call_file_report report;
  report.age = std::max(duration_cast<seconds>(age), seconds{0});
  const auto older_us = static_cast<std::uint64_t>(std::max(age, microseconds{0}).count());
  const numbering numbers(world);
  const auto format = head->version.get<int>();
  std::uint64_t calls = 0;
  try {
    for (cbor::reader items(opened->get()); items.next();) {
      if (items.is_map()) {
        report.whole = items.map() == 1 && items.text() == "calls" && items.number() == calls;
        return report;
      }
      read_call one = call_in(items, format, numbers);
      ++calls;
      one.call.age_us += older_us;
      const bool taken = restore(one.call);
      ++(taken ? report.restored : report.refused);
      if (taken && one.lost_lines) ++report.unknown_load;
      if (taken && one.lost_lines && one.lost_destination) ++report.unknown_destination;
    }
  } catch (const cbor::bad_item&) {
    if (report.restored + report.refused == 0) return tl::unexpected(none);
  }
  report.whole = false;
  return report;
}

} // namespace linehunt
