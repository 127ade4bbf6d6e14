// SPDX-License-Identifier: Apache-2.0
// What only follows from a mistake is not told beside it: once that is mended it would not be true.
#include "told.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>
#include <utility>

namespace linehunt::config::config_consequences_test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::string port = "[[port]]\nname = \"access\"\ndevice = \"net_af_packet0,iface=eth1\"\n"
                         "addresses = [\"192.0.2.10/24\", \"2001:db8::10/64\"]\n"
                         "gateways = [\"192.0.2.254\", \"2001:db8::1\"]\n";
const std::string listen = "[[listen]]\naddress = \"192.0.2.10\"\nport = \"access\"\n";
const std::string destination = "[[destination]]\nid = 1\ngroup = 1\nuri = \"sip:203.0.113.21\"\n"
                                "resources = \"vm=50; pstn=32\"\n";
const std::string other = "[[destination]]\nid = 2\ngroup = 2\nuri = \"sip:192.0.2.22\"\n"
                          "resources = \"fax=5\"\n";
const std::string rule = "[[rule]]\nbalance = 1\nresources = \"vm\"\n";
const std::string all = port + listen + destination + other + rule;

// `all` with one part of it written otherwise.
std::string with(std::string_view part, std::string_view instead) {
  std::string text = all;
  const std::size_t at = text.find(part);
  EXPECT_NE(at, text.npos) << part;
  return text.replace(at, part.size(), instead);
}

TEST(config_consequences, nothing_is_wrong_without_a_mistake) {
  EXPECT_THAT(told(all), ElementsAre());
}

struct slip {
  const char* what;
  std::string text;
  const char* says;
};
std::ostream& operator<<(std::ostream& out, const slip& s) {
  return out << s.what;
}

class one_slip : public ::testing::TestWithParam<slip> {};

TEST_P(one_slip, is_told_alone) {
  EXPECT_THAT(told(GetParam().text), ElementsAre(HasSubstr(GetParam().says)));
}

