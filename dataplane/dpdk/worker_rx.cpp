// SPDX-License-Identifier: Apache-2.0
// What a worker does with a received packet, from the port's queue to its one verdict.
#include "dataplane/dpdk/arp.h"
#include "dataplane/dpdk/icmp.h"
#include "dataplane/dpdk/ndp.h"
#include "dataplane/dpdk/tcp.h"
#include "dataplane/dpdk/worker.h"
#include "sipparse/scan.h"

#include <algorithm>
#include <array>
#include <netinet/in.h>
#include <rte_ethdev.h>
#include <rte_prefetch.h>
#include <rte_udp.h>
#include <utility>

namespace linehunt::dpdk {

namespace {

// As far as it lies in the first segment. Nothing has been checked behind the IP header.
std::string_view udp_payload(const rte_mbuf& m, const frame& f) noexcept {
  const std::size_t begin = f.l4_off + sizeof(rte_udp_hdr);
  if (m.data_len <= begin) return {};
  const auto* const bytes = reinterpret_cast<const char*>(bytes_at(m, begin));
  return {bytes, m.data_len - begin};
}

} // namespace

std::size_t worker::poll_ports() {
  std::size_t received = 0;
  bool full = false;
  std::array<rte_mbuf*, burst> packets;
  for (const polled_queue& q : queues_) {
    const std::uint16_t n = rte_eth_rx_burst(q.device, q.queue, packets.data(), burst);
    if (n == 0) continue;
    received += n;
    full |= n == burst;
    work_on(q.port, {packets.data(), n});
  }
  if (guard_.note(full, now_)) received += look_deeper();
  bump(counters_.rx_packets, received);
  return received;
}

// Devices seldom tell how much waits (rte_eth_rx_queue_count). So it is read, and worked on only
// when it has been counted. It makes as much for other workers and of theirs as many loops do,
// which their rings have no room for: so they get their turn after each burst.
std::size_t worker::look_deeper() {
  std::size_t received = 0;
  bool deep = false;
  for (const polled_queue& q : queues_) {
    std::size_t n = 0;
    while (n < q.deep) {
      const auto wanted = static_cast<std::uint16_t>(std::min<std::size_t>(burst, q.deep - n));
      const std::uint16_t got = rte_eth_rx_burst(q.device, q.queue, &backlog_[n], wanted);
      if (got == 0) break;
      n += got;
    }
    deep |= n == q.deep;
    received += n;
    for (std::size_t at = 0; at < n; at += burst) {
      work_on(q.port, std::span(backlog_).subspan(at, std::min<std::size_t>(burst, n - at)));
      if (shared_.workers > 1) (void)serve_others();
    }
  }
  guard_.note_depth(deep);
  return received;
}

void worker::work_on(std::uint8_t port, std::span<rte_mbuf*> packets) noexcept {
  for (rte_mbuf* const p : packets)
    rte_prefetch0(bytes_at(*p, 0));
  for (rte_mbuf* const p : packets)
    on_frame(port, mbuf_ptr(p));
  deliver_burst();
  if (let_go_count_ == 0) return;
  rte_pktmbuf_free_bulk(let_go_.data(), let_go_count_);
  let_go_count_ = 0;
}

std::size_t worker::take_packets() noexcept {
  std::size_t taken = 0;
  std::array<rte_mbuf*, burst> packets;
  for (worker_id from = 0; from < shared_.workers; ++from)
    for (rte_mbuf* const p : shared_.mesh->packets(from, setup_.self).pop_burst(packets)) {
      ++taken;
      on_handed_over(mbuf_ptr(p));
    }
  deliver_burst();
  return taken;
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
  if (f.is_fragment) return on_fragment(port, std::move(m), f);
  if (f.protocol == IPPROTO_UDP) {
    // Before the checksum, which would be most of its price.
    if (guard_.shedding() && is_new_call(udp_payload(packet, f))) {
      let_go_[let_go_count_++] = m.release(); // freed with the others of its burst
      return counters_.count(verdict::dropped_overload);
    }
    if (const judgement j = inspect_udp(packet, f)) return end(std::move(m), *j);
    return on_udp(port, std::move(m), f);
  }
  if (f.source.is_v6 && f.protocol == IPPROTO_ICMPV6)
    return on_answer(port, std::move(m), answer_icmp6(us, packet, f));
  if (!f.source.is_v6 && f.protocol == IPPROTO_ICMP)
    return on_answer(port, std::move(m), answer_icmp(us, packet, f));
  if (f.protocol == IPPROTO_TCP) return on_answer(port, std::move(m), answer_tcp(us, packet, f));
  end(std::move(m), verdict::dropped_other_protocol);
}

void worker::on_fragment(std::uint8_t port, mbuf_ptr m, const frame& f) noexcept {
  auto [whole, why] = reassembler_.take(std::move(m), f, now_);
  if (!whole) return end(nullptr, why);
  frame all;
  judgement j = inspect_network(egress_.at(port), *whole, all);
  if (!j) j = inspect_udp(*whole, all);
  if (j) return end(std::move(whole), *j);
  on_udp(port, std::move(whole), all);
}

void worker::on_answer(std::uint8_t port, mbuf_ptr m, const answer& a) noexcept {
  counters_.count(a.what);
  const auto spread = [&](const link_news& news) {
    const bool is_answer = a.claim && a.claim->is_answer;
    for (worker_id w = 0; w < shared_.workers; ++w)
      if (w != setup_.self) shared_.mesh->tell(setup_.self, w, news, is_answer);
  };
  if (a.claim && egress_.learn(port, *a.claim)) {
    const ip_address& ip = a.claim->ip;
    spread({ip.bytes, a.claim->mac, port, 0, ip.is_v6, a.claim->may_create, a.claim->overrides});
  }
  if (a.path) {
    egress_.note_path(*a.path);
    spread({a.path->to.bytes, {}, port, a.path->mtu_bytes, a.path->to.is_v6, false, false});
  }
  if (a.report) egress_.plan_report(port, *a.report);
  if (a.send_back) egress_.send_frame(port, std::move(m));
}

void worker::on_udp(std::uint8_t port, mbuf_ptr m, const frame& f) noexcept {
  const auto listener = listeners_.find(port, f.destination, f.destination_port);
  if (!listener) return end(std::move(m), verdict::dropped_other_port);
  arrival_of(*m) = {f.source.bytes, f.source_port, f.payload_off,
                    f.payload_len,  *listener,     static_cast<std::uint8_t>(world_->generation),
                    port,           f.source.is_v6};
  const auto payload = contiguous(*m, f.payload_off, f.payload_len, scratch_);
  const auto call_id = sip::find_call_id({payload.data(), payload.size()});
  // Without a Call-ID it belongs to no call, so it stays here.
  const std::uint64_t hash = call_id.empty() ? 0 : call_hash(call_id, shared_.secret);
  set_call_hash(*m, hash);
  if (hash != 0 && shared_.workers > 1) {
    const worker_id owner = owner_of(hash, shared_.workers);
    if (owner != setup_.self) return handover_.add(owner, std::move(m));
  }
  keep(std::move(m));
}

void worker::on_handed_over(mbuf_ptr m) noexcept {
  const arrival note = arrival_of(*m);
  if (note.generation == static_cast<std::uint8_t>(world_->generation)) return keep(std::move(m));
  // The snapshot changed on the way, and with it perhaps the listeners: look once more.
  frame f;
  judgement j = inspect_network(egress_.at(note.port), *m, f);
  if (!j) j = inspect_udp(*m, f);
  if (j) return end(std::move(m), *j);
  const auto listener = listeners_.find(note.port, f.destination, f.destination_port);
  if (!listener) return end(std::move(m), verdict::dropped_other_port);
  arrival_of(*m).listener = *listener;
  keep(std::move(m));
}

void worker::keep(mbuf_ptr m) noexcept {
  if (kept_count_ == kept_.size()) deliver_burst();
  engine_->expect(call_hash_of(*m));
  kept_[kept_count_++] = m.release();
}

// In three passes over the burst, since what a call needs of memory comes from far away: its place
// in the index was asked for as the packet was kept, its record is asked for here, and only then is
// the first packet worked on.
void worker::deliver_burst() noexcept {
  for (std::size_t i = 0; i < kept_count_; ++i)
    engine_->fetch(call_hash_of(*kept_[i]));
  for (std::size_t i = 0; i < kept_count_; ++i)
    deliver(mbuf_ptr(kept_[i]));
  kept_count_ = 0;
}

void worker::deliver(mbuf_ptr m) noexcept {
  const arrival& note = arrival_of(*m);
  const auto payload = contiguous(*m, note.payload_off, note.payload_len, scratch_);
  const datagram in{
      {payload.data(), payload.size()}, note.source(), note.listener, call_hash_of(*m)};
  sink_.begin(std::move(m), payload);
  (void)engine_->on_datagram(in, now_, sink_); // which counts the verdict
  sink_.end();
}

} // namespace linehunt::dpdk
