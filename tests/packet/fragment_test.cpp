// SPDX-License-Identifier: Apache-2.0
// Fragments, in and out: put together, refused, given up; and what exceeds the MTU, cut so that
// the other side gets the same bytes.
#include "dataplane/dpdk/reassembler.h"
#include "dataplane/dpdk/udp_frame.h"
#include "running_balancer.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <iterator>
#include <numeric>
#include <random>

namespace linehunt::test {
namespace {

const endpoint peer4 = endpoint_of("192.0.2.10:5070"), us4 = endpoint_of("192.0.2.1:5060");
const endpoint peer6 = endpoint_of("[2001:db8::10]:5070"), us6 = endpoint_of("[2001:db8::1]:5060");

std::string text_of(std::size_t len) {
  std::string s(len, '\0');
  for (std::size_t i = 0; i < len; ++i)
    s[i] = static_cast<char>('a' + i * 7 % 26);
  return s;
}

// One fragment of `datagram`, bytes [from, from + len).
std::string piece(const endpoint& source, const endpoint& to, std::string_view datagram,
                  std::size_t from, std::size_t len, bool more, const link_parts& link = {},
                  std::uint32_t id = 7) {
  const std::string_view bytes = datagram.substr(from, len);
  if (!source.ip.is_v6) {
    const auto field = static_cast<std::uint16_t>(from / 8 | (more ? 0x2000u : 0u));
    return ethernet(link, 0x0800, ipv4(source.ip, to.ip, 17, bytes, field));
  }
  const std::string header = std::string("\x11\x00", 2) +
                             be16(static_cast<std::uint32_t>(from | (more ? 1u : 0u))) + be32(id);
  return ethernet(link, 0x86dd, ipv6(source.ip, to.ip, 44, header + std::string(bytes)));
}

std::vector<std::string> pieces(const endpoint& source, const endpoint& to,
                                std::string_view datagram, std::size_t size,
                                const link_parts& link = {}) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < datagram.size(); at += size)
    out.push_back(piece(source, to, datagram, at, size, at + size < datagram.size(), link));
  return out;
}

// When what was put together is forgotten, so that the same bytes make another datagram.
constexpr time_us long_after = dpdk::reassembler::repeat_us + 1;

struct fed {
  dpdk::mbuf_ptr whole;
  std::vector<verdict> verdicts;
};

fed feed(dpdk::reassembler& r, const std::vector<std::string>& frames, time_us now = 1000,
         std::uint64_t said_by_device = 0) {
  fed result;
  for (const std::string& bytes : frames) {
    auto m = to_mbuf(bytes);
    m->ol_flags |= said_by_device;
    m->packet_type = RTE_PTYPE_L4_UDP;
    dpdk::frame f;
    EXPECT_EQ(inspect_network(our_station(), *m, f), dpdk::judgement{});
    EXPECT_TRUE(f.is_fragment);
    auto [whole, why] = r.take(std::move(m), f, now);
    if (whole)
      result.whole = std::move(whole);
    else
      result.verdicts.push_back(why);
  }
  return result;
}

std::optional<std::string> payload_of(const rte_mbuf& m) {
  dpdk::frame f;
  if (inspect_network(our_station(), m, f) || inspect_udp(m, f)) return std::nullopt;
  return bytes_of(m).substr(f.payload_off, f.payload_len);
}

class reassembly : public testing::TestWithParam<std::pair<endpoint, endpoint>> {
 protected:
  void SetUp() override { before_ = mbufs_out(); }
  void TearDown() override { EXPECT_EQ(mbufs_out(), before_); }
  const endpoint& from() const { return GetParam().first; }
  const endpoint& to() const { return GetParam().second; }

 private:
  std::uint64_t before_ = 0;
};

TEST_P(reassembly, in_every_order) {
  const std::string text = text_of(3000);
  auto frames = pieces(from(), to(), udp(from(), to(), text), 800);
  ASSERT_EQ(frames.size(), 4u);
  std::ranges::sort(frames);
  dpdk::reassembler r(0);
  time_us now = 0;
  do {
    const fed got = feed(r, frames, now += long_after);
    ASSERT_TRUE(got.whole);
    EXPECT_EQ(payload_of(*got.whole), text);
    EXPECT_EQ(got.verdicts, std::vector(3, verdict::fragment_kept));
  } while (std::ranges::next_permutation(frames).found);
}

