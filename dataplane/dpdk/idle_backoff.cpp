// SPDX-License-Identifier: Apache-2.0
#include "dataplane/dpdk/idle_backoff.h"

#include <array>
#include <ctime>
#include <rte_ethdev.h>
#include <rte_interrupts.h>
#include <rte_pause.h>
#include <sched.h>
#include <sys/prctl.h>

namespace linehunt::dpdk {

namespace {

// Loops without work, and what follows them. A first packet waits as long as one sleep at most.
constexpr std::uint32_t pauses = 32;
struct step {
  std::uint32_t until_loops, sleep_us;
};
constexpr std::array<step, 3> steps{{
    {pauses + 200, 20},   // about 4 ms
    {pauses + 1200, 100}, // about 100 ms more
    {pauses + 5200, 250}, // about 1 s more, then longest_us
}};

} // namespace

void idle_backoff::prepare(bool yield, const std::vector<rx_queue>& interruptible) {
  yield_ = yield;
  if (!yield_) return;
  (void)prctl(PR_SET_TIMERSLACK, 1000ul); // nanoseconds
  for (const rx_queue& q : interruptible) {
    if (rte_eth_dev_rx_intr_ctl_q(q.device, q.queue, RTE_EPOLL_PER_THREAD, RTE_INTR_EVENT_ADD,
                                  nullptr) != 0) {
      interruptible_.clear(); // one queue that cannot wake us, and all must be polled
      return;
    }
    interruptible_.push_back(q);
  }
}

void idle_backoff::sleep_until_interrupt() noexcept {
  bool arrived = false; // before its interrupt was armed: that raises none
  for (const rx_queue& q : interruptible_) {
    (void)rte_eth_dev_rx_intr_enable(q.device, q.queue);
    arrived |= rte_eth_rx_queue_count(q.device, q.queue) > 0;
  }
  std::array<rte_epoll_event, 8> events;
  if (!arrived)
    (void)rte_epoll_wait(RTE_EPOLL_PER_THREAD, events.data(), static_cast<int>(events.size()),
                         static_cast<int>(longest_us / 1000));
  for (const rx_queue& q : interruptible_)
    (void)rte_eth_dev_rx_intr_disable(q.device, q.queue);
}

void idle_backoff::idle() noexcept {
  ++idle_loops_;
  if (!yield_ || idle_loops_ <= pauses) {
    rte_pause();
    return;
  }
  std::uint32_t sleep_us = longest_us;
  for (const step& s : steps)
    if (idle_loops_ <= s.until_loops) {
      sleep_us = s.sleep_us;
      break;
    }
  if (sleep_us == longest_us) {
    --idle_loops_; // stays at the last step
    if (!interruptible_.empty()) return sleep_until_interrupt();
  }
  const timespec duration{0, static_cast<long>(sleep_us) * 1000};
  (void)nanosleep(&duration, nullptr);
}

} // namespace linehunt::dpdk
