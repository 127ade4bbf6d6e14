// SPDX-License-Identifier: Apache-2.0
// A daemon with two destinations and two calls, for what stands in front of it: dispatcher, socket,
// linehuntctl.
#pragma once

#include "control/admin/daemon_view.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <utility>

namespace linehunt::admin {

class fake_view final : public daemon_view {
 public:
  std::vector<destination_state> all{
      {1, 1, "sip:127.0.0.1:25081", true, true, "rack=a", "", {{"pstn", 3, 1}, {"vm/s", 5, 0}}},
      {2, 2, "sip:127.0.0.1:25082", true, true, "", "", {{"vm", 10, 10}}},
  };
  std::vector<call_state> live{
      {"0:7", "a@host", "f1", "t1", 1, 0, true, 65, "sip:alice@a.example", "sip:4930@b.example",
       "198.51.100.7:5060", "192.0.2.21:5060"},
      {"1:9", "b@host\x1b[2J\xff", "f2", "", std::nullopt, 1, false, 2, "sip:\x1b[2J\xff@a.example",
       "sip:VM_1@b.example"},
  };
  std::vector<std::string> ended; // ids
  bool busy = false;
  std::atomic<std::uint64_t> active = 2; // a test changes it while it is served

  std::chrono::milliseconds listing_takes{0};
  std::function<void()> listed;
  std::vector<destination_state> destinations() override {
    const auto begun = std::chrono::steady_clock::now();
    while (std::chrono::steady_clock::now() - begun < listing_takes) {
    }
    if (listed) listed();
    return all;
  }
  std::optional<destination_state> destination_with(std::uint32_t id) override {
    const auto found = std::ranges::find(all, id, &destination_state::id);
    if (found == all.end() || found->draining) return std::nullopt;
    return *found;
  }
  std::vector<statistic> statistics() override {
    std::vector<statistic> shown{
        {"load_balancer", "calls_started", 12}, {"load_balancer", "calls_failed", 0},
        {"dialog", "active_dialogs", active},   {"linehunt", "workers", 1},
        {"linehunt", "uptime_s", 3723},         {"worker0", "busy_cycles", 0},
        {"worker0", "total_cycles", 0},         {"verdict", "dropped_other_port", 4},
        {"linehunt", "draining", draining}};
    for (statistic& one : rising) {
      one.value += 1000;
      shown.push_back(one);
    }
    return shown;
  }
  std::vector<statistic> rising; // besides, by 1000 each time that somebody looks
  call_list calls(const call_query& wanted) override {
    call_list found;
    for (const call_state& call : live) {
      if (!wanted.call_id.empty() && call.call_id != wanted.call_id) continue;
      if (!wanted.from_tag.empty() && call.from_tag != wanted.from_tag) continue;
      if (!wanted.named.empty() && call.id != wanted.named && call.call_id != wanted.named)
        continue;
      if (++found.count > wanted.first && found.calls.size() < std::min(wanted.most, at_once))
        found.calls.push_back(call);
    }
    return found;
  }
  std::uint64_t at_once = max_listed_calls;
  std::vector<process_state> processes() override { return {{0, 100, "control"}}; }
  std::chrono::system_clock::time_point started_at() override {
    return std::chrono::system_clock::time_point{std::chrono::seconds(1'700'000'000)};
  }
  std::chrono::seconds clock_set_by{0}; // since the start, by an operator
  std::chrono::system_clock::time_point now() override {
    return started_at() + uptime() + clock_set_by;
  }
  std::chrono::seconds uptime() override { return std::chrono::seconds(90); }

  int level = 3;
  int log_level() override { return level; }
  void set_log_level(int wanted) override { level = wanted; }

  void set_enabled(std::uint32_t id, bool enabled, answering done) override {
    if (busy) return done(tl::unexpected(change_fault::busy));
    const auto found = std::ranges::find(all, id, &destination_state::id);
    if (found == all.end()) return done(tl::unexpected(change_fault::no_such_destination));
    found->enabled = found->auto_reenable = enabled;
    save(std::move(done));
  }
  void resize(std::uint32_t id, const std::string& resource, std::int32_t capacity,
              answering done) override {
    const auto found = std::ranges::find(all, id, &destination_state::id);
    if (found == all.end()) return done(tl::unexpected(change_fault::no_such_destination));
    const auto one = std::ranges::find(found->resources, resource, &resource_state::name);
    if (one == found->resources.end()) return done(tl::unexpected(change_fault::no_such_resource));
    if (busy) return done(tl::unexpected(change_fault::busy));
    one->capacity = capacity;
    save(std::move(done));
  }
  bool saving_waits = false; // then until finish_saving
  void save(answering done) {
    unsaved.push_back(std::move(done));
    if (!saving_waits) finish_saving();
  }
  void finish_saving() {
    for (const auto& done : std::exchange(unsaved, {}))
      done({});
  }
  std::vector<answering> unsaved;
  std::string reload_fault;  // empty: it goes well
  bool reload_waits = false; // then until finish_reloads
  void reload(std::function<void(reload_outcome)> done) override {
    waiting.push_back(std::move(done));
    if (!reload_waits) finish_reloads();
  }
  void finish_reloads() {
    for (const auto& done : std::exchange(waiting, {}))
      done(reload_fault.empty() ? reload_outcome{} : tl::unexpected(reload_fault));
  }
  std::vector<std::function<void(reload_outcome)>> waiting;
  capture_state capturing;
  std::optional<capture_fault> capture_refused;
  unsigned capture_ends_after = 0; // so many questions; 0: never
  using capture_answering = std::function<void(capture_outcome)>;
  void start_capture(const capture_request& wanted, capture_answering done) override {
    if (capture_refused) return done(tl::unexpected(*capture_refused));
    capturing = {capture_phase::running,
                 "/captures/" + (wanted.name.empty() ? "by-time" : wanted.name), wanted, 7, 3'000};
    capturing.elapsed = std::chrono::milliseconds(1500);
    done(capturing);
  }
  bool capture_end_waits = false; // then until finish_captures
  void stop_capture(const std::string& file, capture_answering done) override {
    if (!file.empty() && file != capturing.file)
      return done(tl::unexpected(capture_fault{capture_fault::running, "another one runs"}));
    if (capturing.phase != capture_phase::running)
      return done(
          tl::unexpected(capture_fault{capture_fault::none_running, "no capture is running"}));
    ending_captures.push_back(std::move(done));
    if (!capture_end_waits) finish_captures();
  }
  void finish_captures() {
    capturing.phase = capture_phase::ended;
    for (const auto& done : std::exchange(ending_captures, {}))
      done(capturing);
  }
  std::vector<capture_answering> ending_captures;
  capture_state capture_status() override {
    if (capture_ends_after != 0 && --capture_ends_after == 0) {
      capturing.phase = capture_phase::ended;
      capturing.why = capturing.error.empty() ? capture_end::time : capture_end::failed;
    }
    return capturing;
  }
  std::atomic<bool> draining = false; // as above
  bool ending = false;
  outcome drain(bool on) override {
    if (ending) return tl::unexpected(change_fault::ending);
    draining = on;
    return {};
  }
  outcome end_call(const call_state& call) override {
    if (busy) return tl::unexpected(change_fault::busy);
    ended.push_back(call.id);
    return {};
  }
};

} // namespace linehunt::admin
