// SPDX-License-Identifier: Apache-2.0
// The ledger's state as a row of numbers: equal rows, equal futures. The exploration of the
// protocol knows a state again by it. What only counts or names places is left out.
#include "dataplane/ledger/book.h"

namespace linehunt::ledger {

namespace {

using row = std::vector<std::uint64_t>;

void append(row& out, const index_queue& queue) {
  out.push_back(queue.size());
  for (std::uint32_t place = 0; place < queue.size(); ++place)
    out.push_back(queue.at(place));
}

} // namespace

void slot_table::append_state(row& out) const {
  for (const slot_state& s : slots_) {
    out.push_back(static_cast<std::uint64_t>(s.used));
    out.push_back(static_cast<std::uint64_t>(s.waiting));
    out.push_back(static_cast<std::uint64_t>(s.capacity));
  }
  for (const std::int64_t said : said_)
    out.push_back(static_cast<std::uint64_t>(said));
}

void lease_home::append_state(row& out) const {
  for (const slot& s : slots_) {
    out.push_back(static_cast<std::uint64_t>(s.pool));
    out.push_back(s.tight);
    out.push_back(s.awaiting);
    out.push_back(s.in_round ? s.covered << 2 | 2 | (s.proves_full ? 1 : 0) : 0);
  }
  for (const std::int64_t lines : leased_)
    out.push_back(static_cast<std::uint64_t>(lines));
  for (const request& r : requests_) {
    const bool open = r.wanted > 0 || r.refused || r.granted > 0 || r.spare > 0 || !r.complete;
    if (!open) {
      out.push_back(0);
      continue;
    }
    out.push_back(1 + r.slot_count + (r.complete ? 16u : 0u) + (r.refused ? 32u : 0u));
    for (const slot_index s : r.set())
      out.push_back(s);
    out.push_back(static_cast<std::uint64_t>(r.wanted));
    out.push_back(static_cast<std::uint64_t>(r.granted));
    out.push_back(static_cast<std::uint64_t>(r.spare));
  }
  for (std::size_t d = 0; d < queue_lengths_.size(); ++d) {
    out.push_back(queue_lengths_[d]);
    for (worker_id place = 0; place < queue_lengths_[d]; ++place)
      out.push_back(queues_[d * workers_ + place]);
  }
  for (worker_id w = 0; w < workers_; ++w) {
    append(out, answers_[w]);
    append(out, recalls_[w]);
  }
}

void lease_holder::append_state(row& out) const {
  for (const slot& s : slots_) {
    out.push_back(static_cast<std::uint64_t>(s.free));
    out.push_back(static_cast<std::uint64_t>(s.unsent));
    out.push_back(static_cast<std::uint64_t>(s.debt));
    out.push_back((s.tight ? 2u : 0u) + (s.answer_owed ? 1u : 0u));
  }
  for (const index_queue& queue : returns_)
    append(out, queue);
}

void reconciliation::append_state(row& out) const {
  append(out, changed_);
  for (const index_queue& queue : news_)
    append(out, queue);
}

void book::append_state(row& out) const {
  slots_.append_state(out);
  home_.append_state(out);
  holder_.append_state(out);
  news_.append_state(out);
  const auto append_list = [&](const parked_list& list) {
    for (parked_index p = list.first; p != no_index; p = parked_[p].next) {
      const parked_call& call = parked_[p];
      out.push_back(call.who);
      out.push_back(static_cast<std::uint64_t>(call.outcome));
      out.push_back(call.lines.destination);
      out.push_back(call.full_asked * 2u + (call.refused ? 1u : 0u));
      out.push_back(call.preferred);
      for (std::uint8_t i = 0; i < call.excluded_count; ++i)
        out.push_back(call.excluded[i]);
    }
    out.push_back(no_index);
  };
  append_list(decided_);
  for (const request& r : requests_) {
    append_list(r.asked);
    append_list(r.queued);
    out.push_back(static_cast<std::uint64_t>(r.at));
    if (r.at == request::stage::none) continue;
    out.push_back(r.mails_sent);
    out.push_back(static_cast<std::uint64_t>(r.calls));
    out.push_back(static_cast<std::uint64_t>(r.undecided));
    for (const slot_index s : r.set())
      out.push_back(s);
  }
  for (const index_queue& queue : to_ask_)
    append(out, queue);
}

} // namespace linehunt::ledger
