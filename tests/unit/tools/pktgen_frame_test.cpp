// SPDX-License-Identifier: Apache-2.0
// Frames of the generator: what is written can be read, sums are right, neighbours are answered.
#include "tools/pktgen/frame.h"

#include <cstring>
#include <gtest/gtest.h>
#include <random>

namespace linehunt::pktgen::pktgen_frame_test {
namespace {

constexpr mac_address us{2, 0, 0, 0, 0, 1}, device{2, 0, 0, 0, 0, 2};

scene cast(bool v6) {
  scene s;
  s.device = *parse_endpoint(v6 ? "2001:db8::1" : "192.0.2.1", 5060);
  s.callers = {*parse_endpoint(v6 ? "2001:db8::a" : "192.0.2.10", 5070)};
  (void)add_kind(s, "vm=VM_###");
  const auto wrong =
      add_destinations(s, v6 ? "[2001:db8::15]:5060-5063=vm" : "192.0.2.21:5060-5063=vm");
  EXPECT_FALSE(wrong) << *wrong;
  return s;
}

// The checksum of RFC 1071 as it is written there: big-endian words, one by one.
std::uint16_t plain_sum(const std::uint8_t* at, std::size_t len, std::uint32_t sum = 0) {
  for (std::size_t i = 0; i < len; ++i)
    sum += static_cast<std::uint32_t>(i % 2 == 0 ? at[i] << 8 : at[i]);
  while (sum >> 16 != 0)
    sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(sum);
}

TEST(pktgen_frame, sums_as_the_rfc_does) {
  std::mt19937 random(3);
  std::vector<std::uint8_t> bytes(1500);
  for (auto& b : bytes)
    b = static_cast<std::uint8_t>(random());
  for (std::size_t len = 0; len <= bytes.size(); len += len < 70 ? 1 : 13) {
    const auto sum = static_cast<std::uint16_t>(ones_sum(bytes.data(), len));
    EXPECT_EQ(static_cast<std::uint16_t>(sum << 8 | sum >> 8), plain_sum(bytes.data(), len)) << len;
  }
}

TEST(pktgen_frame, what_is_written_is_read) {
  for (const bool v6 : {false, true}) {
    const scene s = cast(v6);
    const frame_writer writer(s, us, device);
    for (std::uint32_t station = 0; station < s.stations(); ++station)
      for (const std::size_t len : {std::size_t{0}, std::size_t{1}, std::size_t{777}}) {
        std::vector<std::uint8_t> frame(2000);
        for (std::size_t i = 0; i < len; ++i)
          frame[writer.header_bytes() + i] = static_cast<std::uint8_t>(i * 7 + station);
        frame.resize(writer.write(frame.data(), station, len));
        ASSERT_EQ(frame.size(), writer.header_bytes() + len);
        const parsed_frame p = parse_frame(frame, true);
        ASSERT_EQ(p.kind, frame_kind::udp);
        EXPECT_EQ(p.from, s.station(station));
        EXPECT_EQ(p.to, s.device);
        EXPECT_EQ(p.payload.size(), len);
        // Every single byte matters to a sum, or to an address.
        for (std::size_t i = 12; i < frame.size(); i += 5) {
          frame[i] ^= 0x10;
          const parsed_frame q = parse_frame(frame, true);
          EXPECT_FALSE(q.kind == frame_kind::udp && q.payload == p.payload && q.from == p.from &&
                       q.to == p.to && !(v6 && i < 22)) // IPv6 has no sum over its own header
              << "byte " << i;
          frame[i] ^= 0x10;
        }
      }
  }
}

TEST(pktgen_frame, udp_sum_holds_when_added_up_plainly) {
  const scene s = cast(false);
  const frame_writer writer(s, us, device);
  std::vector<std::uint8_t> frame(200);
  std::memcpy(&frame[42], "INVITE me", 9);
  frame.resize(writer.write(frame.data(), 0, 9));
  EXPECT_EQ(plain_sum(&frame[14], 20), 0xffff);
  const std::uint32_t pseudo = plain_sum(&frame[26], 8) + 17u + 17u; // protocol; length 8 + 9
  EXPECT_EQ(plain_sum(&frame[34], 17, pseudo), 0xffff);
}

TEST(pktgen_frame, short_and_foreign_frames_are_no_messages) {
  const scene s = cast(false);
  const frame_writer writer(s, us, device);
  std::vector<std::uint8_t> frame(200);
  frame.resize(writer.write(frame.data(), 0, 20));
  for (std::size_t len = 0; len < frame.size(); ++len)
    EXPECT_NE(parse_frame({frame.data(), len}, true).kind, frame_kind::udp) << len;
  frame[20] |= 0x20; // a fragment
  EXPECT_EQ(parse_frame(frame, false).kind, frame_kind::broken);
}

TEST(pktgen_neighbourhood, two_of_them_find_each_other) {
  for (const bool v6 : {false, true}) {
    const scene here = cast(v6);
    scene there = here; // the same, with the parts exchanged
    there.device = here.callers[0];
    there.callers = {here.device};
    neighbourhood we(here, us), they(there, device);
    std::vector<std::uint8_t> frame(128);
    const std::size_t asked = we.ask(frame.data());
    ASSERT_GT(asked, 0u);
    const std::size_t answered = they.take(frame, asked);
    ASSERT_GT(answered, 0u);
    EXPECT_EQ(std::memcmp(frame.data(), us.data(), 6), 0);
    ASSERT_TRUE(they.device());
    EXPECT_EQ(*they.device(), us);
    EXPECT_EQ(we.take(frame, answered), 0u);
    ASSERT_TRUE(we.device());
    EXPECT_EQ(*we.device(), device);
  }
}

TEST(pktgen_neighbourhood, each_of_its_addresses_can_ask) {
  for (const bool v6 : {false, true}) {
    const scene s = cast(v6); // a caller, and four destinations with one address
    const neighbourhood we(s, us);
    ASSERT_EQ(we.addresses(), 2u);
    for (std::size_t from = 0; from < 2; ++from) {
      std::vector<std::uint8_t> frame(128);
      frame.resize(we.ask(frame.data(), from));
      const ip_address& sender = s.station(from).ip;
      EXPECT_EQ(std::memcmp(&frame[v6 ? 22 : 28], sender.bytes.data(), v6 ? 16 : 4), 0) << from;
    }
  }
}

TEST(pktgen_neighbourhood, others_are_not_answered) {
  scene s = cast(false);
  neighbourhood we(s, us);
  s.device = *parse_endpoint("192.0.2.99", 5060); // nobody of ours
  s.callers = {*parse_endpoint("192.0.2.1", 5060)};
  const neighbourhood asker(s, device);
  std::vector<std::uint8_t> frame(128);
  EXPECT_EQ(we.take(frame, asker.ask(frame.data())), 0u);
}

TEST(pktgen_scene, reads_destinations_and_says_what_is_wrong) {
  scene s;
  EXPECT_TRUE(add_kind(s, "vm"));
  EXPECT_TRUE(add_kind(s, "vm=a b"));
  EXPECT_FALSE(add_kind(s, "vm=VM_##"));
  EXPECT_TRUE(add_destinations(s, "192.0.2.1:5060"));
  EXPECT_TRUE(add_destinations(s, "192.0.2.1:5061-5060=vm"));
  EXPECT_TRUE(add_destinations(s, "host:5060=vm"));
  EXPECT_TRUE(add_destinations(s, "192.0.2.1:5060=fax"));
  EXPECT_EQ(s.destinations.size(), 0u);
  EXPECT_FALSE(add_destinations(s, "192.0.2.1:5060-5069=vm"));
  ASSERT_EQ(s.destinations.size(), 10u);
  EXPECT_EQ(s.destinations[9].text, "192.0.2.1:5069");
  EXPECT_EQ(s.destinations[9].offers, 1u);
  const station_index index(s);
  EXPECT_EQ(index.find(s.destinations[9].at), 9u);
  EXPECT_FALSE(index.find(*parse_endpoint("192.0.2.1:5070", 0)));
}

} // namespace
} // namespace linehunt::pktgen::pktgen_frame_test
