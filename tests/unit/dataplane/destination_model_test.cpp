// SPDX-License-Identifier: Apache-2.0
#include "dataplane/destination_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace linehunt;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

namespace {

std::vector<resource_model> read(std::string_view text) {
  std::vector<std::string> errors;
  auto resources = parse_resources(text, errors);
  EXPECT_THAT(errors, IsEmpty()) << text;
  return resources;
}
std::vector<std::string> errors_of(std::string_view text) {
  std::vector<std::string> errors;
  (void)parse_resources(text, errors);
  return errors;
}
resource_model plain(const char* name, std::int32_t capacity) {
  return {name, name, capacity, {}};
}

} // namespace

TEST(resources, the_seeds_example) {
  EXPECT_THAT(read("transc=30; pstn=32"), ElementsAre(plain("transc", 30), plain("pstn", 32)));
  EXPECT_THAT(
      read("vm=10;conf=10;transc=10;pstn=32"),
      ElementsAre(plain("vm", 10), plain("conf", 10), plain("transc", 10), plain("pstn", 32)));
}

TEST(resources, white_space_and_trailing_semicolon) {
  EXPECT_THAT(read(" vm = 0 ;\n a_B-9 =2147483647 ; "),
              ElementsAre(plain("vm", 0), plain("a_B-9", 2147483647)));
}

TEST(resources, suffix_is_listed_but_no_part_of_the_name) {
  EXPECT_THAT(read("transc/b=3;vm/s=4"), ElementsAre(resource_model{"transc", "transc/b", 3, {}},
                                                     resource_model{"vm", "vm/s", 4, {}}));
}

TEST(resources, freeswitch_heartbeat) {
  const auto one = [](std::string_view text) {
    const auto resources = read(text);
    EXPECT_EQ(resources.at(0).capacity, 1000);
    return *resources.at(0).heartbeat;
  };
  EXPECT_EQ(one("pstn=fs://:ClueCon@192.0.2.9"),
            (heartbeat_source{"", "ClueCon", "192.0.2.9", 8021}));
  EXPECT_EQ(one("pstn=fs://u:p@ss:w@fs.example:9021"),
            (heartbeat_source{"u", "p@ss:w", "fs.example", 9021}));
  EXPECT_EQ(one("pstn=fs://:p@[2001:db8::1]:1"), (heartbeat_source{"", "p", "2001:db8::1", 1}));
  EXPECT_EQ(one("pstn=fs://:p@[2001:db8::1]"), (heartbeat_source{"", "p", "2001:db8::1", 8021}));
  EXPECT_THAT(read("a=fs://:x@h;b=2"), testing::SizeIs(2));
}

TEST(resources, every_mistake_is_named) {
  EXPECT_THAT(errors_of(""), ElementsAre(HasSubstr("no resource")));
  EXPECT_THAT(errors_of(" "), ElementsAre(HasSubstr("no resource")));
  EXPECT_THAT(errors_of("vm"), ElementsAre(HasSubstr("\"vm\" has no capacity")));
  EXPECT_THAT(errors_of("vm="), ElementsAre(HasSubstr("\"vm\" has no capacity after")));
  EXPECT_THAT(errors_of("=3"), ElementsAre(HasSubstr("no name")));
  EXPECT_THAT(errors_of("v m=3"), ElementsAre(HasSubstr("may hold only")));
  EXPECT_THAT(errors_of("vm/x=3"), ElementsAre(HasSubstr("\"vm/x\" may hold only")));
  EXPECT_THAT(errors_of("/b=3"), ElementsAre(HasSubstr("no name")));
  EXPECT_THAT(errors_of("vm=-1"), ElementsAre(HasSubstr("capacity -1 is outside 0..2147483647")));
  EXPECT_THAT(errors_of("vm=2147483648"), ElementsAre(HasSubstr("outside")));
  EXPECT_THAT(errors_of("vm=99999999999999999999"), ElementsAre(HasSubstr("outside")));
  EXPECT_THAT(errors_of("vm=3x"), ElementsAre(HasSubstr("\"3x\" is not a number")));
  EXPECT_THAT(errors_of("vm=3;;pstn=4"), ElementsAre(HasSubstr("empty entry")));
  EXPECT_THAT(errors_of("vm=3;vm/b=4"), ElementsAre(HasSubstr("\"vm\" is given twice")));
  EXPECT_THAT(errors_of("vm=fs://host"), ElementsAre(HasSubstr("no '@'")));
  EXPECT_THAT(errors_of("vm=fs://pw@host"), ElementsAre(HasSubstr("no ':'")));
  EXPECT_THAT(errors_of("vm=fs://:@host"), ElementsAre(HasSubstr("password is empty")));
  EXPECT_THAT(errors_of("vm=fs://:p@"), ElementsAre(HasSubstr("host is empty")));
  EXPECT_THAT(errors_of("vm=fs://:p@h:0"), ElementsAre(HasSubstr("port \"0\"")));
  EXPECT_THAT(errors_of("vm=fs://:p@h:"), ElementsAre(HasSubstr("port \"\"")));
  EXPECT_THAT(errors_of("vm=fs://:p@[::1"), ElementsAre(HasSubstr("']'")));
  EXPECT_THAT(errors_of("a;b=x;c=1;d=-5"), testing::SizeIs(3)); // all of them at once
}
