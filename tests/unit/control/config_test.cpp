// SPDX-License-Identifier: Apache-2.0
// Every mistake in a configuration gives one line, at its place.
#include "control/config/load_file.h"
#include "control/config/sip_target.h"
#include "one_port.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>

namespace linehunt::config::config_test {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

// A machine with one interface and one PCI device.
std::optional<dpdk::error> small_machine(const dpdk::port_setup& port) {
  if (port.device.ends_with("iface=eth1") || port.device == "0000:3b:00.0") return std::nullopt;
  return dpdk::error{"there is no " + port.device + "; name another"};
}

struct loaded {
  std::optional<configuration> whole;
  std::vector<std::string> lines;
};

loaded load(std::string_view text) {
  diagnostics out("t.toml");
  auto whole = load_text(text, small_machine, out);
  return {std::move(whole), out.lines()};
}

// Lines 1 to 12; what a test adds begins in line 13.
const std::string base = one_port + R"(port = "access"
[[destination]]
id = 1
group = 1
uri = "sip:192.0.2.21"
resources = "vm=50; pstn=32"
)";

std::vector<std::string> faults_with(std::string_view more) {
  const loaded result =
      load(base + "[[rule]]\nbalance = 1\nresources = \"vm\"\n" + std::string{more});
  EXPECT_EQ(result.whole.has_value(), result.lines.empty());
  return result.lines;
}

TEST(config, captures_have_a_folder_of_their_own) {
  const std::string captures = "[admin]\ncapture_dir = \"/var/lib/x/\"\n";
  EXPECT_THAT(faults_with(captures + "[service]\nstate_dir = \"/var/lib/x\"\n"),
              ElementsAre(AllOf(HasSubstr("capture_dir"), HasSubstr("state_dir"))));
  EXPECT_THAT(faults_with(captures + "[database]\nurl = \"sqlite:///x.db\"\n"
                                     "copy = \"/var/lib/x/rows.json\"\n"),
              ElementsAre(AllOf(HasSubstr("capture_dir"), HasSubstr("copy"))));
  EXPECT_THAT(faults_with(captures + "[service]\nstate_dir = \"/var/lib\"\n"), IsEmpty());
}

TEST(config, says_how_much_text_a_call_may_have) {
  const std::string rule = "[[rule]]\nbalance = 1\nresources = \"vm\"\n";
  const loaded result = load(base + rule + "[limits]\ncall_text_bytes = 32\n");
  ASSERT_TRUE(result.whole);
  EXPECT_EQ(result.whole->runtime.limits.call_text_bytes, 32u);
  EXPECT_THAT(faults_with("[limits]\ncall_text_bytes = 5000\n"),
              ElementsAre(HasSubstr("call_text_bytes")));
}

TEST(config, base_is_right) {
  const loaded result = load(base + "[[rule]]\nbalance = 1\nresources = \"vm\"\n");
  EXPECT_THAT(result.lines, IsEmpty());
  ASSERT_TRUE(result.whole);
  ASSERT_EQ(result.whole->destinations.size(), 1u);
  const destination_model& d = result.whole->destinations[0].model;
  EXPECT_EQ(d.addresses, std::vector{*parse_endpoint("192.0.2.21:5060", 0)});
  ASSERT_EQ(d.resources.size(), 2u);
  EXPECT_EQ(d.resources[1].name, "pstn");
  EXPECT_EQ(d.resources[1].capacity, 32);
}

TEST(config, ping_of_the_parties) {
  const loaded result = load(base + "[[rule]]\nbalance = 1\nresources = \"vm\"\n"
                                    "ping = [\"callee\"]\n[timers]\nping_interval_s = 7\n");
  ASSERT_TRUE(result.whole) << ::testing::PrintToString(result.lines);
  EXPECT_FALSE(result.whole->rules[0].model.ping.caller);
  EXPECT_TRUE(result.whole->rules[0].model.ping.callee);
  EXPECT_EQ(result.whole->timers.ping_interval_s, 7u);
}

TEST(config, ways_in) {
  const std::string rule = "[[rule]]\nbalance = 1\nresources = \"vm\"\n";
  const loaded usual = load(base + rule);
  ASSERT_TRUE(usual.whole);
  EXPECT_EQ(usual.whole->admin.http, parse_endpoint("127.0.0.1:8888", 0));
  EXPECT_EQ(usual.whole->admin.fifo, "");
  EXPECT_EQ(usual.whole->admin.datagram, "");
  const loaded chosen =
      load(base + rule + "[admin]\nhttp = \"\"\nfifo = \"/run/f\"\ndatagram = \"/run/d\"\n");
  ASSERT_TRUE(chosen.whole) << ::testing::PrintToString(chosen.lines);
  EXPECT_FALSE(chosen.whole->admin.http);
  EXPECT_EQ(chosen.whole->admin.fifo, "/run/f");
  const loaded open_to_all = load(base + rule + "[admin]\nhttp = \"0.0.0.0:8888\"\n");
  EXPECT_TRUE(open_to_all.whole) << "a warning only";
  EXPECT_THAT(open_to_all.lines, ElementsAre(HasSubstr("whoever reaches this address")));
  EXPECT_FALSE(usual.whole->admin.metrics);
  const loaded metrics = load(base + rule + "[admin]\nmetrics = \"0.0.0.0:9888\"\n");
  ASSERT_TRUE(metrics.whole);
  EXPECT_THAT(metrics.lines, IsEmpty()) << "nobody commands anything there";
  EXPECT_EQ(metrics.whole->admin.metrics, parse_endpoint("0.0.0.0:9888", 0));
}

