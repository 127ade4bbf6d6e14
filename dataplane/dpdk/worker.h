// SPDX-License-Identifier: Apache-2.0
// One worker: a loop on a core of its own that polls ports, judges frames, hands datagrams to the
// worker that owns their call, runs its engine, and sends. Knows nothing of what a call is.
#pragma once

#include "dataplane/dpdk/answer.h"
#include "dataplane/dpdk/control_block.h"
#include "dataplane/dpdk/counters.h"
#include "dataplane/dpdk/egress.h"
#include "dataplane/dpdk/frame.h"
#include "dataplane/dpdk/handover.h"
#include "dataplane/dpdk/idle_backoff.h"
#include "dataplane/dpdk/listener_table.h"
#include "dataplane/dpdk/mbuf_sink.h"
#include "dataplane/dpdk/numa_memory.h"
#include "dataplane/dpdk/overload_guard.h"
#include "dataplane/dpdk/reassembler.h"
#include "dataplane/engine.h"

#include <array>
#include <atomic>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace linehunt::dpdk {

struct worker_setup {
  worker_id self = 0;
  unsigned core = 0;
  int numa_node = -1;
  bool hugepages = false;
  bool yield_when_idle = true;
  engine_limits limits;
  rte_mempool* pool = nullptr; // of its node
  std::uint64_t random_seed = 1;
};

// In so many loops a worker takes all mail that was there before them.
inline constexpr std::size_t loops_for_all_mail = worker_mesh::most_depth / burst + 1;

class worker {
 public:
  // On the worker's core: the kernel gives memory of the node whose core touches it first. Rings to
  // and from control are made here.
  worker(control_block& shared, const worker_setup& setup);

  // There as well: builds the engine. Empty: done.
  [[nodiscard]] std::string prepare();
  // On the worker's core, until control_block::stopping.
  void run();
  // Of the control thread before and after `run`: the engine that prepare has built.
  [[nodiscard]] linehunt::engine& engine_at_rest() noexcept { return *engine_; }

  // Control thread.
  [[nodiscard]] bool post(const mail& what) noexcept { return mail_.push(what); }
  [[nodiscard]] bool has_room() const noexcept { return mail_.room() != 0; } // for another one
  [[nodiscard]] spsc_ring<event>& events() noexcept { return events_; }
  void request(visit_request& r) noexcept { visit_.store(&r, std::memory_order_release); }
  void request(copy_request& r) noexcept { copy_.store(&r, std::memory_order_release); }
  void request(settled_request& r) noexcept { settled_.store(&r, std::memory_order_release); }
  [[nodiscard]] worker_report report() const noexcept;

 private:
  struct polled_queue {
    std::uint8_t port = 0; // index
    std::uint16_t device = 0, queue = 0;
    std::size_t deep = 0; // so many packets waiting are a backlog
  };

  // One after the other in each loop; those that can be idle say how much there was to do.
  [[nodiscard]] bool loop();
  void obey_control();
  [[nodiscard]] std::size_t poll_ports();
  [[nodiscard]] std::size_t look_deeper(); // for the guard
  void work_on(std::uint8_t port, std::span<rte_mbuf*> packets) noexcept;
  [[nodiscard]] std::size_t take_packets() noexcept; // handed over by other workers
  [[nodiscard]] std::size_t take_mail();             // from control and other workers
  [[nodiscard]] std::size_t show_calls();            // to the control thread, some in each loop
  [[nodiscard]] std::size_t copy_calls();
  [[nodiscard]] std::size_t look_at_slots();
  [[nodiscard]] std::size_t send_for_others() noexcept;
  std::size_t serve_others(); // all that comes from them and goes to them
  void keep_house() noexcept;
  void note_others() noexcept;

  void on_frame(std::uint8_t port, mbuf_ptr m) noexcept;
  void on_answer(std::uint8_t port, mbuf_ptr m, const answer& a) noexcept;
  void on_fragment(std::uint8_t port, mbuf_ptr m, const frame& f) noexcept;
  void on_udp(std::uint8_t port, mbuf_ptr m, const frame& f) noexcept;
  void on_handed_over(mbuf_ptr m) noexcept;
  // For this worker's engine: note and hash in the mbuf are filled in. Kept until the burst is
  // whole, at most as many as a burst has.
  void keep(mbuf_ptr m) noexcept;
  void deliver_burst() noexcept;
  void deliver(mbuf_ptr m) noexcept;
  void end(mbuf_ptr m, verdict why) noexcept; // counts; frees

  control_block& shared_;
  const worker_setup setup_;
  worker_counters counters_;
  numa_memory memory_;
  spsc_ring<mail> mail_;    // from control
  spsc_ring<event> events_; // to control
  egress egress_;
  mbuf_sink sink_;
  handover handover_;
  reassembler reassembler_;
  listener_table listeners_;
  idle_backoff backoff_;
  overload_guard guard_;
  std::vector<polled_queue> queues_;
  // Rings whose frames this worker sends through its tx queue.
  struct crossing {
    std::uint8_t port = 0;
    spsc_ring<rte_mbuf*>* ring = nullptr;
  };
  std::vector<crossing> crossings_;
  std::vector<char> scratch_; // a datagram that lies in several segments
  std::array<rte_mbuf*, burst> kept_{};
  std::size_t kept_count_ = 0; // 0 outside of a pass over a burst
  std::array<rte_mbuf*, overload_guard::deep_packets> backlog_{}; // of look_deeper
  std::array<rte_mbuf*, burst> let_go_{};                         // of the burst at hand
  unsigned let_go_count_ = 0;
  std::atomic<visit_request*> visit_{nullptr};
  std::atomic<copy_request*> copy_{nullptr};
  std::atomic<settled_request*> settled_{nullptr};
  std::unique_ptr<engine> engine_;

  const snapshot* world_ = nullptr;
  bool draining_ = false;
  time_us now_ = 0;
  time_us next_aging_ = 0, next_speech_ = 0, next_announcement_ = 0;
  int announcements_left_ = 0;
  std::uint32_t announcements_asked_ = 0; // as last seen
};

} // namespace linehunt::dpdk
