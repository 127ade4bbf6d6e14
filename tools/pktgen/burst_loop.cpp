// SPDX-License-Identifier: Apache-2.0
#include "tools/pktgen/burst_loop.h"

namespace linehunt::pktgen {

namespace {

// A received INVITE is answered by three messages; a burst of them must fit.
constexpr std::size_t room_for_a_burst = 3 * port::burst + 8;
constexpr time_ns stuck_ns = 5'000'000'000;

} // namespace

burst_loop::burst_loop(port& on, neighbourhood& around, const scene& of, traffic& who,
                       session& course, progress& told, bool verify)
    : port_(on), around_(around), stations_(of), who_(who), course_(course), progress_(told),
      verify_(verify) {}

std::size_t burst_loop::receive(time_ns now) noexcept {
  if (port_.room() < room_for_a_burst) return 0;
  const auto frames = port_.receive();
  // All are parsed before any is acted upon, so that their records are on the way meanwhile.
  for (std::size_t i = 0; i < frames.size(); ++i) {
    rte_mbuf& m = *frames[i];
    const std::span<std::uint8_t> bytes(rte_pktmbuf_mtod(&m, std::uint8_t*), m.data_len);
    parsed_[i] = parse_frame(bytes, verify_);
    if (m.nb_segs != 1) parsed_[i].kind = frame_kind::broken;
    if (parsed_[i].kind == frame_kind::udp) calls_[i] = who_.announce(parsed_[i].payload);
  }
  for (std::size_t i = 0; i < frames.size(); ++i) {
    rte_mbuf& m = *frames[i];
    switch (parsed_[i].kind) {
    case frame_kind::udp:
      if (const auto station = stations_.find(parsed_[i].to))
        who_.receive(parsed_[i].payload, parsed_[i].from, *station, calls_[i], now);
      else
        ++counts_.foreign;
      break;
    case frame_kind::arp:
    case frame_kind::neighbour_discovery: {
      const std::span<std::uint8_t> bytes(rte_pktmbuf_mtod(&m, std::uint8_t*), m.data_len);
      if (const std::size_t len = around_.take(bytes, bytes.size()); len != 0)
        port_.send_back(m, len);
      break;
    }
    case frame_kind::broken:
      ++counts_.broken;
      course_.note_broken();
      break;
    case frame_kind::other:
      ++counts_.foreign;
      break;
    }
  }
  counts_.received += frames.size();
  return frames.size();
}

bool burst_loop::run(const std::atomic<unsigned>& signals, disturbances& noise) {
  time_ns before = port_.clock().now(), last_sent = before;
  while (!course_.over()) {
    const time_ns now = port_.clock().now();
    const unsigned asked = signals.load(std::memory_order_relaxed);
    if (asked > 0) course_.stop(now);
    if (asked > 1) course_.leave(now);
    std::size_t work = receive(now);
    who_.advance(now);
    course_.poll(now);
    const std::size_t sent = port_.flush();
    work += sent;
    if (sent != 0 || port_.room() == port::capacity) last_sent = now;
    if (now - last_sent > stuck_ns) return false;
    const time_ns after = port_.clock().now();
    course_.note_turn(after - before, work != 0);
    bool calm = false;
    std::uint64_t late = 0;
    if (noise.watching() && noise.window_over(after, after - before, calm, late))
      course_.end_window(calm, late);
    before = after;
    progress_.offer(now, course_, who_);
  }
  return true;
}

} // namespace linehunt::pktgen