TEST(config, names_are_looked_up_later) {
  const loaded result = load(base + R"([[destination]]
id = 2
group = 1
uri = "sip:Box.Example.net.;transport=udp"
resources = "vm=5"
[[destination]]
id = 3
group = 1
uri = "sip:3cx" # of the hosts file, say (RFC 1123 2.1)
resources = "vm=5"
[[rule]]
forward = "sip:proxy.example.net:5070"
[dns]
servers = ["192.0.2.53", "[2001:db8::53]:5353"]
min_ttl_s = 2
max_stale_s = 60
)");
  ASSERT_TRUE(result.whole) << ::testing::PrintToString(result.lines);
  EXPECT_THAT(result.whole->destinations[1].model.addresses, IsEmpty());
  EXPECT_THAT(result.whole->dns.servers.addresses,
              ElementsAre("192.0.2.53:53", "[2001:db8::53]:5353"));
  EXPECT_EQ(result.whole->dns.max_stale, std::chrono::seconds(60));
  const auto name = name_to_look_up(result.whole->destinations[1].model.uri);
  ASSERT_TRUE(name);
  EXPECT_EQ(*name, (dns::sip_name{"box.example.net", 0, true}));
  EXPECT_EQ(*name_to_look_up("sip:1.example:5070"), (dns::sip_name{"1.example", 5070, false}));
  EXPECT_EQ(*name_to_look_up("sip:a@b;maddr=c.example"), (dns::sip_name{"c.example", 0, false}));
  EXPECT_EQ(*name_to_look_up("sip:3cx"), (dns::sip_name{"3cx", 0, false}));
  EXPECT_FALSE(name_to_look_up("sip:192.0.2.1"));
  EXPECT_FALSE(name_to_look_up("sip:a;maddr=192.0.2.1"));
}

// One mistake, the line it must be found in, and what the message must say.
struct mistake {
  const char* what;
  const char* text; // appended behind line 15
  const char* place;
  const char* says;
};
std::ostream& operator<<(std::ostream& out, const mistake& m) {
  return out << m.what;
}

class one_mistake : public ::testing::TestWithParam<mistake> {};

TEST_P(one_mistake, gives_one_line) {
  const auto lines = faults_with(GetParam().text);
  ASSERT_EQ(lines.size(), 1u) << ::testing::PrintToString(lines);
  EXPECT_THAT(lines[0], StartsWith(std::string{"t.toml:"} + GetParam().place + ":"));
  EXPECT_THAT(lines[0], HasSubstr(GetParam().says));
  EXPECT_THAT(lines[0], HasSubstr(";")) << "every message says what to do";
}

constexpr const char* d2 = "[[destination]]\nid = 2\nuri = \"sip:192.0.2.22\"\nresources = ";

