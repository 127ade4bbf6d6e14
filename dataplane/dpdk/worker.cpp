// SPDX-License-Identifier: Apache-2.0
// The loop of a worker and its dealings with the control thread; packets are in worker_rx.cpp.
#include "dataplane/dpdk/worker.h"

#include "dataplane/dpdk/hugepage_check.h"

#include <algorithm>
#include <array>
#include <exception>
#include <limits>
#include <utility>

namespace linehunt::dpdk {

namespace {

constexpr time_us aging_interval_us = 100'000;
constexpr time_us speech_interval_us = 40'000; // and what a loop or a sleep makes it late
constexpr time_us announcement_interval_us = 1'000'000;
constexpr std::uint32_t places_in_a_loop = 256; // of the table of calls: some 10 us
constexpr std::uint32_t copies_in_a_loop = 64;  // the same
constexpr std::size_t slots_in_a_loop = 64;
// Longer than any work: the core was somebody else's, or the process or the machine was stopped.
constexpr time_us absence_us = 2 * aging_interval_us;
constexpr int announcements = 3; // RFC 4861 10: MAX_NEIGHBOR_ADVERTISEMENT

std::vector<tx_lane> lanes_of(control_block& shared, worker_id self, worker_counters& counters) {
  std::vector<tx_lane> lanes;
  for (std::size_t p = 0; p < shared.ports.size(); ++p) {
    const port& out = shared.ports[p];
    if (auto* const ring = shared.tx_crossings[p][self].get())
      lanes.emplace_back(*ring, counters);
    else
      lanes.emplace_back(out.device(), self, out.us().offload_checksums, out.is_bond() && self == 0,
                         counters);
  }
  return lanes;
}

} // namespace

worker::worker(control_block& shared, const worker_setup& setup)
    : shared_(shared), setup_(setup), memory_(setup.numa_node, setup.hugepages),
      mail_(1024, setup.numa_node), events_(mbuf_sink::event_places, setup.numa_node),
      egress_(shared.stations, lanes_of(shared, setup.self, counters_), *setup.pool, counters_,
              setup.random_seed),
      sink_(egress_, *shared.mesh, setup.self, events_, counters_),
      handover_(*shared.mesh, setup.self, counters_),
      reassembler_(setup.numa_node, reassembler::share_of(setup.pool->size, shared.workers)),
      scratch_(sip::max_message_bytes) {
  std::size_t shortest_queue = std::numeric_limits<std::size_t>::max();
  for (std::size_t p = 0; p < shared.ports.size(); ++p) {
    const port& in = shared.ports[p];
    const auto index = static_cast<std::uint8_t>(p);
    for (std::uint16_t q = 0; q < in.rx_queues(); ++q)
      if (in.rx_owner(q, shared.workers) == setup.self) {
        queues_.push_back({index, in.device(), q, overload_guard::deep_of(in.rx_queue_packets())});
        shortest_queue = std::min(shortest_queue, in.rx_queue_packets());
      }
    for (worker_id w = 0; w < shared.workers; ++w)
      if (auto* const ring = shared.tx_crossings[p][w].get();
          ring != nullptr && in.tx_owner(w) == setup.self)
        crossings_.push_back({index, ring});
  }
  guard_ = overload_guard(shortest_queue);
  if (setup.self == 0) announcements_left_ = announcements;
}

std::string worker::prepare() {
  try {
    world_ = shared_.world.load(std::memory_order_acquire);
    engine_setup e;
    e.self = setup_.self;
    e.workers = shared_.workers;
    e.limits = setup_.limits;
    e.secret = shared_.secret;
    e.random_seed = setup_.random_seed;
    e.start = tsc_clock::origin;
    e.memory = &memory_;
    engine_ = std::make_unique<engine>(e, *world_);
    listeners_.adopt(*world_);
    sink_.adopt(*world_);
    return {};
  } catch (const std::bad_alloc&) {
    // Without hugepages they are of the kernel, which has no more to give.
    return "not enough memory for its tables; lower [limits]" +
           (setup_.hugepages ? ", or " + how_to_get_more(true, setup_.numa_node) : std::string());
  } catch (const std::exception& e) {
    return e.what();
  }
}

void worker::run() {
  std::vector<idle_backoff::rx_queue> interruptible;
  for (const polled_queue& q : queues_)
    if (shared_.ports[q.port].rx_interrupts()) interruptible.push_back({q.device, q.queue});
  if (interruptible.size() != queues_.size()) interruptible.clear();
  backoff_.prepare(setup_.yield_when_idle, interruptible);

  std::uint64_t before = rte_get_tsc_cycles();
  while (!shared_.stopping.load(std::memory_order_relaxed)) {
    const time_us last = std::exchange(now_, std::max(now_, shared_.clock.at(before)));
    if (last != 0 && now_ - last > absence_us) engine_->note_absence(last, now_);
    const bool worked = loop();
    const std::uint64_t after = rte_get_tsc_cycles();
    bump(counters_.loops);
    raise_to(counters_.longest_loop_cycles, after - before);
    bump(worked ? counters_.busy_cycles : counters_.idle_loops, worked ? after - before : 1);
    if (worked)
      backoff_.worked();
    else
      backoff_.idle();
    const std::uint64_t slept = worked ? after : rte_get_tsc_cycles();
    bump(counters_.total_cycles, slept - before);
    before = slept;
  }
  egress_.flush();
  rte_rcu_qsbr_thread_offline(shared_.quiescence, setup_.self);
  rte_rcu_qsbr_thread_unregister(shared_.quiescence, setup_.self);
}

bool worker::loop() {
  obey_control();
  egress_.set_time(now_);
  std::size_t work = poll_ports();
  work += serve_others();
  engine_->advance(now_, sink_);
  keep_house();
  work += show_calls() + copy_calls() + look_at_slots();
  egress_.flush();
  rte_rcu_qsbr_quiescent(shared_.quiescence, setup_.self);
  return work != 0;
}

std::size_t worker::serve_others() {
  handover_.flush();
  return take_packets() + take_mail() + send_for_others();
}

void worker::obey_control() {
  const snapshot* const current = shared_.world.load(std::memory_order_acquire);
  if (current != world_) {
    const std::uint64_t before = rte_get_tsc_cycles();
    engine_->adopt(*current);
    listeners_.adopt(*current);
    sink_.adopt(*current);
    world_ = current;
    raise_to(counters_.longest_adopt_cycles, rte_get_tsc_cycles() - before);
  }
  if (const bool wanted = shared_.draining.load(std::memory_order_relaxed); wanted != draining_) {
    engine_->drain(wanted);
    draining_ = wanted;
  }
}

std::size_t worker::show_calls() {
  visit_request* const r = visit_.load(std::memory_order_acquire);
  if (r == nullptr) return 0;
  r->next = engine_->visit_calls(r->next, places_in_a_loop,
                                 [&](const call_info& c) { (*r->visit)(setup_.self, c); });
  if (r->next != 0) return 1;
  visit_.store(nullptr, std::memory_order_relaxed);
  r->done.store(true, std::memory_order_release); // from here on it may be gone
  return 1;
}

std::size_t worker::copy_calls() {
  copy_request* const r = copy_.load(std::memory_order_acquire);
  if (r == nullptr) return 0;
  bool goes_along = true;
  r->next = engine_->visit_kept(r->next, copies_in_a_loop, now_, [&](const kept_call& call) {
    return goes_along = (*r->take)(call);
  });
  r->ended = goes_along && r->next >= engine_->call_places();
  if (goes_along && !r->ended && r->next < r->until) return 1;
  copy_.store(nullptr, std::memory_order_relaxed);
  r->done.store(true, std::memory_order_release); // from here on it may be gone
  return 1;
}

std::size_t worker::look_at_slots() {
  settled_request* const r = settled_.load(std::memory_order_acquire);
  if (r == nullptr) return 0;
  if (r->loops_before > 0) {
    --r->loops_before;
    return 1;
  }
  const std::size_t until = std::min(r->next + slots_in_a_loop, r->slots.size());
  for (; r->next < until; ++r->next)
    r->settled[r->next] = engine_->ledger().settled(r->slots[r->next]) ? 1 : 0;
  if (r->next < r->slots.size()) return 1;
  settled_.store(nullptr, std::memory_order_relaxed);
  r->done.store(true, std::memory_order_release); // from here on it may be gone
  return 1;
}

std::size_t worker::take_mail() {
  std::size_t taken = 0;
  std::array<mail, burst> letters;
  std::array<link_news, burst> news;
  const auto take = [&](spsc_ring<mail>& ring) {
    for (const mail& m : ring.pop_burst(letters)) {
      ++taken;
      engine_->on_mail(m, now_, sink_);
    }
  };
  take(mail_);
  for (worker_id from = 0; from < shared_.workers; ++from) {
    take(shared_.mesh->mail(from, setup_.self));
    for (const link_news& n : shared_.mesh->news(from, setup_.self).pop_burst(news)) {
      ++taken;
      const ip_address ip{n.ip, n.is_v6};
      if (n.mtu_bytes != 0)
        egress_.note_path({ip, n.mtu_bytes});
      else
        (void)egress_.learn(n.port, {ip, n.mac, n.may_create, false, n.overrides});
    }
  }
  return taken;
}

std::size_t worker::send_for_others() noexcept {
  std::size_t taken = 0;
  std::array<rte_mbuf*, burst> frames;
  for (const crossing& c : crossings_)
    for (rte_mbuf* const f : c.ring->pop_burst(frames)) {
      ++taken;
      egress_.send_frame(c.port, mbuf_ptr(f));
    }
  return taken;
}

void worker::keep_house() noexcept {
  if (now_ >= next_aging_) {
    next_aging_ = now_ + aging_interval_us;
    egress_.age();
    reassembler_.expire(now_);
    note_others();
  }
  if (now_ >= next_speech_) {
    next_speech_ = now_ + speech_interval_us;
    egress_.speak();
  }
  if (const auto asked = shared_.announcements.load(std::memory_order_relaxed);
      setup_.self == 0 && asked != announcements_asked_) {
    announcements_asked_ = asked;
    announcements_left_ = announcements;
  }
  if (announcements_left_ > 0 && now_ >= next_announcement_) {
    next_announcement_ = now_ + announcement_interval_us;
    --announcements_left_;
    egress_.announce();
  }
}

// What is for our calls may come in at the queues of another one, and wait there while it is away.
void worker::note_others() noexcept {
  worker_mesh& mesh = *shared_.mesh;
  mesh.note_run(setup_.self, now_);
  for (worker_id w = 0; w < shared_.workers; ++w)
    if (const time_us ran = mesh.ran_at(w); ran != 0 && ran + absence_us < now_)
      engine_->note_absence(ran, now_);
}

worker_report worker::report() const noexcept {
  const auto read = [](const counter& c) { return c.load(std::memory_order_relaxed); };
  worker_report r;
  r.id = setup_.self;
  r.core = setup_.core;
  r.numa_node = setup_.numa_node;
  r.rx_packets = read(counters_.rx_packets);
  r.tx_packets = read(counters_.tx_packets);
  r.tx_dropped = read(counters_.tx_dropped);
  r.loops = read(counters_.loops);
  r.idle_loops = read(counters_.idle_loops);
  r.busy_cycles = read(counters_.busy_cycles);
  r.total_cycles = read(counters_.total_cycles);
  r.longest_loop_us = shared_.clock.us_of(read(counters_.longest_loop_cycles));
  r.longest_adopt_us = shared_.clock.us_of(read(counters_.longest_adopt_cycles));
  r.handed_over = read(counters_.handed_over);
  r.events_lost = read(counters_.events_lost);
  r.engine = &engine_->counters();
  r.used = engine_->ledger().published_used();
  r.post_dial_delays = engine_->post_dial_delays();
  r.destination_calls = engine_->destination_calls();
  for (worker_id from = 0; from < shared_.workers; ++from) {
    r.rings.packets += shared_.mesh->packets(from, setup_.self).count();
    r.rings.mail += shared_.mesh->mail(from, setup_.self).count();
  }
  r.rings.control = mail_.count();
  r.rings.events = events_.count();
  for (std::size_t v = 0; v < verdict_count; ++v)
    r.verdicts[v] = read(counters_.verdicts[v]) + read(r.engine->verdicts[v]);
  return r;
}

} // namespace linehunt::dpdk
