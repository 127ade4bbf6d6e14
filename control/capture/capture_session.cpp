// SPDX-License-Identifier: Apache-2.0
// See capture_session.h.
#include "control/capture/capture_session.h"

#include "control/capture/pcapng.h"
#include "control/version.h"

#include <algorithm>
#include <ctime>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <utility>

namespace linehunt {
namespace {

using admin::capture_end;
using admin::capture_fault;
using admin::capture_phase;

constexpr std::chrono::seconds patience_at_close{2};

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
  close(now_);
}

void capture_session::start(const admin::capture_request& wanted, clock::time_point now,
                            answering done) {
  if (folder_.empty())
    return done(refused(capture_fault::switched_off,
                        "there are no captures, capture_dir of [admin] is \"\""));
  if (goes_on())
    return done(
        refused(capture_fault::running,
                fmt::format("a capture goes on to {}; end it with capture_stop", state_.file)));
  if (writer_ && writer_->hangs())
    return done(refused(
        capture_fault::disk,
        fmt::format("the disk of {} does not answer since the capture to {}; look at it, or name "
                    "another one with capture_dir of [admin]",
                    folder_, writer_->path())));
  dpdk::capture_filter filter;
  filter.match = wanted.match;
  if (!wanted.port.empty()) {
    const auto found = std::ranges::find(ports_, wanted.port, &named_port::name);
    if (found == ports_.end()) {
      std::string names;
      for (const named_port& p : ports_)
        names += (names.empty() ? "" : ", ") + p.name;
      return done(refused(capture_fault::no_such_port,
                          fmt::format("there is no port '{}'; there are: {}", wanted.port, names)));
    }
    filter.port = static_cast<std::size_t>(found - ports_.begin());
  }
  const std::string name = wanted.name.empty() ? name_by_time() : wanted.name;
  if (std::string fault = fault_of_name(name); !fault.empty())
    return done(refused(capture_fault::bad_name, std::move(fault)));
  // Before the file, so that a refusal leaves nothing behind and takes nothing away.
  auto begun = on_.begin(filter);
  if (!begun) return done(refused(capture_fault::no_memory, begun.error().message));
  source_ = std::move(*begun);
  before_ = std::exchange(state_, {capture_phase::running, folder_ + '/' + name, wanted});
  taken_.assign(ports_.size(), 0);
  dropped_.assign(ports_.size(), 0);
  packets_ = 0;
  full_ = told_begin_ = told_end_ = false;
  began_ = now_ = now;
  begun_ = std::move(done);
  std::string first = header();
  const std::uint64_t max_bytes = wanted.max_mb * 1'000'000;
  bytes_left_ = max_bytes - std::min(max_bytes, first.size() + statistics().size());
  writer_ = std::make_unique<capture_writer>(
      on_.aside, capture_writer::place{folder_, name, wanted.overwrite, max_bytes},
      std::move(first), [this] { on_disk(); }, now);
}

std::string capture_session::header() const {
  std::string out = pcapng::section_header(fmt::format("linehunt {}", version));
  for (const named_port& p : ports_)
    out += pcapng::interface_description(p.name, p.device, state_.wanted.match);
  return out;
}

std::string capture_session::statistics() const {
  const std::uint64_t now = unix_ns_now();
  std::string out;
  for (std::size_t p = 0; p < ports_.size(); ++p)
    out += pcapng::interface_statistics(static_cast<std::uint32_t>(p), now, taken_[p], missed(p));
  return out;
}

std::uint64_t capture_session::missed(std::size_t port) const noexcept {
  return source_->missed(port) + dropped_[port];
}

std::uint64_t capture_session::missed() const noexcept {
  std::uint64_t sum = 0;
  for (std::size_t p = 0; p < ports_.size(); ++p)
    sum += missed(p);
  return sum;
}

// A frame beyond a limit, and all after it, are left out.
void capture_session::take(const dpdk::captured_frame& frame) {
  if (full_ || writer_->closed()) return;
  if (state_.wanted.packets != 0 && packets_ >= state_.wanted.packets) return;
  const pcapng::packet packet{static_cast<std::uint32_t>(frame.port), frame.unix_ns, frame.sent,
                              frame.original_bytes, frame.bytes};
  const std::size_t bytes = pcapng::block_bytes(packet);
  if (bytes > bytes_left_) {
    full_ = true;
    return;
  }
  std::string* const to = writer_->room_for(bytes);
  if (to == nullptr) {
    ++dropped_[frame.port];
    return;
  }
  bytes_left_ -= bytes;
  pcapng::append(*to, packet);
  ++packets_;
  ++taken_[frame.port];
}

std::optional<capture_end> capture_session::reached(clock::time_point now) const noexcept {
  if (full_) return capture_end::size;
  if (state_.wanted.packets != 0 && packets_ >= state_.wanted.packets) return capture_end::packets;
  if (now >= began_ + std::chrono::seconds(state_.wanted.seconds)) return capture_end::time;
  return std::nullopt;
}

void capture_session::look(clock::time_point now) {
  if (!goes_on()) return;
  now_ = now;
  if (source_) {
    source_->poll([this](const dpdk::captured_frame& frame) { take(frame); });
    state_.missed = missed();
    if (const auto why = reached(now)) end(now, *why);
  }
  writer_->look(now);
}

// No more frames; the end is told when the disk has what there is.
void capture_session::end(clock::time_point now, capture_end why) {
  source_->stop([this](const dpdk::captured_frame& frame) { take(frame); });
  state_.missed = missed();
  state_.why = why;
  state_.elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(now - began_);
  writer_->finish(statistics(), now);
  source_.reset();
}

void capture_session::on_disk() {
  state_.bytes = writer_->done().bytes;
  state_.packets = writer_->done().packets;
  if (writer_->done().made && !std::exchange(told_begin_, true)) on_made();
  if (!writer_->closed()) return;
  if (source_) end(now_, capture_end::failed);
  on_closed();
}

void capture_session::on_made() {
  const admin::capture_request& wanted = state_.wanted;
  spdlog::info("capture to {} begins: {}, {}, at most {} s and {} MB", state_.file,
               wanted.port.empty() ? "all ports" : "port " + wanted.port,
               wanted.match.empty() ? "all frames" : "frames with " + quoted(wanted.match),
               wanted.seconds, wanted.max_mb);
  on_.raise(admin::capture_event, {{"state", "running"}, {"file", state_.file}});
  std::exchange(begun_, nullptr)(status(now_));
}

void capture_session::on_closed() {
  told_end_ = true;
  const auto waiting = std::exchange(ended_, {});
  const capture_writer::progress& done = writer_->done();
  if (!done.made) {
    state_ = std::exchange(before_, {});
    std::exchange(begun_, nullptr)(
        refused(done.exists ? capture_fault::exists : capture_fault::disk, done.error));
    for (const answering& each : waiting)
      each(refused(capture_fault::none_running, "the capture could not begin: " + done.error));
    return;
  }
  state_.phase = capture_phase::ended;
  state_.error = done.error;
  if (!state_.error.empty()) state_.why = capture_end::failed;
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
  // Who is answered may begin the next one at once.
  for (const admin::capture_state mine = state_; const answering& each : waiting)
    each(mine);
}

admin::capture_state capture_session::status(clock::time_point now) const {
  if (goes_on() && !told_begin_) return before_;
  admin::capture_state out = state_;
  if (source_) out.elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(now - began_);
  return out;
}

void capture_session::stop(clock::time_point now, const std::string& file, answering done) {
  if (!goes_on()) return done(refused(capture_fault::none_running, "no capture is running"));
  if (!file.empty() && file != state_.file)
    return done(refused(capture_fault::running,
                        fmt::format("the capture that runs goes to {}", state_.file)));
  ended_.push_back(std::move(done));
  if (source_) end(now, capture_end::stopped);
  writer_->look(now);
}

void capture_session::close(clock::time_point now) {
  if (!goes_on()) return;
  begun_ = [](const admin::capture_outcome&) {}; // nobody is answered any more
  ended_.clear();
  if (source_) end(now, capture_end::daemon_ends);
  writer_->wait(patience_at_close);
}

} // namespace linehunt
