// SPDX-License-Identifier: Apache-2.0
// Callers and destinations: begins calls, answers them, ends them, and checks everything that comes
// through the device. Deterministic: time is handed in, messages go to an outbox. Knows nothing of
// frames and ports.
//
//   caller        device        destination
//     INVITE ────────►───────────► 100 (absorbed), 180, 200
//     ACK ──◄── 100 180 200 ◄──
//     ... held ...
//     BYE ───────────►───────────► 200
#pragma once

#include "dataplane/timer_wheel.h"
#include "tools/pktgen/call_records.h"
#include "tools/pktgen/checks.h"
#include "tools/pktgen/glance.h"
#include "tools/pktgen/messages.h"
#include "tools/pktgen/traffic.h"

#include <cstdint>
#include <memory>
#include <optional>

namespace linehunt::pktgen {

// T1 of RFC 3261 17.1.1.1: nothing is sent again sooner than this after it was first sent.
inline constexpr std::uint32_t first_timer_ms = 500;

struct call_settings {
  std::uint64_t seed = 1;
  std::uint32_t max_calls = 100'000;    // records
  std::uint32_t deadline_ms = 1000;     // what has not come by then is lost
  bool lossy = false;                   // a request may come as the device's second copy, T1 later
  std::uint32_t held = 0;               // end the oldest as soon as more than that are held, or ...
  std::optional<std::uint32_t> hold_ms; // ... each after this time,
  std::uint32_t hold_spread_ms = 0;     // and up to so much longer
};

class call_player final : public traffic {
 public:
  call_player(const scene& of, const call_settings& settings, outbox& out, tally& count,
              memory_source& memory, time_ns start);

  bool begin_one(time_ns now, time_ns due) noexcept override;
  std::optional<call_number> announce(std::string_view bytes) const noexcept override;
  void receive(std::string_view bytes, const endpoint& from, std::uint32_t station,
               std::optional<call_number> announced, time_ns now) noexcept override;
  void advance(time_ns now) noexcept override;
  [[nodiscard]] std::uint64_t unsettled() const noexcept override { return unsettled_; }
  [[nodiscard]] std::uint64_t live() const noexcept override { return records_.used(); }
  [[nodiscard]] std::uint64_t held() const noexcept override { return held_; }
  bool wind_up(time_ns now, std::size_t most) noexcept override;
  void count_in(tally& t) noexcept override { count_ = &t; }

  // Memory for one call in progress, timers and queues included.
  static constexpr std::size_t bytes_per_call =
      call_records::bytes_per_call + 16 + sizeof(call_number);

 private:
  enum class awaited : std::uint8_t { answer, rest_of_setup, end };
  struct waiting {
    call_number who;
    std::uint32_t due_ms = 0;
    awaited what = awaited::answer;
  };

  // False: it has to be read.
  bool take_at_a_glance(std::string_view bytes, const identity& who, call_number number,
                        std::uint32_t station, time_ns now) noexcept;
  bool glance_at_reply(std::string_view bytes, const identity& who, call_number number,
                       time_ns now) noexcept;
  void on_request(const received& m, const identity& who, call_number number,
                  std::uint32_t destination, time_ns now) noexcept;
  void on_invite(const reply_writer& replies, call_record& r, std::uint32_t destination,
                 time_ns now) noexcept;
  void on_ack(call_record& r, time_ns now) noexcept;
  void on_bye(const reply_writer& replies, call_record& r, std::uint32_t destination,
              time_ns now) noexcept;
  void on_trying(call_record& r, time_ns now) noexcept;
  void on_ringing(call_record& r, time_ns now) noexcept;
  void on_end(call_number number, time_ns now) noexcept;
  void on_response(const received& m, const identity& who, call_number number,
                   time_ns now) noexcept;
  void on_invite_response(const received& m, const identity& who, call_number number,
                          time_ns now) noexcept;
  // The route set is in the record already.
  void on_answer(const identity& who, call_number number, time_ns now) noexcept;
  void on_refusal(const received& m, const identity& who, call_number number) noexcept;
  void on_stray(const received& m, const identity& who, std::uint32_t station) noexcept;

  bool end_call(call_number number, time_ns now) noexcept;
  void send_ack(const identity& who, call_number number) noexcept;
  void finish(call_number number) noexcept;
  void give_up_answer(call_number number) noexcept;
  void give_up_end(call_number number, time_ns now) noexcept;
  // Counts what the beginning of an answered call has lost.
  void end_setup(call_record& r) noexcept;
  // Its 100, 180 or ACK has come. False: when it had been given up.
  bool take_of_setup(call_record& r, arrived what) noexcept;
  void count_lost(call_record& r) noexcept;
  void await(call_number number, awaited what, time_ns now) noexcept;
  void expire(time_ns now) noexcept;
  void end_the_oldest(time_ns now, std::uint64_t down_to, std::size_t most) noexcept;

  void wrong(fault f) noexcept { ++count_->faults[static_cast<std::size_t>(f)]; }
  void arrived_after(message_kind kind, stamp sent, time_ns now) noexcept {
    const std::uint64_t ns = elapsed_ns(sent, now);
    count_->latency[static_cast<std::size_t>(kind)].add(ns);
    count_->window_latency.add(ns);
  }
  // A request is there for the first time. T1 after it was sent that may be what the device
  // repeats, since nobody answered the copy before it.
  void arrived_first(message_kind kind, call_record& r, stamp sent, time_ns now) noexcept;
  // Something of a call that was there before; `of_bye`: of its BYE, else of its INVITE.
  void count_again(const call_record& r, bool of_bye, time_ns now) noexcept;
  void lose(message_kind kind) noexcept { ++count_->lost[static_cast<std::size_t>(kind)]; }
  [[nodiscard]] static std::string_view our_call_id_in(std::string_view bytes) noexcept;
  [[nodiscard]] std::optional<call_number> number_in(std::string_view call_id) const noexcept;
  [[nodiscard]] bool is_live(call_number n) noexcept {
    const call_record& r = records_.at(n.slot);
    return r.generation == n.generation && r.state != call_state::idle;
  }
  bool send(std::size_t len, std::uint32_t station, stamp* sent_at) noexcept;

  const scene& scene_;
  call_settings settings_;
  messages texts_;
  checks checks_;
  glance glance_;
  outbox& out_;
  tally* count_;
  call_records records_;
  std::unique_ptr<timer_wheel> holds_; // only where calls are held for a time
  growing_queue<waiting> deadlines_{1 << 16};
  growing_queue<call_number> oldest_{1 << 16}; // held calls in the order of their answers
  std::uint64_t unsettled_ = 0, held_ = 0;
  std::uint32_t wound_up_ = 0; // slots from 0 that have been looked at while winding up
  sip::message_view view_;
  sip::routing_view fields_;
};

} // namespace linehunt::pktgen
