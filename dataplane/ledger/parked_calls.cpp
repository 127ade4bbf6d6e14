// SPDX-License-Identifier: Apache-2.0
// Places for selections that wait.
#include "dataplane/ledger/parked_calls.h"

#include <algorithm>
#include <bit>

namespace linehunt::ledger {

parked_calls::parked_calls(std::uint32_t places)
    : calls_(places), buckets_(std::bit_ceil(std::max(places, 1u)), no_index) {
  for (parked_index p = places; p-- > 0;) {
    calls_[p].next = free_;
    free_ = p;
  }
}

parked_index parked_calls::park(const selection_request& request, waiter who) noexcept {
  if (free_ == no_index || request.excluded_ids.size() >= max_excluded ||
      request.resources.size() > max_resources_per_call)
    return no_index;
  const parked_index p = free_;
  parked_call& call = calls_[p];
  free_ = call.next;
  call = {};
  call.who = who;
  call.group = request.group;
  call.preferred = request.preferred;
  call.flags = request.flags;
  call.resource_count = static_cast<std::uint8_t>(request.resources.size());
  std::ranges::copy(request.resources, call.resources.begin());
  call.excluded_count = static_cast<std::uint8_t>(request.excluded_ids.size());
  std::ranges::copy(request.excluded_ids, call.excluded.begin());
  parked_index& bucket = buckets_[bucket_of(who)];
  call.same_hash = bucket;
  bucket = p;
  return p;
}

parked_index parked_calls::find(waiter who) const noexcept {
  parked_index p = buckets_[bucket_of(who)];
  while (p != no_index && calls_[p].who != who)
    p = calls_[p].same_hash;
  return p;
}

void parked_calls::leave(parked_index p) noexcept {
  parked_index* at = &buckets_[bucket_of(calls_[p].who)];
  while (*at != p)
    at = &calls_[*at].same_hash;
  *at = calls_[p].same_hash;
  calls_[p].at = parked_call::stage::unused;
  calls_[p].next = free_;
  free_ = p;
}

void parked_calls::append(parked_list& list, parked_index p) noexcept {
  calls_[p].next = no_index;
  calls_[p].previous = list.last;
  (list.last == no_index ? list.first : calls_[list.last].next) = p;
  list.last = p;
}

void parked_calls::unlink(parked_list& list, parked_index p) noexcept {
  const parked_call& call = calls_[p];
  (call.previous == no_index ? list.first : calls_[call.previous].next) = call.next;
  (call.next == no_index ? list.last : calls_[call.next].previous) = call.previous;
}

std::uint32_t parked_calls::bucket_of(waiter who) const noexcept {
  const std::uint64_t mixed = who * 0x9e3779b97f4a7c15;
  return static_cast<std::uint32_t>((mixed >> 32) & (buckets_.size() - 1));
}

} // namespace linehunt::ledger
