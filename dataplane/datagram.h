// SPDX-License-Identifier: Apache-2.0
// What goes into and comes out of the call engine: datagrams, actions, events. The engine sees the
// world only through this file; whoever drives it (DPDK workers, the simulator, a fuzzer) provides
// the action_sink.
#pragma once

#include "dataplane/address.h"
#include "dataplane/mail.h"
#include "sipparse/edit_list.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace linehunt {

// Microseconds since an arbitrary start, never falling. Always handed in, never read.
using time_us = std::uint64_t;

using worker_id = std::uint16_t;
inline constexpr worker_id max_workers = 64;

// An address and port of ours, as an index into snapshot::listeners.
using listener_index = std::uint8_t;

struct datagram {
  std::string_view bytes; // the UDP payload; valid during the call only
  endpoint source;
  listener_index listener = 0; // where it arrived
  // call_hash of its Call-ID, where the driver needed it already; 0: it did not.
  std::uint64_t hash = 0;
};

// Where to send: to `to`, from the address and port of `listener`.
struct outbound {
  endpoint to;
  listener_index listener = 0;
};

// Why a call ended.
enum class end_cause : std::uint16_t {
  failed,          // a final failure went upstream
  bye,             // of a party
  no_ack,          // answered, but the ACK never came
  session_expired, // no refresh in time (RFC 4028)
  max_duration,
  ping_lost, // no answer to an in-dialog OPTIONS; or 481 to it, a re-INVITE or an UPDATE
  admin,
};
inline constexpr std::size_t end_cause_count = static_cast<std::size_t>(end_cause::admin) + 1;
// As statistics name it: "bye", "ping_lost".
[[nodiscard]] std::string_view name_of(end_cause cause) noexcept;

enum class event_kind : std::uint8_t {
  destination_disabled, // by failover; cause = status code of the reply, 408 for a timeout
  probe_answered,       // cause = status code; destination = index
  call_ended,           // cause = end_cause; not told to the control thread
  destination_paused,   // by one worker, as Retry-After said; subject = seconds. The others hear of
                        // it by mail; no change of status
};

// From a worker to the control thread. Fixed size, lost (and counted) where the ring is full: a
// change of status is then put off until the destination fails again.
struct event {
  event_kind kind = event_kind::call_ended;
  worker_id from = 0;
  std::uint16_t cause = 0;
  // Of the snapshot that gave `destination` its meaning, the last 16 bits: a reload may have given
  // the number to another machine when the event is read.
  std::uint16_t generation = 0;
  std::uint32_t destination = 0;   // destination_index
  std::uint32_t round_trip_us = 0; // of a probe, from its first sending
  std::uint64_t subject = 0;       // call handle, probe number; by kind
  time_us at = 0;
};
static_assert(sizeof(event) == 32);

class action_sink {
 public:
  virtual ~action_sink() = default;
  // Sends the datagram that is being handled, changed by `edits`. At most once for one datagram,
  // and nothing looks at its bytes afterwards.
  virtual void forward(const sip::edit_list& edits, const outbound& where) = 0;
  // Sends bytes of the engine's own; they are copied before the call returns.
  virtual void send(std::string_view bytes, const outbound& where) = 0;
  // To another worker. False: its ring is full, try again in a later loop; nothing was sent.
  [[nodiscard]] virtual bool mail(worker_id to, const linehunt::mail& what) = 0;
  // False: there was no place for it, and nobody hears of it.
  virtual bool raise(const event& what) = 0;
};

} // namespace linehunt
