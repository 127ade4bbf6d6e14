// SPDX-License-Identifier: Apache-2.0
#include "dataplane/dpdk/idle_backoff.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <rte_ethdev.h>
#include <rte_interrupts.h>
#include <rte_pause.h>
#include <sched.h>
#include <sys/prctl.h>

namespace linehunt::dpdk {

namespace {

// Loops without work before the first sleep.
constexpr std::uint32_t pauses = 32;
// A sleep is about an eighth of the silence before it, up to this: at a thousand packets a second
// each waits a tenth of a millisecond, and a worker wakes sixteen times for it in place of forty.
constexpr std::uint32_t light_us = 250;
constexpr std::uint32_t light_sleeps = 4000; // about 1 s, then longest_us

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
  if (!yield_ || idle_loops_ < pauses) {
    ++idle_loops_;
    rte_pause();
    return;
  }
  if (idle_loops_ == pauses + light_sleeps) {
    if (!interruptible_.empty()) return sleep_until_interrupt();
    sleep_us_ = longest_us;
  } else {
    ++idle_loops_;
  }
  const timespec duration{0, static_cast<long>(sleep_us_) * 1000};
  (void)nanosleep(&duration, nullptr);
  sleep_us_ = std::min(sleep_us_ + sleep_us_ / 8, light_us);
}

} // namespace linehunt::dpdk