const mistake mistakes[] = {
    {"unknown_section", "[runtim]\nworkers = 1\n", "16:2", "did you mean 'runtime'?"},
    {"unknown_key", "[runtime]\nworker = 1\n", "17:1", "did you mean 'workers'?"},
    {"unknown_key_far", "[runtime]\nfoo = 1\n", "17:1", "known here: control_core"},
    {"wrong_type", "[runtime]\nworkers = \"2\"\n", "17:11", "is a string; write a whole number"},
    {"wrong_type_bool", "[runtime]\nhugepages = 1\n", "17:13", "write true or false"},
    {"fraction", "[runtime]\nworkers = 1.5\n", "17:11", "a number with a fraction"},
    {"workers_zero", "[runtime]\nworkers = 0\n", "17:11", "from 1 to 64"},
    {"cores_count", "[runtime]\nworkers = 2\ncores = [1]\n", "18:9", "lists 1 processors for 2"},
    {"limits_message_bytes", "[limits]\nmessage_bytes = 65507\n", "17:1",
     "unknown key 'message_bytes'"},
    {"limits_slots", "[limits]\nslots = 65537\n", "17:9", "from 1 to 65536"},
    {"user_agent_of_two_lines", "[runtime]\nuser_agent = \"a\\r\\nb: c\"\n", "17:14",
     "holds a control character"},
    {"user_agent_blank", "[runtime]\nuser_agent = \" \"\n", "17:14", "'user_agent' is blank"},
    {"kernel", "[runtime]\nkernel = \"avx\"\n", "17:10", "kernel 'avx' is unknown"},
    {"log_file", "[log]\nfile = \"l.log\"\n", "17:8", "must begin with '/'"},
    {"service_user", "[service]\nuser = \"a\\nb\"\n", "17:8", "control character"},
    {"state_dir", "[service]\nstate_dir = \"here\"\n", "17:13",
     "folder 'here' must begin with '/'"},
    {"database_copy", "[database]\nurl = \"sqlite:///x.db\"\ncopy = \"rows.json\"\n", "18:8",
     "copy 'rows.json' must begin with '/'"},
    {"calls_valid", "[service]\ncalls_valid_s = 100000\n", "17:17", "calls_valid_s"},
    {"calls_copied", "[service]\ncalls_copied_every_s = -1\n", "17:24", "calls_copied_every_s"},
    {"drain_limit", "[service]\ndrain_limit_s = -1\n", "17:17", "drain_limit_s"},
    {"log_level", "[runtime]\nlog_level = \"loud\"\n", "17:13", "'loud' is unknown"},
    {"file_prefix", "[runtime]\nfile_prefix = \"a/b\"\n", "17:15", "'file_prefix'"},
    {"section_as_value", "runtime = 3\n", "16:1", "unknown key 'runtime'"},
    {"table_as_array", "[timers]\nt1_ms = [5]\n", "17:9", "is a list"},
    {"t2_below_t1", "[timers]\nt1_ms = 600\nt2_ms = 500\n", "18:9", "t2_ms 500 is below t1_ms 600"},
    {"socket_path", "[admin]\nsocket = \"\"\n", "17:10", "'socket' must be a path"},
    {"datagram_path", "[admin]\ndatagram = 7\n", "17:12", "is a whole number; write a string"},
    {"fifo_reply_dir", "[admin]\nfifo_reply_dir = \"\"\n", "17:18", "must be a path"},
    {"capture_dir", "[admin]\ncapture_dir = \"here\"\n", "17:15", "begins with '/'"},
    {"same_path", "[admin]\nsocket = \"/tmp/a\"\nfifo = \"/tmp/a\"\n", "18:8", "the same path"},
    {"advertise", "[[listen]]\naddress = \"192.0.2.10\"\nsip_port = 5070\nadvertise = \"a.b\"\n",
     "19:13", "'a.b' is no address"},
    {"advertise_family",
     "[[listen]]\naddress = \"192.0.2.10\"\nsip_port = 5070\nadvertise = \"[2001:db8::1]:5060\"\n",
     "19:13", "of another family"},
    {"advertise_port_0",
     "[[listen]]\naddress = \"192.0.2.10\"\nsip_port = 5070\nadvertise = \"203.0.113.5:0\"\n",
     "19:13", "'203.0.113.5:0' has port 0"},
    {"advertise_unspecified",
     "[[listen]]\naddress = \"192.0.2.10\"\nsip_port = 5070\nadvertise = \"0.0.0.0\"\n", "19:13",
     "'0.0.0.0' is no address of one host"},
    {"advertise_multicast",
     "[[listen]]\naddress = \"192.0.2.10\"\nsip_port = 5070\nadvertise = \"224.0.1.75:5060\"\n",
     "19:13", "'224.0.1.75:5060' is no address of one host"},
    {"port_multicast",
     "[[port]]\nname = \"b\"\ndevice = \"0000:3b:00.0\"\naddresses = [\"224.0.0.1/24\"]\n", "19:14",
     "'224.0.0.1/24' is no address of one host"},
    {"port_broadcast",
     "[[port]]\nname = \"b\"\ndevice = \"0000:3b:00.0\"\naddresses = [\"198.51.100.255/24\"]\n",
     "19:14", "'198.51.100.255/24' is no address of one host"},
    {"names", "[[listen]]\naddress = \"192.0.2.10\"\nsip_port = 5070\nnames = [\"lb_1\"]\n",
     "19:10", "'lb_1' is no host name"},
    {"http_no_port", "[admin]\nhttp = \"127.0.0.1\"\n", "17:8", "no address with a port"},
    {"metrics_no_port", "[admin]\nmetrics = \"127.0.0.1\"\n", "17:11", "no address with a port"},
    {"metrics_at_http", "[admin]\nmetrics = \"127.0.0.1:8888\"\n", "17:11", "address of 'http'"},
    {"http_name", "[admin]\nhttp = \"localhost:8888\"\n", "17:8", "no address with a port"},
    {"missing_device",
     "[[port]]\nname = \"b\"\ndevice = \"net_af_packet1,iface=eth9\"\naddresses = "
     "[\"198.51.100.1/24\"]\n",
     "18:10", "there is no net_af_packet1,iface=eth9"},
    {"missing_pci",
     "[[port]]\nname = \"b\"\ndevice = \"0000:3b:00.1\"\naddresses = [\"198.51.100.1/24\"]\n",
     "18:10", "there is no 0000:3b:00.1"},
    {"no_such_driver",
     "[[port]]\nname = \"b\"\ndevice = \"af_paket0\"\naddresses = [\"198.51.100.1/24\"]\n", "18:10",
     "'af_paket0' is no device"},
    {"same_device",
     "[[port]]\nname = \"b\"\ndevice = \"net_af_packet0,iface=eth1\"\naddresses = "
     "[\"198.51.100.1/24\"]\n",
     "18:10", "used by two ports"},
    {"same_port_name",
     "[[port]]\nname = \"access\"\ndevice = \"0000:3b:00.0\"\naddresses = [\"198.51.100.1/24\"]\n",
     "18:10", "second port named 'access'"},
    {"address_without_length",
     "[[port]]\nname = \"b\"\ndevice = \"0000:3b:00.0\"\naddresses = [\"198.51.100.1\"]\n", "19:14",
     "'198.51.100.1' is no address with a prefix length"},
    {"bad_prefix",
     "[[port]]\nname = \"b\"\ndevice = \"0000:3b:00.0\"\naddresses = [\"198.51.100.1/33\"]\n",
     "19:14", "198.51.100.1/33"},
    {"gateway_off_network",
     "[[port]]\nname = \"b\"\ndevice = \"0000:3b:00.0\"\naddresses = [\"198.51.100.1/24\"]\n"
     "gateways = [\"203.0.113.1\"]\n",
     "20:13", "on none of the port's networks"},
    {"gateway_of_its_own",
     "[[port]]\nname = \"b\"\ndevice = \"0000:3b:00.0\"\naddresses = [\"198.51.100.1/24\"]\n"
     "gateways = [\"198.51.100.1\"]\n",
     "20:13", "gateway 198.51.100.1 is the port's own address"},
    {"gateway_no_address",
     "[[port]]\nname = \"b\"\ndevice = \"0000:3b:00.0\"\naddresses = [\"198.51.100.1/24\"]\n"
     "gateways = [\"router\"]\n",
     "20:13", "'router' is no IP address"},
    {"vlan",
     "[[port]]\nname = \"b\"\ndevice = \"0000:3b:00.0\"\naddresses = "
     "[\"198.51.100.1/24\"]\nvlan = 4095\n",
     "20:8", "from 0 to 4094"},
    {"checksum",
     "[[port]]\nname = \"b\"\ndevice = \"0000:3b:00.0\"\naddresses = "
     "[\"198.51.100.1/24\"]\nchecksum = \"hw\"\n",
     "20:12", "checksum 'hw' is unknown"},
    {"port_without_name",
     "[[port]]\ndevice = \"0000:3b:00.0\"\naddresses = [\"198.51.100.1/24\"]\n", "16:1",
     "has no 'name'"},
    {"listen_no_address", "[[listen]]\naddress = \"here\"\n", "17:11", "'here' is no IP address"},
    {"listen_with_a_port", "[[listen]]\naddress = \"192.0.2.10:5080\"\n", "17:11", "as sip_port"},
    {"listen_foreign_address", "[[listen]]\naddress = \"192.0.2.99\"\n", "17:11",
     "192.0.2.99 is no address of port 'access'"},
    {"listen_unknown_port", "[[listen]]\naddress = \"192.0.2.10\"\nsip_port = 5070\nport = \"x\"\n",
     "19:8", "port 'x' is unknown; write one of \"access\""},
    {"metrics_on_a_port", "[admin]\nmetrics = \"192.0.2.10:9888\"\n", "17:11",
     "is an address of port 'access'"},
    {"listen_twice", "[[listen]]\naddress = \"192.0.2.10\"\n", "16:1", "is there twice"},
    {"listen_port_zero", "[[listen]]\naddress = \"192.0.2.10\"\nsip_port = 0\n", "18:12",
     "from 1 to 65535"},
    {"duplicate_id", "[[destination]]\nid = 1\nuri = \"sip:192.0.2.22\"\nresources = \"vm=1\"\n",
     "16:1", "the first is in line 8"},
    {"id_zero", "[[destination]]\nid = 0\nuri = \"sip:192.0.2.22\"\nresources = \"vm=1\"\n", "17:6",
     "'id' is 0"},
    {"id_missing", "[[destination]]\nuri = \"sip:192.0.2.22\"\nresources = \"vm=1\"\n", "16:1",
     "has no 'id'"},
    {"mistyped_address",
     "[[destination]]\nid = 2\nuri = \"sip:192.0.2.300\"\nresources = \"vm=1\"\n", "18:7",
     "'192.0.2.300' is no IPv4 address"},
    {"half_an_address", "[[rule]]\nforward = \"sip:10.1\"\n", "17:11", "'10.1' is no IPv4 address"},
    {"multicast", "[[destination]]\nid = 2\nuri = \"sip:224.0.1.75\"\nresources = \"vm=1\"\n",
     "18:7", "'sip:224.0.1.75' is no address of one host"},
    {"multicast_v6", "[[rule]]\nforward = \"sip:[ff02::1]\"\n", "17:11",
     "'sip:[ff02::1]' is no address of one host"},
    {"limited_broadcast",
     "[[destination]]\nid = 2\nuri = \"sip:255.255.255.255\"\nresources = \"vm=1\"\n", "18:7",
     "'sip:255.255.255.255' is no address of one host"},
    {"this_network", "[[destination]]\nid = 2\nuri = \"sip:0.0.0.5\"\nresources = \"vm=1\"\n",
     "18:7", "'sip:0.0.0.5' is no address of one host"},
    {"broadcast_of_a_port",
     "[[destination]]\nid = 2\nuri = \"sip:192.0.2.255\"\nresources = \"vm=1\"\n", "18:7",
     "192.0.2.255 is the broadcast address of a network of port 'access'"},
    {"bad_uri", "[[destination]]\nid = 2\nuri = \"sip:192.0.2.22:99999\"\nresources = \"vm=1\"\n",
     "18:7", "is no SIP URI"},
    {"not_ascii",
     "[[destination]]\nid = 2\nuri = \"sip:\u00fc@192.0.2.22\"\nresources = \"vm=1\"\n", "18:7",
     R"('sip:\xc3\xbc@192.0.2.22' is no SIP URI, which has ASCII only; at character 5 write %C3%BC)"},
    {"forward_not_ascii", "[[rule]]\nforward = \"sip:b\u00fcro.example.net\"\n", "17:11",
     "at character 6 write %C3%BC, or in a host name its xn-- form"},
    {"no_line_of_its_own_in_a_log",
     "[[destination]]\nid = 2\nuri = \"sip:192.0.2.22\\nforged\"\nresources = \"vm=1\"\n", "18:7",
     "sip:192.0.2.22\\x0aforged"},
    {"not_sip", "[[destination]]\nid = 2\nuri = \"tel:+431\"\nresources = \"vm=1\"\n", "18:7",
     "is no SIP URI"},
    {"sips", "[[destination]]\nid = 2\nuri = \"sips:192.0.2.22\"\nresources = \"vm=1\"\n", "18:7",
     "needs TLS"},
    {"tcp",
     "[[destination]]\nid = 2\nuri = \"sip:192.0.2.22;transport=TCP\"\nresources = "
     "\"vm=1\"\n",
     "18:7", "transport tcp"},
    {"host_name",
     "[[destination]]\nid = 2\nuri = \"sip:yate1..example.net\"\nresources = "
     "\"vm=1\"\n",
     "18:7", "has a part of 0 or of more than 63"},
    {"dns_server", "[dns]\nservers = [\"192.0.2.53\", \"ns.example\"]\n", "17:26",
     "server 'ns.example' is no IP address"},
    {"dns_tries", "[dns]\ntries = 0\n", "17:9", "tries"},
    {"unreachable", "[[destination]]\nid = 2\nuri = \"sip:203.0.113.9\"\nresources = \"vm=1\"\n",
     "18:7", "203.0.113.9 cannot be reached"},
    {"unreachable_family",
     "[[destination]]\nid = 2\nuri = \"sip:[2001:db8::9]\"\nresources = "
     "\"vm=1\"\n",
     "18:7", "2001:db8::9 cannot be reached"},
    {"itself", "[[destination]]\nid = 2\nuri = \"sip:192.0.2.10\"\nresources = \"vm=1\"\n", "18:7",
     "is linehunt itself"},
    {"probe_mode",
     "[[destination]]\nid = 2\nuri = \"sip:192.0.2.22\"\nresources = \"vm=1\"\n"
     "probe_mode = 3\n",
     "20:14", "from 0 to 2"},
    {"probing_method", "[probing]\nmethod = \"OPT IONS\"\n", "17:10", "is no SIP method"},
    {"probing_method_of_calls", "[probing]\nmethod = \"INVITE\"\n", "17:10", "makes no probe"},
    {"probing_from", "[probing]\nfrom = \"prober\"\n", "17:8", "from 'prober' is no SIP URI"},
    {"probing_code", "[probing]\nreply_codes = [404, 100]\n", "17:15", "100 is no final reply"},
    {"probing_threshold", "[probing]\nfailures_to_disable = 0\n", "17:23", "from 1 to 1000"},
    {"database_without_url", "[database]\ntable = \"lb\"\n", "16:1", "has no 'url'"},
    {"database_url", "[database]\nurl = \"oracle://h/d\"\n", "17:7", "'oracle' is unknown"},
    {"database_table", "[database]\nurl = \"sqlite:///x.db\"\ntable = \"lb; drop table lb\"\n",
     "18:9", "is no name of a table"},
    {"bad_regex", "[[rule]]\nmatch = { user = \"^(VM_\" }\nreply = \"404 No\"\n", "17:18", "^(VM_"},
    {"bad_third_regex",
     "[[rule]]\nmatch = { method = \"INVITE\", host = \"a\", header.X-A = \"[\" }\n"
     "reply = \"404 No\"\n",
     "17:55", "Unterminated character class"},
    {"reply_number", "[[rule]]\nreply = 404\n", "17:9", "'reply' is a whole number"},
    {"no_resource", "[[rule]]\nbalance = 1\n", "16:1", "asks for no resource"},
    {"group_without_destinations", "[[rule]]\nbalance = 7\nresources = \"vm\"\n", "17:11",
     "group 7 has no destinations"},
    {"from_group_without_destinations",
     "[[rule]]\nmatch = { from_group = 7 }\nreply = \"403 No\"\n", "17:24",
     "group 7 has no destinations"},
    {"no_action", "[[rule]]\nname = \"x\"\n", "16:1", "does nothing; write one of"},
    {"two_actions", "[[rule]]\nadd = \"vm\"\nreply = \"403 No\"\n", "18:9",
     "'add' and 'reply' in one rule"},
    {"reply_1xx", "[[rule]]\nreply = \"180 Ringing\"\n", "17:9", "write a final failure code"},
    {"flag", "[[rule]]\nbalance = 1\nflags = \"rx\"\n", "18:9", "flag 'x' is unknown"},
    {"failover", "[[rule]]\nbalance = 1\nfailover = { on = [\"2xx\"] }\n", "18:20",
     "failover on '2xx'"},
    {"failover_codes",
     "[[rule]]\nbalance = 1\nfailover = { on = [\"401\", \"402\", \"403\", \"404\", \"405\", "
     "\"406\", "
     "\"407\", \"408\", \"409\", \"410\", \"411\", \"412\", \"413\", \"414\", \"415\", \"416\", "
     "\"417\"] }\n",
     "18:19", "'on' has 17 codes, and 16 are possible"},
    {"long_reason",
     "[[rule]]\nbalance = 1\nfull = \"503 a reason that is longer than what a call can carry along "
     "until it ends, by far\"\n",
     "18:8", "the reason of 'full' has 78 bytes, and 64 are possible"},
    {"ping", "[[rule]]\nbalance = 1\nping = [\"caller\", \"both\"]\n", "18:19",
     "ping of 'both' is not possible"},
    {"failover_without_on", "[[rule]]\nbalance = 1\nfailover = { disable = true }\n", "18:12",
     "has no 'on'"},
    {"forward", "[[rule]]\nforward = \"192.0.2.5\"\n", "17:11", "is no SIP URI"},
    {"count_without_source", "[[rule]]\nforward = \"sip:192.0.2.5\"\ncount = \"pstn\"\n", "18:9",
     "add from_group"},
    {"any_port_without_group", "[[rule]]\nmatch = { any_port = true }\nadd = \"vm\"\n", "17:22",
     "add from_group"},
    {"resource_name", "[[rule]]\nadd = \"v m\"\n", "17:7", "'v m' is no resource name"},
    {"resource_twice", "[[rule]]\nbalance = 1\nresources = \"pstn; transc; pstn\"\n", "18:13",
     "'resources' names 'pstn' twice"},
    {"added_twice", "[[rule]]\nadd = [\"vm\", \"vm\"]\n", "17:14", "'add' names 'vm' twice"},
    {"source", "[[rule]]\nmatch = { source = [\"10.0.0.0/8\", \"10.0.0/8\"] }\nadd = \"vm\"\n",
     "17:35", "source '10.0.0/8' is no network"},
    {"match_unknown", "[[rule]]\nmatch = { usr = \"a\" }\nadd = \"vm\"\n", "17:11",
     "did you mean 'user'?"},
    {"match_empty", "[[rule]]\nmatch = { }\nadd = \"vm\"\n", "17:9", "'match' is empty"},
    {"syntax", "[[rule\n", "16:7", "not TOML"},
};

