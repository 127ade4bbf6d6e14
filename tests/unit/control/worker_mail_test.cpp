// SPDX-License-Identifier: Apache-2.0
// What workers are told while their rings are full, and after it.
#include "control/daemon/worker_mail.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace linehunt::worker_mail_test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct worker_mail_test : ::testing::Test {
  static mail resize_to(std::int64_t capacity, std::uint32_t slot = 0) {
    mail m;
    m.kind = mail_kind::resize;
    m.slot = slot;
    m.value = capacity;
    return m;
  }
  std::vector<std::int64_t> told;
  int room = 0, refused = 0;
  worker_mail workers{[this](const mail& m) {
    if (room == 0) {
      ++refused;
      return false;
    }
    --room;
    told.push_back(m.value);
    return true;
  }};
};

TEST_F(worker_mail_test, what_could_not_be_told_in_time_is_told_to_nobody) {
  EXPECT_FALSE(workers.tell(resize_to(5)));
  EXPECT_GT(refused, 1) << "it was tried once only";
  room = 3;
  EXPECT_TRUE(workers.deliver());
  EXPECT_THAT(told, IsEmpty());
  EXPECT_TRUE(workers.tell(resize_to(6)));
  EXPECT_THAT(told, ElementsAre(6));
}

TEST_F(worker_mail_test, what_is_owed_is_told_before_all_else) {
  EXPECT_FALSE(workers.owe(resize_to(1)));
  const int before = refused;
  EXPECT_FALSE(workers.owe(resize_to(2, 7)));
  EXPECT_LE(refused, before + 1) << "each of them waits";
  EXPECT_TRUE(workers.owes());
  EXPECT_FALSE(workers.tell(resize_to(3)));
  room = 1;
  EXPECT_FALSE(workers.deliver());
  EXPECT_THAT(told, ElementsAre(1));
  room = 9;
  EXPECT_TRUE(workers.tell(resize_to(4)));
  EXPECT_THAT(told, ElementsAre(1, 2, 4));
  EXPECT_TRUE(workers.owe(resize_to(5)));
  EXPECT_THAT(told, ElementsAre(1, 2, 4, 5));
  EXPECT_FALSE(workers.owes());
}

TEST_F(worker_mail_test, the_last_word_on_something_is_owed) {
  workers.owe(resize_to(1));
  workers.owe(resize_to(2, 7));
  workers.owe(resize_to(3));
  room = 9;
  EXPECT_TRUE(workers.deliver());
  EXPECT_THAT(told, ElementsAre(2, 3));
}

} // namespace
} // namespace linehunt::worker_mail_test
