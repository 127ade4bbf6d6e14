// SPDX-License-Identifier: Apache-2.0
// Mail: the fixed-size messages between workers, and from the control thread to workers. One
// sender and one receiver per ring, so mail of one sender arrives in order.
#pragma once

#include <cstdint>

namespace linehunt {

enum class mail_kind : std::uint8_t {
  // Between workers.
  load_update,   // slot, value = the sender's `used` of that slot
  lease_request, // these five: see ledger/lease_mail.h
  lease_grant,
  lease_refuse,
  lease_recall,
  lease_return,
  overload,      // slot = destination_index; flags = per cent to shed, and 0x80 where there is a
                 // sequence number; value = validity in ms, subject = sequence number (RFC 7339)
  find_replaced, // where is the call that an INVITE replaces? See engine/replaces.cpp for both
  found_replaced,
  // From the control thread.
  set_enabled, // subject = destination_index, value = 0 or 1
  resize,      // slot, value = new capacity; to every worker, the home moves the pool
  end_call,    // subject = call handle
  pause,       // subject = destination_index, value = seconds; as a 503 of it has asked for
  send_probe,  // subject = destination_index, value = probe number; the same again: repeated
};

struct mail {
  mail_kind kind = mail_kind::load_update;
  std::uint8_t flags = 0;
  std::uint16_t from = 0; // worker_id of the sender; max_workers: the control thread
  std::uint32_t slot = 0;
  std::int64_t value = 0;
  std::uint64_t subject = 0;
};
static_assert(sizeof(mail) == 24);

} // namespace linehunt
