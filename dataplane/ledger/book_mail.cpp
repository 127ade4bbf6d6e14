// SPDX-License-Identifier: Apache-2.0
// Mail between ledgers. Handling a mail only changes state; only flush sends, so a full ring can
// never stop a worker from emptying its own.
#include "dataplane/ledger/book.h"
#include "dataplane/ledger/lease_mail.h"

namespace linehunt::ledger {

bool book::acceptable(const mail& m) const noexcept {
  if (m.from >= limits_.workers || m.slot >= slots_.size()) return false;
  const bool names_destination = m.kind == mail_kind::lease_request ||
                                 m.kind == mail_kind::lease_grant ||
                                 m.kind == mail_kind::lease_refuse;
  return !names_destination || destination_of(m) < requests_.size();
}

void book::handle(const mail& m) {
  if (!acceptable(m)) return;
  switch (m.kind) {
  case mail_kind::load_update:
    slots_.set_remote(m.slot, m.from, m.value);
    break;
  case mail_kind::lease_request:
    home_.on_request(m);
    break;
  case mail_kind::lease_return:
    home_.on_return(m);
    break;
  case mail_kind::lease_recall:
    holder_.on_recall(m.slot);
    break;
  case mail_kind::lease_grant:
    on_grant(destination_of(m), m.value, second_of(m));
    break;
  case mail_kind::lease_refuse:
    on_refuse(destination_of(m));
    break;
  default:
    break; // the engine's own
  }
}

void book::on_mail(const mail& m, selection_listener& listener) {
  handle(m);
  hand_out(listener);
}

void book::flush(action_sink& sink, selection_listener& listener) {
  if (limits_.workers == 1) return;
  mail m;
  do {
    while (next_mail(limits_.self, m)) {
      mail_sent(limits_.self, m);
      handle(m);
    }
    hand_out(listener);
  } while (next_mail(limits_.self, m)); // the listener may have selected again
  news_.spread();
  for (worker_id to = 0; to < limits_.workers; ++to)
    while (to != limits_.self && next_mail(to, m) && sink.mail(to, m))
      mail_sent(to, m);
}

// The order matters: grants before recalls (lease_home.h); lines on their way home before a request
// that counts on them; loads last, because they can wait.
bool book::next_mail(worker_id to, mail& m) noexcept {
  if (home_.peek(to, m) || holder_.peek(to, m)) return true;
  while (!to_ask_[to].empty() && requests_[to_ask_[to].front()].at != request::stage::forming)
    to_ask_[to].pop(); // all its calls are gone
  if (!to_ask_[to].empty()) {
    const destination_index d = to_ask_[to].front();
    const request& r = requests_[d];
    const bool last = r.mails_sent + 1 == r.slot_count;
    m = {.kind = mail_kind::lease_request,
         .flags = last ? last_of_request : std::uint8_t{0},
         .from = limits_.self,
         .slot = r.slots[r.mails_sent],
         .value = r.calls,
         .subject = make_subject(d, adoption_)};
    return true;
  }
  if (!news_.any_for(to)) return false;
  const slot_index s = news_.front(to);
  m = {.kind = mail_kind::load_update, .from = limits_.self, .slot = s, .value = slots_[s].used};
  return true;
}

void book::mail_sent(worker_id to, const mail& m) noexcept {
  switch (m.kind) {
  case mail_kind::lease_grant:
  case mail_kind::lease_refuse:
  case mail_kind::lease_recall:
    home_.sent(to, m);
    break;
  case mail_kind::lease_return:
    holder_.sent(to);
    break;
  case mail_kind::lease_request: {
    request& r = requests_[to_ask_[to].front()];
    if (++r.mails_sent == r.slot_count) {
      r.at = request::stage::sent;
      to_ask_[to].pop();
    }
    break;
  }
  default:
    news_.sent(to);
    break;
  }
}

} // namespace linehunt::ledger
