// SPDX-License-Identifier: Apache-2.0
// Packets that something sends back: each counts once, and from when it was due.
#include "tools/pktgen/raw_player.h"

#include <array>
#include <gtest/gtest.h>

namespace linehunt::pktgen::pktgen_raw_test {
namespace {

class one_place final : public outbox {
 public:
  [[nodiscard]] std::size_t room() const noexcept override { return 1024; }
  [[nodiscard]] char* begin() noexcept override { return bytes_.data(); }
  void commit(std::size_t len, std::uint32_t, stamp*) noexcept override { len_ = len; }
  [[nodiscard]] std::string_view last() const noexcept { return {bytes_.data(), len_}; }

 private:
  std::array<char, longest_message_bytes> bytes_{};
  std::size_t len_ = 0;
};

struct pktgen_raw : testing::Test {
  one_place out;
  tally count;
  raw_player player{{600, 900}, 1000, out, count};
  void come_back(time_ns now) { player.receive(out.last(), {}, 0, std::nullopt, now); }
};

TEST_F(pktgen_raw, a_packet_is_timed_from_when_it_was_due) {
  ASSERT_TRUE(player.begin_one(10'000, 4'000));
  come_back(12'000);
  EXPECT_EQ(count.latency[0].most_ns(), 8'000u);
  EXPECT_TRUE(count.clean());
}

TEST_F(pktgen_raw, a_doubled_packet_is_told_and_leaves_nothing_outstanding) {
  ASSERT_TRUE(player.begin_one(1, 1));
  come_back(2);
  come_back(3);
  EXPECT_EQ(player.unsettled(), 0u);
  EXPECT_EQ(count.calls_completed, 1u);
  EXPECT_EQ(count.repeated, 1u);
  EXPECT_FALSE(count.clean());
  player.advance(2'000'000'000);
  EXPECT_EQ(count.calls_lost, 0u);
}

} // namespace
} // namespace linehunt::pktgen::pktgen_raw_test
