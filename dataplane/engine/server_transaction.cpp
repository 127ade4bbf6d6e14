// SPDX-License-Identifier: Apache-2.0
// The server side of an INVITE, towards the caller: repeating replies, replies of our own, timers G
// and H (RFC 3261 17.2.1), and the end of a call that was never answered.
#include "dataplane/engine/state.h"
#include "sipparse/scan.h"

#include <algorithm>

namespace linehunt {

verdict engine::state::repeat_reply(std::uint32_t transaction) {
  invite_transaction& t = transactions[transaction];
  switch (t.server) {
  case server_state::proceeding:
    if (t.reply.empty()) {
      // Nothing but the 100: made anew, of the same request.
      return reply(100, "Trying", verdict::retransmission_answered);
    }
    [[fallthrough]];
  case server_state::completed: {
    const std::size_t len = transactions.texts().copy_out(t.reply, buffer_b());
    if (len == 0) return verdict::retransmission_absorbed;
    out->send({&scratch_b[0], len}, t.reply_to);
    return verdict::retransmission_answered;
  }
  default:
    return verdict::retransmission_absorbed; // RFC 6026 7.1
  }
}

void engine::state::answer_invite(std::uint32_t transaction, std::uint16_t status,
                                  std::string_view reason, std::string_view extra_headers) {
  invite_transaction& t = transactions[transaction];
  const std::size_t len = transactions.texts().copy_out(t.invite, buffer_a());
  if (len != 0 && sip::scan({&scratch_a[0], len}, stored_view)) {
    const auto from = sip::parse_address(stored_view.value_of(sip::header_id::from));
    const tag_text tag = make_tag(t.hash, from ? from->tag : std::string_view{}, setup.secret);
    sip::reply_parts parts;
    parts.status = status;
    parts.reason = reason;
    parts.to_tag = tag;
    parts.extra_headers = extra_headers;
    parts.server_line = world->server_line;
    const std::size_t reply_len = sip::build_reply(stored_view, parts, buffer_b());
    if (reply_len != 0) {
      const std::string_view bytes{&scratch_b[0], reply_len};
      transactions.texts().free(t.reply);
      t.reply = store_text(bytes);
      out->send(bytes, t.reply_to);
    }
  }
  fail_call(transaction);
  complete(transaction);
}

void engine::state::complete(std::uint32_t transaction) {
  invite_transaction& t = transactions[transaction];
  t.server = server_state::completed;
  forget_question(t);
  transactions.move_to(transaction_list::lingering, transaction);
  t.server_interval_ms = world->timers.t1_ms;
  timers.arm(server_timer(transaction), after_ms(t.server_interval_ms));
  // Timer H, and timer D of the client side, which wants the INVITE for another ACK.
  timers.arm(deadline_timer(transaction), after_ms(transaction_timeout_ms()));
}

void engine::state::on_server_timer(std::uint32_t transaction) {
  invite_transaction& t = transactions[transaction];
  if (t.server != server_state::completed) return;
  const std::size_t len = transactions.texts().copy_out(t.reply, buffer_b());
  if (len == 0) return;
  out->send({&scratch_b[0], len}, t.reply_to);
  count(counters.retransmissions_sent);
  t.server_interval_ms = std::min(t.server_interval_ms * 2, world->timers.t2_ms);
  timers.arm(server_timer(transaction), after_ms(t.server_interval_ms));
}

void engine::state::fail_call(std::uint32_t transaction) {
  invite_transaction& t = transactions[transaction];
  if (t.call == no_call) return;
  const std::uint32_t call = t.call;
  t.call = no_call;
  calls[call].transaction = no_transaction;
  end_call(call, end_cause::failed);
}

void engine::state::finish_transaction(std::uint32_t transaction) {
  forget_question(transactions[transaction]);
  timers.disarm(client_timer(transaction));
  timers.disarm(server_timer(transaction));
  timers.disarm(deadline_timer(transaction));
  timers.disarm(cancel_timer(transaction));
  transactions.give_back(transaction);
}

} // namespace linehunt