// One with a priority tag (VLAN 0), one without: each knows where its own header is.
TEST_P(reassembly, pieces_with_and_without_a_tag) {
  const std::string text = text_of(1000);
  const std::string datagram = udp(from(), to(), text);
  dpdk::reassembler r(0);
  time_us now = 0;
  for (const bool first_has_tag : {false, true}) {
    const link_parts tagged{.vlan = 0xe000}, plain;
    const fed got =
        feed(r,
             {piece(from(), to(), datagram, 0, 800, true, first_has_tag ? tagged : plain),
              piece(from(), to(), datagram, 800, datagram.size() - 800, false,
                    first_has_tag ? plain : tagged)},
             now += long_after);
    ASSERT_TRUE(got.whole);
    EXPECT_EQ(payload_of(*got.whole), text) << first_has_tag;
  }
}

TEST_P(reassembly, ignores_padding) {
  dpdk::reassembler r(0);
  const std::string datagram = udp(from(), to(), text_of(100));
  auto frames = pieces(from(), to(), datagram, 104);
  for (std::string& f : frames)
    f += "padding";
  const fed got = feed(r, frames);
  ASSERT_TRUE(got.whole);
  EXPECT_EQ(payload_of(*got.whole), text_of(100));
}

TEST_P(reassembly, wrong_checksum_is_found_in_the_whole) {
  dpdk::reassembler r(0);
  std::string datagram = udp(from(), to(), text_of(1000));
  datagram.back() = '?';
  // Also where the device has found nothing wrong with the pieces.
  time_us now = 0;
  for (const std::uint64_t said : {std::uint64_t{0}, std::uint64_t{RTE_MBUF_F_RX_L4_CKSUM_GOOD}}) {
    const fed got = feed(r, pieces(from(), to(), datagram, 504), now += long_after, said);
    ASSERT_TRUE(got.whole);
    EXPECT_EQ(payload_of(*got.whole), std::nullopt);
  }
}

TEST_P(reassembly, overlap_is_dropped) {
  dpdk::reassembler r(0);
  const std::string datagram = udp(from(), to(), text_of(1000));
  const fed got = feed(r, {piece(from(), to(), datagram, 0, 512, true),
                           piece(from(), to(), datagram, 504, 504, false)});
  EXPECT_FALSE(got.whole);
  EXPECT_EQ(got.verdicts, (std::vector{verdict::fragment_kept, verdict::dropped_fragment}));
}

// As two networks side by side carry it, or a mirrored link.
TEST_P(reassembly, a_piece_that_comes_twice_does_not_harm_its_datagram) {
  const std::string text = text_of(2000);
  const auto frames = pieces(from(), to(), udp(from(), to(), text), 800);
  ASSERT_EQ(frames.size(), 3u);
  dpdk::reassembler r(0);
  time_us now = 0;
  for (const std::vector<std::size_t>& order : std::vector<std::vector<std::size_t>>{
           {0, 0, 1, 1, 2}, {2, 2, 1, 1, 1, 0}, {1, 1, 0, 2}, {1, 0, 1, 0, 2}, {0, 1, 2}}) {
    std::vector<std::string> sent;
    for (const std::size_t which : order)
      sent.push_back(frames[which]);
    const fed got = feed(r, sent, now += long_after);
    ASSERT_TRUE(got.whole);
    EXPECT_EQ(payload_of(*got.whole), text);
    EXPECT_EQ(std::ranges::count(got.verdicts, verdict::fragment_kept), 2);
    EXPECT_EQ(std::ranges::count(got.verdicts, verdict::dropped_fragment),
              std::ssize(order) - std::ssize(frames));
  }
}

// The first one is gone by then.
TEST_P(reassembly, a_piece_that_comes_again_after_the_patience_counts) {
  const auto frames = pieces(from(), to(), udp(from(), to(), text_of(1000)), 504);
  dpdk::reassembler r(0);
  (void)feed(r, {frames[0]});
  const time_us later = 1000 + dpdk::reassembler::patience_us + 1;
  EXPECT_EQ(feed(r, {frames[0]}, later).verdicts, std::vector{verdict::fragment_kept});
  EXPECT_TRUE(feed(r, {frames[1]}, later).whole);
}

