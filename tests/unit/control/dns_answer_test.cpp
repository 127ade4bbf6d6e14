// SPDX-License-Identifier: Apache-2.0
// Answers as bytes: aliases, TTLs, and everything that a broken or hostile server may send.
#include "control/resolver/dns_answer.h"
#include "control/resolver/srv_order.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace linehunt::dns::dns_answer_test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class message {
 public:
  message(unsigned answers, unsigned authorities, const std::string& asked) {
    number(7, 2).number(0x8180, 2).number(1, 2).number(answers, 2).number(authorities, 2);
    number(0, 2).name(asked).number(1, 2).number(1, 2);
  }
  message& number(std::uint64_t value, int count) {
    for (int i = count - 1; i >= 0; --i)
      bytes.push_back(static_cast<unsigned char>(value >> (8 * i)));
    return *this;
  }
  message& name(const std::string& text) {
    std::size_t begin = 0;
    while (begin < text.size()) {
      const std::size_t end = std::min(text.find('.', begin), text.size());
      number(end - begin, 1);
      bytes.insert(bytes.end(), text.begin() + static_cast<long>(begin),
                   text.begin() + static_cast<long>(end));
      begin = end + 1;
    }
    return number(0, 1);
  }
  message& record(const std::string& owner, unsigned type, std::uint32_t ttl,
                  const std::vector<unsigned char>& data) {
    name(owner).number(type, 2).number(1, 2).number(ttl, 4).number(data.size(), 2);
    bytes.insert(bytes.end(), data.begin(), data.end());
    return *this;
  }
  std::vector<unsigned char> bytes;
};

std::vector<unsigned char> encoded(const std::string& name) {
  message m(0, 0, "x");
  m.bytes.clear();
  return m.name(name).bytes;
}

TEST(dns_answer, follows_aliases_and_takes_the_least_ttl) {
  const auto bytes = message(3, 0, "a.test")
                         .record("A.test", 5, 30, encoded("b.test"))
                         .record("b.test", 1, 600, {192, 0, 2, 1})
                         .record("c.test", 1, 5, {192, 0, 2, 9})
                         .bytes;
  const dns_reply reply = read_dns_answer(bytes, "a.TEST.", dns_type::a);
  ASSERT_EQ(reply.what, dns_reply::kind::records);
  ASSERT_EQ(reply.records.size(), 1u) << "c.test was not asked for";
  EXPECT_EQ(reply.records[0].ip, *parse_ip("192.0.2.1"));
  EXPECT_EQ(reply.ttl_s, 30u);
}

TEST(dns_answer, alias_of_itself_ends) {
  const auto bytes = message(2, 0, "a.test")
                         .record("a.test", 5, 30, encoded("b.test"))
                         .record("b.test", 5, 30, encoded("a.test"))
                         .bytes;
  const dns_reply reply = read_dns_answer(bytes, "a.test", dns_type::a);
  EXPECT_EQ(reply.what, dns_reply::kind::none);
  EXPECT_THAT(reply.cause, HasSubstr("leads in a circle"));
}

TEST(dns_answer, too_many_aliases_are_said) {
  const auto through = [](unsigned aliases) {
    message m(aliases + 1, 0, "a0.test");
    for (unsigned i = 0; i < aliases; ++i)
      m.record("a" + std::to_string(i) + ".test", 5, 30,
               encoded("a" + std::to_string(i + 1) + ".test"));
    m.record("a" + std::to_string(aliases) + ".test", 1, 600, {192, 0, 2, 1});
    return read_dns_answer(m.bytes, "a0.test", dns_type::a);
  };
  EXPECT_EQ(through(8).records.size(), 1u);
  EXPECT_EQ(through(8).cause, "");
  for (const unsigned aliases : {9U, 12U}) {
    EXPECT_EQ(through(aliases).what, dns_reply::kind::none);
    EXPECT_THAT(through(aliases).cause, HasSubstr("more than 8 aliases"));
  }
}

TEST(dns_answer, negative_ttl_is_of_the_soa) {
  auto soa = encoded("ns.test");
  const auto mail = encoded("who.test");
  soa.insert(soa.end(), mail.begin(), mail.end());
  soa.insert(soa.end(), 16, 1);
  soa.insert(soa.end(), {0, 0, 0, 77});
  const auto bytes = message(0, 1, "a.test").record("test", 6, 300, soa).bytes;
  const dns_reply reply = read_dns_answer(bytes, "a.test", dns_type::a);
  EXPECT_EQ(reply.what, dns_reply::kind::none);
  EXPECT_EQ(reply.ttl_s, 77u);
}

