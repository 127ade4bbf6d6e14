// SPDX-License-Identifier: Apache-2.0
// A call that was answered, as it goes from one run of the program into the next: what the engine
// must know to count it, route within it and end it. Knows nothing of files.
#pragma once

#include "dataplane/address.h"
#include "dataplane/datagram.h"
#include "dataplane/snapshot.h"

#include <array>
#include <cstdint>
#include <string_view>

namespace linehunt {

// Destination, resources and listeners have the numbers of the snapshot at hand, which mean
// something else in another run: whoever keeps a call translates them. Times are ages, since no
// clock goes on over a restart. The texts belong to whoever hands the call over, and are good until
// he returns.
struct kept_call {
  std::uint64_t handle = 0; // which its parties have in their routes; never 0
  std::string_view call_id, from_tag, to_tag;
  std::string_view caller_target, callee_target; // URIs of the Contacts
  std::string_view caller_routes, callee_routes; // Route values, in the order to be sent
  std::string_view from_uri, to_uri;
  endpoint caller, callee;
  listener_index caller_listener = 0, callee_listener = 0;
  destination_index destination = no_index;                    // no_index: none that is configured
  std::array<resource_id, max_resources_per_call> resources{}; // of which it holds a line there
  std::uint8_t resource_count = 0;
  std::uint64_t age_us = 0; // since its INVITE
  std::uint32_t answered_after_ms = 0;
  std::uint32_t expires_after_s = 0; // session timer (RFC 4028), since its INVITE; 0: none
  std::uint32_t caller_cseq = 0, callee_cseq = 0;
  bool balanced = false; // among the calls that are counted; else one more dialog of such a call
  bool acked = false;
  bool leaving = false; // a BYE is on its way
  // We are ending it: BYEs are on their way to both, and answered_after_ms holds the end_cause.
  bool closing = false, caller_bye_done = false, callee_bye_done = false;
  bool ping_caller = false, ping_callee = false;
  // From a copy that was made some time before its run ended, as by a crash: it may have gone on
  // since, or be over.
  bool uncertain = false;
  // Owes the answer to an offer, see engine/ping.cpp.
  bool caller_doubted = false, callee_doubted = false;
  bool asked = false;   // both parties are, or are to be, whether they still have the call
  bool spirals = false; // it passes us more than once
};

// The texts of a call, for whoever takes them all alike.
inline constexpr std::array kept_texts{
    &kept_call::call_id,       &kept_call::from_tag,      &kept_call::to_tag,
    &kept_call::caller_target, &kept_call::callee_target, &kept_call::caller_routes,
    &kept_call::callee_routes, &kept_call::from_uri,      &kept_call::to_uri};

} // namespace linehunt
