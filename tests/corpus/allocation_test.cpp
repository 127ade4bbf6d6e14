// SPDX-License-Identifier: Apache-2.0
// Nothing of sipparse allocates: every form of operator new is counted while every message of the
// corpora goes all the way.
#include "tests/corpus/corpus.h"

#include "sipparse/build.h"
#include "sipparse/edit_list.h"
#include "sipparse/fields.h"
#include "sipparse/sdp.h"
#include "sipparse/uri.h"
#include "sipparse/validate.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <new>

namespace {

std::size_t allocations = 0;

void* counted(std::size_t size) {
  ++allocations;
  if (void* const at = std::malloc(size)) return at;
  throw std::bad_alloc{};
}

} // namespace

void* operator new(std::size_t size) {
  return counted(size);
}
void* operator new[](std::size_t size) {
  return counted(size);
}
void operator delete(void* at) noexcept {
  std::free(at);
}
void operator delete[](void* at) noexcept {
  std::free(at);
}
void operator delete(void* at, std::size_t) noexcept {
  std::free(at);
}
void operator delete[](void* at, std::size_t) noexcept {
  std::free(at);
}

namespace linehunt::sip {
namespace {

std::array<char, 128 * 1024> room;

// As much of sipparse as one message can need. Returns something of every step, so that none of it
// can be left out.
std::size_t all_the_way(std::string_view bytes) {
  static message_view view;
  const auto scanned = scan(bytes, view);
  routing_view routed;
  const auto routing = make_routing_view(view, routed);
  const auto verdict = validate(view, scanned, routed, routing);
  std::size_t sum = find_call_id(bytes).size() + find_to(bytes).size() + verdict.reason.size();

  for (std::size_t i = 0; i < view.header_count; ++i) {
    const auto value = view.text(view.headers[i].value);
    auto tokens = value;
    sum += parse_via(value).at + parse_cseq(value).at + parse_retry_after(value).at +
           parse_session_expires(value).at + parse_replaces(value).at +
           next_token(tokens).value_or("").size();
    const auto address = parse_address(value);
    sum += parse_uri(address->uri)->host.size();
    sum += find_parameter(address->parameters, "tag").value_or("").size();
  }
  for_each_codec(
      find_sdp(view.value_of(header_id::content_type), routed.body),
      [](void* context, const sdp_codec& codec) {
        *static_cast<std::size_t*>(context) += codec.name.size();
        return true;
      },
      &sum);
  sum += build_reply(view, {.status = 400, .reason = "x", .to_tag = "t", .received = "::1"}, room);
  sum += build_ack(view, view.value_of(header_id::to), room);
  sum += build_cancel(view, {}, room);

  edit_list edits;
  static_cast<void>(edits.insert(0, "Via: SIP/2.0/UDP a\r\n"));
  static_cast<void>(edits.remove(slice{2, 3}));
  sum += edits.apply_to(bytes, room);
  std::copy(bytes.begin(), bytes.end(), room.begin() + 64);
  sum += edits.apply_in_place(room, std::span{room}.subspan(64, bytes.size())).size();
  return sum;
}

TEST(Allocation, None) {
  const auto entries = corpus::read_all();
  EXPECT_GT(allocations, 0u) << "the counter does not count";
  std::size_t sum = 0;
  allocations = 0;
  for (const auto& e : entries)
    sum += all_the_way(e.bytes);
  const auto counted_allocations = allocations;
  EXPECT_EQ(counted_allocations, 0u);
  EXPECT_GT(sum, 0u);
}

} // namespace
} // namespace linehunt::sip