INSTANTIATE_TEST_SUITE_P(config, one_mistake, ::testing::ValuesIn(mistakes),
                         [](const auto& each) { return each.param.what; });

TEST(config, user_agent_fits_into_a_reply) {
  const auto says = [](std::size_t bytes) {
    return "[runtime]\nuser_agent = \"" + std::string(bytes, 'x') + "\"\n";
  };
  EXPECT_THAT(faults_with(says(128)), IsEmpty());
  EXPECT_THAT(faults_with(says(129)),
              ElementsAre(AllOf(StartsWith("t.toml:17:14:"), HasSubstr("has 129 bytes; shorten"))));
}

TEST(config, capacity_is_0_to_31_bits) {
  for (const char* wrong : {"\"vm=-1\"", "\"vm=2147483648\"", "\"vm=x\"", "\"vm\"", "\"\"",
                            "\"vm=1; vm=2\"", "\"v m=1\""}) {
    const auto lines = faults_with(std::string{d2} + wrong + "\n");
    ASSERT_EQ(lines.size(), 1u) << wrong;
    EXPECT_THAT(lines[0], StartsWith("t.toml:19:13:")) << wrong;
  }
  EXPECT_THAT(faults_with(std::string{d2} + "\"vm=0; conf/s=2147483647;\"\n"), IsEmpty());
}