const slip slips[] = {
    {"port_under_another_name", with("[[port]]", "[[ports]]"), "unknown key 'ports'"},
    {"listen_under_another_name", with("[[listen]]", "[[listner]]"), "unknown key 'listner'"},
    {"rule_under_another_name", with("[[rule]]", "[[rules]]"), "unknown key 'rules'"},
    {"a_destination_under_another_name", with("[[destination]]\nid = 1", "[[destinatoin]]\nid = 1"),
     "unknown key 'destinatoin'"},
    {"database_is_no_table", "database = \"sqlite:///x.db\"\n" + with("balance = 1", "balance = 3"),
     "'database' is a string"},
    {"t1_is_misspelt", all + "[timers]\nt1 = 300\nt2_ms = 400\n", "did you mean 't1_ms'?"},
    {"workers_is_misspelt", all + "[runtime]\nworker = 2\ncores = [1, 2]\n",
     "did you mean 'workers'?"},
    {"match_of_a_count_is_misspelt",
     all + "[[rule]]\nmtach = { from_group = 1 }\nforward = \"sip:192.0.2.5\"\ncount = \"vm\"\n",
     "did you mean 'match'?"},
    {"from_group_is_misspelt",
     all + "[[rule]]\nmatch = { fromgroup = 1, any_port = true }\nbalance = 1\n"
           "resources = \"vm\"\n",
     "did you mean 'from_group'?"},
    {"drop_is_misspelt", all + "[[rule]]\nmatch = { method = \"REGISTER\" }\ndorp = true\n",
     "did you mean 'drop'?"},
    {"sip_port_is_misspelt",
     all + "[[listen]]\naddress = \"192.0.2.10\"\nport = \"access\"\nsip_prot = 5070\n",
     "did you mean 'sip_port'?"},
    {"port_of_one_bracket", with("[[port]]", "[port]"), "write [[port]] with two brackets"},
    {"listen_of_one_bracket", with("[[listen]]", "[listen]"), "write [[listen]] with two brackets"},
    {"rule_of_one_bracket", with("[[rule]]", "[rule]"), "write [[rule]] with two brackets"},
    {"no_port_and_no_name_of_one", listen.substr(0, listen.find("port")) + destination + rule,
     "no [[port]]"},
    {"only_listen_is_broken", with("\"192.0.2.10\"", "\"192.0.2.10:5060\""),
     "'192.0.2.10:5060' is no IP address"},
    {"only_listen_of_a_wrong_port", with("port = \"access\"\n", "sip_port = 0\n"),
     "'sip_port' is 0"},
    {"address_is_misspelt", with("address = ", "adress = "), "did you mean 'address'?"},
    {"name_of_the_port_is_no_string", with("name = \"access\"", "name = 1"), "'name' is a whole"},
    {"address_of_the_port_without_length", with("192.0.2.10/24", "192.0.2.10"),
     "'192.0.2.10' is no address with a prefix length"},
    {"second_address_of_the_port_without_length", with("2001:db8::10/64", "2001:db8::10"),
     "'2001:db8::10' is no address with a prefix length"},
    {"addresses_are_no_strings", with("[\"192.0.2.10/24\", \"2001:db8::10/64\"]", "[19]"),
     "'addresses' holds a whole number"},
    {"gateway_is_no_address", with("\"192.0.2.254\"", "\"192.0.2.254/24\""),
     "gateway '192.0.2.254/24' is no IP address"},
    {"gateways_is_misspelt", with("gateways", "gateway"), "did you mean 'gateways'?"},
    {"only_destination_of_a_group", with("sip:203.0.113.21", "203.0.113.21"), "is no SIP URI"},
    {"group_is_misspelt", with("group = 1", "gruop = 1"), "did you mean 'group'?"},
    {"resources_are_wrong", with("vm=50;", "vm=fifty;"), "is not a number"},
    {"database_without_url", with("balance = 1", "balance = 7") + "[database]\ntable = \"lb\"\n",
     "[database] has no 'url'"},
    {"add_is_wrong", with("[[rule]]", "[[rule]]\nadd = \"v m\"\n[[rule]]\nbalance = 2\n[[rule]]"),
     "'v m' is no resource name"},
    {"only_some_add",
     with(rule, "[[rule]]\nadd = \"fax\"\nmatch = { user = \"^1\" }\n"
                "[[rule]]\nad = \"vm\"\n[[rule]]\nbalance = 1\n"),
     "did you mean 'add'?"},
    {"balance_is_misspelt",
     with("balance = 1", "blance = 1\nfull = \"503 Full\"\nfailover = { on = [\"5xx\"] }"),
     "did you mean 'balance'?"},
    {"source_is_no_network",
     with("balance = 1", "balance = 1\nmatch = { source = \"10.0.0.0/33\" }"), "is no network"},
    {"codec_is_no_name", with("balance = 1", "balance = 1\nmatch = { codecs = \"G 711\" }"),
     "'G 711' is no encoding name"},
    {"header_is_no_name", with("balance = 1", "balance = 1\nmatch = { header.\"a b\" = \"1\" }"),
     "'a b' is no header name"},
    {"headers_are_none", with("balance = 1", "balance = 1\nmatch = { header = {} }"),
     "'header' is empty, and would hold for all calls"},
    {"gateway_is_the_broadcast_address", with("192.0.2.254", "192.0.2.255"),
     "gateway 192.0.2.255 is no address of one host"},
    {"gateway_is_the_network", with("192.0.2.254", "192.0.2.0"),
     "gateway 192.0.2.0 is no address of one host"},
    {"a_password_with_a_slash", all + "[database]\nurl = \"mysql://u:1234567/x@h/db\"\n",
     "the port of url is none"},
    {"advertise_of_a_broken_address",
     with("\"192.0.2.10\"\n", "\"[2001:db8::10]:5060\"\nadvertise = \"2001:db8::11\"\n"),
     "'[2001:db8::10]:5060' is no IP address"},
    {"workers_are_no_number", all + "[runtime]\nworkers = \"2\"\ncores = [1, 2]\n",
     "'workers' is a string"},
    {"t1_is_wrong", all + "[timers]\nt1_ms = 5\nt2_ms = 400\n", "'t1_ms' is 5"},
    {"copies_of_calls",
     all + "[service]\nstate_dir = \"/x\"\ncalls_valid_s = \"3h\"\ncalls_copied_every_s = 600\n",
     "'calls_valid_s' is a string"},
};

INSTANTIATE_TEST_SUITE_P(config_consequences, one_slip, ::testing::ValuesIn(slips),
                         [](const auto& each) { return each.param.what; });

// What does not follow from it is told along.
TEST(config_consequences, other_mistakes_are_told_along) {
  const std::string second = "[[port]]\nname = \"core\"\ndevice = \"0000:3b:00.0\"\n"
                             "addresses = [\"198.51.100.1\"]\n";
  EXPECT_THAT(told(with("address = \"192.0.2.10\"", "address = \"192.0.2.11\"") + second),
              ElementsAre(HasSubstr("192.0.2.11 is no address of port 'access'"),
                          HasSubstr("'198.51.100.1' is no address with a prefix length")));
  EXPECT_THAT(told(with("port = \"access\"", "port = \"acess\"\nnames = [\"a b\"]")),
              ElementsAre(HasSubstr("'acess' is unknown"), HasSubstr("'a b' is no host name")));
  EXPECT_THAT(told(with("port = \"access\"", "port = \"acess\"") + second),
              ElementsAre(HasSubstr("port 'acess' is unknown; write one of \"access\", \"core\""),
                          HasSubstr("'198.51.100.1'")));
}

} // namespace
} // namespace linehunt::config::config_consequences_test
