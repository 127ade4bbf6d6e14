// SPDX-License-Identifier: Apache-2.0
// How requests of many clients share the loop: in slices, by turns.
#include "control/admin/turns.h"

#include "control/admin/dispatcher.h"
#include "fake_view.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

namespace linehunt::admin::turns_test {
namespace {

using nlohmann::json;

// Of a slice that each request uses up, since the clock moves.
struct slices : ::testing::Test {
  fake_view view;
  std::vector<turns::work> posted;
  turns taking{[this](turns::work next) { posted.push_back(std::move(next)); },
               std::chrono::nanoseconds(1)};
  std::vector<std::string> answers; // as they come

  void ask(const std::string& request) {
    dispatch(
        request, view, taking, [&](bool follows) { held.push_back(follows); },
        [&](const reply& given) { answers.push_back(given.text.value_or("none")); },
        {.at_work = std::chrono::hours(1)});
  }
  void list_many() {
    const destination_state one = view.all[0];
    for (std::uint32_t id = 3; id <= 1000; ++id)
      view.all.emplace_back(one).id = id;
  }
  std::vector<bool> held; // for those who follow events
  // The loop comes to what was posted. False: there was nothing.
  bool next() {
    if (posted.empty()) return false;
    EXPECT_EQ(posted.size(), 1u) << "more than one is worked for at a time";
    std::exchange(posted, {}).front()();
    return true;
  }
};

TEST_F(slices, a_batch_is_done_in_and_others_come_between) {
  ask(R"([{"jsonrpc":"2.0","id":1,"method":"lb_status","params":[1]},
          {"jsonrpc":"2.0","method":"lb_status","params":[1,0]},
          {"jsonrpc":"2.0","id":2,"method":"lb_status","params":[1]}])");
  EXPECT_THAT(answers, ::testing::IsEmpty());
  EXPECT_TRUE(view.all[0].enabled);
  EXPECT_TRUE(next());
  EXPECT_FALSE(view.all[0].enabled) << "the second request";
  EXPECT_THAT(answers, ::testing::IsEmpty());
  while (next()) {
  }
  ASSERT_EQ(answers.size(), 1u);
  const json parsed = json::parse(answers[0]);
  ASSERT_EQ(parsed.size(), 2u);
  EXPECT_EQ(parsed[0]["result"]["enable"], "yes");
  EXPECT_EQ(parsed[1]["result"]["enable"], "no");
}

// Neither waits for all of the other kind, however many there are.
TEST_F(slices, begin_with_who_is_new_and_who_has_begun_by_turns) {
  const auto one = [](int id) {
    return R"({"jsonrpc":"2.0","id":)" + std::to_string(id) + R"(,"method":"lb_list"})";
  };
  for (int id = 1; id <= 3; ++id)
    ask("[" + one(id) + "," + one(id) + "," + one(id) + "]");
  for (int slice = 0; slice < 4; ++slice)
    EXPECT_TRUE(next());
  EXPECT_THAT(answers, ::testing::IsEmpty());
  ask(one(4));
  EXPECT_TRUE(next());
  EXPECT_TRUE(next());
  ASSERT_GE(answers.size(), 1u);
  EXPECT_THAT(answers[0], ::testing::HasSubstr("\"id\":4")) << "after two slices of nine";
  for (int id = 5; answers.size() < 12 && id < 40; ++id) {
    ask(one(id)); // there is always one that is new
    next();
  }
  for (int id = 1; id <= 3; ++id)
    EXPECT_THAT(answers, ::testing::Contains(
                             ::testing::StartsWith(R"([{"id":)" + std::to_string(id) + ",")));
}

TEST_F(slices, are_of_all_clients_together_and_in_turn) {
  const auto two = [](int id) {
    const std::string one =
        R"({"jsonrpc":"2.0","id":)" + std::to_string(id) + R"(,"method":"lb_list"})";
    return "[" + one + "," + one + "]";
  };
  ask(two(1));
  ask(two(2));
  ask(R"({"jsonrpc":"2.0","id":3,"method":"lb_list"})");
  EXPECT_THAT(answers, ::testing::IsEmpty()) << "a client has a slice of its own";
  unsigned rounds = 0;
  while (next())
    ++rounds;
  ASSERT_EQ(answers.size(), 3u);
  EXPECT_THAT(answers[0], ::testing::HasSubstr("\"id\":1"));
  EXPECT_THAT(answers[1], ::testing::HasSubstr("\"id\":3")) << "it waited for whole batches";
  EXPECT_THAT(answers[2], ::testing::HasSubstr("\"id\":2"));
  EXPECT_GE(rounds, 4u);
  ask(R"({"jsonrpc":"2.0","id":4,"method":"lb_list"})");
  EXPECT_EQ(answers.size(), 4u) << "nobody waits, so it is answered at once";
}

TEST_F(slices, a_long_list_is_written_in_and_is_of_one_moment) {
  list_many();
  ask(R"({"jsonrpc":"2.0","id":1,"method":"lb_list"})");
  ask(R"([{"jsonrpc":"2.0","id":2,"method":"lb_status","params":[1000,0]}])");
  ask(R"({"jsonrpc":"2.0","method":"lb_list"})");
  EXPECT_EQ(answers.size(), 0u);
  while (next()) {
  }
  ASSERT_EQ(answers.size(), 3u);
  EXPECT_LT(answers[0].size(), 100u) << "it waited for the whole list";
  EXPECT_THAT(answers, ::testing::Contains("none"));
  const auto list = std::ranges::find_if(
      answers, [](const std::string& text) { return text.starts_with(R"({"id":1,)"); });
  ASSERT_NE(list, answers.end());
  const json all = json::parse(*list)["result"]["Destinations"];
  ASSERT_EQ(all.size(), 1000u);
  for (std::size_t i = 0; i < all.size(); ++i)
    EXPECT_EQ(all[i]["id"], i + 1);
  EXPECT_EQ(all[999]["enabled"], "yes") << "it was so when somebody asked";
}

// What is in a part of an answer must not be changed by what is told before it.
TEST_F(slices, hold_events_from_the_first_part_of_an_answer_on) {
  using ::testing::ElementsAre;
  list_many();
  view.listed = [&] { EXPECT_THAT(held, ElementsAre(false)) << "what happens next is not listed"; };
  ask(R"({"jsonrpc":"2.0","id":1,"method":"lb_list"})");
  EXPECT_THAT(held, ElementsAre(false));
  EXPECT_EQ(answers.size(), 0u);
  while (next()) {
  }
  EXPECT_EQ(answers.size(), 1u);
  held.clear();
  view.reload_waits = true;
  ask(R"([{"jsonrpc":"2.0","id":1,"method":"lb_reload"},
          {"jsonrpc":"2.0","id":2,"method":"events_follow"},
          {"jsonrpc":"2.0","id":3,"method":"lb_status","params":[1]}])");
  EXPECT_THAT(held, ElementsAre()) << "nothing stands yet";
  view.finish_reloads();
  EXPECT_THAT(held, ElementsAre(false));
  while (next()) {
  }
  EXPECT_EQ(answers.size(), 2u);
  EXPECT_THAT(held, ElementsAre(false, true)) << "the second request asks for them";
  held.clear();
  ask(R"([{"jsonrpc":"2.0","id":1,"method":"events_follow"},
          {"jsonrpc":"2.0","id":2,"method":"lb_status","params":[1]}])");
  EXPECT_THAT(held, ElementsAre(true)) << "the first one does";
  while (next()) {
  }
  held.clear();
  ask(R"({"jsonrpc":"2.0","id":1,"method":"lb_status","params":[1]})");
  ask(R"({"jsonrpc":"2.0","id":1,"method":"lb_reload"})");
  while (next()) {
  }
  view.finish_reloads();
  EXPECT_EQ(answers.size(), 5u);
  EXPECT_THAT(held, ElementsAre()) << "they are answered as a whole";
}

// Each of many at once would need the memory of a whole list, and all would end at the same time.
TEST_F(slices, long_lists_are_written_in_one_after_the_other) {
  list_many();
  for (int id = 1; id <= 3; ++id)
    ask(R"({"jsonrpc":"2.0","method":"lb_list","id":)" + std::to_string(id) + "}");
  std::vector<int> rounds;
  for (int round = 1; answers.size() < 3; ++round) {
    const std::size_t before = answers.size();
    ASSERT_TRUE(next());
    ASSERT_LE(answers.size(), before + 1);
    if (answers.size() > before) rounds.push_back(round);
  }
  EXPECT_GE(rounds[1] - rounds[0], 4);
  EXPECT_GE(rounds[2] - rounds[1], 4);
  for (std::size_t i = 0; i < 3; ++i)
    EXPECT_THAT(answers[i], ::testing::StartsWith(R"({"id":)" + std::to_string(i + 1) + ","));
  ask(R"({"jsonrpc":"2.0","id":4,"method":"lb_status","params":[1]})");
  while (next()) {
  }
  EXPECT_EQ(answers.size(), 4u);
}

} // namespace
} // namespace linehunt::admin::turns_test
