// SPDX-License-Identifier: Apache-2.0
// What a worker sends, taken from the ring that stands for its tx queue: floods of strangers on the
// link, who never answer, and those who are in use meanwhile.
#include "dataplane/dpdk/egress.h"
#include "frame_bytes.h"
#include "packet_bed.h"

#include <array>
#include <cstring>
#include <gtest/gtest.h>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace linehunt::test {
namespace {

using dpdk::neighbour_table;

constexpr time_us second = 1'000'000;

ip_address numbered(const char* network, std::uint32_t i) {
  ip_address a = ip(network);
  const std::size_t end = a.is_v6 ? 16 : 4;
  a.bytes[end - 3] = static_cast<std::uint8_t>(i >> 16);
  a.bytes[end - 2] = static_cast<std::uint8_t>(i >> 8);
  a.bytes[end - 1] = static_cast<std::uint8_t>(i);
  return a;
}

struct family {
  const char *us, *network; // strangers: the last three bytes are counted
  unsigned prefix;
  std::uint16_t question_type;
};
constexpr family v4{"10.0.0.1", "10.1.0.0", 8, 0x0806};
constexpr family v6{"2001:db8::1", "2001:db8::1:0:0:0", 64, 0x86dd};

// nullopt: it is whole.
std::optional<std::uint32_t> fragment_id_of(std::string_view frame) {
  const auto number = [&](std::size_t at, std::size_t bytes) {
    std::uint32_t n = 0;
    for (const char c : frame.substr(14 + at, bytes))
      n = n << 8 | static_cast<unsigned char>(c);
    return n;
  };
  if (ethertype_of(frame) == 0x0800)
    return (number(6, 2) & 0x3fff) != 0 ? std::optional(number(4, 2)) : std::nullopt;
  return ethertype_of(frame) == 0x86dd && number(6, 1) == 44 ? std::optional(number(40 + 4, 4))
                                                             : std::nullopt;
}

class flood : public testing::TestWithParam<family> {
 protected:
  flood() {
    we.addresses = {{us.ip, static_cast<std::uint8_t>(GetParam().prefix)}};
    out = std::make_unique<dpdk::egress>(std::vector<const dpdk::station*>{&we},
                                         std::vector{dpdk::tx_lane(ring, counters)}, pool(),
                                         counters, 42);
    std::memcpy(peer_ether.addr_bytes, peer_mac.data(), peer_mac.size());
  }

  void send(const ip_address& to) {
    out->send_udp(0, std::string_view("OPTIONS"), us, {to, 5060});
    ++offered;
    collect();
  }
  void claim(const ip_address& of) {
    (void)out->learn(0, {of, peer_ether, true, false});
    collect();
  }
  void collect() {
    out->flush();
    std::array<rte_mbuf*, 1024> frames;
    for (rte_mbuf* const f : ring.pop_burst(frames)) {
      const std::string bytes = bytes_of(*f);
      rte_pktmbuf_free(f);
      if (const auto id = fragment_id_of(bytes))
        fragment_ids.push_back(*id);
      else if (read_udp(bytes))
        ++udp;
      else if (ethertype_of(bytes) == GetParam().question_type)
        ++(bytes.starts_with(raw(peer_mac)) ? asked_itself : asked_everybody);
    }
  }
  void age_until(time_us end) {
    for (; now < end; set_time(now + second / 10)) {
      out->age();
      collect();
    }
  }
  void set_time(time_us t) { out->set_time(now = t); }
  [[nodiscard]] std::uint64_t dropped() const { return counters.tx_dropped.load(); }

