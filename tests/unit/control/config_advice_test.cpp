// SPDX-License-Identifier: Apache-2.0
// Slips of people who know what they want: one line each, at its place, with what to write.
#include "one_port.h"
#include "told.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>

namespace linehunt::config::config_advice_test {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

// 6 + 8 lines; what a test adds begins in line 15.
const std::string base = one_port + "[[destination]]\nid = 1\ngroup = 1\nuri = \"sip:192.0.2.21\"\n"
                                    "resources = \"vm=50; pstn=32\"\n"
                                    "[[rule]]\nbalance = 1\nresources = \"vm\"\n";

struct slip {
  const char* what;
  const char* text; // behind the base
  const char* place;
  const char* says;
};
std::ostream& operator<<(std::ostream& out, const slip& s) {
  return out << s.what;
}

class advised_slip : public ::testing::TestWithParam<slip> {};

TEST_P(advised_slip, is_told_with_what_to_write) {
  EXPECT_THAT(told(base + GetParam().text),
              ElementsAre(AllOf(StartsWith(std::string{"t.toml:"} + GetParam().place + ": "),
                                HasSubstr(GetParam().says))));
}

constexpr slip slips[] = {
    {"unit_is_missing", "[timers]\nfr_timeout = 5\n", "16:1", "did you mean 'fr_timeout_ms'?"},
    {"several_begin_like_that", "[timers]\nfr = 5\n", "16:1", "known here: ack_wait_ms"},
    {"no_quotes", "[log]\nfile = /var/log/x\n", "16:8", "a text stands in \"quotes\""},
    {"backslash", "[[rule]]\nmatch = { user = \"^\\d+$\" }\nreply = \"404 No\"\n", "16:21",
     "in 'single quotes'"},
    {"first_of_one_bracket", "[x]\n[[x]]\n", "16:1", "two brackets on each side, also the first"},
    {"section_of_two_brackets", "[[admin]]\n", "15:1", "write [admin] and its keys below it"},
    {"match_of_a_string", "[[rule]]\nmatch = \"^1\"\nreply = \"404 No\"\n", "16:9",
     "write keys and values in braces, { key = value }"},
    {"http_of_bare_ipv6", "[admin]\nhttp = \"::1:8888\"\n", "16:8", "or \"[::1]:8888\""},
    {"log_file_is_a_folder", "[log]\nfile = \"/var/log/linehunt/\"\n", "16:8",
     "is a folder; write the name of a file in it, for example \"/var/log/linehunt/linehunt.log\""},
    {"listen_at_all_addresses", "[[listen]]\naddress = \"0.0.0.0\"\n", "16:11",
     "'0.0.0.0' is no address of one host; write one of the port's own"},
    {"udp_port_as_port", "[[listen]]\naddress = \"192.0.2.10\"\nport = 5070\n", "17:8",
     "write the UDP port as sip_port"},
    {"family_without_listener",
     "[[destination]]\nid = 2\nuri = \"sip:[2001:db8::9]\"\nresources = \"vm=1\"\n", "17:7",
     "2001:db8::9 cannot be reached, since no [[listen]] has an IPv6 address; add one"},
    {"uri_of_bare_ipv6",
     "[[destination]]\nid = 2\nuri = \"sip:2001:db8::21:5060\"\nresources = \"vm=1\"\n", "17:7",
     "write for example \"sip:[2001:db8::21]:5060\""},
    {"forward_to_us", "[[rule]]\nforward = \"sip:192.0.2.10\"\n", "16:11",
     "forward to 192.0.2.10:5060 is linehunt itself"},
    {"ping_both", "[[rule]]\nbalance = 1\nresources = \"vm\"\nping = \"both\"\n", "18:8",
     "or [\"caller\", \"callee\"]"},
    {"probing_method_in_lower_case", "[probing]\nmethod = \"options\"\n", "16:10",
     "warning: [probing] method 'options' has lower case, and is compared as it is written; write "
     "OPTIONS"},
    {"method_in_lower_case", "[[rule]]\nmatch = { method = \"invite\" }\nreply = \"404 No\"\n",
     "16:20", "warning: [[rule]] match method 'invite' has lower case"},
    {"count_with_a_misspelt_from_group",
     "[[rule]]\nmatch = { fromgroup = 1 }\nforward = \"sip:192.0.2.5\"\ncount = \"vm\"\n", "16:11",
     "did you mean 'from_group'?"},
    {"group_of_a_rule", "[[rule]]\ngroup = 1\nresources = \"vm\"\n", "16:9",
     "'group' is no key of a rule; write balance = 1, with the number of the group"},
    {"second_of_one_bracket", "[listen]\n", "15:1", "two brackets on each side"},
    {"no_method_at_all", "[[rule]]\nmatch = { method = [] }\nreply = \"404 No\"\n", "16:20",
     "'method' is empty; name at least one, or leave it out"},
    {"at_in_a_password", "[database]\nurl = \"mysql://u:p@ss@h/opensips\"\n", "16:7",
     "write %40 for '@'"},
    {"port_of_a_database_is_a_word", "[database]\nurl = \"mysql://u:p@h:mysql/opensips\"\n", "16:7",
     "behind its host"},
};

INSTANTIATE_TEST_SUITE_P(config_advice, advised_slip, ::testing::ValuesIn(slips),
                         [](const auto& each) { return each.param.what; });

TEST(config_advice, a_port_has_an_address_in_its_network) {
  const auto of = [](std::string_view address) {
    return told("[[port]]\nname = \"b\"\ndevice = \"0000:3b:00.0\"\naddresses = [\"" +
                std::string{address} +
                "\"]\n[[listen]]\naddress = \"198.51.100.0\"\n[[rule]]\nreply = \"404 No\"\n");
  };
  EXPECT_THAT(of("198.51.100.0/24"),
              ElementsAre(AllOf(StartsWith("t.toml:4:14: "),
                                HasSubstr("'198.51.100.0/24' is the network itself; write the"))));
  EXPECT_THAT(of("198.51.100.0/31"), ElementsAre(HasSubstr("warning: no [[destination]]")))
      << "RFC 3021";
}

TEST(config_advice, a_sentence_goes_on) {
  EXPECT_THAT(told(base + "[[rule]]\nmatch = { user = \"^(?!1)\" }\nreply = \"404 No\"\n"),
              ElementsAre(AllOf(HasSubstr("not supported; mend"), Not(HasSubstr(".;")))));
}

} // namespace
} // namespace linehunt::config::config_advice_test
