// SPDX-License-Identifier: Apache-2.0
// What the burst loop asks of those who play on the port, and what they ask of it. No DPDK here.
#pragma once

#include "dataplane/address.h"
#include "tools/pktgen/identity.h"
#include "tools/pktgen/tally.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace linehunt::pktgen {

// Nanoseconds since some start, never falling.
using time_ns = std::uint64_t;
// A moment in 4 ns, which fits a record; it turns over after 17 s.
using stamp = std::uint32_t;
[[nodiscard]] constexpr stamp stamp_of(time_ns now) noexcept {
  return static_cast<stamp>(now >> 2);
}
[[nodiscard]] constexpr std::uint64_t elapsed_ns(stamp since, time_ns now) noexcept {
  return std::uint64_t{static_cast<stamp>(stamp_of(now) - since)} << 2;
}

// Where datagrams go out.
class outbox {
 public:
  virtual ~outbox() = default;
  // How many more messages can be taken now.
  [[nodiscard]] virtual std::size_t room() const noexcept = 0;
  // Where to write the next one, longest_message_bytes; nullptr where there is no room.
  [[nodiscard]] virtual char* begin() noexcept = 0;
  // Sends what has been written, from that station to the device. The moment of this call is
  // written to `sent_at`, if it is not null; so waiting in here counts as the device's latency.
  virtual void commit(std::size_t len, std::uint32_t station, stamp* sent_at) noexcept = 0;
};

class traffic {
 public:
  virtual ~traffic() = default;
  // Begins one call (or sends one packet) that should have begun at `due`, from which on its first
  // message is timed. False: no room now.
  virtual bool begin_one(time_ns now, time_ns due) noexcept = 0;
  // Of a datagram that will be received soon: which call it seems to be of. Fetches its record.
  virtual std::optional<call_number> announce(std::string_view) const noexcept {
    return std::nullopt;
  }
  // A datagram that came from `from` to that station, with what was said when it was announced.
  virtual void receive(std::string_view bytes, const endpoint& from, std::uint32_t station,
                       std::optional<call_number> announced, time_ns now) noexcept = 0;
  virtual void advance(time_ns now) noexcept = 0;

  // Calls that wait for something to come; held calls do not, once their ACK is there.
  [[nodiscard]] virtual std::uint64_t unsettled() const noexcept = 0;
  [[nodiscard]] virtual std::uint64_t live() const noexcept = 0;
  [[nodiscard]] virtual std::uint64_t held() const noexcept = 0;
  // Ends up to `most` of the calls that are held; false: there are more.
  virtual bool wind_up(time_ns now, std::size_t most) noexcept = 0;
  // What happens from now on is counted there.
  virtual void count_in(tally& t) noexcept = 0;
};

} // namespace linehunt::pktgen