// The second one of all, and what is behind the last of the first.
TEST_P(reassembly, what_comes_again_after_the_whole_is_not_kept) {
  const auto frames = pieces(from(), to(), udp(from(), to(), text_of(2000)), 800);
  ASSERT_EQ(frames.size(), 3u);
  dpdk::reassembler r(0);
  time_us now = 0;
  for (const std::vector<std::size_t>& order : std::vector<std::vector<std::size_t>>{
           {0, 0, 1, 1, 2, 2}, {0, 1, 2, 0, 1, 2}, {2, 1, 0, 1, 0, 2}}) {
    const auto before = mbufs_out();
    std::vector<verdict> verdicts;
    unsigned wholes = 0;
    now += long_after;
    for (const std::size_t which : order) {
      const fed got = feed(r, {frames[which]}, ++now);
      if (got.whole) ++wholes;
      std::ranges::copy(got.verdicts, std::back_inserter(verdicts));
    }
    EXPECT_EQ(wholes, 1u);
    EXPECT_EQ(std::ranges::count(verdicts, verdict::fragment_kept), 2);
    EXPECT_EQ(std::ranges::count(verdicts, verdict::dropped_fragment), 3);
    EXPECT_EQ(mbufs_out(), before);
  }
}

// Identifiers of IPv4 come again, some senders choose them by chance.
TEST_P(reassembly, another_datagram_with_the_identifier_of_the_last_is_put_together) {
  dpdk::reassembler r(0);
  for (const std::size_t len : {1000u, 1200u}) // of the same size but for the last piece, or not
    for (const char last : {'a', 'b', 'c'}) {
      const std::string text = text_of(len) + last;
      const fed got = feed(r, pieces(from(), to(), udp(from(), to(), text), 504));
      ASSERT_TRUE(got.whole) << len << last;
      EXPECT_EQ(payload_of(*got.whole), text);
    }
}

// As long as the whole, all together, so that the library begins to put the last one to others.
TEST_P(reassembly, a_hole_beside_an_overlap_is_dropped) {
  const std::string datagram = udp(from(), to(), text_of(1064));
  dpdk::reassembler r(0);
  const fed got = feed(r, {piece(from(), to(), datagram, 0, 256, true),
                           piece(from(), to(), datagram, 512, 512, true),
                           piece(from(), to(), datagram, 768, 256, true),
                           piece(from(), to(), datagram, 1024, 48, false)});
  EXPECT_FALSE(got.whole);
  EXPECT_EQ(got.verdicts.back(), verdict::dropped_fragment);
}

TEST_P(reassembly, the_whole_is_remembered_briefly) {
  const auto frames = pieces(from(), to(), udp(from(), to(), text_of(1000)), 504);
  dpdk::reassembler r(0);
  ASSERT_TRUE(feed(r, frames, 1000).whole);
  const time_us last = 1000 + dpdk::reassembler::repeat_us;
  EXPECT_EQ(feed(r, frames, last).verdicts, std::vector(2, verdict::dropped_fragment));
  EXPECT_TRUE(feed(r, frames, last + 1).whole);
}

TEST_P(reassembly, tiny_empty_and_crooked_are_dropped) {
  dpdk::reassembler r(0);
  const std::string datagram = udp(from(), to(), text_of(1000));
  const auto one = [&](std::size_t at, std::size_t len, bool more) {
    return feed(r, {piece(from(), to(), datagram, at, len, more)}).verdicts;
  };
  const std::vector dropped{verdict::dropped_fragment};
  EXPECT_EQ(one(0, 20, true), dropped); // not a multiple of eight
  EXPECT_EQ(one(8, 0, true), dropped);  // nothing in it
  EXPECT_EQ(feed(r, {piece(from(), to(), "abcd", 0, 4, true)}).verdicts, dropped); // RFC 1858
  EXPECT_EQ(one(8, 8, true), std::vector{verdict::fragment_kept});
}

