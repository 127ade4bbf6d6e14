// SPDX-License-Identifier: Apache-2.0
// Every message cut off at every byte, its end on a guard page: nothing is read past it, every
// kernel says the same, and whatever is answered is answered well.
#include "tests/corpus/corpus.h"
#include "tests/corpus/guarded_buffer.h"
#include "tests/fuzz/message_invariants.h"

#include "sipparse/message_view.h"

#include <gtest/gtest.h>

namespace linehunt::sip {
namespace {

TEST(Truncation, EveryMessageAtEveryByte) {
  corpus::guarded_buffer buffer{max_message_bytes};
  std::size_t cuts = 0;
  for (const auto& e : corpus::read_all()) {
    for (std::size_t len = 0; len <= e.bytes.size(); ++len) {
      const auto violated =
          violated_invariant(buffer.hold(std::string_view{e.bytes}.substr(0, len)));
      ASSERT_EQ(violated, "") << e.name << " cut at " << len;
      ++cuts;
    }
  }
  EXPECT_GT(cuts, 40000u);
}

// The same bytes at every place within a block of 64: the message begins with 0 to 64 line ends.
TEST(Truncation, EveryMessageAtEveryAlignment) {
  corpus::guarded_buffer buffer{max_message_bytes};
  for (const auto& e : corpus::read_all()) {
    for (std::size_t shift = 1; shift <= 64; ++shift) {
      const auto shifted = std::string(shift, '\n') + e.bytes;
      ASSERT_EQ(violated_invariant(buffer.hold(shifted)), "") << e.name << " behind " << shift;
    }
  }
}

} // namespace
} // namespace linehunt::sip