TEST(config, every_error_of_a_file_is_said_in_its_order) {
  const loaded result = load(R"([runtime]
workers = 0
colour = "red"
[[port]]
name = "a"
device = "net_af_packet0,iface=nix"
addresses = ["192.0.2.10/24"]
[[listen]]
address = "192.0.2.11"
[[destination]]
id = 1
uri = "sip:nobody@"
resources = "vm=-1"
[[rule]]
match = { user = "(" }
reply = "404 No"
)");
  EXPECT_FALSE(result.whole);
  EXPECT_THAT(result.lines, ElementsAre(StartsWith("t.toml:2:11: "), StartsWith("t.toml:3:1: "),
                                        StartsWith("t.toml:6:10: "), StartsWith("t.toml:9:11: "),
                                        StartsWith("t.toml:12:7: "), StartsWith("t.toml:13:13: "),
                                        StartsWith("t.toml:15:18: ")));
}

TEST(config, nothing_at_all_is_no_configuration) {
  const loaded result = load("");
  EXPECT_FALSE(result.whole);
  EXPECT_THAT(result.lines, ElementsAre(HasSubstr("no [[port]]"), HasSubstr("no [[listen]]"),
                                        HasSubstr("warning: no [[rule]]")));
}

TEST(config, resource_that_nobody_offers_is_a_warning) {
  const loaded result = load(base + "[[rule]]\nbalance = 1\nresources = \"fax\"\n");
  EXPECT_TRUE(result.whole);
  EXPECT_THAT(result.lines, ElementsAre(StartsWith("t.toml:15:13: warning: ")));
}

