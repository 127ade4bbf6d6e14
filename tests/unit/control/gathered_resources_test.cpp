// SPDX-License-Identifier: Apache-2.0
// What rules ask for together, where a call may match several of them.
#include "control/config/load_file.h"
#include "one_port.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace linehunt::config::gathered_resources_test {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

// Lines 1 to 11; the rules of a test begin in line 12.
const std::string head = one_port + R"([[destination]]
id = 1
group = 1
uri = "sip:192.0.2.21"
resources = "vm=5; pstn=5; transc=5; a=1; b=1; c=1; d=1; e=1; f=1"
)";

std::vector<std::string> lines_with(std::string_view rules) {
  diagnostics out("t.toml");
  const auto whole = load_text(
      head + std::string{rules}, [](const auto&) { return std::nullopt; }, out);
  EXPECT_TRUE(whole) << "no more than a warning";
  return out.lines();
}

TEST(gathered_resources, an_add_that_the_balancing_rule_repeats_is_a_warning) {
  EXPECT_THAT(lines_with("[[rule]]\nmatch = { user = \"^9\" }\nadd = [\"vm\", \"transc\"]\n"
                         "[[rule]]\nbalance = 1\nresources = \"transc; pstn\"\n"),
              ElementsAre(AllOf(StartsWith("t.toml:14:14: warning: "), HasSubstr("add 'transc'"),
                                HasSubstr("in line 15"), HasSubstr("; name it in one"))));
}

TEST(gathered_resources, an_add_that_another_add_repeats_is_a_warning_where_a_balance_follows) {
  const std::string adds = "[[rule]]\nmatch = { user = \"^9\" }\nadd = \"transc\"\n"
                           "[[rule]]\nmatch = { host = \"x\" }\nadd = \"transc\"\n";
  EXPECT_THAT(lines_with(adds + "[[rule]]\nbalance = 1\nresources = \"vm\"\n"),
              ElementsAre(AllOf(StartsWith("t.toml:17:7: warning: "), HasSubstr("in line 12"))));
  EXPECT_THAT(lines_with(adds + "[[rule]]\nreply = \"404 No\"\n"), IsEmpty());
}

TEST(gathered_resources, each_name_is_told_of_once) {
  EXPECT_THAT(lines_with("[[rule]]\nadd = \"vm\"\n"
                         "[[rule]]\nmatch = { user = \"^1\" }\nbalance = 1\nresources = \"vm\"\n"
                         "[[rule]]\nbalance = 1\nresources = \"vm\"\n"),
              ElementsAre(HasSubstr("in line 14")));
}

TEST(gathered_resources, two_names_in_one_string_are_told_of_both) {
  EXPECT_THAT(lines_with("[[rule]]\nmatch = { user = \"^1\" }\nadd = \"vm; a; pstn\"\n"
                         "[[rule]]\nbalance = 1\nresources = \"pstn; vm\"\n"),
              ElementsAre(HasSubstr("add 'vm'"), HasSubstr("add 'pstn'")));
}

TEST(gathered_resources, rules_that_no_call_comes_to_are_none_of_them) {
  const std::string add = "[[rule]]\nmatch = { user = \"^9\", host = \"x\" }\nadd = \"transc\"\n";
  const std::string repeat = "[[rule]]\nbalance = 1\nresources = \"transc\"\n";
  EXPECT_THAT(lines_with(add +
                         "[[rule]]\nmatch = { user = \"^8\" }\nbalance = 1\n"
                         "resources = \"pstn\"\n" +
                         repeat),
              ElementsAre(HasSubstr("add 'transc'")))
      << "it ends the matter for other calls alone";
  EXPECT_THAT(lines_with(add +
                         "[[rule]]\nmatch = { user = \"^9\" }\nbalance = 1\n"
                         "resources = \"pstn\"\n" +
                         repeat),
              IsEmpty())
      << "whatever the add matches ends there";
  EXPECT_THAT(lines_with(add + "[[rule]]\nreply = \"404 No\"\n" + repeat), IsEmpty());
  EXPECT_THAT(
      lines_with("[[rule]]\nmatch = { user = \"^9\" }\nreply = \"404 No\"\n" + add + repeat),
      IsEmpty());
  EXPECT_THAT(lines_with(repeat + add), IsEmpty()) << "it comes too late";
}