TEST_P(reassembly, past_the_largest_packet_is_dropped) {
  dpdk::reassembler r(0);
  const std::string far(65528, 'x');
  EXPECT_EQ(feed(r, {piece(from(), to(), far + "12345678", 65528, 8, false)}).verdicts,
            std::vector{verdict::dropped_fragment});
}

TEST_P(reassembly, too_many_pieces_are_dropped) {
  dpdk::reassembler r(0);
  const fed got = feed(r, pieces(from(), to(), udp(from(), to(), text_of(1000)), 64));
  EXPECT_FALSE(got.whole);
  EXPECT_NE(std::ranges::find(got.verdicts, verdict::dropped_fragment), got.verdicts.end());
}

TEST_P(reassembly, the_incomplete_is_given_up) {
  const auto before = mbufs_out();
  dpdk::reassembler r(0);
  const auto frames = pieces(from(), to(), udp(from(), to(), text_of(2000)), 800);
  (void)feed(r, {frames[0], frames[2]}, 1000);
  EXPECT_EQ(mbufs_out(), before + 2);
  r.expire(1000 + dpdk::reassembler::patience_us + 1);
  EXPECT_EQ(mbufs_out(), before);
  EXPECT_FALSE(feed(r, {frames[1]}, 1000 + dpdk::reassembler::patience_us + 2).whole);
  r.expire(1000 + 3 * dpdk::reassembler::patience_us);
}

endpoint stranger(endpoint near, unsigned number) {
  const std::size_t at = near.ip.is_v6 ? 12 : 1;
  near.ip.bytes[at] = 10;
  near.ip.bytes[at + 1] = static_cast<std::uint8_t>(number >> 8);
  near.ip.bytes[at + 2] = static_cast<std::uint8_t>(number);
  return near;
}

// A first fragment whose rest never comes, from one of many strangers.
std::string lone_fragment(const endpoint& near, const endpoint& to, unsigned number) {
  const endpoint source = stranger(near, number);
  return piece(source, to, udp(source, to, text_of(1000)), 0, 504, true);
}

TEST_P(reassembly, lone_fragments_keep_a_bounded_number_of_mbufs) {
  const auto before = mbufs_out();
  for (const unsigned most : {64u, dpdk::reassembler::max_mbufs}) {
    dpdk::reassembler r(0, most);
    for (unsigned i = 0; i < 5000; ++i) {
      const auto got = feed(r, {lone_fragment(from(), to(), i + 1)});
      EXPECT_EQ(got.verdicts, std::vector{verdict::fragment_kept}); // what is old goes instead
      ASSERT_LE(mbufs_out(), before + most);
    }
    EXPECT_GE(mbufs_out(), before + most / 2);
    r.expire(1000 + 2 * dpdk::reassembler::patience_us);
    EXPECT_EQ(mbufs_out(), before); // at once, however many
  }
}

TEST_P(reassembly, many_pieces_of_few_datagrams_are_bounded_too) {
  constexpr unsigned most = 64;
  const auto before = mbufs_out();
  dpdk::reassembler r(0, most);
  const std::string datagram = udp(from(), to(), text_of(1000));
  for (unsigned i = 0; i < 500; ++i) {
    const endpoint source = stranger(from(), i);
    for (const std::size_t at : {0u, 104u, 208u, 312u, 416u, 520u}) {
      (void)feed(r, {piece(source, to(), datagram, at, 96, true)});
      ASSERT_LE(mbufs_out(), before + most);
    }
  }
}

TEST_P(reassembly, an_honest_pair_is_put_together_among_lone_fragments) {
  dpdk::reassembler r(0);
  const std::string text = text_of(1000);
  const auto pair = pieces(from(), to(), udp(from(), to(), text), 504);
  ASSERT_EQ(pair.size(), 2u);
  // So that neither is taken for the one before, come twice.
  const std::string other_text = text_of(999);
  const auto other_pair = pieces(from(), to(), udp(from(), to(), other_text), 504);
  unsigned number = 0;
  const auto strangers = [&](unsigned count) {
    for (unsigned i = 0; i < count; ++i)
      (void)feed(r, {lone_fragment(from(), to(), ++number)});
  };
  for (unsigned round = 0; round < 40; ++round) {
    strangers(150);
    const fed back_to_back = feed(r, pair);
    ASSERT_TRUE(back_to_back.whole) << round;
    EXPECT_EQ(payload_of(*back_to_back.whole), text);
    ASSERT_FALSE(feed(r, {other_pair[0]}).whole);
    strangers(dpdk::reassembler::max_mbufs / 4);
    ASSERT_TRUE(feed(r, {other_pair[1]}).whole) << round;
  }
}

