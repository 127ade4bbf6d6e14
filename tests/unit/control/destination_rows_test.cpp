// SPDX-License-Identifier: Apache-2.0
// Rows of the table of destinations beside those of the file.
#include "control/config/destination_rows.h"

#include "control/config/load_file.h"
#include "one_port.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <optional>
#include <string>
#include <vector>

namespace linehunt::database::destination_rows_test {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

const std::string file_text =
    "[database]\nurl = \"sqlite:///nowhere/x.db\"\n" + config::one_port + R"([[rule]]
balance = 1
resources = "vm"
[[destination]]
id = 1
uri = "sip:192.0.2.21"
resources = "conf=5"
)";

class rows_beside_the_file : public ::testing::Test {
 protected:
  std::vector<std::string> add(const std::vector<row>& rows,
                               config::wrong_rows what = config::wrong_rows::refuse) {
    config::diagnostics out("t.toml");
    auto loaded = config::load_text(
        text, [](const auto&) { return std::nullopt; }, out);
    EXPECT_TRUE(loaded) << ::testing::PrintToString(out.lines());
    if (!loaded) return {};
    whole = *loaded;
    config::add_rows(rows, whole, out, what);
    failed = out.failed();
    return out.lines();
  }
  std::string text = file_text;
  config::configuration whole;
  bool failed = false;
};

TEST_F(rows_beside_the_file, a_wrong_one_is_left_out_where_there_is_nothing_yet) {
  const auto said = add({{2, 1, "sip:192.0.2.22;transport=tls", "vm=5", 0, "", ""},
                         {3, 1, "sip:192.0.2.23", "vm=5", 0, "", ""}},
                        config::wrong_rows::leave_out);
  EXPECT_THAT(said, ElementsAre(AllOf(HasSubstr("row 2:"), HasSubstr("left out"))));
  EXPECT_FALSE(failed);
  ASSERT_THAT(whole.destinations, SizeIs(2));
  EXPECT_EQ(whole.destinations[1].model.id, 3u);
}

TEST_F(rows_beside_the_file, one_with_a_null_or_no_number_is_wrong_like_any_other) {
  const std::vector<row> rows{
      {2, 0, "sip:192.0.2.22:port", "", 0, "", "", {"group_id is 'x'", "resources is NULL"}},
      {0, 1, "sip:192.0.2.23", "vm=5", 0, "", "", {"id is NULL"}},
      {4, 1, "sip:192.0.2.24", "vm=5", 0, "", ""}};
  EXPECT_THAT(add(rows, config::wrong_rows::leave_out),
              ElementsAre(AllOf(HasSubstr("row 2: group_id is 'x'"), HasSubstr("left out")),
                          HasSubstr("row 2: resources is NULL"), HasSubstr("row 2: 'sip:192.0.2."),
                          AllOf(HasSubstr("'sip:192.0.2.23'"), HasSubstr("id is NULL"))));
  EXPECT_FALSE(failed);
  ASSERT_THAT(whole.destinations, SizeIs(2));
  EXPECT_EQ(whole.destinations[1].model.id, 4u);
  EXPECT_THAT(add(rows), SizeIs(4));
  EXPECT_TRUE(failed);
}

TEST_F(rows_beside_the_file, both_are_there) {
  EXPECT_THAT(add({{2, 1, "sip:192.0.2.22:5070", "vm=5", 2, "a", "d"}}), IsEmpty());
  ASSERT_THAT(whole.destinations, SizeIs(2));
  const destination_model& added = whole.destinations[1].model;
  EXPECT_EQ(added.id, 2u);
  EXPECT_EQ(added.group, 1u);
  EXPECT_EQ(added.probe_mode, 2);
  EXPECT_EQ(added.addresses.at(0).port, 5070);
  EXPECT_EQ(added.resources.at(0).capacity, 5);
  EXPECT_EQ(added.attrs, "a");
}

// One that was moved into the file, and is still in the copy or the table.
TEST_F(rows_beside_the_file, those_at_odds_with_it_are_left_out_where_there_is_nothing_yet) {
  EXPECT_THAT(add({{1, 1, "sip:192.0.2.22", "vm=5", 0, "", ""},
                   {2, 1, "sip:203.0.113.1", "vm=5", 0, "", ""},
                   {3, 1, "sip:192.0.2.23", "vm=5", 0, "", ""}},
                  config::wrong_rows::leave_out),
              ElementsAre(AllOf(HasSubstr("row 1: a second one with id 1, the first is in line 12"),
                                HasSubstr("left out")),
                          AllOf(HasSubstr("row 2:"), HasSubstr("cannot be reached"),
                                HasSubstr("left out"))));
  EXPECT_FALSE(failed);
  ASSERT_THAT(whole.destinations, SizeIs(2));
  EXPECT_EQ(whole.destinations[1].model.id, 3u);
}