TEST(config, two_destinations_of_a_group_at_one_address_are_a_warning) {
  const auto with = [](int group) {
    return load(base +
                "[[rule]]\nbalance = 1\nresources = \"vm\"\n[[destination]]\nid = 7\ngroup = " +
                std::to_string(group) + "\nuri = \"sip:192.0.2.21:5060\"\nresources = \"vm=1\"\n");
  };
  EXPECT_TRUE(with(1).whole);
  EXPECT_THAT(with(1).lines,
              ElementsAre(AllOf(StartsWith("t.toml:19:7: warning: "),
                                HasSubstr("7 has the address of 1, 192.0.2.21:5060"))));
  EXPECT_THAT(with(2).lines, IsEmpty()) << "as for other calls to the same box";
}

TEST(config, a_call_that_may_need_no_resource_is_a_warning) {
  const auto lines_with = [](std::string_view rules) {
    const loaded result = load(base + std::string{rules});
    EXPECT_TRUE(result.whole);
    return result.lines;
  };
  const std::string add = "[[rule]]\nmatch = { user = \"^VM_\" }\nadd = \"vm\"\n";
  const auto told =
      ElementsAre(AllOf(StartsWith("t.toml:16:1: warning: "), HasSubstr("need no resource"),
                        HasSubstr("write 'resources'")));
  EXPECT_THAT(lines_with(add + "[[rule]]\nbalance = 1\n"), told);
  EXPECT_THAT(lines_with(add + "[[rule]]\nmatch = { user = \"^V\" }\nbalance = 1\n"), told);
  EXPECT_THAT(lines_with(add + "[[rule]]\nmatch = { user = \"^VM_\" }\nbalance = 1\n"), IsEmpty());
  EXPECT_THAT(lines_with(add + "[[rule]]\nbalance = 1\nresources = \"pstn\"\n"), IsEmpty());
  EXPECT_THAT(lines_with("[[rule]]\nadd = \"vm\"\n[[rule]]\nbalance = 1\n"), IsEmpty());
}

