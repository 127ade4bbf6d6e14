// SPDX-License-Identifier: Apache-2.0
// What a list of calls copies, and what it leaves out.
#include "control/daemon/call_copies.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace linehunt::call_copies_test {
namespace {

constexpr time_us now = 100'000'000;

// Call number n of so many: "n@host", on the worker n % 2.
struct calls {
  std::vector<std::string> names;
  explicit calls(int count) {
    for (int n = 0; n < count; ++n)
      names.push_back(std::to_string(n) + "@host");
  }
  admin::call_list asked(const admin::call_query& wanted) const {
    call_copies copies(wanted);
    for (std::size_t n = 0; n < names.size(); ++n) {
      call_info info;
      info.handle = 100 + n;
      info.call_id = names[n];
      info.from_tag = n % 3 == 0 ? "three" : "other";
      info.to_tag = "to";
      info.from_uri = "sip:caller@a.example";
      info.to_uri = "sip:callee@b.example";
      info.caller = *parse_endpoint("198.51.100.7:5061", 5060);
      if (n == 2) info.callee = *parse_endpoint("192.0.2.21:5060", 5060);
      info.destination = n == 1 ? no_index : static_cast<destination_index>(n % 4);
      info.answered = n % 2 == 1;
      info.started_at = now - n * 1'000'000;
      copies.take(static_cast<worker_id>(n % 2), info);
    }
    return copies.list(now, {{0, 70}, {1, 71}, {2, 72}}); // the fourth has gone
  }
};

admin::call_query of(const std::string& call_id, const std::string& from_tag = {}) {
  return {call_id, from_tag, {}, 0, admin::max_listed_calls};
}

admin::call_query named(const std::string& name) {
  return {{}, {}, name, 0, admin::max_listed_calls};
}

admin::call_query page_from(std::uint64_t first, std::uint64_t most) {
  return {{}, {}, {}, first, most};
}

std::string ids(const admin::call_list& list) {
  std::string all;
  for (const admin::call_state& call : list.calls)
    all += call.id + " ";
  return all;
}

TEST(call_copies, hold_all_of_a_call) {
  const admin::call_list list = calls(4).asked({});
  EXPECT_EQ(list.count, 4u);
  EXPECT_EQ(ids(list), "0:100 1:101 0:102 1:103 ");
  const admin::call_state& third = list.calls[2];
  EXPECT_EQ(third.call_id, "2@host");
  EXPECT_EQ(third.from_tag, "other");
  EXPECT_EQ(third.to_tag, "to");
  EXPECT_EQ(third.from_uri, "sip:caller@a.example");
  EXPECT_EQ(third.to_uri, "sip:callee@b.example");
  EXPECT_EQ(third.caller, "198.51.100.7:5061");
  EXPECT_EQ(third.callee, "192.0.2.21:5060");
  EXPECT_EQ(list.calls[3].callee, "") << "it is not known yet";
  EXPECT_EQ(third.destination, 72u);
  EXPECT_EQ(third.worker, 0u);
  EXPECT_EQ(third.age_s, 2);
  EXPECT_FALSE(third.answered);
  EXPECT_TRUE(list.calls[3].answered);
  EXPECT_FALSE(list.calls[1].destination) << "it has none";
  EXPECT_FALSE(list.calls[3].destination) << "it is not configured";
}

TEST(call_copies, are_of_what_is_asked_for) {
  const calls all(12);
  EXPECT_EQ(ids(all.asked(of("5@host"))), "1:105 ");
  EXPECT_EQ(all.asked(of("5@hos")).count, 0u);
  EXPECT_EQ(ids(all.asked(of("", "three"))), "0:100 1:103 0:106 1:109 ");
  EXPECT_EQ(all.asked(of("5@host", "three")).count, 0u);
  EXPECT_EQ(ids(all.asked(named("7@host"))), "1:107 ");
  EXPECT_EQ(ids(all.asked(named("0:108"))), "0:108 ");
  for (const char* nobody : {"1:108", "0:", ":108", "0:108x", "0:-1", "108"})
    EXPECT_EQ(all.asked(named(nobody)).count, 0u) << nobody;
}

TEST(call_copies, come_in_pages) {
  const calls all(10);
  std::string seen;
  for (std::uint64_t first = 0; first < 12; first += 4) {
    const admin::call_list page = all.asked(page_from(first, 4));
    EXPECT_EQ(page.count, 10u);
    seen += ids(page);
  }
  EXPECT_EQ(seen, ids(all.asked({})));
  EXPECT_EQ(all.asked(page_from(10, 4)).calls.size(), 0u);
  EXPECT_EQ(all.asked(page_from(0, 0)).calls.size(), 0u);
}

TEST(call_copies, are_never_more_than_the_limit) {
  const admin::call_list list = calls(12'000).asked(page_from(0, ~std::uint64_t{0}));
  EXPECT_EQ(list.count, 12'000u);
  EXPECT_EQ(list.calls.size(), admin::max_listed_calls);
}

// Long texts end a page early, without a gap: the next page begins where it ended.
TEST(call_copies, of_long_names_come_in_shorter_pages) {
  calls all(200);
  for (std::string& name : all.names)
    name += std::string(60'000, 'x');
  std::size_t seen = 0, pages = 0;
  for (; seen < 200 && pages < 200; ++pages) {
    const admin::call_list page = all.asked(page_from(seen, admin::max_listed_calls));
    EXPECT_EQ(page.count, 200u);
    ASSERT_FALSE(page.calls.empty());
    for (const admin::call_state& call : page.calls)
      EXPECT_EQ(call.call_id, all.names[seen++]);
  }
  EXPECT_EQ(seen, 200u);
  EXPECT_GT(pages, 1u);
}

} // namespace
} // namespace linehunt::call_copies_test
