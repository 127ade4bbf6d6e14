// SPDX-License-Identifier: Apache-2.0
// The running daemon as the admin interface sees it: what can be asked and what can be changed.
// Implemented over the runtime by control/daemon/live_view; tests bring their own. Knows nothing of
// JSON or sockets.
#pragma once

#include "control/admin/capture_view.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

namespace linehunt::admin {

struct resource_state {
  std::string name; // as configured, with its suffix
  std::int32_t capacity = 0;
  std::int64_t load = 0;      // lines held by live calls, summed over workers
  std::string heartbeat = {}; // waiting, fresh or stale where the capacity follows one; else empty
  bool draining = false;      // no longer offered, but calls still hold lines of it
};

struct destination_state {
  std::uint32_t id = 0;
  std::uint32_t group = 0;
  std::string uri;
  bool enabled = true;
  bool auto_reenable = true; // false once an admin disabled it
  std::string attrs, description;
  std::vector<resource_state> resources;
  // Where the URI has a host name: what it stands for, and what is wrong with it (a DNS failure).
  std::vector<std::string> addresses = {};
  std::string unresolved = {}; // why there are no addresses; empty where there are
  std::string stale = {};      // why they are older than DNS allows
  std::uint32_t paused_s = 0;  // no new calls for so long, as it asked itself (Retry-After)
  bool draining = false;       // no longer configured, but calls are still there
  std::optional<std::uint32_t> probe_round_trip_us = {}; // of the last answer to a probe
};

struct call_state {
  std::string id; // names the call to end_call
  std::string call_id, from_tag, to_tag;
  std::optional<std::uint32_t> destination; // the operator's number
  unsigned worker = 0;
  bool answered = false;
  std::int64_t age_s = 0; // since its INVITE came
  std::string from_uri = {}, to_uri = {};
  std::string caller = {}, callee = {}; // addresses; empty where not known yet
};

// A list of a million calls would hold up everything else that the control thread has to do.
inline constexpr std::uint64_t max_listed_calls = 10'000;

struct call_query {
  std::string call_id, from_tag; // empty: any
  std::string named;             // the id or the Call-ID of a call; empty: any
  std::uint64_t first = 0;       // of those that fit, so many are left out
  std::uint64_t most = max_listed_calls;
};

struct call_list {
  std::uint64_t count = 0; // that fit, listed or not
  std::vector<call_state> calls;
};

// "group:name" in the style of OpenSIPS.
struct statistic {
  std::string group, name;
  std::uint64_t value = 0;
};

struct process_state {
  int id = 0;
  int pid = 0;
  std::string type; // "control", "worker"
};

enum class change_fault : std::uint8_t {
  no_such_destination,
  no_such_resource,
  no_such_call,
  busy,   // the way to the workers is full; try again
  ending, // the daemon is about to end
};

class daemon_view {
 public:
  virtual ~daemon_view() = default;

  [[nodiscard]] virtual std::vector<destination_state> destinations() = 0;
  // A configured one; nullopt where there is none, or where it only drains.
  [[nodiscard]] virtual std::optional<destination_state> destination_with(std::uint32_t id) = 0;
  [[nodiscard]] virtual std::vector<statistic> statistics() = 0;
  // Never more than max_listed_calls; fewer than were asked for where their texts are long.
  [[nodiscard]] virtual call_list calls(const call_query& wanted) = 0;
  [[nodiscard]] virtual std::vector<process_state> processes() = 0;
  [[nodiscard]] virtual std::chrono::system_clock::time_point started_at() = 0;
  [[nodiscard]] virtual std::chrono::system_clock::time_point now() = 0;
  // Not the difference of these two: the clock on the wall may be set meanwhile.
  [[nodiscard]] virtual std::chrono::seconds uptime() = 0;

  // In OpenSIPS' numbers: -3 alerts only ... -1 errors, 1 warnings, 3 info, 4 debug.
  [[nodiscard]] virtual int log_level() = 0;
  virtual void set_log_level(int level) = 0;

  using outcome = tl::expected<void, change_fault>;
  using answering = std::function<void(outcome)>;
  // These call `done` once, in the control thread: at once where it is refused, else when the
  // change is on the disk, or the disk has failed or does not answer.
  virtual void set_enabled(std::uint32_t destination, bool enabled, answering done) = 0;
  // `capacity` is 0 or more.
  virtual void resize(std::uint32_t destination, const std::string& resource, std::int32_t capacity,
                      answering done) = 0;
  // No new calls, or again.
  [[nodiscard]] virtual outcome drain(bool on) = 0;
  [[nodiscard]] virtual outcome end_call(const call_state& call) = 0;
  // These call `done` once, in the control thread: at once, or when the disk has answered.
  virtual void start_capture(const capture_request& wanted,
                             std::function<void(capture_outcome)> done) = 0;
  // The one to `file` only, where that is not empty.
  virtual void stop_capture(const std::string& file, std::function<void(capture_outcome)> done) = 0;
  // Of the last one whose file was made.
  [[nodiscard]] virtual capture_state capture_status() = 0;
  // The error says why, in the words of `linehunt check`; everything is then as it was.
  using reload_outcome = tl::expected<void, std::string>;
  // Calls `done` once, in the control thread: at once or later, since a database may have to answer
  // first.
  virtual void reload(std::function<void(reload_outcome)> done) = 0;
};

} // namespace linehunt::admin
