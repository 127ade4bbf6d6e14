// SPDX-License-Identifier: Apache-2.0
#include "dataplane/dpdk/mbuf_sink.h"

#include "dataplane/dpdk/udp_frame.h"
#include "sipparse/message_view.h"

#include <utility>

namespace linehunt::dpdk {

mbuf_sink::mbuf_sink(egress& out, worker_mesh& mesh, worker_id self, spsc_ring<event>& events,
                     worker_counters& counters)
    : out_(out), mesh_(mesh), self_(self), events_(events), counters_(counters),
      gathered_(sip::max_message_bytes) {}

void mbuf_sink::begin(mbuf_ptr packet, std::span<const char> payload) noexcept {
  packet_ = std::move(packet);
  payload_ = payload;
}

const listener* mbuf_sink::listener_of(const outbound& where) noexcept {
  if (where.listener < world_->listeners.size()) {
    const listener& l = world_->listeners[where.listener];
    if (l.port < out_.ports()) return &l;
  }
  bump(counters_.tx_dropped);
  return nullptr;
}

// The payload may grow backwards into the headers that it came with and forwards into tailroom;
// room for new headers stays in front.
bool mbuf_sink::edit_in_place(const sip::edit_list& edits) noexcept {
  rte_mbuf& m = *packet_;
  if (!RTE_MBUF_DIRECT(&m) || rte_mbuf_refcnt_read(&m) != 1 || m.nb_segs != 1) return false;
  char* const buffer = static_cast<char*>(m.buf_addr);
  const char* const payload = payload_.data();
  if (payload < buffer || payload >= buffer + m.buf_len) return false; // lies in scratch
  if (payload < buffer + max_header_bytes) return false;
  const std::span<char> room(buffer + max_header_bytes, m.buf_len - max_header_bytes);
  const std::span<char> message(buffer + (payload - buffer), payload_.size());
  const std::span<char> edited = edits.apply_in_place(room, message);
  if (edited.empty()) return false;
  m.data_off = static_cast<std::uint16_t>(edited.data() - buffer);
  m.data_len = static_cast<std::uint16_t>(edited.size());
  m.pkt_len = m.data_len;
  return true;
}

void mbuf_sink::forward(const sip::edit_list& edits, const outbound& where) {
  const listener* const l = listener_of(where);
  if (l == nullptr || !packet_) return;
  if (edit_in_place(edits)) {
    out_.send_udp(l->port, std::move(packet_), l->local, where.to);
    return;
  }
  const std::size_t len = edits.apply_to({payload_.data(), payload_.size()}, gathered_);
  if (len == 0) {
    bump(counters_.tx_dropped);
    return;
  }
  out_.send_udp(l->port, std::span<const char>(gathered_).first(len), l->local, where.to);
}

void mbuf_sink::send(std::string_view bytes, const outbound& where) {
  if (const listener* const l = listener_of(where))
    out_.send_udp(l->port, std::span(bytes.data(), bytes.size()), l->local, where.to);
}

bool mbuf_sink::mail(worker_id to, const linehunt::mail& what) {
  return to < mesh_.workers() && mesh_.post(self_, to, what);
}

bool mbuf_sink::raise(const event& what) {
  // Nobody asks for the ends of calls, and there may be tens of thousands a second.
  if (what.kind == event_kind::call_ended) return true;
  const bool has_place =
      what.kind != event_kind::probe_answered || events_.count() < event_places - kept_for_statuses;
  if (has_place && events_.push(what)) return true;
  bump(counters_.events_lost);
  return false;
}

} // namespace linehunt::dpdk
