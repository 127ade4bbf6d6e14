// SPDX-License-Identifier: Apache-2.0
// See capture_session.h.
#include "control/capture/capture_session.h"

#include "control/capture/pcapng.h"
#include "control/version.h"

#include <algorithm>
#include <ctime>
#include <fmt/format.h>
#include <numeric>
#include <spdlog/spdlog.h>
#include <utility>

namespace linehunt {
namespace {

using admin::capture_end;
using admin::capture_fault;
using admin::capture_phase;

constexpr std::size_t write_bytes = 1 << 20; // so much at once

std::uint64_t unix_ns_now() {
  using namespace std::chrono;
  return static_cast<std::uint64_t>(
      duration_cast<nanoseconds>(system_clock::now().time_since_epoch()).count());
}

// To the millisecond: one may follow the other within a second.
std::string name_by_time() {
  const std::uint64_t now_ns = unix_ns_now();
  const auto now = static_cast<std::time_t>(now_ns / 1'000'000'000);
  std::tm parts{};
  localtime_r(&now, &parts);
  char text[64] = {};
  std::strftime(text, sizeof text, "%Y%m%d-%H%M%S", &parts);
  return fmt::format("linehunt-{}.{:03}.pcapng", text, now_ns / 1'000'000 % 1000);
}

// So that nothing in it looks like a line of the log.
std::string quoted(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
}

tl::unexpected<capture_fault> refused(capture_fault::kind why, std::string message) {
  return tl::unexpected(capture_fault{why, std::move(message)});
}

} // namespace

capture_session::~capture_session() {
  if (source_) end(clock::now(), capture_end::daemon_ends);
}

admin::capture_outcome capture_session::start(const admin::capture_request& wanted,
                                              clock::time_point now) {
  if (folder_.empty())
    return refused(capture_fault::switched_off,
                   "there are no captures, capture_dir of [admin] is \"\"");
  if (source_)
    return refused(capture_fault::running,
                   fmt::format("a capture goes on to {}; end it with capture_stop", state_.file));
  dpdk::capture_filter filter;
  filter.match = wanted.match;
  if (!wanted.port.empty()) {
    const auto found = std::ranges::find(ports_, wanted.port, &named_port::name);
    if (found == ports_.end()) {
      std::string names;
      for (const named_port& p : ports_)
        names += (names.empty() ? "" : ", ") + p.name;
      return refused(capture_fault::no_such_port,
                     fmt::format("there is no port '{}'; there are: {}", wanted.port, names));
    }
    filter.port = static_cast<std::size_t>(found - ports_.begin());
  }
  const std::string name = wanted.name.empty() ? name_by_time() : wanted.name;
  if (std::string fault = fault_of_name(name); !fault.empty())
    return refused(capture_fault::bad_name, std::move(fault));
  // Before the file, so that a refusal leaves nothing behind and takes nothing away.
  auto begun = on_.begin(filter);
  if (!begun) return refused(capture_fault::no_memory, begun.error().message);
  const std::uint64_t max_bytes = wanted.max_mb * 1'000'000;
  auto made = capture_file::create(folder_, name, wanted.overwrite, max_bytes);
  if (!made)
    return refused(made.error().exists ? capture_fault::exists : capture_fault::disk,
                   std::move(made.error().message));
  state_ = {capture_phase::running, made->path(), wanted};
  file_.emplace(std::move(*made));
  taken_.assign(ports_.size(), 0);
  waiting_.clear();
  waiting_packets_ = 0;
  full_ = false;
  add_beginning();
  bytes_left_ = max_bytes - std::min(max_bytes, waiting_.size() + statistics_bytes());
  began_ = now;
  if (const auto written = file_->write(std::exchange(waiting_, {})); !written) {
    file_.reset();
    state_ = {};
    return refused(capture_fault::disk, written.error());
  }
  source_ = std::move(*begun);
  state_.bytes = file_->bytes();
  spdlog::info("capture to {} begins: {}, {}, at most {} s and {} MB", state_.file,
               wanted.port.empty() ? "all ports" : "port " + wanted.port,
               wanted.match.empty() ? "all frames" : "frames with " + quoted(wanted.match),
               wanted.seconds, wanted.max_mb);
  on_.raise(admin::capture_event, {{"state", "running"}, {"file", state_.file}});
  return state_;
}

void capture_session::add_beginning() {
  waiting_ = pcapng::section_header(fmt::format("linehunt {}", version));
  for (const named_port& p : ports_)
    waiting_ += pcapng::interface_description(p.name, p.device, state_.wanted.match);
}

std::uint64_t capture_session::statistics_bytes() const noexcept {
  return ports_.size() * pcapng::interface_statistics(0, 0, 0, 0).size();
}

void capture_session::add_statistics() {
  const std::uint64_t now = unix_ns_now();
  for (std::size_t p = 0; p < ports_.size(); ++p)
    waiting_ += pcapng::interface_statistics(static_cast<std::uint32_t>(p), now, taken_[p],
                                             source_->missed(p));
}

std::uint64_t capture_session::missed() const noexcept {
  std::uint64_t sum = 0;
  for (std::size_t p = 0; source_ && p < ports_.size(); ++p)
    sum += source_->missed(p);
  return sum;
}

// A frame beyond a limit, and all after it, are left out.
void capture_session::take(const dpdk::captured_frame& frame) {
  if (full_ || !state_.error.empty()) return;
  if (state_.wanted.packets != 0 && state_.packets >= state_.wanted.packets) return;
  const pcapng::packet packet{static_cast<std::uint32_t>(frame.port), frame.unix_ns, frame.sent,
                              frame.original_bytes, frame.bytes};
  const std::size_t bytes = pcapng::block_bytes(packet);
  if (bytes > bytes_left_) {
    full_ = true;
    return;
  }
  bytes_left_ -= bytes;
  pcapng::append(waiting_, packet);
  ++state_.packets;
  ++taken_[frame.port];
  ++waiting_packets_;
  if (waiting_.size() >= write_bytes) write_out();
}

void capture_session::write_out() {
  if (waiting_.empty() || !state_.error.empty()) return;
  if (const auto written = file_->write(waiting_); !written) {
    state_.error = written.error();
    state_.packets -= waiting_packets_; // which are not in the file
  }
  waiting_.clear();
  waiting_packets_ = 0;
  state_.bytes = file_->bytes();
  if (state_.error.empty() && clock::now() - turn_began_ > longest_turn)
    state_.error = fmt::format("{}: the disk is too slow; the file ends there, narrow the capture "
                               "with --match, or name another disk with capture_dir of [admin]",
                               state_.file);
}

std::optional<capture_end> capture_session::reached(clock::time_point now) const noexcept {
  if (!state_.error.empty()) return capture_end::failed;
  if (full_) return capture_end::size;
  if (state_.wanted.packets != 0 && state_.packets >= state_.wanted.packets)
    return capture_end::packets;
  if (now >= began_ + std::chrono::seconds(state_.wanted.seconds)) return capture_end::time;
  return std::nullopt;
}

void capture_session::look(clock::time_point now) {
  if (!source_) return;
  turn_began_ = clock::now();
  source_->poll([this](const dpdk::captured_frame& frame) { take(frame); });
  write_out();
  state_.missed = missed();
  if (const auto why = reached(now)) end(now, *why);
}

void capture_session::end(clock::time_point now, capture_end why) {
  turn_began_ = clock::now();
  source_->stop([this](const dpdk::captured_frame& frame) { take(frame); });
  state_.missed = missed();
  add_statistics();
  write_out();
  state_.phase = capture_phase::ended;
  state_.why = state_.error.empty() ? why : capture_end::failed;
  state_.elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(now - began_);
  source_.reset();
  file_.reset();
  if (state_.error.empty())
    spdlog::info("capture to {} has ended ({}): {} packets, {} bytes, {} missed", state_.file,
                 admin::word_for(state_.why), state_.packets, state_.bytes, state_.missed);
  else
    spdlog::error("capture to {} has ended: {}", state_.file, state_.error);
  nlohmann::json told = {{"state", "ended"},
                         {"file", state_.file},
                         {"reason", admin::word_for(state_.why)},
                         {"packets", state_.packets},
                         {"missed", state_.missed}};
  if (!state_.error.empty()) told["error"] = state_.error;
  on_.raise(admin::capture_event, told);
}

admin::capture_state capture_session::status(clock::time_point now) const {
  admin::capture_state out = state_;
  if (source_) out.elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(now - began_);
  return out;
}

admin::capture_outcome capture_session::stop(clock::time_point now, const std::string& file) {
  if (!source_) return refused(capture_fault::none_running, "no capture is running");
  if (!file.empty() && file != state_.file)
    return refused(capture_fault::running,
                   fmt::format("the capture that runs goes to {}", state_.file));
  end(now, capture_end::stopped);
  return state_;
}

} // namespace linehunt
