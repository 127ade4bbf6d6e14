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

constexpr std::uint64_t probe_branch(destination_index index, std::uint64_t number) noexcept {
  return std::uint64_t{index} << 32 | (number & 0xffffffffu);
}

} // namespace

void engine::state::send_probe(destination_index index, std::uint64_t number) {
  const linehunt::destination* d = find_destination(index);
  if (d == nullptr || d->addresses.empty() || d->listener >= world->listeners.size()) return;
  probe_in_flight& probe = probes[index];
  const bool repeated =
      probe.number == number &&
      std::find(d->addresses.begin(), d->addresses.end(), probe.to) != d->addresses.end();
  if (!repeated) {
    // Of several addresses one that answers will do: who has let a probe go by is not asked next.
    if (probe.number != 0 && probe.number != number && d->addresses.size() > 1)
      resting.rest(index, probe.to, after_ms(2 * transaction_timeout_ms()));
    const std::size_t first = next_address({}, d->addresses.size(), resting.among(*d, now), 0);
    probe = {number, d->addresses[first == no_address ? 0 : first], now};
  }
  const endpoint to = probe.to;
  listener_index listener = d->listener;
  if (to != d->addresses.front() && world->listener_for(to.ip, listener) == nullptr) return;
  const linehunt::listener& from = world->listeners[listener];

  // The answer comes to whom the Call-ID belongs, so it must be one of ours.
  std::array<char, 16> call_id;
  std::uint64_t id_hash = 0;
  std::array<std::uint64_t, 3> seed{index, number, 0};
  do {
    std::array<char, sizeof(seed)> bytes;
    std::memcpy(bytes.data(), seed.data(), bytes.size());
    write_hex(siphash24({bytes.data(), bytes.size()}, setup.secret.branch_key), call_id.data());
    id_hash = call_hash({call_id.data(), call_id.size()}, setup.secret);
    ++seed[2];
  } while (owner_of(id_hash, setup.workers) != setup.self && seed[2] < 4096);

  const tag_text tag = make_tag(id_hash, "probe", setup.secret);
  const branch_text branch = make_branch({branch_kind::probe, probe_branch(index, number)}, id_hash,
                                         probe_cseq, setup.secret);
  std::array<char, 512> from_value, to_value, contact;
  sip::writer from_text{from_value}, to_text_out{to_value}, contact_text{contact};
  from_text << "<" << world->probe_from << ">;tag=" << tag;
  to_text_out << "<" << d->uri << ">";
  contact_text << "Contact: <sip:" << from.sent_by << ">\r\n";
  sip::request_parts parts;
  parts.method = world->probe_method;
  parts.request_uri = d->uri;
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
  const auto index = static_cast<destination_index>(number >> 32);
  if (index >= probes.size() || probes[index].number == 0 ||
      probe_branch(index, probes[index].number) != number)
    return verdict::dropped_stray_response;
  if (in->source != probes[index].to) return verdict::dropped_wrong_source;
  if (view.status < 200) return verdict::response_consumed;
  event what;
  what.kind = event_kind::probe_answered;
  what.from = setup.self;
  what.cause = view.status;
  what.destination = index;
  what.subject = probes[index].number;
  what.round_trip_us =
      static_cast<std::uint32_t>(std::min<time_us>(now - probes[index].sent_at, 0xffffffffu));
  what.at = now;
  probes[index] = {};
  (void)out->raise(what);
  return verdict::response_consumed;
}

} // namespace linehunt
