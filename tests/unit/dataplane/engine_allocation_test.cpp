// SPDX-License-Identifier: Apache-2.0
// After its construction the engine allocates nothing, whatever it is given; and its tables are as
// small as call_table.h says.
#include "engine_world.h"
#include "tests/unit/dataplane/allocation_count.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>

namespace linehunt::test::engine_allocation_test {
namespace {

// Keeps what is sent without a heap.
class fixed_sink final : public action_sink {
 public:
  void forward(const sip::edit_list& edits, const outbound& where) override {
    keep(edits.apply_to(at_hand, slot()), where);
  }
  void send(std::string_view bytes, const outbound& where) override {
    std::memcpy(slot().data(), bytes.data(), bytes.size());
    keep(bytes.size(), where);
  }
  bool mail(worker_id, const linehunt::mail&) override { return true; }
  bool raise(const event&) override { return true; }
  void keep(std::size_t len, const outbound& where) {
    lens_[count_ % slots] = len;
    to[count_ % slots] = where.to;
    ++count_;
  }
  [[nodiscard]] std::span<char> slot() { return bytes_[count_ % slots]; }
  [[nodiscard]] std::string last() const {
    const auto i = (count_ - 1) % slots;
    return {bytes_[i].data(), lens_[i]};
  }
  [[nodiscard]] endpoint last_to() const { return to[(count_ - 1) % slots]; }

  std::string_view at_hand;

 private:
  static constexpr std::size_t slots = 8;
  std::array<std::array<char, 70'000>, slots> bytes_;
  std::array<std::size_t, slots> lens_{};
  std::array<endpoint, slots> to{};
  std::size_t count_ = 0;
};

struct engine_allocation : ::testing::Test {
  index_book book{64, 256};
  std::unique_ptr<const snapshot> world;
  std::unique_ptr<engine> under_test;
  std::unique_ptr<fixed_sink> sink = std::make_unique<fixed_sink>();
  time_us now = 1'000'000;
  std::size_t allocated = 0;

  void SetUp() override {
    std::vector<build_error> errors;
    snapshot_model model = study_case();
    for (auto& rule : model.rules)
      rule.failover.disable = false; // so that somebody is left
    world = build_snapshot(model, book, errors);
    ASSERT_TRUE(world);
    engine_setup setup;
    setup.limits = engine_world::small();
    under_test = std::make_unique<engine>(setup, *world);
  }
  verdict give(const std::string& bytes, const endpoint& from) {
    sink->at_hand = bytes;
    const std::size_t before = allocations_so_far();
    const verdict v = under_test->on_datagram({bytes, from, 0}, now, *sink);
    allocated += allocations_so_far() - before;
    return v;
  }
  void wait_ms(std::uint64_t ms) {
    const std::size_t before = allocations_so_far();
    for (std::uint64_t i = 0; i < ms / 10; ++i)
      under_test->advance(now += 10'000, *sink);
    allocated += allocations_so_far() - before;
  }
};

TEST_F(engine_allocation, never_happens_after_construction) {
  for (int i = 0; i < 20; ++i) {
    call_parts parts;
    parts.call_id = std::to_string(i) + "-" + std::string(static_cast<std::size_t>(i) * 20, 'x');
    ASSERT_EQ(give(invite(parts), caller_address), verdict::request_forwarded);
    auto there = sink->last();
    auto callee = sink->last_to();
    if (i % 4 == 1) { // failover
      ASSERT_EQ(give(response(there, 500, "x"), callee), verdict::response_consumed);
      there = sink->last();
      callee = sink->last_to();
      if (!there.starts_with("INVITE")) continue; // nobody left
    }
    if (i % 4 == 2) { // cancelled
      ASSERT_EQ(give(response(there, 180, "t"), callee), verdict::response_forwarded);
      ASSERT_EQ(give(hop_request("CANCEL", parts), caller_address), verdict::request_answered);
      wait_ms(700);
      ASSERT_EQ(give(response(there, 487, "t"), callee), verdict::response_forwarded);
      ASSERT_EQ(give(hop_request("ACK", parts, "t"), caller_address), verdict::ack_absorbed);
      continue;
    }
    ASSERT_EQ(give(response(there, 200, "t"), callee), verdict::response_forwarded);
    const auto ok = sink->last();
    dialog_request what;
    what.method = "ACK";
    ASSERT_EQ(give(within(ok, what), caller_address), verdict::request_forwarded);
    if (i % 4 == 3) continue; // ends by its longest duration
    ASSERT_EQ(give(within(ok, {}), caller_address), verdict::request_forwarded);
    const auto bye = sink->last();
    ASSERT_EQ(give(response(bye, 200, ""), sink->last_to()), verdict::response_forwarded);
  }
  (void)give("no sip at all", caller_address);
  (void)give(hop_request("REGISTER", {}), caller_address);
  wait_ms(13ull * 3600 * 1000 / 100);
  EXPECT_EQ(allocated, 0u);
}

class counting_memory final : public memory_source {
 public:
  void* take(std::size_t size_bytes, std::size_t alignment) override {
    taken += size_bytes;
    return heap_memory().take(size_bytes, alignment);
  }
  void give_back(void* memory, std::size_t size_bytes) noexcept override {
    heap_memory().give_back(memory, size_bytes);
  }
  std::size_t taken = 0;
};

// What one more takes of `field`, of which there are `few` or `many`; tables that do not grow with
// them are left out.
double bytes_of_each(std::uint32_t engine_limits::*field, engine_limits limits,
                     const snapshot& world) {
  constexpr std::uint32_t few = 20'000, many = 60'000;
  const auto size_for = [&](std::uint32_t count) {
    counting_memory memory;
    engine_setup setup;
    setup.limits = limits;
    setup.limits.*field = count;
    setup.memory = &memory;
    const engine sized(setup, world);
    return memory.taken;
  };
  return static_cast<double>(size_for(many) - size_for(few)) / (many - few);
}

// The figures of call_table.h, of the example configuration and of control/OPERATING.md.
TEST_F(engine_allocation, a_call_takes_282_bytes_and_its_text) {
  for (const std::uint32_t text : {24u, 32u, 128u}) {
    engine_limits limits = engine_world::small();
    limits.call_text_bytes = text;
    EXPECT_NEAR(bytes_of_each(&engine_limits::max_calls, limits, *world), 282.0 + text, 1.0);
  }
}

TEST_F(engine_allocation, a_transaction_takes_at_most_1970_bytes_and_its_text) {
  const engine_limits limits = engine_world::small();
  const double each = bytes_of_each(&engine_limits::max_transactions, limits, *world);
  EXPECT_LE(each, 1970.0 + limits.transaction_text_bytes);
  EXPECT_GT(each, 1840.0 + limits.transaction_text_bytes) << "OPERATING.md asks for too much";
}

} // namespace
} // namespace linehunt::test::engine_allocation_test