TEST(dns_answer, ttl_with_its_highest_bit_is_none) {
  const auto bytes = message(1, 0, "a.test").record("a.test", 1, 0x80000001, {1, 2, 3, 4}).bytes;
  EXPECT_EQ(read_dns_answer(bytes, "a.test", dns_type::a).ttl_s, 0u);
}

TEST(dns_answer, short_data_is_broken) {
  const auto bytes = message(1, 0, "a.test").record("a.test", 1, 60, {192, 0, 2}).bytes;
  EXPECT_EQ(read_dns_answer(bytes, "a.test", dns_type::a).what, dns_reply::kind::failed);
  EXPECT_EQ(read_dns_answer({}, "a.test", dns_type::a).what, dns_reply::kind::failed);
}

// Cut anywhere and changed anywhere: never past the end (the sanitizers look), never a record that
// is not whole.
TEST(dns_answer, survives_everything) {
  std::vector<unsigned char> srv{0, 1, 0, 2, 0x13, 0xc4};
  const auto target = encoded("b.test");
  srv.insert(srv.end(), target.begin(), target.end());
  std::vector<unsigned char> naptr{0, 1, 0, 2, 1, 's', 7, 'S', 'I', 'P', '+', 'D', '2', 'U', 0};
  naptr.insert(naptr.end(), target.begin(), target.end());
  const auto whole =
      message(2, 0, "a.test").record("a.test", 33, 60, srv).record("a.test", 35, 60, naptr).bytes;
  ASSERT_EQ(read_dns_answer(whole, "a.test", dns_type::srv).records.size(), 1u);
  const auto found = read_dns_answer(whole, "a.test", dns_type::naptr).records;
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].service, "SIP+D2U");
  EXPECT_EQ(found[0].target, "b.test");
  for (std::size_t len = 0; len < whole.size(); ++len) {
    const std::vector<unsigned char> cut(whole.begin(), whole.begin() + static_cast<long>(len));
    EXPECT_NE(read_dns_answer(cut, "a.test", dns_type::naptr).what, dns_reply::kind::records);
  }
  std::mt19937 random(4);
  for (int round = 0; round < 20'000; ++round) {
    auto spoiled = whole;
    for (int i = 0; i < 3; ++i)
      spoiled[random() % spoiled.size()] = static_cast<unsigned char>(random());
    for (const dns_type type : {dns_type::a, dns_type::srv, dns_type::naptr})
      EXPECT_LE(read_dns_answer(spoiled, "a.test", type).records.size(), 2u);
  }
}

dns_record srv_of(unsigned priority, unsigned weight, const std::string& target) {
  dns_record r;
  r.priority = static_cast<std::uint16_t>(priority);
  r.weight = static_cast<std::uint16_t>(weight);
  r.target = target;
  r.port = 5060;
  return r;
}

TEST(srv_order, does_not_depend_on_the_order_of_the_answer) {
  const std::vector<dns_record> records{srv_of(2, 0, "c"), srv_of(1, 9, "b"), srv_of(1, 1, "a")};
  std::vector<std::string> hosts;
  for (const srv_target& t : in_order(records))
    hosts.push_back(t.host + std::to_string(t.rank) + ":" + std::to_string(t.share));
  EXPECT_THAT(hosts, ElementsAre("a0:100", "b0:900", "c1:1"));
  EXPECT_EQ(in_order({records[2], records[0], records[1]}).front().host, "a");
}

TEST(srv_order, weights_of_nothing_are_equal_shares) {
  const auto targets = in_order({srv_of(1, 0, "a"), srv_of(1, 0, "b")});
  EXPECT_EQ(targets[0].share, targets[1].share);
}

TEST(srv_order, many_records_are_bounded) {
  std::vector<dns_record> records;
  for (unsigned i = 0; i < 500; ++i)
    records.push_back(srv_of(i % 7, i, "h" + std::to_string(i)));
  EXPECT_EQ(in_order(records).size(), most_targets);
}

TEST(srv_names, naptr_without_udp_leaves_the_plain_name) {
  dns_record tcp = srv_of(1, 1, "_sip._tcp.x.test");
  tcp.flags = "s";
  tcp.service = "SIP+D2T";
  dns_record udp = srv_of(3, 1, "_sip._udp.y.test");
  udp.flags = "S";
  udp.service = "sip+D2U";
  dns_record better = udp;
  better.priority = 2;
  better.target = "_sip._udp.z.test";
  EXPECT_THAT(srv_names({tcp}, "x.test"), ElementsAre("_sip._udp.x.test"));
  EXPECT_THAT(srv_names({udp, tcp, better}, "x.test"),
              ElementsAre("_sip._udp.z.test", "_sip._udp.y.test", "_sip._udp.x.test"));
}

} // namespace
} // namespace linehunt::dns::dns_answer_test
