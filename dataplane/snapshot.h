// SPDX-License-Identifier: Apache-2.0
// The snapshot: everything that configuration says, immutable once published. The control thread
// builds it, workers read it, and it is freed after every worker has moved on. Knows nothing of
// files, TOML or databases.
//
// Indices outlive snapshots: a destination_index belongs to one destination id and a slot_index to
// one (destination id, resource) as long as either is configured or a call is still there, so that
// loads and calls need no translation at a reload. The control thread hands them out
// (index_book.h).
#pragma once

#include "dataplane/address.h"
#include "dataplane/address_turn.h"
#include "dataplane/datagram.h"
#include "dataplane/rules.h"
#include "dataplane/source_index.h"

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace linehunt {

using destination_index = std::uint32_t; // stable, below engine_limits::max_destinations
using slot_index = std::uint32_t;        // stable, below engine_limits::max_slots
using resource_id = std::uint16_t;       // interned resource name, stable
inline constexpr std::uint32_t no_index = std::numeric_limits<std::uint32_t>::max();
inline constexpr std::size_t max_resources_per_call = 8;

struct resource {
  resource_id name = 0;
  slot_index slot = no_index;
  std::int32_t capacity = 0; // lines, 0..2^31-1
};

struct destination {
  destination_index index = no_index;
  std::uint32_t id = 0; // the operator's number
  std::uint32_t group = 0;
  std::string uri;                 // as configured
  std::vector<endpoint> addresses; // resolved; empty: not usable
  std::vector<address_turn> turns; // beside them: which first, how often; empty: in order
  listener_index listener = 0;     // from which we talk to the first of them
  bool enabled = true;             // at the time of publishing; later changes come by mail
  std::vector<resource> resources;
  worker_id home = 0; // keeps the pool of its lines
};

struct listener {
  endpoint local;
  std::uint8_t port = 0;             // index of the network port, for the runtime
  std::string sent_by;               // "192.0.2.1:5060", as it stands in Via and Record-Route
  std::optional<endpoint> outside{}; // how others reach it through a NAT in front of us
  std::vector<std::string> names{};  // host names that stand for it, in lower case
};

// How to reach an address: the listener to send from.
struct route {
  ip_prefix net;
  listener_index listener = 0;
};

struct timers {
  std::uint32_t t1_ms = 500; // RFC 3261 17.1.1.1
  std::uint32_t t2_ms = 4000;
  std::uint32_t t4_ms = 5000;               // timer I, where no INVITE went out
  std::uint32_t fr_timeout_ms = 5000;       // no reply at all
  std::uint32_t fr_inv_timeout_ms = 120000; // after a provisional reply
  std::uint32_t timer_c_ms = 181000;        // RFC 3261 16.6 (11): above three minutes
  std::uint32_t ack_wait_ms = 32000;        // answered, but no ACK: 64*T1
  std::uint32_t max_call_s = 12 * 3600;
  std::uint32_t ping_interval_s = 30; // of in-dialog OPTIONS, where the rule wants them
};

// Overload control by destinations (RFC 7339): whether we offer it to them and do what they ask.
struct overload_settings {
  bool enabled = false;
};

struct snapshot {
  std::uint64_t generation = 0;
  std::vector<std::string> resource_names;   // by resource_id
  std::vector<destination> destinations;     // in the operator's order (id order of a table)
  std::vector<linehunt::listener> listeners; // by listener_index
  std::vector<route> routes;                 // longest prefix first
  linehunt::timers timers;
  std::unique_ptr<const compiled_rules> rules;
  overload_settings overload;
  std::string server_line; // Server header of our own replies, with its CRLF; or empty
  std::string probe_method = "OPTIONS";
  std::string probe_from = "sip:prober@localhost"; // URI

  // The listener to reach `ip` from; nullptr where no route and no listener of that family fits.
  [[nodiscard]] const linehunt::listener* listener_for(const ip_address& ip,
                                                       listener_index& index) const noexcept;
  [[nodiscard]] bool is_local(const endpoint& e) const noexcept;
  // The same for a host name of ours, in any case.
  [[nodiscard]] bool is_local(std::string_view name, std::uint16_t port) const noexcept;

  // The destination that a call comes from: the first whose address is `source` (port 0 in either
  // place means any), in `group` or, where that is 0, in any; nullptr for none. Hashed; whoever
  // fills `destinations` calls index_sources afterwards (build_snapshot does).
  [[nodiscard]] const destination* destination_from(const endpoint& source,
                                                    std::uint32_t group) const noexcept;
  // The destination of that group with that address, the first of several; nullptr for none.
  [[nodiscard]] const destination* destination_in(std::uint32_t group,
                                                  const endpoint& address) const noexcept;
  void index_sources();

 private:
  source_index sources_;
};

} // namespace linehunt