TEST(config, copies_of_calls_that_would_be_too_old_are_a_warning) {
  const auto lines_with = [](std::string_view service) {
    return load(base + "[service]\nstate_dir = \"/var/lib/x\"\n" + std::string{service} +
                "[[rule]]\nbalance = 1\nresources = \"vm\"\n")
        .lines;
  };
  EXPECT_THAT(lines_with(""), IsEmpty());
  EXPECT_THAT(
      lines_with("calls_valid_s = 10\n"),
      ElementsAre(AllOf(HasSubstr("warning: "), HasSubstr("calls_copied_every_s 10 is not"))));
  EXPECT_THAT(lines_with("calls_valid_s = 0\n"), IsEmpty());
}

TEST(config, a_rule_for_another_method_never_holds) {
  const loaded result = load(base + "[[rule]]\nmatch = { method = \"REGISTER\" }\n"
                                    "reply = \"403 No\"\n"
                                    "[[rule]]\nmatch = { method = [\"INVITE\"] }\n"
                                    "reply = \"404 Not found\"\n");
  EXPECT_TRUE(result.whole);
  EXPECT_THAT(result.lines, ElementsAre(AllOf(HasSubstr("warning"), HasSubstr("not INVITE"))));
}

TEST(config, calls_that_their_destination_cannot_be_charged_for_are_told) {
  const auto counting = [](std::string_view group, std::string_view resource,
                           std::string_view more = "") {
    return load(base +
                "[[destination]]\nid = 2\ngroup = 2\nuri = \"sip:192.0.2.22\"\n"
                "resources = \"vm=50\"\n[[rule]]\nforward = \"sip:192.0.2.5\"\ncount = \"" +
                std::string{resource} + "\"\nmatch = { from_group = " + std::string{group} +
                " }\n" + std::string{more})
        .lines;
  };
  EXPECT_THAT(counting("1", "vm; pstn"), IsEmpty());
  EXPECT_THAT(counting("0", "vm"), IsEmpty());
  EXPECT_THAT(counting("2", "pstn"),
              ElementsAre(AllOf(StartsWith("t.toml:20:9: warning: "), HasSubstr("'pstn'"),
                                HasSubstr("no destination of group 2"))));
  EXPECT_THAT(counting("0", "pstn"),
              ElementsAre(AllOf(StartsWith("t.toml:20:9: note: "),
                                HasSubstr("not offered by destination 2;"))));
  EXPECT_THAT(counting("2", "fax"), ElementsAre(HasSubstr("forwarded uncounted"))) << "said once";
  EXPECT_THAT(counting("0", "pstn", "nonsense = 1\n"), ElementsAre(HasSubstr("nonsense")))
      << "errors first";
  std::string many;
  for (int id = 3; id < 10; ++id)
    many += "[[destination]]\nid = " + std::to_string(id) + "\nuri = \"sip:192.0.2.3" +
            std::to_string(id) + "\"\nresources = \"vm=1\"\n";
  EXPECT_THAT(counting("0", "pstn", many),
              ElementsAre(HasSubstr("destinations 2, 3, 4, 5, 6 and 3 more;")));
}

