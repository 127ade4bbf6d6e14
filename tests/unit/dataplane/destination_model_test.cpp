// SPDX-License-Identifier: Apache-2.0
#include "dataplane/destination_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace linehunt::destination_model_test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

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
  EXPECT_THAT(errors_of("vm=3x"), ElementsAre(HasSubstr("\"3x\" is not a number; write")));
  EXPECT_THAT(errors_of("vm=3;;pstn=4"), ElementsAre(HasSubstr("empty entry")));
  EXPECT_THAT(errors_of("vm=3;vm/b=4"), ElementsAre(HasSubstr("\"vm\" is given twice")));
  EXPECT_THAT(errors_of("vm=fs://host"), ElementsAre(HasSubstr("no '@'")));
  EXPECT_THAT(errors_of("vm=fs://pw@host"), ElementsAre(HasSubstr("no ':'")));
  EXPECT_THAT(errors_of("vm=fs://:@host"), ElementsAre(HasSubstr("password is empty")));
  EXPECT_THAT(errors_of("vm=fs://:p@"), ElementsAre(HasSubstr("host is empty")));
  EXPECT_THAT(errors_of("vm=fs://:p@h:0"), ElementsAre(HasSubstr("port is no number")));
  EXPECT_THAT(errors_of("vm=fs://:p@h:"), ElementsAre(HasSubstr("port is no number")));
  EXPECT_THAT(errors_of("vm=fs://:p@[::1"), ElementsAre(HasSubstr("']'")));
  EXPECT_THAT(errors_of("a;b=x;c=1;d=-5"), testing::SizeIs(3)); // all of them at once
}

// A row of a database is what anybody wrote who may write there.
TEST(resources, an_event_socket_has_no_control_characters) {
  const std::string_view texts[] = {"vm=fs://u:p\n\napi reload\n\n@127.0.0.1:8021",
                                    "vm=fs://u\r\n:p@h",
                                    "vm=fs://u:p@h\nst",
                                    "vm=fs://u:p\x7f@h",
                                    "vm=fs://u:p\xc2\x80@h",
                                    "vm=fs://u:p\xc2\x9f@h",
                                    "vm=fs://\x1b[2J:p@h",
                                    {"vm=fs://u:p\0@h", 14}};
  for (const std::string_view text : texts) {
    EXPECT_THAT(errors_of(text), ElementsAre(HasSubstr("\"vm\": a control character"))) << text;
    EXPECT_THAT(errors_of(text), ElementsAre(testing::Not(HasSubstr("\n")))) << text;
  }
  EXPECT_EQ(read("vm=fs://\xc3\xa4:p\xc2\xa0 \xe2\x82\xac@h").at(0).heartbeat->password,
            "p\xc2\xa0 \xe2\x82\xac");
}

TEST(resources, the_host_of_an_event_socket_is_a_name_or_an_address) {
  for (const char* host : {"a b", "h/x", "h?x", "-%20", "a..b", ".", "192.0.2.300", "192.0.2",
                           "8021", "h\xc3\xa4", "'h'"})
    EXPECT_THAT(errors_of("vm=fs://:p@" + std::string{host}),
                ElementsAre(HasSubstr("neither a name nor an address")))
        << host;
  EXPECT_THAT(errors_of("vm=fs://:p@" + std::string(64, 'a')), testing::SizeIs(1));
  for (const char* host : {"[192.0.2.1]", "[fs.example]", "[]", "[::1%eth0]"})
    EXPECT_THAT(errors_of("vm=fs://:p@" + std::string{host}),
                ElementsAre(HasSubstr("no IPv6 address")))
        << host;
  EXPECT_THAT(errors_of("vm=fs://:p@2001:db8::1"), ElementsAre(HasSubstr("'[' and ']'")));
  EXPECT_THAT(errors_of("vm=fs://:p@[::1]8021"), ElementsAre(HasSubstr("behind the ']'")));
  for (const char* host : {"fs_1.example.net", "fs-2.example.net.", "h", "1.example", "4930a"})
    EXPECT_EQ(read("vm=fs://:p@" + std::string{host}).at(0).heartbeat->host, host);
}

// These go to the log, to whoever follows events, and to the answer of a reload.
TEST(resources, no_mistake_shows_a_password) {
  for (const char* text : {"vm=fs:/u:topsecret@h",
                           "vm= FS://u:topsecret@h",
                           "vm fs://u:topsecret@h",
                           "vm=fs://u:topsecret@h:port",
                           "vm=fs://u:topsecret@",
                           "vm=fs://topsecret@h",
                           "topsecret@h",
                           "=fs://u:topsecret@h",
                           "v m=fs://u:topsecret@h",
                           "vm fs://u:topsecret@h?x=1",
                           "vm=fs://u:a;topsecret;b@h",
                           "vm=fs://u:a;topsecret=b;c@h",
                           "vm=fs://u:p@[::1]topsecret",
                           "vm=fs://u:p@h:topsecret",
                           "vm=fs://u:p@h topsecret",
                           "vm=fs://u:p@[topsecret]",
                           "vm=topsecret@h",
                           "vm=ws://:topsecret@h",
                           "vm=fs://u:a;v topsecret=1@h",
                           "vm=fs://u:a;topsecret=1;topsecret=2@h",
                           "vm=fs://u:a;topsecret=;b@h"}) {
    EXPECT_THAT(errors_of(text), testing::Not(IsEmpty())) << text;
    EXPECT_THAT(errors_of(text), testing::Each(testing::Not(HasSubstr("topsecret")))) << text;
  }
  EXPECT_THAT(
      errors_of("vm= FS://u:topsecret@h"),
      ElementsAre("\"vm\": the capacity is neither a number from 0 to 2147483647 nor an event "
                  "socket; write fs://[user]:password@host[:port]"));
  EXPECT_THAT(errors_of("pstn=3;vm fs://u:topsecret@h"),
              ElementsAre("entry 2 has no capacity; write name=capacity"));
  EXPECT_THAT(errors_of("vm=-1;conf=fs://u:p@h"), ElementsAre(HasSubstr("capacity -1 is outside")));
}

} // namespace
} // namespace linehunt::destination_model_test
