// SPDX-License-Identifier: Apache-2.0
#include "dataplane/dpdk/worker.h"

#include "dataplane/dpdk/arp.h"
#include "dataplane/dpdk/icmp.h"
#include "dataplane/dpdk/ndp.h"
#include "sipparse/scan.h"

#include <algorithm>
#include <array>
#include <exception>
#include <netinet/in.h>
#include <rte_ethdev.h>
#include <rte_prefetch.h>
#include <utility>

namespace linehunt::dpdk {

namespace {

constexpr std::size_t burst = 32;
constexpr time_us aging_interval_us = 100'000;
constexpr time_us announcement_interval_us = 1'000'000;
constexpr int announcements = 3; // RFC 4861 10: MAX_NEIGHBOR_ADVERTISEMENT

std::vector<tx_lane> lanes_of(control_block& shared, worker_id self, worker_counters& counters) {
  std::vector<tx_lane> lanes;
  for (std::size_t p = 0; p < shared.ports.size(); ++p) {
    const port& out = shared.ports[p];
    if (auto* const ring = shared.tx_crossings[p][self].get())
      lanes.emplace_back(*ring, counters);
    else
      lanes.emplace_back(out.device(), self, out.us().offload_checksums, counters);
  }
  return lanes;
}

} // namespace

worker::worker(control_block& shared, const worker_setup& setup)
    : shared_(shared), setup_(setup), memory_(setup.numa_node, setup.hugepages),
      mail_(1024, setup.numa_node), events_(4096, setup.numa_node),
      egress_(shared.stations, lanes_of(shared, setup.self, counters_), *setup.pool, counters_,
              setup.random_seed),
      sink_(egress_, *shared.mesh, setup.self, events_, counters_),
      handover_(*shared.mesh, setup.self, counters_), scratch_(sip::max_message_bytes) {
  for (std::size_t p = 0; p < shared.ports.size(); ++p) {
    const port& in = shared.ports[p];
    const auto index = static_cast<std::uint8_t>(p);
    for (std::uint16_t q = 0; q < in.rx_queues(); ++q)
      if (in.rx_owner(q, shared.workers) == setup.self) queues_.push_back({index, in.device(), q});
    for (worker_id w = 0; w < shared.workers; ++w)
      if (auto* const ring = shared.tx_crossings[p][w].get();
          ring != nullptr && in.tx_owner(w) == setup.self)
        crossings_.push_back({index, ring});
  }
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
    e.memory = &memory_;
    engine_ = std::make_unique<engine>(e, *world_);
    listeners_.adopt(*world_);
    sink_.adopt(*world_);
    return {};
  } catch (const std::bad_alloc&) {
    return "not enough memory for its tables; lower the limits or raise memory_mb";
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

  rte_rcu_qsbr_thread_register(shared_.quiescence, setup_.self);
  rte_rcu_qsbr_thread_online(shared_.quiescence, setup_.self);
  std::uint64_t before = rte_get_tsc_cycles();
  while (!shared_.stopping.load(std::memory_order_relaxed)) {
    now_ = std::max(now_, shared_.clock.at(before));
    const bool worked = loop();
    const std::uint64_t after = rte_get_tsc_cycles();
    bump(counters_.loops);
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
  obey_control(now_);
  egress_.set_time(now_);
  std::size_t work = poll_ports();
  handover_.flush();
  work += take_from_peers(now_);
  work += take_mail(now_);
  engine_->advance(now_, sink_);
  keep_house(now_);
  work += send_for_others();
  egress_.flush();
  rte_rcu_qsbr_quiescent(shared_.quiescence, setup_.self);
  return work != 0;
}

void worker::obey_control(time_us) {
  const snapshot* const current = shared_.world.load(std::memory_order_acquire);
  if (current != world_) {
    engine_->adopt(*current);
    listeners_.adopt(*current);
    sink_.adopt(*current);
    world_ = current;
  }
  if (const bool wanted = shared_.draining.load(std::memory_order_relaxed); wanted != draining_) {
    engine_->drain(wanted);
    draining_ = wanted;
  }
  if (visit_request* const r = visit_.load(std::memory_order_acquire); r != nullptr) {
    visit_.store(nullptr, std::memory_order_relaxed);
    engine_->for_each_call([&](const call_info& c) { (*r->visit)(setup_.self, c); });
    r->done.store(true, std::memory_order_release);
  }
}

std::size_t worker::poll_ports() noexcept {
  std::size_t received = 0;
  std::array<rte_mbuf*, burst> packets;
  for (const polled_queue& q : queues_) {
    const std::uint16_t n = rte_eth_rx_burst(q.device, q.queue, packets.data(), burst);
    if (n == 0) continue;
    received += n;
    for (std::uint16_t i = 0; i < n; ++i)
      rte_prefetch0(bytes_at(*packets[i], 0));
    for (std::uint16_t i = 0; i < n; ++i)
      on_frame(q.port, mbuf_ptr(packets[i]));
  }
  bump(counters_.rx_packets, received);
  return received;
}

void worker::end(mbuf_ptr, verdict why) noexcept {
  counters_.count(why);
}

void worker::on_frame(std::uint8_t port, mbuf_ptr m) noexcept {
  const station& us = egress_.at(port);
  frame f;
  if (const judgement j = inspect_network(us, *m, f)) return end(std::move(m), *j);
  rte_mbuf& packet = *m;
  if (f.ethertype == RTE_ETHER_TYPE_ARP)
    return on_answer(port, std::move(m), answer_arp(us, packet, f));
  if (f.is_fragment) return end(std::move(m), verdict::dropped_fragment);
  if (f.protocol == IPPROTO_UDP) {
    if (const judgement j = inspect_udp(packet, f)) return end(std::move(m), *j);
    return on_udp(port, std::move(m), f);
  }
  if (f.source.is_v6 && f.protocol == IPPROTO_ICMPV6)
    return on_answer(port, std::move(m), answer_icmp6(us, packet, f));
  if (!f.source.is_v6 && f.protocol == IPPROTO_ICMP)
    return on_answer(port, std::move(m), answer_icmp(us, packet, f));
  end(std::move(m), verdict::dropped_other_protocol);
}

void worker::on_answer(std::uint8_t port, mbuf_ptr m, const answer& a) noexcept {
  counters_.count(a.what);
  if (a.claim && egress_.learn(port, *a.claim)) {
    const ip_address& ip = a.claim->ip;
    const neighbour_news note{ip.bytes, a.claim->mac, port, ip.is_v6, a.claim->may_create};
    // Lost where a ring is full; that worker then asks for itself.
    for (worker_id w = 0; w < shared_.workers; ++w)
      if (w != setup_.self) (void)shared_.mesh->notes(setup_.self, w).push(note);
  }
  if (a.send_back) egress_.send_frame(port, std::move(m));
}

void worker::on_udp(std::uint8_t port, mbuf_ptr m, const frame& f) noexcept {
  const auto listener = listeners_.find(port, f.destination, f.destination_port);
  if (!listener) return end(std::move(m), verdict::dropped_other_port);
  arrival_of(*m) = {f.source.bytes, f.source_port, f.payload_off,
                    f.payload_len,  *listener,     static_cast<std::uint8_t>(world_->generation),
                    port,           f.source.is_v6};
  if (shared_.workers > 1) {
    const auto payload = contiguous(*m, f.payload_off, f.payload_len, scratch_);
    const auto call_id = sip::find_call_id({payload.data(), payload.size()});
    // Without a Call-ID it belongs to no call, so it stays here.
    if (!call_id.empty()) {
      const worker_id owner = owner_of(call_hash(call_id, shared_.secret), shared_.workers);
      if (owner != setup_.self) return handover_.add(owner, std::move(m));
    }
  }
  deliver(std::move(m));
}

void worker::deliver(mbuf_ptr m) noexcept {
  const arrival& note = arrival_of(*m);
  const auto payload = contiguous(*m, note.payload_off, note.payload_len, scratch_);
  const datagram in{{payload.data(), payload.size()}, note.source(), note.listener};
  sink_.begin(std::move(m), payload);
  (void)engine_->on_datagram(in, now_, sink_); // which counts the verdict
  sink_.end();
}

std::size_t worker::take_from_peers(time_us now) {
  std::size_t taken = 0;
  std::array<rte_mbuf*, burst> packets;
  std::array<peer_note, burst> notes;
  for (worker_id from = 0; from < shared_.workers; ++from) {
    for (rte_mbuf* const p : shared_.mesh->packets(from, setup_.self).pop_burst(packets)) {
      ++taken;
      mbuf_ptr m(p);
      const arrival note = arrival_of(*m);
      if (note.generation == static_cast<std::uint8_t>(world_->generation)) {
        deliver(std::move(m));
        continue;
      }
      // The snapshot changed on the way, and with it perhaps the listeners: look once more.
      frame f;
      judgement j = inspect_network(egress_.at(note.port), *m, f);
      if (!j) j = inspect_udp(*m, f);
      const auto listener = listeners_.find(note.port, f.destination, f.destination_port);
      if (j || !listener) {
        end(std::move(m), j.value_or(verdict::dropped_other_port));
        continue;
      }
      arrival_of(*m).listener = *listener;
      deliver(std::move(m));
    }
    for (const peer_note& note : shared_.mesh->notes(from, setup_.self).pop_burst(notes)) {
      ++taken;
      if (const auto* const letter = std::get_if<mail>(&note))
        engine_->on_mail(*letter, now, sink_);
      else if (const auto* const news = std::get_if<neighbour_news>(&note))
        (void)egress_.learn(news->port,
                            {ip_address{news->ip, news->is_v6}, news->mac, news->may_create});
    }
  }
  return taken;
}

std::size_t worker::take_mail(time_us now) {
  std::array<mail, burst> letters;
  const auto taken = mail_.pop_burst(letters);
  for (const mail& m : taken)
    engine_->on_mail(m, now, sink_);
  return taken.size();
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

void worker::keep_house(time_us now) noexcept {
  if (now >= next_aging_) {
    next_aging_ = now + aging_interval_us;
    egress_.age();
  }
  if (announcements_left_ > 0 && now >= next_announcement_) {
    next_announcement_ = now + announcement_interval_us;
    --announcements_left_;
    egress_.announce();
  }
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
  r.handed_over = read(counters_.handed_over);
  r.events_lost = read(counters_.events_lost);
  r.engine = &engine_->counters();
  r.used = engine_->ledger().published_used();
  for (std::size_t v = 0; v < verdict_count; ++v)
    r.verdicts[v] = read(counters_.verdicts[v]) + read(r.engine->verdicts[v]);
  return r;
}

} // namespace linehunt::dpdk