  dpdk::station we = our_station();
  dpdk::spsc_ring<rte_mbuf*> ring{1024, SOCKET_ID_ANY};
  time_us now = 0;
  const endpoint us{ip(GetParam().us), 5060};
  const ip_address peer = numbered(GetParam().network, 0xfffffe);
  rte_ether_addr peer_ether{};
  dpdk::worker_counters counters;
  std::unique_ptr<dpdk::egress> out;
  std::uint64_t offered = 0, udp = 0, asked_itself = 0, asked_everybody = 0;
  std::vector<std::uint32_t> fragment_ids;
};

TEST_P(flood, of_strangers_leaves_a_peer_in_use) {
  const auto before = mbufs_out();
  set_time(second);
  claim(peer);
  send(peer);
  ASSERT_EQ(udp, 1u);
  for (std::uint32_t i = 0; i < 100'000; ++i) {
    set_time(20 * second + i * 10);
    send(numbered(GetParam().network, i));
  }
  EXPECT_EQ(udp, 1u);
  send(peer);
  EXPECT_EQ(udp, 2u);
  // Of whom nobody answers all are given up; each datagram was sent or dropped.
  age_until(30 * second);
  EXPECT_EQ(udp + dropped(), offered);
  EXPECT_EQ(mbufs_out(), before);
}

TEST_P(flood, of_strangers_asks_little_and_a_known_one_all_the_same) {
  const auto before = mbufs_out();
  set_time(second);
  claim(peer);
  send(peer);
  const time_us start = second + neighbour_table::reachable_us;
  for (std::uint32_t i = 0; i < 100'000; ++i) {
    set_time(start + i * 10);
    send(numbered(GetParam().network, i));
    if (i == 50'000) send(peer); // known, and now to be confirmed
  }
  EXPECT_EQ(udp, 2u);
  EXPECT_EQ(asked_itself, 1u);
  EXPECT_GE(asked_everybody, neighbour_table::stranger_asks_at_once);
  EXPECT_LE(asked_everybody,
            neighbour_table::stranger_asks_at_once + neighbour_table::stranger_asks_per_s);
  age_until(start + 10 * second);
  EXPECT_EQ(udp + dropped(), offered);
  EXPECT_EQ(mbufs_out(), before);
}

// More than there is room for, and each of them is reached.
TEST_P(flood, of_neighbours_that_are_there_displaces_the_oldest) {
  const auto before = mbufs_out();
  set_time(second);
  for (std::uint32_t i = 0; i < 20'000; ++i) {
    claim(numbered(GetParam().network, i));
    send(numbered(GetParam().network, i));
  }
  EXPECT_EQ(udp, 20'000u);
  EXPECT_EQ(offered, 20'000u);
  EXPECT_EQ(dropped(), 0u);
  EXPECT_EQ(asked_everybody, 0u);
  EXPECT_EQ(mbufs_out(), before);
}

std::string name_of(const testing::TestParamInfo<family>& of) {
  return of.param.prefix == 64 ? "v6" : "v4";
}
INSTANTIATE_TEST_SUITE_P(families, flood, testing::Values(v4, v6), name_of);

class long_datagrams : public flood {};

// Whoever gets some of them could else send pieces of his own into those to others. To one of them
// none comes twice.
TEST_P(long_datagrams, have_identifiers_that_do_not_tell_those_to_others) {
  const std::string text(2000, 'x');
  set_time(second);
  constexpr std::uint32_t peers = 8, rounds = 8;
  for (std::uint32_t i = 0; i < peers; ++i)
    claim(numbered(GetParam().network, i + 1));
  for (std::uint32_t round = 0; round < rounds; ++round)
    for (std::uint32_t i = 0; i < peers; ++i)
      out->send_udp(0, text, us, {numbered(GetParam().network, i + 1), 5060});
  collect();
  ASSERT_EQ(fragment_ids.size(), 2 * peers * rounds);
  std::set<std::uint32_t> distances;
  for (std::uint32_t i = 0; i < peers * rounds; ++i) {
    const std::uint32_t id = fragment_ids[2 * i];
    EXPECT_EQ(id, fragment_ids[2 * i + 1]);
    if (i >= peers) {
      EXPECT_EQ((id - fragment_ids[2 * (i - peers)]) & 0xffff, peers);
    }
    if (i % peers != 0) distances.insert((id - fragment_ids[2 * (i - 1)]) & 0xffff);
  }
  EXPECT_GE(distances.size(), peers - 2);
}

INSTANTIATE_TEST_SUITE_P(families, long_datagrams, testing::Values(v4, v6), name_of);

} // namespace
} // namespace linehunt::test