TEST_F(rows_beside_the_file, every_error_names_its_row) {
  EXPECT_THAT(add({{2, 1, "sip:192.0.2.22:port", "vm=5", 0, "", ""},
                   {3, 1, "sip:192.0.2.22", "vm=-1", 0, "", ""},
                   {4, 1, "sip:192.0.2.22", "", 0, "", ""},
                   {5, 1, "sip:" + std::string(300, 'a') + "@192.0.2.22", "vm=1", 0, "", ""}}),
              ElementsAre(HasSubstr("table load_balancer, row 2: 'sip:192.0.2.22:port'"),
                          HasSubstr("table load_balancer, row 3: \"vm\": capacity -1"),
                          HasSubstr("table load_balancer, row 4: no resource"),
                          HasSubstr("table load_balancer, row 5: a URI of 315 bytes")));
}

// From SQLite, or a database without an encoding. In metrics one such label would spoil all.
TEST_F(rows_beside_the_file, that_are_not_utf8_are_told) {
  const auto said = add({{2, 1, "sip:u\xfc@192.0.2.22:5060", "vm=5", 0, "", ""},
                         {3, 1, "sip:192.0.2.23", "v\xfc=5", 0, "", ""},
                         {0, 1, "sip:u\xfc@192.0.2.24", "vm=5", 0, "", "", {"id is NULL"}},
                         {5, 1, "sip:192.0.2.25", "vm=5", 0, "t\xfcr", "M\xc3\xbcnchen \xff"}},
                        config::wrong_rows::leave_out);
  EXPECT_THAT(said, ElementsAre(AllOf(HasSubstr(R"(row 2: 'sip:u\xfc@192.0.2.22:5060' is no SIP)"),
                                      HasSubstr("at character 6 write %FC"), HasSubstr("left out")),
                                AllOf(HasSubstr("row 3:"), HasSubstr("v\xef\xbf\xbd"),
                                      HasSubstr("left out")),
                                HasSubstr("id is NULL"), HasSubstr("is no SIP URI"),
                                HasSubstr("row 5: attrs is no UTF-8"),
                                HasSubstr("row 5: description is no UTF-8")));
  for (const std::string& line : said)
    EXPECT_EQ(config::as_utf8(line), line);
  ASSERT_THAT(whole.destinations, SizeIs(2));
  EXPECT_EQ(whole.destinations[1].model.attrs, "t\xef\xbf\xbdr");
  EXPECT_EQ(whole.destinations[1].model.description, "M\xc3\xbcnchen \xef\xbf\xbd");
}

TEST_F(rows_beside_the_file, one_id_in_both_names_both) {
  EXPECT_THAT(
      add({{1, 1, "sip:192.0.2.22", "vm=5", 0, "", ""}}),
      ElementsAre(AllOf(HasSubstr("table load_balancer, row 1:"), HasSubstr("in line 12"))));
}

TEST_F(rows_beside_the_file, that_do_not_offer_what_is_counted_are_told) {
  text = file_text + "[[rule]]\nmatch = { from_group = 1 }\n"
                     "forward = \"sip:192.0.2.5\"\ncount = \"vm\"\n";
  EXPECT_THAT(add({{2, 1, "sip:192.0.2.22", "vm=5", 0, "", ""},
                   {3, 1, "sip:192.0.2.23", "conf=5", 0, "", ""}}),
              ElementsAre(AllOf(HasSubstr("note: "), HasSubstr("not offered by destination 3"))));
  EXPECT_FALSE(failed);
}

// Once each; those of the file before any row is known.
TEST_F(rows_beside_the_file, that_share_an_address_are_told) {
  text = file_text + "[[destination]]\nid = 4\nuri = \"sip:192.0.2.21\"\nresources = \"vm=1\"\n";
  EXPECT_THAT(add({}), ElementsAre(HasSubstr("4 has the address of 1")));
  EXPECT_THAT(add({{2, 0, "sip:192.0.2.21", "vm=5", 0, "", ""}}),
              UnorderedElementsAre(HasSubstr("4 has the address of 1"),
                                   AllOf(HasSubstr("row 2:"), HasSubstr("has the address of 1"))));
  EXPECT_FALSE(failed);
}

TEST_F(rows_beside_the_file, what_cannot_be_reached) {
  EXPECT_THAT(add({{2, 1, "sip:203.0.113.1", "vm=5", 0, "", ""}}),
              ElementsAre(AllOf(HasSubstr("row 2:"), HasSubstr("cannot be reached"))));
  EXPECT_THAT(add({{2, 1, "sip:192.0.2.10", "vm=5", 0, "", ""}}),
              ElementsAre(AllOf(HasSubstr("row 2:"), HasSubstr("linehunt itself"))));
}

} // namespace
} // namespace linehunt::database::destination_rows_test
