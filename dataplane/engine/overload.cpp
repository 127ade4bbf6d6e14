// SPDX-License-Identifier: Apache-2.0
// Overload control (RFC 7339) as the client of our destinations: what they ask for in our own Via,
// which new calls pass them over, and what of that other people may see.
#include "sipparse/overload.h"
#include "dataplane/engine/state.h"
#include "dataplane/siphash.h"

#include <cstring>

namespace linehunt {

// The response at hand is from an address of `d`, where that is one, and its topmost Via is ours
// and genuine.
void engine::state::note_overload(destination_index d) {
  if (d == no_index || !world->overload.enabled || !routing.top_via.has_oc) return;
  const sip::overload_report said = sip::parse_overload(routing.top_via.element);
  // An echo of what we have sent has no value. RFC 7339 4.3: a validity without "oc" means nothing,
  // one of 0 ends what was asked for.
  const bool stop = said.has_validity && said.validity_ms == 0;
  if (!said.present || !said.well_formed || !said.loss || (!said.has_value && !stop)) return;
  if (said.has_value && said.value > 100) return;
  overload_order order;
  order.per_cent = static_cast<std::uint8_t>(said.value);
  order.validity_ms = said.has_validity ? said.validity_ms : overload_table::default_validity_ms;
  order.has_seq = said.has_seq;
  order.seq = said.seq;
  if (!overloads.take(d, order, now) || !overloads.is_news(d, now)) return;
  // A ring that is full misses it; the destination goes on saying it.
  linehunt::mail m;
  m.kind = mail_kind::overload;
  m.from = setup.self;
  m.flags = static_cast<std::uint8_t>(order.per_cent | (order.has_seq ? 0x80u : 0u));
  m.slot = d;
  m.value = order.validity_ms;
  m.subject = order.seq;
  for (worker_id to = 0; to < setup.workers; ++to)
    if (to != setup.self) (void)out->mail(to, m);
}

destination_index engine::state::callee_at(std::uint32_t call, const ip_address& ip) const {
  const linehunt::destination* d = find_destination(calls[call].destination);
  if (d == nullptr || callee_of(call).ip != ip) return no_index;
  for (const endpoint& e : d->addresses)
    if (e.ip == ip) return d->index;
  return no_index;
}

void engine::state::hear_overload(const linehunt::mail& m) {
  overload_order order;
  order.per_cent = m.flags & 0x7fu;
  order.has_seq = (m.flags & 0x80u) != 0;
  order.validity_ms = static_cast<std::uint32_t>(m.value);
  order.seq = m.subject;
  (void)overloads.take(m.slot, order, now);
}

// The same INVITE always gets the same answer as long as the share is the same.
bool engine::state::sheds(const invite_transaction& t, destination_index d) const noexcept {
  if (!world->overload.enabled) return false;
  const std::uint8_t share = overloads.share(d, now);
  if (share == 0) return false;
  const std::array<std::uint64_t, 2> what{t.server_key, d};
  std::array<char, sizeof(what)> bytes;
  std::memcpy(bytes.data(), what.data(), bytes.size());
  return siphash24({bytes.data(), bytes.size()}, setup.secret.branch_key) % 100 < share;
}

// A value in the Via of the next hop upstream was not put there by us, who send none: whoever is
// further down has no business telling our clients (RFC 7339 10).
bool engine::state::strip_overload(sip::edit_list& edits,
                                   const sip::via_field& next) const noexcept {
  if (!next.has_oc || !sip::parse_overload(next.element).has_value) return true;
  const sip::overload_texts texts = sip::find_overload(next.element);
  for (std::size_t i = 0; i < texts.count; ++i)
    edits.remove(slice_of(texts.pieces[i]));
  return texts.complete && edits.valid();
}

} // namespace linehunt
