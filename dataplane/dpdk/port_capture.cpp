// SPDX-License-Identifier: Apache-2.0
#include "dataplane/dpdk/port_capture.h"

#include <algorithm>
#include <bit>
#include <ctime>
#include <limits>
#include <new>
#include <rte_cycles.h>
#include <rte_errno.h>
#include <rte_malloc.h>
#include <rte_mbuf_dyn.h>
#include <string>
#include <utility>

namespace linehunt::dpdk {

namespace {

// Says of an mbuf that it was copied on its way out. 0: there is no free flag.
std::uint64_t seen_flag() noexcept {
  rte_mbuf_dynflag wanted{};
  std::snprintf(wanted.name, sizeof wanted.name, "linehunt_captured");
  const int bit = rte_mbuf_dynflag_register(&wanted); // the same each time
  return bit < 0 ? 0 : std::uint64_t{1} << bit;
}

} // namespace

port_capture::~port_capture() {
  remove_taps();
}

std::size_t port_capture::usual_cells(worker_id workers) noexcept {
  constexpr std::size_t most = 16 << 20, all = 64 << 20, least = 1 << 20; // bytes
  const std::size_t bytes =
      std::clamp(all / std::max<std::size_t>(workers, 1), least, most) / sizeof(frame_ring::cell);
  return std::bit_floor(bytes);
}

tl::expected<void, error> port_capture::begin(const capture_filter& what,
                                              const std::vector<int>& nodes,
                                              std::size_t cells_of_worker) {
  const std::uint64_t seen = seen_flag();
  if (seen == 0) return tl::unexpected(error{"no mbuf flag is free; a driver has taken them all"});
  try {
    for (const int node : nodes)
      rings_.push_back(std::make_unique<frame_ring>(cells_of_worker, node));
  } catch (const std::bad_alloc&) {
    return tl::unexpected(error{"no memory for the copies of frames"});
  }
  before_ = last_ = read_clocks();
  stopped_ = false;
  for (std::size_t p = 0; p < shared_.ports.size(); ++p) {
    if (what.port && *what.port != p) continue;
    const port& one = shared_.ports[p];
    for (std::uint16_t q = 0; q < one.rx_queues(); ++q)
      if (auto placed = place(p, q, false, one.rx_owner(q, shared_.workers), what.match, seen);
          !placed)
        return placed;
    // Worker q sends through queue q, also for those that have none.
    for (std::uint16_t q = 0; q < std::min<std::uint16_t>(one.tx_queues(), shared_.workers); ++q)
      if (auto placed = place(p, q, true, static_cast<worker_id>(q), what.match, seen); !placed)
        return placed;
  }
  return {};
}

tl::expected<void, error> port_capture::place(std::size_t port, std::uint16_t queue, bool sent,
                                              worker_id worker, const std::string& match,
                                              std::uint64_t seen) {
  placed_tap& t = taps_.emplace_back();
  t.tap = std::make_unique<capture_tap>(*rings_[worker], static_cast<std::uint8_t>(port), sent,
                                        match, seen);
  t.device = shared_.ports[port].device();
  t.queue = queue;
  t.sent = sent;
  t.callback =
      sent ? rte_eth_add_tx_callback(t.device, queue, capture_tap::on_sending, t.tap.get())
           : rte_eth_add_rx_callback(t.device, queue, capture_tap::on_received, t.tap.get());
  if (t.callback != nullptr) return {};
  return tl::unexpected(error{"port '" + shared_.ports[port].name() +
                              "': DPDK takes no callback: " + rte_strerror(rte_errno)});
}

void port_capture::remove_taps() {
  if (std::exchange(stopped_, true)) return;
  for (const placed_tap& t : taps_)
    if (t.callback != nullptr)
      (void)(t.sent ? rte_eth_remove_tx_callback(t.device, t.queue, t.callback)
                    : rte_eth_remove_rx_callback(t.device, t.queue, t.callback));
  wait_(); // a worker may be in one of them
  for (placed_tap& t : taps_)
    rte_free(const_cast<rte_eth_rxtx_callback*>(std::exchange(t.callback, nullptr)));
}

// Of a few readings that with the least time between its two clocks.
port_capture::moment port_capture::read_clocks() noexcept {
  moment best;
  std::uint64_t shortest = std::numeric_limits<std::uint64_t>::max();
  for (int i = 0; i < 4; ++i) {
    timespec now{};
    const std::uint64_t begun = rte_get_tsc_cycles();
    clock_gettime(CLOCK_REALTIME, &now);
    const std::uint64_t took = rte_get_tsc_cycles() - begun;
    if (took >= shortest) continue;
    shortest = took;
    best = {begun + took / 2, static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u +
                                  static_cast<std::uint64_t>(now.tv_nsec)};
  }
  return best;
}

// On the line through two moments. What lies outside of them, because a worker was put off its
// processor with a frame in its hands, is on the same line.
std::uint64_t port_capture::unix_ns_of(std::uint64_t cycles) const noexcept {
  const double ns_per_cycle =
      last_.cycles > before_.cycles
          ? static_cast<double>(static_cast<std::int64_t>(last_.unix_ns - before_.unix_ns)) /
                static_cast<double>(last_.cycles - before_.cycles)
          : 1e9 / static_cast<double>(rte_get_tsc_hz());
  const auto since = static_cast<double>(static_cast<std::int64_t>(cycles - last_.cycles));
  return last_.unix_ns +
         static_cast<std::uint64_t>(static_cast<std::int64_t>(since * ns_per_cycle));
}

void port_capture::hand_over(std::uint64_t until_cycles, const visitor& each) {
  for (;;) {
    frame_ring* oldest = nullptr;
    std::uint64_t cycles = until_cycles;
    for (const auto& ring : rings_)
      if (const frame_note* const n = ring->front(); n != nullptr && n->cycles < cycles) {
        oldest = ring.get();
        cycles = n->cycles;
      }
    if (oldest == nullptr) return;
    const frame_note& n = *oldest->front();
    each({unix_ns_of(n.cycles), n.port, n.sent, n.original_bytes, oldest->front_bytes()});
    oldest->pop();
  }
}

// Only what is older than the last poll: until now every worker has let go of that, unless it was
// put off its processor, and nothing older can come any more.
void port_capture::poll(const visitor& each) {
  const moment now = read_clocks();
  hand_over(last_.cycles, each);
  before_ = std::exchange(last_, now);
}

void port_capture::stop(const visitor& each) {
  remove_taps();
  poll(each);
  hand_over(std::numeric_limits<std::uint64_t>::max(), each);
}

std::uint64_t port_capture::missed(std::size_t port) const noexcept {
  std::uint64_t sum = 0;
  for (const placed_tap& t : taps_)
    if (t.tap->port() == port) sum += t.tap->missed();
  return sum;
}

} // namespace linehunt::dpdk
