// SPDX-License-Identifier: Apache-2.0
// What happened: counts by name and latencies by kind of message. One for each step of a run.
#pragma once

#include "tools/pktgen/histogram.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

namespace linehunt::pktgen {

// The messages of a call, in their order, as they arrive through the device under test.
enum class message_kind : std::uint8_t {
  invite,
  ringing,   // 180
  ok_invite, // 200 of the INVITE
  ack,
  bye,
  ok_bye,
  count_,
};
inline constexpr std::size_t message_kind_count = static_cast<std::size_t>(message_kind::count_);
[[nodiscard]] std::string_view name_of(message_kind kind) noexcept;

// What is wrong with a message that arrived; a message is counted under the first that it shows.
enum class fault : std::uint8_t {
  unreadable,         // no SIP, or a mandatory header is missing or broken
  not_ours,           // a Call-ID that no call of this run has
  wrong_place,        // a request at a caller, or a response at a destination
  unexpected_message, // of a kind that the call does not wait for
  via_missing,        // a request without the device's Via, or a response without ours
  via_changed,        // our own Via is not as we wrote it
  via_left,           // a response that still bears the device's Via
  record_route,       // missing, or not with the device's address
  route_left,         // a request that still bears a Route of the device
  max_forwards,       // not one less than sent
  from_tag,
  to_tag,
  cseq,
  request_uri,        // not as sent
  body,               // not as sent
  not_offered,        // the destination does not offer what the call needs
  moved,              // a request of a call at another destination than its INVITE
  second_destination, // the INVITE of a call that another destination has got
  trying_forwarded,   // a 100 of a destination (RFC 3261 16.7)
  changed,  // another line of a request, such as From, Contact or Allow, is missing or not as sent
  too_long, // a request with so many or long lines of the device that no reply can bear them
  count_,
};
inline constexpr std::size_t fault_count = static_cast<std::size_t>(fault::count_);
[[nodiscard]] std::string_view name_of(fault f) noexcept;

struct tally {
  std::uint64_t sent = 0, received = 0; // SIP messages
  std::uint64_t sent_bytes = 0, received_bytes = 0;
  std::uint64_t calls_begun = 0, calls_answered = 0;
  std::uint64_t calls_completed = 0; // from INVITE to the 200 of the BYE, nothing lost of them
  std::uint64_t byes_answered = 0;   // with 200, also where they came to no destination
  std::uint64_t calls_refused = 0;   // a final status other than 200
  std::uint64_t calls_lost = 0;      // something did not come in time
  std::uint64_t calls_slipped = 0;   // not begun though due: no room to send, or no free record
  std::uint64_t late = 0;            // came after its call had been given up; no BYE
  std::uint64_t repeated = 0;        // came again though no timer asked for it
  std::uint64_t retransmitted = 0;   // came again as it may, over UDP
  std::uint64_t trying_missing = 0;
  std::uint64_t broken_frames = 0;     // cut, or a wrong checksum
  std::uint64_t read_in_full = 0;      // not as usual, though perhaps right; this costs time
  std::uint64_t answered_for_lost = 0; // a BYE or other request for a call that is over
  std::array<std::uint64_t, message_kind_count> lost{};
  std::array<std::uint64_t, fault_count> faults{};
  std::array<std::uint64_t, 700> statuses{}; // final ones other than 200, by code
  std::array<histogram, message_kind_count> latency;
  // Of all kinds, in the windows without a disturbance (see disturbances.h), and of the window at
  // hand. Not kept where nobody watches.
  histogram calm_latency, window_latency;
  std::uint64_t windows = 0, disturbed_windows = 0;
  std::uint64_t calm_begun = 0, calm_slipped = 0;     // calls, in the windows without a disturbance
  std::uint64_t begun_before = 0, slipped_before = 0; // calls, before the window at hand
  histogram post_dial_delay;                          // INVITE out to 180 in
  histogram trying;                                   // INVITE out to 100 in

  // `taken_for_calm`: so many that were not. What they have of latencies stays: nobody could tell,
  // and they have few, since a side was away.
  void end_window(bool calm, std::uint64_t taken_for_calm) noexcept {
    ++windows;
    disturbed_windows = std::min(disturbed_windows + taken_for_calm, windows - 1);
    if (calm) {
      calm_latency.add(window_latency);
      calm_begun += calls_begun - begun_before;
      calm_slipped += calls_slipped - slipped_before;
    } else {
      ++disturbed_windows;
    }
    window_latency = {};
    begun_before = calls_begun;
    slipped_before = calls_slipped;
  }
  [[nodiscard]] std::uint64_t lost_messages() const noexcept {
    std::uint64_t all = 0;
    for (const auto n : lost)
      all += n;
    return all;
  }
  [[nodiscard]] std::uint64_t wrong() const noexcept {
    std::uint64_t all = 0;
    for (const auto n : faults)
      all += n;
    return all;
  }
  // Calls that slipped are in no histogram: with one in a thousand, nobody knows the slowest
  // thousandth.
  [[nodiscard]] bool knows_slowest() const noexcept {
    return calls_slipped * 1000 <= calls_begun + calls_slipped;
  }
  // The same of calm_latency: a port that a slow device keeps full disturbs no window.
  [[nodiscard]] bool knows_calm_slowest() const noexcept {
    return calm_slipped * 1000 <= calm_begun + calm_slipped;
  }
  // Every call that was begun went through as it should, and nothing else came.
  [[nodiscard]] bool clean() const noexcept {
    return calls_lost == 0 && calls_refused == 0 && late == 0 && repeated == 0 &&
           trying_missing == 0 && broken_frames == 0 && lost_messages() == 0 && wrong() == 0;
  }
};

} // namespace linehunt::pktgen