TEST(gathered_resources, an_offer_has_a_codec_or_has_it_not) {
  const auto with_codecs = [](std::string_view first, std::string_view second) {
    return lines_with("[[rule]]\nmatch = { " + std::string{first} +
                      " }\nadd = \"transc\"\n[[rule]]\nmatch = { " + std::string{second} +
                      " }\nbalance = 1\nresources = \"transc; pstn\"\n");
  };
  constexpr std::string_view none = R"(no_codecs = ["PCMU", "PCMA"])";
  EXPECT_THAT(with_codecs(none, R"(codecs = "PCMA")"), IsEmpty());
  EXPECT_THAT(with_codecs(R"(codecs = "PCMA")", none), IsEmpty());
  EXPECT_THAT(with_codecs(none, R"(codecs = ["PCMA", "G722"])"), ElementsAre(HasSubstr("transc")));
}

TEST(gathered_resources, twenty_are_told_and_how_many_more_there_are) {
  std::string rules;
  for (int i = 0; i < 30; ++i)
    rules += "[[rule]]\nmatch = { host = \"" + std::to_string(i) + "\" }\nadd = \"vm\"\n";
  const auto lines = lines_with(rules + "[[rule]]\nbalance = 1\nresources = \"pstn\"\n");
  ASSERT_EQ(lines.size(), 21u);
  EXPECT_THAT(lines.front(), HasSubstr("9 more 'add' rules"));
}

// Two rules that name vm, of which a call matches one at most.
TEST(gathered_resources, what_begins_differently_or_comes_from_elsewhere_is_not_told_of) {
  const auto told = [](const std::string& one, const std::string& other) {
    return lines_with("[[rule]]\nmatch = { " + one + " }\nadd = \"vm\"\n[[rule]]\nmatch = { " +
                      other + " }\nadd = \"vm\"\n[[rule]]\nbalance = 1\nresources = \"pstn\"\n")
               .size() == 1;
  };
  EXPECT_FALSE(told("user = '^49'", "user = '^44'"));
  EXPECT_FALSE(told("user = '^4[0-9]x'", "user = '^5'"));
  EXPECT_FALSE(told("user = '^49$'", "user = '^491'")) << "another length";
  EXPECT_FALSE(told("user = '^\\+49'", "user = '^49'"));
  EXPECT_FALSE(told("user = '^a+b'", "user = '^b'"));
  EXPECT_FALSE(told("host = '^a'", "host = '^b'"));
  EXPECT_FALSE(told("source = \"198.51.100.0/25\"", "source = \"198.51.100.128/25\""));
  EXPECT_FALSE(
      told("source = \"198.51.100.1\", user = '^4'", "source = \"2001:db8::1\", user = '^4'"));

  EXPECT_TRUE(told("user = '^49'", "user = '^491'"));
  EXPECT_TRUE(told("user = '^49?1'", "user = '^41'")) << "9 may be missing";
  EXPECT_TRUE(told("user = '^49*1'", "user = '^41'"));
  EXPECT_TRUE(told("user = '^49{0,1}1'", "user = '^41'"));
  EXPECT_TRUE(told("user = '^4+5'", "user = '^445'")) << "4 may come twice";
  EXPECT_TRUE(told("user = '^49|^44'", "user = '^44'"));
  EXPECT_TRUE(told("user = '49'", "user = '^44'")) << "anywhere";
  EXPECT_TRUE(told("user = '^\\d9'", "user = '^49'"));
  EXPECT_TRUE(told("user = '^(49)?44'", "user = '^44'"));
  EXPECT_TRUE(told("host = '^A'", "host = '^a'"));
  EXPECT_TRUE(told("user = '^49'", "host = '^44'"));
  EXPECT_TRUE(told("source = \"198.51.100.0/24\"", "source = \"198.51.100.128/25\""));
}

TEST(gathered_resources, more_than_a_call_can_hold_are_a_warning) {
  const std::string adds = "[[rule]]\nmatch = { user = \"^9\" }\nadd = \"a; b; c; d\"\n"
                           "[[rule]]\nmatch = { host = \"x\" }\nadd = \"e; f\"\n";
  EXPECT_THAT(lines_with(adds + "[[rule]]\nbalance = 1\nresources = \"vm; pstn\"\n"), IsEmpty());
  EXPECT_THAT(lines_with(adds + "[[rule]]\nmatch = { user = \"1\" }\nbalance = 1\n"
                                "resources = \"vm; pstn; transc\"\n"
                                "[[rule]]\nbalance = 1\nresources = \"vm; pstn; transc\"\n"),
              ElementsAre(AllOf(StartsWith("t.toml:18:1: warning: "), HasSubstr("need 9 resources"),
                                HasSubstr("can hold 8"), HasSubstr("Name fewer"))));
}

} // namespace
} // namespace linehunt::config::gathered_resources_test