// 26 a second were once enough to stop all reassembly.
TEST_P(reassembly, a_slow_flood_takes_no_patience_from_others) {
  dpdk::reassembler r(0);
  const auto pair = pieces(from(), to(), udp(from(), to(), text_of(1000)), 504);
  time_us now = 1000;
  for (unsigned i = 0; i < 300; ++i, now += 25'000)
    (void)feed(r, {lone_fragment(from(), to(), i + 1)}, now);
  (void)feed(r, {pair[0]}, now);
  for (unsigned i = 0; i < 190; ++i, now += 25'000)
    (void)feed(r, {lone_fragment(from(), to(), i + 1000)}, now);
  EXPECT_TRUE(feed(r, {pair[1]}, now).whole);
}

TEST_P(reassembly, whole_datagrams_and_dropped_ones_leave_nothing_kept) {
  dpdk::reassembler r(0, 64);
  const auto frames = pieces(from(), to(), udp(from(), to(), text_of(1000)), 504);
  const std::string early = piece(from(), to(), udp(from(), to(), text_of(1000)), 0, 512, true);
  for (unsigned i = 0; i < 500; ++i) {
    ASSERT_TRUE(feed(r, frames).whole);
    (void)feed(r, {early, frames[1]}); // overlap
  }
  // What was counted twice or not at all would now make the first piece old.
  (void)feed(r, {frames[0]});
  for (unsigned i = 0; i < 30; ++i)
    (void)feed(r, {lone_fragment(from(), to(), i + 1)});
  EXPECT_TRUE(feed(r, {frames[1]}, 1000 + dpdk::reassembler::patience_us - 1).whole);
}

TEST(reassembly_share, is_a_quarter_of_the_pool_for_all) {
  using dpdk::reassembler;
  EXPECT_EQ(reassembler::share_of(1u << 20, 2), reassembler::max_mbufs);
  EXPECT_EQ(reassembler::share_of(16384, 16), 256u);
  EXPECT_EQ(reassembler::share_of(1024, 1), 256u);
  EXPECT_EQ(reassembler::share_of(1024, 64), 8 * reassembler::max_fragments);
}

INSTANTIATE_TEST_SUITE_P(families, reassembly,
                         testing::Values(std::pair(peer4, us4), std::pair(peer6, us6)),
                         [](const auto& of) {
                           return std::string(of.param.first.ip.is_v6 ? "ipv6" : "ipv4");
                         });

TEST(atomic_fragment, stands_alone) {
  dpdk::reassembler r(0);
  const std::string datagram = udp(peer6, us6, "hello");
  const fed got = feed(r, {piece(peer6, us6, datagram, 0, datagram.size(), false)});
  ASSERT_TRUE(got.whole);
  EXPECT_EQ(payload_of(*got.whole), "hello");
}

TEST(atomic_fragment, without_the_whole_udp_header_is_dropped) {
  dpdk::reassembler r(0);
  for (const std::size_t len : {1u, 4u, 7u}) {
    const fed got = feed(r, {piece(peer6, us6, udp(peer6, us6, ""), 0, len, false)});
    EXPECT_FALSE(got.whole) << len;
    EXPECT_EQ(got.verdicts, std::vector{verdict::dropped_fragment}) << len;
  }
}

TEST(ipv6_fragment, behind_other_extensions_is_dropped) {
  dpdk::reassembler r(0);
  const std::string header("\x11\x00\x00\x01\x00\x00\x00\x07", 8);
  const std::string options("\x2c\x00\x01\x04\x00\x00\x00\x00", 8);
  const fed got =
      feed(r, {ethernet({}, 0x86dd, ipv6(peer6.ip, us6.ip, 60, options + header + text_of(64)))});
  EXPECT_EQ(got.verdicts, std::vector{verdict::dropped_fragment});
}

// --- outwards

// Takes the fragments that were built and puts them through our own reassembly at the other end.
std::optional<std::string> through(const endpoint& from, const endpoint& to, std::size_t len,
                                   std::uint16_t mtu) {
  dpdk::station we = our_station(), there = our_station();
  we.mtu_bytes = mtu;
  there.addresses = {{to.ip, 24}};
  there.mac = {{8, 9, 9, 9, 9, 9}};
  const std::string text = text_of(len);
  std::array<rte_mbuf*, dpdk::max_fragments> built{};
  const std::size_t count = dpdk::build_fragments(we, we.mtu_bytes, pool(),
                                                  {text.data(), text.size()}, from, to, 77, built);
  dpdk::reassembler r(0);
  std::optional<std::string> result;
  for (std::size_t i = 0; i < count; ++i) {
    dpdk::mbuf_ptr m(built[i]);
    EXPECT_LE(m->pkt_len, 14u + mtu);
    dpdk::header_at<rte_ether_hdr>(*m, 0).dst_addr = there.mac;
    dpdk::frame f;
    EXPECT_EQ(inspect_network(there, *m, f), dpdk::judgement{});
    auto outcome = r.take(std::move(m), f, 1);
    if (!outcome.whole) continue;
    EXPECT_EQ(inspect_network(there, *outcome.whole, f), dpdk::judgement{});
    EXPECT_EQ(inspect_udp(*outcome.whole, f), dpdk::judgement{}); // the checksum among others
    result = bytes_of(*outcome.whole).substr(f.payload_off, f.payload_len);
    EXPECT_EQ(*result, text);
  }
  return result;
}

TEST(outwards, what_exceeds_the_mtu_arrives_whole) {
  for (const auto& [from, to] : {std::pair(us4, peer4), std::pair(us6, peer6)})
    for (const int mtu : {1280, 1499, 1500})
      for (const std::size_t len : {1473, 1480, 2953, 3000, 8001})
        EXPECT_TRUE(through(from, to, len, static_cast<std::uint16_t>(mtu)))
            << to.ip.is_v6 << ' ' << mtu << ' ' << len;
}

TEST(outwards, largest_datagram_and_an_empty_pool) {
  const auto before = mbufs_out();
  const std::string text = text_of(65507);
  std::array<rte_mbuf*, dpdk::max_fragments> built{};
  dpdk::station we = our_station();
  we.mtu_bytes = 1280;
  const std::size_t count = dpdk::build_fragments(we, we.mtu_bytes, pool(),
                                                  {text.data(), text.size()}, us6, peer6, 1, built);
  EXPECT_EQ(count, (65507 + 8 + 1231) / 1232);
  rte_pktmbuf_free_bulk(built.data(), static_cast<unsigned>(count));
  EXPECT_EQ(mbufs_out(), before);

  std::vector<dpdk::mbuf_ptr> all;
  while (rte_mbuf* m = rte_pktmbuf_alloc(&pool()))
    all.emplace_back(m);
  all.resize(all.size() - 2); // not enough for three
  EXPECT_EQ(
      dpdk::build_fragments(we, we.mtu_bytes, pool(), {text.data(), 3000}, us4, peer4, 1, built),
      0u);
  all.clear();
  EXPECT_EQ(mbufs_out(), before);
}

// --- through the whole program

class fragmented_call : public testing::TestWithParam<bed_options> {};

TEST_P(fragmented_call, large_invite_in_and_out) {
  const auto before = mbufs_out();
  {
    running_balancer lb(GetParam());
    for (int i = 0; i < 6; ++i) {
      call_parts parts;
      parts.call_id = std::to_string(i) + "-large";
      parts.branch = "z9hG4bKlarge" + std::to_string(i);
      parts.extra = "Subject: " + text_of(2500) + "\r\n";
      std::string message = invite(parts);
      for (const std::string& f :
           pieces(lb.caller, lb.us, udp(lb.caller, lb.us, message), 1480, {lb.mac, peer_mac, 0}))
        lb.link.put(f);
      const auto trying = lb.hear();
      ASSERT_TRUE(trying);
      EXPECT_TRUE(trying->payload.starts_with("SIP/2.0 100")) << trying->payload;
      // The INVITE leaves larger than it came, in pieces.
      dpdk::station callee = our_station();
      callee.mac = {{0x02, 0, 0, 0, 0, 0x10}};
      callee.addresses.clear();
      for (std::uint8_t last = 11; last <= 14; ++last)
        callee.addresses.push_back({ip("192.0.2." + std::to_string(last)), 24});
      dpdk::reassembler r(0);
      std::optional<std::string> arrived;
      const auto is_piece = [&](std::string_view frame) {
        auto m = to_mbuf(frame);
        dpdk::frame f;
        if (inspect_network(callee, *m, f) || !f.is_fragment) return false;
        auto outcome = r.take(std::move(m), f, 1);
        if (!outcome.whole) return false;
        dpdk::frame all;
        EXPECT_EQ(inspect_network(callee, *outcome.whole, all), dpdk::judgement{});
        EXPECT_EQ(inspect_udp(*outcome.whole, all), dpdk::judgement{});
        arrived = bytes_of(*outcome.whole).substr(all.payload_off, all.payload_len);
        return true;
      };
      lb.answer_questions();
      ASSERT_TRUE(lb.link.take_one(is_piece));
      EXPECT_TRUE(arrived->starts_with("INVITE "));
      EXPECT_NE(arrived->find(parts.extra), std::string::npos);
      EXPECT_EQ(headers(*arrived, "Via").size(), 2u);
    }
    EXPECT_TRUE(lb.settle());
    EXPECT_EQ(lb.count_of(verdict::fragment_kept), 6u);
    EXPECT_EQ(lb.tx_dropped(), 0u);
  }
  EXPECT_EQ(mbufs_out(), before);
}

// 1400 bytes go to the box in one piece until a router on the way says that 1300 is the most.
TEST_P(fragmented_call, is_cut_for_a_narrow_path) {
  bed_options options = GetParam();
  options.v6 = true;
  running_balancer lb(options);
  const auto largest_of = [&](int number) {
    call_parts parts;
    parts.call_id = std::to_string(number) + "-narrow";
    parts.branch = "z9hG4bKnarrow" + std::to_string(number);
    std::string message = in_family(invite(parts), true);
    message.insert(message.find("\r\n") + 2, "Subject: " + text_of(1100 - message.size()) + "\r\n");
    lb.say(lb.caller, message);
    EXPECT_TRUE(lb.settle());
    lb.answer_questions();
    std::size_t largest = 0;
    // To a box; 44 is a fragment.
    (void)lb.link.take_one([&](std::string_view f) {
      const bool to_box = ethertype_of(f) == 0x86dd && f[14 + 6] != 58 &&
                          f.substr(14 + 24, 14) == raw(ip("2001:db8::")).substr(0, 14);
      if (to_box) largest = std::max(largest, f.size() - 14);
      return to_box;
    });
    return largest;
  };
  // Each worker heeds it for each of two boxes that it has sent something large to; a call may
  // reach it before the word does.
  const ip_address router = ip("2001:db8:9::1");
  std::uint64_t too_large = 0, said = 0;
  for (int i = 0; i < 24; ++i) {
    const std::size_t largest = largest_of(i);
    ASSERT_GT(largest, 0u);
    if (largest <= 1300) continue;
    ++too_large;
    for (const destination& d : lb.runtime->world().destinations) {
      const std::string about = std::string("\x02\0\0\0\0\0\x05\x14", 8) +
                                ipv6(us6.ip, d.addresses.front().ip, 17, std::string(1400, 'q'));
      lb.link.put(ethernet({lb.mac, peer_mac, 0}, 0x86dd,
                           ipv6(router, us6.ip, 58, icmpv6(router, us6.ip, about))));
      ++said;
    }
    EXPECT_TRUE(eventually([&] { return lb.count_of(verdict::path_mtu_learnt) >= said; }));
  }
  EXPECT_GE(too_large, 2u);
  EXPECT_LE(too_large, 4u * options.workers);
}

INSTANTIATE_TEST_SUITE_P(workers, fragmented_call,
                         testing::Values(bed_options{}, bed_options{.workers = 2}),
                         [](const auto& of) { return std::to_string(of.param.workers); });

} // namespace
} // namespace linehunt::test
