// SPDX-License-Identifier: Apache-2.0
#include "dataplane/dpdk/reassembler.h"

#include <algorithm>
#include <cstring>
#include <netinet/in.h>
#include <new>
#include <rte_byteorder.h>
#include <rte_ip.h>
#include <rte_jhash.h>
#include <rte_udp.h>
#include <span>
#include <utility>

namespace linehunt::dpdk {

namespace {

// Where a piece belongs, whatever the family.
struct position {
  std::uint32_t offset_bytes, len_bytes;
  bool more;
};

// The library trusts these. A first fragment without the whole UDP header is the "tiny fragment"
// of RFC 1858; one that reaches past the largest packet is the "ping of death".
bool plausible(const position& p) noexcept {
  if (p.len_bytes == 0 || (p.more && p.len_bytes % 8 != 0)) return false;
  if (p.offset_bytes == 0 && p.len_bytes < sizeof(rte_udp_hdr)) return false;
  return p.offset_bytes + p.len_bytes <= UINT16_MAX - sizeof(rte_ipv6_hdr);
}

// What a piece has in common with itself come twice, and hardly with one of another datagram that
// has the same identifier: where it belongs, and of a first one the checksum of the whole. Offsets
// are multiples of eight.
std::uint64_t mark_of(const position& p, const rte_mbuf& m, std::uint32_t at_byte) noexcept {
  const std::uint64_t mark = std::uint64_t{p.len_bytes} << 16 | p.offset_bytes | (p.more ? 1u : 0u);
  if (p.offset_bytes != 0) return mark;
  rte_udp_hdr copy;
  const auto* const udp =
      static_cast<const rte_udp_hdr*>(rte_pktmbuf_read(&m, at_byte, sizeof copy, &copy));
  return udp == nullptr ? mark : mark | std::uint64_t{udp->dgram_cksum} << 32;
}

// Padding behind the packet would be taken for data.
bool cut_after(rte_mbuf& m, std::uint32_t len_bytes) noexcept {
  return m.pkt_len == len_bytes ||
         rte_pktmbuf_trim(&m, static_cast<std::uint16_t>(m.pkt_len - len_bytes)) == 0;
}

void remove_bytes(rte_mbuf& m, std::size_t at, std::size_t count) noexcept {
  std::memmove(bytes_at(m, count), bytes_at(m, 0), at);
  (void)rte_pktmbuf_adj(&m, static_cast<std::uint16_t>(count));
}

} // namespace

// A datagram has at least one mbuf, so the table is never full. Its slots are eight times as many
// as there may be mbufs, for the sake of the hash.
reassembler::reassembler(int numa_node, unsigned most_mbufs)
    : table_(rte_ip_frag_table_create(most_mbufs, 4, most_mbufs + max_fragments, patience_us,
                                      numa_node)),
      half_mbufs_(most_mbufs / 2), pieces_(most_mbufs) {
  if (table_ == nullptr) throw std::bad_alloc();
}

unsigned reassembler::share_of(std::size_t pool_mbufs, std::size_t workers) noexcept {
  constexpr std::size_t least = 8 * max_fragments;
  const std::size_t share = pool_mbufs / (4 * std::max<std::size_t>(workers, 1));
  return static_cast<unsigned>(std::clamp<std::size_t>(share, least, max_mbufs)) & ~1u;
}

reassembler::pieces* reassembler::note_piece(const frame& f, std::uint32_t id, std::uint64_t mark,
                                             time_us now) noexcept {
  const auto& bytes = f.source.bytes;
  const std::uint32_t hash = rte_jhash(bytes.data(), static_cast<std::uint32_t>(bytes.size()), id);
  pieces& at = pieces_[hash % pieces_.size()];
  const time_us clock = now + aged_us_;
  const bool known = at.count != 0 && at.id == id && at.source == f.source &&
                     at.destination == f.destination && clock <= at.until;
  const std::span marks(at.marks.data(), at.count);
  if (known && std::ranges::find(marks, mark) != marks.end()) return nullptr;
  // What the whole one did not have is of another datagram, with the same identifier.
  if (!known || at.whole) at = {f.source, f.destination, id, 0, false, clock + patience_us, {}};
  if (at.count < at.marks.size()) at.marks[at.count++] = mark;
  return &at;
}

rte_mbuf* reassembler::admit(mbuf_ptr m, time_us now) noexcept {
  if (kept_mbufs_ >= half_mbufs_) {
    aged_us_ += m->nb_segs * (patience_us / half_mbufs_ + 1);
    expire(now);
  }
  kept_mbufs_ += m->nb_segs;
  return m.release();
}

void reassembler::collect() noexcept {
  for (const rte_mbuf* const m : std::span(dead_.row, dead_.cnt))
    kept_mbufs_ -= m->nb_segs;
  rte_ip_frag_free_death_row(&dead_, 0);
}

reassembler::outcome reassembler::take(mbuf_ptr fragment, const frame& f, time_us now) noexcept {
  return f.source.is_v6 ? take_ipv6(std::move(fragment), f, now)
                        : take_ipv4(std::move(fragment), f, now);
}

reassembler::outcome reassembler::finish(const rte_mbuf* given, rte_mbuf* made, pieces& of,
                                         time_us now) noexcept {
  outcome result;
  // What the device said of the first fragment does not hold for the whole.
  if (made != nullptr) {
    made->ol_flags &= ~RTE_MBUF_F_RX_L4_CKSUM_MASK;
    kept_mbufs_ -= made->nb_segs;
    of.whole = true;
    of.until = now + aged_us_ + repeat_us;
  }
  result.whole.reset(made);
  // The library says "kept" and "dropped" alike; what it dropped waits in the death row.
  const std::span<rte_mbuf* const> dead(dead_.row, dead_.cnt);
  const auto holds_given = [given](const rte_mbuf* m) { // where it had begun to chain them
    while (m != nullptr && m != given)
      m = m->next;
    return m != nullptr;
  };
  if (made == nullptr && std::ranges::any_of(dead, holds_given))
    result.why = verdict::dropped_fragment;
  if (result.why == verdict::dropped_fragment) of.count = 0;
  if (dead_.cnt != 0) collect();
  return result;
}

reassembler::outcome reassembler::take_ipv4(mbuf_ptr m, const frame& f, time_us now) noexcept {
  auto* const ip = &header_at<rte_ipv4_hdr>(*m, f.l3_off);
  const std::uint16_t field = rte_be_to_cpu_16(ip->fragment_offset);
  const position p{(field & RTE_IPV4_HDR_OFFSET_MASK) * 8u, f.l4_len,
                   (field & RTE_IPV4_HDR_MF_FLAG) != 0};
  if (f.protocol != IPPROTO_UDP || !plausible(p) || !cut_after(*m, f.l4_off + f.l4_len))
    return {nullptr, verdict::dropped_fragment};
  pieces* const known = note_piece(f, ip->packet_id, mark_of(p, *m, f.l4_off), now);
  if (known == nullptr) return {nullptr, verdict::dropped_fragment};
  m->l2_len = f.l3_off & 0x7f;
  m->l3_len = (f.l4_off - f.l3_off) & 0x1ff;

  rte_mbuf* const given = admit(std::move(m), now);
  rte_mbuf* const made =
      rte_ipv4_frag_reassemble_packet(table_.get(), &dead_, given, now + aged_us_, ip);
  if (made != nullptr) { // its header was changed, which is the first fragment's
    auto& whole = header_at<rte_ipv4_hdr>(*made, made->l2_len);
    whole.hdr_checksum = 0;
    whole.hdr_checksum =
        static_cast<std::uint16_t>(~rte_raw_cksum(&whole, rte_ipv4_hdr_len(&whole)));
  }
  return finish(given, made, *known, now);
}

reassembler::outcome reassembler::take_ipv6(mbuf_ptr m, const frame& f, time_us now) noexcept {
  if (f.l4_len < sizeof(rte_ipv6_fragment_ext) ||
      m->data_len < f.l4_off + sizeof(rte_ipv6_fragment_ext))
    return {nullptr, verdict::dropped_fragment};
  auto* const ip = &header_at<rte_ipv6_hdr>(*m, f.l3_off);
  auto* const header = &header_at<rte_ipv6_fragment_ext>(*m, f.l4_off);
  const std::uint16_t field = rte_be_to_cpu_16(header->frag_data);
  const position p{field & 0xfff8u,
                   f.l4_len - static_cast<std::uint32_t>(sizeof(rte_ipv6_fragment_ext)),
                   (field & 1) != 0};
  // The library wants the fragment header right behind the IPv6 header.
  if (header->next_header != IPPROTO_UDP || !plausible(p) ||
      f.l4_off != f.l3_off + sizeof(rte_ipv6_hdr) || !cut_after(*m, f.l4_off + f.l4_len))
    return {nullptr, verdict::dropped_fragment};

  if (p.offset_bytes == 0 && !p.more) { // an atomic fragment stands alone (RFC 6946)
    ip->proto = header->next_header;
    ip->payload_len = rte_cpu_to_be_16(static_cast<std::uint16_t>(p.len_bytes));
    remove_bytes(*m, f.l4_off, sizeof(rte_ipv6_fragment_ext));
    m->ol_flags &= ~RTE_MBUF_F_RX_L4_CKSUM_MASK;
    return {std::move(m), verdict::fragment_kept};
  }
  const std::uint32_t data_off = f.l4_off + std::uint32_t{sizeof *header};
  pieces* const known = note_piece(f, header->id, mark_of(p, *m, data_off), now);
  if (known == nullptr) return {nullptr, verdict::dropped_fragment};
  m->l2_len = f.l3_off & 0x7f;
  m->l3_len = sizeof(rte_ipv6_hdr) + sizeof(rte_ipv6_fragment_ext);
  rte_mbuf* const given = admit(std::move(m), now);
  rte_mbuf* const made =
      rte_ipv6_frag_reassemble_packet(table_.get(), &dead_, given, now + aged_us_, ip, header);
  return finish(given, made, *known, now);
}

void reassembler::expire(time_us now) noexcept {
  // The death row takes some 30 datagrams at a time.
  for (;;) {
    rte_ip_frag_table_del_expired_entries(table_.get(), &dead_, now + aged_us_);
    if (dead_.cnt == 0) return;
    collect();
  }
}

} // namespace linehunt::dpdk
