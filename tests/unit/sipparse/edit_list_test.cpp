// SPDX-License-Identifier: Apache-2.0
// The edit list against plain string surgery, gathered and in place.
#include "sipparse/edit_list.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

namespace linehunt::sip::edit_list_test {
namespace {

struct plain_edit {
  std::size_t off;
  std::size_t removed;
  std::string text;
};

// What the header of edit_list.h promises, done the slow way: from the last edit to the first.
std::string edited(std::string message, std::vector<plain_edit> edits) {
  std::stable_sort(edits.begin(), edits.end(), [](const auto& a, const auto& b) {
    return std::pair{a.off, a.removed > 0} < std::pair{b.off, b.removed > 0};
  });
  for (auto e = edits.rbegin(); e != edits.rend(); ++e) {
    message.replace(e->off, e->removed, e->text);
  }
  return message;
}

bool overlaps(const std::vector<plain_edit>& edits, const plain_edit& e) {
  if (e.removed == 0 && e.text.empty()) return false; // nothing to do
  return std::any_of(edits.begin(), edits.end(), [&](const plain_edit& o) {
    if (o.removed == 0 && (e.removed == 0 || o.text.empty())) return false;
    if (o.removed == 0) return o.off > e.off && o.off < e.off + e.removed;
    if (e.removed == 0) return e.off > o.off && e.off < o.off + o.removed;
    return e.off < o.off + o.removed && o.off < e.off + e.removed;
  });
}

std::string gathered(const edit_list& edits, std::string_view message) {
  std::string out(message.size() + max_edit_text_bytes, '?');
  out.resize(edits.apply_to(message, out));
  return out;
}

// Applies in place within a buffer that has the given room around the message; the bytes beyond
// that room must stay as they are.
std::string in_place(const edit_list& edits, std::string_view message, std::size_t headroom,
                     std::size_t tailroom) {
  constexpr std::size_t guard = 16;
  std::string buffer(guard + headroom + message.size() + tailroom + guard, '#');
  std::copy(message.begin(), message.end(), buffer.begin() + guard + headroom);
  const std::string before = buffer;
  const std::span<char> room{buffer.data() + guard, buffer.size() - 2 * guard};
  const auto out = edits.apply_in_place(room, room.subspan(headroom, message.size()));
  EXPECT_EQ(buffer.substr(0, guard), std::string(guard, '#'));
  EXPECT_EQ(buffer.substr(buffer.size() - guard), std::string(guard, '#'));
  if (out.empty()) {
    EXPECT_EQ(buffer, before) << "a refused edit must not change anything";
    return {};
  }
  EXPECT_GE(out.data(), room.data());
  EXPECT_LE(out.data() + out.size(), room.data() + room.size());
  return std::string{out.begin(), out.end()};
}

TEST(EditList, InsertsAtOneOffsetKeepTheirOrderAndStandBeforeARemoval) {
  edit_list edits;
  ASSERT_TRUE(edits.replace(slice{2, 2}, "XY"));
  ASSERT_TRUE(edits.insert(2, "1"));
  ASSERT_TRUE(edits.insert(2, "2"));
  ASSERT_TRUE(edits.insert(4, "3"));
  EXPECT_EQ(gathered(edits, "abcdef"), "ab12XY3ef");
  EXPECT_EQ(in_place(edits, "abcdef", 3, 0), "ab12XY3ef");
  EXPECT_EQ(edits.growth_bytes(), 3);
}

TEST(EditList, OverlappingEditsMakeItUnusable) {
  for (const auto& [off, len] : std::vector<std::pair<std::uint16_t, std::uint16_t>>{
           {3, 0}, {2, 2}, {1, 2}, {3, 5}, {0, 9}}) {
    edit_list edits;
    ASSERT_TRUE(edits.remove(slice{2, 2}));
    EXPECT_FALSE(edits.replace(slice{off, len}, "x")) << off << "+" << len;
    EXPECT_FALSE(edits.valid());
    EXPECT_FALSE(edits.insert(20, "y"));
    std::string out(64, '?');
    EXPECT_EQ(edits.apply_to("abcdefghij", out), 0u);
    edits.clear();
    EXPECT_TRUE(edits.valid());
    EXPECT_EQ(gathered(edits, "abc"), "abc");
  }
}

TEST(EditList, TouchingEditsAreNoOverlap) {
  edit_list edits;
  ASSERT_TRUE(edits.remove(slice{2, 2}));
  ASSERT_TRUE(edits.remove(slice{4, 1}));
  ASSERT_TRUE(edits.replace(slice{0, 2}, "A"));
  EXPECT_EQ(gathered(edits, "abcdef"), "Af");
}

TEST(EditList, PiecesArePutTogether) {
  edit_list edits;
  const std::string_view pieces[] = {"Via: ", "", "SIP/2.0/UDP ", "h\r\n"};
  ASSERT_TRUE(edits.replace(slice{0, 0}, pieces));
  EXPECT_EQ(gathered(edits, "x"), "Via: SIP/2.0/UDP h\r\nx");
}

TEST(EditList, RefusesMoreEditsOrTextThanItHolds) {
  edit_list many;
  for (std::uint16_t i = 0; i < max_edits; ++i)
    ASSERT_TRUE(many.insert(i, "x"));
  EXPECT_FALSE(many.insert(90, "x"));

  edit_list large;
  ASSERT_TRUE(large.insert(0, std::string(max_edit_text_bytes, 'x')));
  EXPECT_FALSE(large.insert(0, "y"));
}

TEST(EditList, RefusesEditsPastTheMessageAndBuffersTooSmall) {
  edit_list edits;
  ASSERT_TRUE(edits.replace(slice{4, 3}, "12345"));
  std::string out(64, '?');
  EXPECT_EQ(edits.apply_to("abcdef", out), 0u);
  EXPECT_EQ(in_place(edits, "abcdef", 32, 32), "");
  EXPECT_EQ(edits.apply_to("abcdefg", std::span{out}.first(8)), 0u);
  EXPECT_EQ(edits.apply_to("abcdefg", std::span{out}.first(9)), 9u);
}

TEST(EditList, MovesTheShorterSide) {
  // A Via goes in near the front: with headroom the long tail stays where it is.
  std::string buffer(300, '.');
  const std::span<char> message{buffer.data() + 100, 100};
  edit_list edits;
  ASSERT_TRUE(edits.insert(10, "0123456789"));
  const auto front = edits.apply_in_place(buffer, message);
  EXPECT_EQ(front.data(), message.data() - 10);

  // The same near the end moves the end.
  edits.clear();
  ASSERT_TRUE(edits.insert(90, "0123456789"));
  const auto back = edits.apply_in_place(buffer, message);
  EXPECT_EQ(back.data(), message.data());

  // What a replacement of the same length parts stays together, 30 and 28 bytes against 40.
  edits.clear();
  ASSERT_TRUE(edits.insert(40, "0123456789"));
  ASSERT_TRUE(edits.replace(slice{70, 2}, "69"));
  const auto parted = edits.apply_in_place(buffer, message);
  EXPECT_EQ(parted.data(), message.data() - 10);

  // Without headroom the long side has to move.
  edits.clear();
  ASSERT_TRUE(edits.insert(10, "0123456789"));
  const auto cramped = edits.apply_in_place(std::span{buffer}.subspan(100), message);
  EXPECT_EQ(cramped.data(), message.data());
  EXPECT_EQ(cramped.size(), 110u);
}

TEST(EditList, AgreesWithStringSurgeryOnRandomEdits) {
  std::mt19937 random{20261123};
  const auto below = [&](std::size_t n) { return random() % n; };
  int refused_in_place = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string message(below(200), ' ');
    for (char& c : message)
      c = static_cast<char>('a' + below(26));
    edit_list edits;
    std::vector<plain_edit> plain;
    const std::size_t wanted = below(max_edits + 1);
    for (std::size_t i = 0; i < wanted; ++i) {
      plain_edit e;
      e.off = below(message.size() + 1);
      e.removed = below(2) ? 0 : std::min(below(20), message.size() - e.off);
      e.text = std::string(below(2) ? 0 : below(30), static_cast<char>('A' + i));
      if (overlaps(plain, e)) {
        edit_list copy = edits;
        EXPECT_FALSE(copy.replace(
            slice{static_cast<std::uint16_t>(e.off), static_cast<std::uint16_t>(e.removed)},
            e.text));
        continue;
      }
      ASSERT_TRUE(edits.replace(
          slice{static_cast<std::uint16_t>(e.off), static_cast<std::uint16_t>(e.removed)}, e.text));
      plain.push_back(e);
    }
    const std::string want = edited(message, plain);
    ASSERT_EQ(static_cast<std::int64_t>(want.size()),
              static_cast<std::int64_t>(message.size()) + edits.growth_bytes());
    ASSERT_EQ(gathered(edits, message), want);

    const std::size_t headroom = below(64);
    const std::size_t tailroom = below(64);
    const std::string got = in_place(edits, message, headroom, tailroom);
    if (got.empty() && !want.empty()) {
      // Refusing is right only where no segment may stay; with room for all the growth on either
      // side there always is one.
      std::size_t inserted = 0;
      for (const auto& e : plain)
        inserted += e.text.size();
      ASSERT_LT(std::min(headroom, tailroom), inserted);
      ++refused_in_place;
    } else {
      ASSERT_EQ(got, want);
    }
  }
  EXPECT_GT(refused_in_place, 100) << "the rounds should also meet the lack of room";
}

} // namespace
} // namespace linehunt::sip::edit_list_test