TEST(config, flags_and_causes_of_a_balancing_rule) {
  const auto rule_with = [](std::string_view lines) {
    const loaded result =
        load(base + "[[rule]]\nbalance = 1\nresources = \"vm\"\n" + std::string{lines});
    EXPECT_THAT(result.lines, IsEmpty());
    return result.whole->rules.at(0).model;
  };
  const auto flags = [&](std::string_view letters) {
    const balance_flags read = rule_with("flags = \"" + std::string{letters} + "\"\n").flags;
    return std::vector{read.relative, read.random_tie, read.negative};
  };
  EXPECT_THAT(flags("r"), ElementsAre(true, false, false));
  EXPECT_THAT(flags("s"), ElementsAre(false, true, false));
  EXPECT_THAT(flags("n"), ElementsAre(false, false, true));
  EXPECT_THAT(flags("nrs"), ElementsAre(true, true, true));

  const rule_model rule = rule_with("full = \"486 Busy\"\n"
                                    "failover = { on = [\"408\", \"no_answer\"] }\n");
  EXPECT_EQ(rule.status, 486);
  EXPECT_EQ(rule.reason, "Busy");
  EXPECT_THAT(rule.failover.codes, ElementsAre(408));
  EXPECT_TRUE(rule.failover.no_answer);
  EXPECT_FALSE(rule.failover.local_timeout);
  EXPECT_FALSE(rule.failover.disable);
}

TEST(config, a_rule_may_drop) {
  const loaded result =
      load(base + "[[rule]]\nmatch = { header.User-Agent = \"^friendly-scanner\" }\n"
                  "drop = true\n"
                  "[[rule]]\nmatch = { method = \"REGISTER\" }\ndrop = true\n");
  EXPECT_THAT(result.lines, IsEmpty()) << "it holds for other methods too";
  ASSERT_TRUE(result.whole);
  EXPECT_EQ(result.whole->rules[0].model.action, rule_action::drop);
  EXPECT_THAT(faults_with("[[rule]]\ndrop = false\n"),
              ElementsAre(AllOf(StartsWith("t.toml:17:8: "), HasSubstr("write drop = true"))));
  EXPECT_THAT(faults_with("[[rule]]\ndrop = \"yes\"\n"), ElementsAre(HasSubstr("drop")));
  EXPECT_THAT(faults_with("[[rule]]\ndrop = true\nreply = \"404 No\"\n"),
              ElementsAre(HasSubstr("'reply' and 'drop' in one rule")));
}

} // namespace
} // namespace linehunt::config::config_test
