// SPDX-License-Identifier: Apache-2.0
// The rings between the workers: for each ordered pair one of packets (to the owner of their
// call), one of the engines' mail, and one of news of neighbours and paths, so that a flood of ARP
// cannot hold up mail. And when each of them has run last.
#pragma once

#include "dataplane/datagram.h"
#include "dataplane/dpdk/answer.h"
#include "dataplane/dpdk/spsc_ring.h"
#include "dataplane/mail.h"

#include <array>
#include <atomic>
#include <cstdint>
#include <rte_mbuf.h>
#include <vector>

namespace linehunt::dpdk {

// A neighbour or a path that another worker has learnt of: what tells arrives at one queue only.
struct link_news {
  std::array<std::uint8_t, 16> ip;
  rte_ether_addr mac;
  std::uint8_t port;
  std::uint16_t mtu_bytes; // of the path to `ip`; 0: it is a neighbour
  bool is_v6 : 1;
  bool may_create : 1;
  bool overrides : 1;
};

class worker_mesh {
 public:
  static constexpr unsigned most_depth = 1024; // of the rings of packets and of mail
  // `numa_node_of[w]` is where worker w receives. Throws std::bad_alloc.
  explicit worker_mesh(const std::vector<int>& numa_node_of)
      : workers_(numa_node_of.size()), runs_(workers_) {
    // Many workers mean many rings, each with less traffic.
    const unsigned depth = workers_ <= 16 ? most_depth : 256;
    for (std::size_t to = 0; to < workers_; ++to)
      for (std::size_t from = 0; from < workers_; ++from) {
        packets_.emplace_back(depth, numa_node_of[to]);
        mail_.emplace_back(depth, numa_node_of[to]);
        news_.emplace_back(64, numa_node_of[to]);
      }
  }
  [[nodiscard]] std::size_t workers() const noexcept { return workers_; }
  [[nodiscard]] spsc_ring<rte_mbuf*>& packets(worker_id from, worker_id to) noexcept {
    return packets_[to * workers_ + from];
  }
  [[nodiscard]] spsc_ring<linehunt::mail>& mail(worker_id from, worker_id to) noexcept {
    return mail_[to * workers_ + from];
  }
  // False: there is no room. A flood of INVITEs that replace calls, which ask again, must not keep
  // leases waiting: their mail has half of the ring.
  [[nodiscard]] bool post(worker_id from, worker_id to, const linehunt::mail& what) noexcept {
    spsc_ring<linehunt::mail>& ring = mail(from, to);
    const bool of_replacing =
        what.kind == mail_kind::find_replaced || what.kind == mail_kind::found_replaced;
    return (!of_replacing || ring.room() > ring.count()) && ring.push(what);
  }
  [[nodiscard]] spsc_ring<link_news>& news(worker_id from, worker_id to) noexcept {
    return news_[to * workers_ + from];
  }
  // Lost where there is no room; who needs to know asks for itself, or is told again. That needs an
  // answer to come through whatever others say unasked: it has half of the ring.
  void tell(worker_id from, worker_id to, const link_news& what, bool is_answer) noexcept {
    spsc_ring<link_news>& ring = news(from, to);
    if (is_answer || ring.room() > ring.count()) (void)ring.push(what);
  }
  // Now and then by that worker itself.
  void note_run(worker_id w, time_us now) noexcept {
    runs_[w].at.store(now, std::memory_order_relaxed);
  }
  [[nodiscard]] time_us ran_at(worker_id w) const noexcept { // 0: not yet
    return runs_[w].at.load(std::memory_order_relaxed);
  }

 private:
  struct alignas(64) run {
    std::atomic<time_us> at{0}; // written by that worker, read by the others
  };
  std::size_t workers_;
  std::vector<run> runs_;
  std::vector<spsc_ring<rte_mbuf*>> packets_; // [to][from]
  std::vector<spsc_ring<linehunt::mail>> mail_;
  std::vector<spsc_ring<link_news>> news_;
};

} // namespace linehunt::dpdk
