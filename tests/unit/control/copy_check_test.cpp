// SPDX-License-Identifier: Apache-2.0
// What `linehunt check` says of the copy of a database's rows.
#include "control/daemon/copy_check.h"

#include "control/config/load_file.h"
#include "control/database/kept_copy.h"
#include "one_port.h"
#include "state_bed.h"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

namespace linehunt::test::copy_check_test {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

struct copy_checking : state_bed {
  copy_checking() {
    config::diagnostics out("t.toml");
    file_says = config::load_text(
                    config::one_port + "[[rule]]\nmatch = { from_group = 1 }\n"
                                       "forward = \"sip:192.0.2.5\"\ncount = \"pstn\"\n",
                    [](const auto&) { return std::nullopt; }, out)
                    .value();
    file_says.database.url = "mysql://u@127.0.0.1:1/none";
    file_says.database.copy = file("copy.json");
  }
  void keep(const std::vector<database::row>& rows) const {
    ASSERT_EQ(database::keep_copy(file_says.database, rows), "");
  }
  [[nodiscard]] copy_verdict judged() const { return check_copy(file_says, "t.toml", ::geteuid()); }
  config::configuration file_says;
};

TEST_F(copy_checking, says_nothing_where_there_is_none) {
  EXPECT_THAT(judged().lines, IsEmpty()) << "not yet";
  EXPECT_FALSE(judged().rows);
  file_says.database.url.clear();
  keep({});
  EXPECT_THAT(judged().lines, IsEmpty());
  EXPECT_FALSE(judged().rows);
}

TEST_F(copy_checking, judges_its_rows_as_a_start_would) {
  keep({{1, 1, "sip:192.0.2.21", "vm=1", 1, "", ""},
        {2, 1, "sip:192.0.2.300", "pstn=1", 1, "", ""},
        {3, 2, "sip:192.0.2.23", "pstn=1", 1, "", ""}});
  const copy_verdict said = judged();
  EXPECT_EQ(said.rows, 2u);
  EXPECT_FALSE(said.fails);
  EXPECT_THAT(said.lines, UnorderedElementsAre(
                              AllOf(HasSubstr("t.toml: warning: table"), HasSubstr("row 2"),
                                    HasSubstr("'192.0.2.300' is no IPv4 address")),
                              HasSubstr("count 'pstn' is offered by no destination of group 1")));
}

TEST_F(copy_checking, warns_of_one_that_no_start_takes) {
  keep({{2, 1, "sip:192.0.2.300", "pstn=1", 1, "", ""},
        {3, 2, "sip:192.0.2.23", "pstn=1; vm=1", 1, "", ""}});
  file_says.runtime.limits.max_slots = 1;
  copy_verdict said = judged();
  EXPECT_FALSE(said.rows);
  EXPECT_THAT(said.lines, ElementsAre(HasSubstr("write [limits] slots = 2")));
  write(file("copy.json"), "{");
  EXPECT_THAT(judged().lines,
              ElementsAre(AllOf(HasSubstr("t.toml: warning: [database] copy " + file("copy.json")),
                                HasSubstr("damaged"), HasSubstr("until the database is read"))));
}

// As an ordinary user, of a copy that root or the service's user has written.
TEST_F(copy_checking, says_that_it_could_not_look_where_it_may_not) {
  keep({{1, 1, "sip:192.0.2.21", "vm=1", 1, "", ""}});
  ASSERT_EQ(::chmod(file("copy.json").c_str(), 0), 0);
  const bool root = ::geteuid() == 0;
  ASSERT_EQ(::seteuid(root ? 65534 : ::geteuid()), 0);
  const copy_verdict said = judged();
  ASSERT_EQ(::seteuid(root ? 0 : ::geteuid()), 0);
  EXPECT_FALSE(said.rows);
  EXPECT_FALSE(said.fails);
  EXPECT_THAT(said.lines,
              ElementsAre(AllOf(HasSubstr("t.toml: warning: [database] copy " + file("copy.json") +
                                          " was not looked at: Permission denied"),
                                HasSubstr("as root"))));
}

} // namespace
} // namespace linehunt::test::copy_check_test
