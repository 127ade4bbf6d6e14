// SPDX-License-Identifier: Apache-2.0
#include "dataplane/index_book.h"

#include <gtest/gtest.h>
#include <map>
#include <random>
#include <set>

namespace linehunt::index_book_test {
namespace {

constexpr auto nothing_held = [](slot_index) { return false; };
constexpr auto no_calls = [](destination_index) { return false; };

TEST(index_book, numbers_stay_over_reloads) {
  index_book book(10, 20);
  EXPECT_EQ(book.resource("pstn"), 0);
  EXPECT_EQ(book.resource("vm"), 1);
  EXPECT_EQ(book.resource("pstn"), 0);
  EXPECT_EQ(book.destination(7), 0u);
  EXPECT_EQ(book.destination(3), 1u);
  EXPECT_EQ(book.slot(7, 0), 0u);
  EXPECT_EQ(book.slot(3, 0), 1u);
  book.begin_reload();
  EXPECT_EQ(book.destination(3), 1u);
  EXPECT_EQ(book.slot(3, 0), 1u);
  EXPECT_EQ(book.slot(3, 1), 2u);
  EXPECT_EQ(book.retired(), 2u); // destination 7 and its slot
  EXPECT_EQ(book.retired_slots(), std::vector<slot_index>{0});
}

TEST(index_book, retired_number_is_kept_while_a_call_holds_it) {
  index_book book(2, 2);
  const auto a = book.destination(1);
  const auto slot = book.slot(1, 0);
  book.begin_reload();
  EXPECT_EQ(book.release_unheld([&](slot_index s) { return s == slot; }, no_calls), 0u);
  EXPECT_NE(book.destination(2), a);
  EXPECT_NE(book.slot(2, 0), slot);
  EXPECT_EQ(book.destination(3), no_index); // both are taken: the old one, and destination 2
  EXPECT_EQ(book.slot(2, 1), no_index);
  EXPECT_EQ(book.release_unheld(nothing_held, no_calls), 2u);
  EXPECT_EQ(book.destination(3), a);
  EXPECT_EQ(book.slot(2, 1), slot);
}

TEST(index_book, retired_destination_keeps_its_number_while_calls_without_lines_are_there) {
  index_book book(2, 2);
  const auto a = book.destination(1);
  const auto slot = book.slot(1, 0);
  book.begin_reload();
  const auto calls_at_a = [&](destination_index d) { return d == a; };
  EXPECT_EQ(book.release_unheld(nothing_held, calls_at_a), 1u) << "its slot is free";
  EXPECT_NE(book.destination(2), a);
  EXPECT_EQ(book.slot(2, 0), slot);
  EXPECT_EQ(book.destination(3), no_index);
  EXPECT_EQ(book.destination(1), a) << "it has come back";
  book.begin_reload();
  EXPECT_EQ(book.destination(2), 1u);
  EXPECT_EQ(book.release_unheld([](slot_index) { return true; }, no_calls), 1u);
  EXPECT_EQ(book.destination(3), a);
}

TEST(index_book, destination_that_returns_finds_its_numbers) {
  index_book book(4, 4);
  const auto destination = book.destination(5);
  const auto slot = book.slot(5, 0);
  book.begin_reload();
  EXPECT_EQ(book.release_unheld([](slot_index) { return true; }, no_calls), 0u);
  book.begin_reload();
  EXPECT_EQ(book.destination(5), destination);
  EXPECT_EQ(book.slot(5, 0), slot);
  EXPECT_EQ(book.release_unheld(nothing_held, no_calls), 0u); // configured again
}

TEST(index_book, a_copy_that_is_dropped_leaves_no_trace) {
  index_book book(4, 4);
  (void)book.destination(1);
  {
    index_book failed_reload = book;
    failed_reload.begin_reload();
    (void)failed_reload.destination(2);
    (void)failed_reload.resource("x");
  }
  EXPECT_EQ(book.retired(), 0u);
  EXPECT_TRUE(book.resource_names().empty());
  EXPECT_EQ(book.destination(2), 1u);
}

TEST(index_book, resource_names_run_out_clearly) {
  index_book book(1, 1);
  for (int i = 0; i < index_book::no_resource; ++i)
    ASSERT_EQ(book.resource(std::to_string(i)), i);
  EXPECT_EQ(book.resource("one too many"), index_book::no_resource);
  EXPECT_EQ(book.resource("17"), 17);
}

// No number has two owners, none changes its owner while held, and none is lost.
TEST(index_book, random_reloads) {
  std::mt19937 random(11);
  constexpr std::uint32_t most_slots = 40;
  index_book book(20, most_slots);
  std::map<slot_index, std::pair<std::uint32_t, resource_id>> held; // slot -> owner
  for (int reload = 0; reload < 2000; ++reload) {
    book.begin_reload();
    std::set<slot_index> given;
    for (int i = 0; i < 10; ++i) {
      const auto id = static_cast<std::uint32_t>(1 + random() % 15);
      const resource_id resource = static_cast<resource_id>(random() % 3);
      if (book.destination(id) == no_index) continue;
      const slot_index slot = book.slot(id, resource);
      if (slot == no_index) continue;
      ASSERT_LT(slot, most_slots);
      given.insert(slot);
      if (const auto call = held.find(slot); call != held.end()) {
        ASSERT_EQ(call->second, std::pair(id, resource));
      } else if (random() % 4 == 0) {
        held.emplace(slot, std::pair(id, resource));
      }
    }
    if (random() % 2) std::erase_if(held, [&](const auto&) { return random() % 3 == 0; });
    const std::size_t slots = book.retired_slots().size(), all = book.retired();
    const std::size_t released =
        book.release_unheld([&](slot_index slot) { return held.contains(slot); }, no_calls);
    ASSERT_GE(all, slots);
    ASSERT_EQ(book.retired(), all - released);
    ASSERT_GE(book.retired(), book.retired_slots().size());
  }
  book.begin_reload();
  book.release_unheld(nothing_held, no_calls);
  EXPECT_EQ(book.retired(), 0u);
  std::set<slot_index> all;
  for (std::uint32_t i = 0; i < most_slots; ++i)
    all.insert(book.slot(100 + i, 0));
  EXPECT_EQ(all.size(), most_slots);
  EXPECT_FALSE(all.contains(no_index));
}

} // namespace
} // namespace linehunt::index_book_test
