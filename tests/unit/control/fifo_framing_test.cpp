// SPDX-License-Identifier: Apache-2.0
// What the bytes of a FIFO are cut into, wherever the pieces begin and end.
#include "control/admin/fifo_framing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <vector>

namespace linehunt::admin::fifo_framing_test {
namespace {

// "name|body" for each request.
std::vector<std::string> taken(fifo_framing& from) {
  std::vector<std::string> all;
  while (const auto one = from.next())
    all.push_back(one->reply_name + "|" + (one->too_large ? "(too large)" : one->body));
  return all;
}

struct framing_case {
  const char* what;
  std::string bytes; // and then its writer goes
  std::vector<std::string> requests;
  std::size_t refused = 0;
};
std::ostream& operator<<(std::ostream& out, const framing_case& c) {
  return out << c.what;
}

const framing_case cases[] = {
    {"a_line", ":r:{\"a\":1}\n", {"r|{\"a\":1}"}},
    {"without_newline", ":r:{\"a\":1}", {"r|{\"a\":1}"}},
    {"two_writers", ":r:{}:s:{}", {"r|{}", "s|{}"}},
    {"two_lines", ":r:{}\n\n:s:[{},{}]\r\n", {"r|{}", "s|[{},{}]"}},
    {"brackets_in_text", R"(:r:{"a":"}\"]{"}:s:{})", {R"(r|{"a":"}\"]{"})", "s|{}"}},
    {"colons_in_text", R"(:r:{"a":":s:{}"})", {R"(r|{"a":":s:{}"})"}},
    {"no_answer_wanted", "::{}\n", {"|{}"}},
    {"truncated", ":r:{\"a\":", {"r|{\"a\":"}},
    {"truncated_by_newline", ":r:{\"a\":\n:s:{}", {"r|{\"a\":", "s|{}"}},
    {"not_json", ":r:lb_list\n:s:{}", {"r|lb_list", "s|{}"}},
    {"empty_body", ":r:\n:s:{}", {"r|", "s|{}"}},
    {"closing_bracket_first", ":r:}{}\n:s:{}", {"r|}{}", "s|{}"}},
    {"no_colon", "lb_list\n:s:{}", {"s|{}"}, 1},
    {"only_a_name", ":r\n:s:{}", {"s|{}"}, 1},
    {"only_a_name_at_the_end", ":r", {}, 1},
    {"path_up", ":..:{}\n:s:{}", {"s|{}"}, 1},
    {"path", ":a/b:{}\n:s:{}", {"s|{}"}, 1},
    {"backslash", ":a\\b:{}\n:s:{}", {"s|{}"}, 1},
    {"zero_byte", std::string{":a\0b:{}\n:s:{}", 13}, {"s|{}"}, 1},
    {"long_name", ":" + std::string(256, 'x') + ":{}\n:s:{}", {"s|{}"}, 1},
    {"longest_name", ":" + std::string(255, 'x') + ":{}", {std::string(255, 'x') + "|{}"}},
    {"too_large", ":r:[" + std::string(200, '1') + "]\n:s:{}", {"r|(too large)", "s|{}"}},
    {"largest", ":r:[" + std::string(98, '1') + "]", {"r|[" + std::string(98, '1') + "]"}},
    {"cut_off_before_another", ":r:{\"a\"::s:{}", {"r|{\"a\":", "s|{}"}},
    {"cut_off_in_text", ":r:{\"a:s:{\"b\":1}\n:t:{}", {"r|{\"a", "s|{\"b\":1}", "t|{}"}},
    {"word_before_another", ":r:lb_list:s:{}", {"r|lb_list", "s|{}"}},
    {"nothing", "", {}},
    {"blank", " \r\n\t\n", {}},
};

class framing : public ::testing::TestWithParam<framing_case> {};

TEST_P(framing, in_one_piece) {
  fifo_framing f(100);
  f.feed(GetParam().bytes);
  auto all = taken(f);
  f.end();
  for (std::string& one : taken(f))
    all.push_back(std::move(one));
  EXPECT_EQ(all, GetParam().requests);
  EXPECT_EQ(f.refused(), GetParam().refused);
  EXPECT_TRUE(f.idle());
}

TEST_P(framing, byte_by_byte) {
  fifo_framing f(100);
  std::vector<std::string> all;
  for (const char& byte : GetParam().bytes) {
    f.feed({&byte, 1});
    for (std::string& one : taken(f))
      all.push_back(std::move(one));
  }
  f.end();
  for (std::string& one : taken(f))
    all.push_back(std::move(one));
  EXPECT_EQ(all, GetParam().requests);
  EXPECT_EQ(f.refused(), GetParam().refused);
  EXPECT_TRUE(f.idle());
}

INSTANTIATE_TEST_SUITE_P(cases, framing, ::testing::ValuesIn(cases),
                         [](const auto& one) { return std::string{one.param.what}; });

TEST(fifo_framing, what_is_given_up_is_forgotten) {
  fifo_framing f(100);
  EXPECT_FALSE(f.give_up());
  f.feed(":r:{\"a\":[\"");
  EXPECT_FALSE(f.next());
  EXPECT_TRUE(f.give_up());
  EXPECT_TRUE(f.idle());
  f.feed(":s:{}");
  EXPECT_EQ(taken(f), (std::vector<std::string>{"s|{}"}));
}

TEST(fifo_framing, memory_is_bounded) {
  fifo_framing f(100);
  std::size_t requests = 0;
  f.feed(":r:");
  for (int i = 0; i < 1000; ++i) {
    f.feed(std::string(1000, '['));
    requests += taken(f).size();
  }
  EXPECT_EQ(requests, 1u);
  f.feed("\n:s:{}");
  EXPECT_EQ(taken(f), (std::vector<std::string>{"s|{}"}));
}

} // namespace
} // namespace linehunt::admin::fifo_framing_test
