// SPDX-License-Identifier: Apache-2.0
// Probes: one OPTIONS to a destination for each mail of the control thread, which keeps the
// intervals and judges the answers. Unguessable in branch, tag and Call-ID; mail with the same
// number once more is the same request once more (RFC 3261 17.1.2.2).
#include "dataplane/engine/state.h"

#include "dataplane/siphash.h"

#include <algorithm>
#include <cstring>

namespace linehunt {
namespace {

constexpr std::uint32_t probe_cseq = 1;

} // namespace

// Of several addresses one that answers will do. The first is asked alone; while it is silent, or
// has given an answer that the control thread does not like, it and the others are asked together,
// so that one probe finds whether anybody is there.
void engine::state::send_probe(destination_index index, std::uint64_t number) {
  const linehunt::destination* d = find_destination(index);
  if (d == nullptr || d->addresses.empty() || d->listener >= world->listeners.size()) return;
  const std::size_t count = std::min(d->addresses.size(), max_addresses);
  probe_in_flight& probe = probes[index];
  if (probe.number == number && number != 0) {
    if (probe.all_at == 0) probe.all_at = now;
    for (std::size_t i = 0; i < count; ++i)
      if ((probe.answered >> i & 1u) == 0) send_probe_to(*d, i, number);
    return;
  }
  if (probe.number != 0 && probe.answered == 0) rest_first_probed(*d);
  const std::size_t first = next_address({}, count, resting.among(*d, now), 0);
  probe = {number, now, 0, static_cast<std::uint8_t>(first == no_address ? 0 : first), 0};
  send_probe_to(*d, probe.first, number);
}

// It was silent, so it is not asked first next time, and calls try it last.
void engine::state::rest_first_probed(const linehunt::destination& d) {
  if (d.addresses.size() > 1)
    resting.rest(d.index, d.addresses[probes[d.index].first],
                 after_ms(2 * transaction_timeout_ms()));
}

void engine::state::send_probe_to(const linehunt::destination& d, std::size_t address,
                                  std::uint64_t number) {
  const endpoint to = d.addresses[address];
  listener_index listener = d.listener;
  if (address != 0 && world->listener_for(to.ip, listener) == nullptr) return;
  const linehunt::listener& from = world->listeners[listener];

  // The answer comes to whom the Call-ID belongs, so it must be one of ours. Another for each
  // address: with one for all, a machine that has two of them may take the second request for a
  // loop (482, RFC 3261 8.2.2.2).
  std::array<char, 16> call_id;
  std::uint64_t id_hash = 0;
  std::array<std::uint64_t, 3> seed{d.index | std::uint64_t{address} << 32, number, 0};
  do {
    std::array<char, sizeof(seed)> bytes;
    std::memcpy(bytes.data(), seed.data(), bytes.size());
    write_hex(siphash24({bytes.data(), bytes.size()}, setup.secret.branch_key), call_id.data());
    id_hash = call_hash({call_id.data(), call_id.size()}, setup.secret);
    ++seed[2];
  } while (owner_of(id_hash, setup.workers) != setup.self && seed[2] < 4096);

  const tag_text tag = make_tag(id_hash, "probe", setup.secret);
  const probe_branch which{static_cast<std::uint8_t>(address), d.index,
                           static_cast<std::uint32_t>(number)};
  const branch_text branch =
      make_branch({branch_kind::probe, which.number()}, id_hash, probe_cseq, setup.secret);
  std::array<char, 512> from_value, to_value, contact;
  sip::writer from_text{from_value}, to_text_out{to_value}, contact_text{contact};
  from_text << "<" << world->probe_from << ">;tag=" << tag;
  to_text_out << "<" << d.uri << ">";
  contact_text << "Contact: <sip:" << from.sent_by << ">\r\n";
  sip::request_parts parts;
  parts.method = world->probe_method;
  parts.request_uri = d.uri;
  parts.via_sent_by = from.sent_by;
  parts.branch = branch;
  parts.from = {from_value.data(), from_text.size()};
  parts.to = {to_value.data(), to_text_out.size()};
  parts.call_id = {call_id.data(), call_id.size()};
  parts.cseq = probe_cseq;
  parts.extra_headers = {contact.data(), contact_text.size()};
  const std::size_t len = sip::build_request(parts, buffer_b());
  if (len != 0) out->send({&scratch_b[0], len}, {to, listener});
}

verdict engine::state::on_probe_response(std::uint64_t number) {
  const auto [address, index, probe_number] = probe_branch::from(number);
  if (index >= probes.size()) return verdict::dropped_stray_response;
  probe_in_flight& probe = probes[index];
  const linehunt::destination* d = find_destination(index);
  if (d == nullptr || probe.number == 0 ||
      static_cast<std::uint32_t>(probe.number) != probe_number || address >= d->addresses.size() ||
      address >= max_addresses || (probe.answered >> address & 1u) != 0)
    return verdict::dropped_stray_response;
  if (in->source != d->addresses[address]) return verdict::dropped_wrong_source;
  if (view.status < 200) return verdict::response_consumed;
  if (probe.answered == 0 && address != probe.first) rest_first_probed(*d);
  probe.answered = static_cast<std::uint16_t>(probe.answered | 1u << address);
  event what;
  what.kind = event_kind::probe_answered;
  what.from = setup.self;
  what.cause = view.status;
  what.destination = index;
  what.subject = probe.number;
  const time_us asked_at = address == probe.first ? probe.first_at : probe.all_at;
  what.round_trip_us = static_cast<std::uint32_t>(std::min<time_us>(now - asked_at, 0xffffffffu));
  what.at = now;
  (void)out->raise(what);
  return verdict::response_consumed;
}

} // namespace linehunt
