// SPDX-License-Identifier: Apache-2.0
// Every message cut off at every byte, its end on a guard page: nothing is read past it, every
// kernel says the same, and whatever is answered is answered well.
#include "tests/corpus/corpus.h"
#include "tests/corpus/guarded_buffer.h"
#include "tests/fuzz/message_invariants.h"

#include "sipparse/message_view.h"

#include <gtest/gtest.h>

namespace linehunt::sip {
namespace {

TEST(Truncation, EveryMessageAtEveryByte) {
  corpus::guarded_buffer buffer{max_message_bytes};
  std::size_t cuts = 0;
  for (const auto& e : corpus::read_all()) {
    for (std::size_t len = 0; len <= e.bytes.size(); ++len) {
      const auto violated =
          violated_invariant(buffer.hold(std::string_view{e.bytes}.substr(0, len)));
      ASSERT_EQ(violated, "") << e.name << " cut at " << len;
      ++cuts;
    }
  }
  EXPECT_GT(cuts, 40000u);
}

// The same bytes at every place within a block of 64: the message begins with 0 to 64 line ends.
TEST(Truncation, EveryMessageAtEveryAlignment) {
  corpus::guarded_buffer buffer{max_message_bytes};
  for (const auto& e : corpus::read_all()) {
    for (std::size_t shift = 1; shift <= 64; ++shift) {
      const auto shifted = std::string(shift, '\n') + e.bytes;
      ASSERT_EQ(violated_invariant(buffer.hold(shifted)), "") << e.name << " behind " << shift;
    }
  }
}

// Every offset fits 16 bits up to the largest UDP payload; one byte more is refused.
TEST(Truncation, AtTheLargestSize) {
  const std::string head =
      "INVITE sip:b@b.example SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\n"
      "From: <sip:a@a.example>;tag=1\r\nTo: <sip:b@b.example>\r\nCSeq: 1 INVITE\r\n";
  const auto repeated = [](std::string_view piece, std::size_t bytes) {
    std::string text;
    while (text.size() + piece.size() <= bytes)
      text += piece;
    return text;
  };
  constexpr std::size_t fill = max_message_bytes - 300;
  const std::string large[] = {
      head + "Call-ID: " + std::string(fill, 'x') + "\r\n\r\n",
      head + "Call-ID: c\r\n\r\n" + std::string(fill, '\0'),
      head + "Call-ID: c\r\nX: a" + repeated("\r\n ", fill) + "\r\n\r\n",
      head + repeated("X:\n", fill) + "Call-ID: c\r\n\r\n",
      head + repeated("v: SIP/2.0/UDP h\r\n", fill) + "Call-ID: c\r\n\r\n",
      head + "Call-ID: c\r\nVia: " + repeated("SIP/2.0/UDP h, ", fill) + "SIP/2.0/UDP h\r\n\r\n",
      head + "Call-ID: c\r\nRoute: \"" + repeated("\\\"", fill) + "\"<sip:r>\r\n\r\n",
      head + "Call-ID: c\r\nRetry-After: 1 " + repeated("(", fill) + "\r\n\r\n",
      head + "Call-ID: c\r\n\r\nv=0\r\nm=audio 1 RTP/AVP" + repeated(" 0", 128) +
          repeated("\r\na=rtpmap:0 x/1", fill),
      head + "Call-ID: c\r\nContent-Type: multipart/mixed;boundary=b\r\n\r\n" +
          repeated("--b\r\n\r\n", fill),
      repeated("\r\n", max_message_bytes),
      std::string(max_message_bytes, ' '),
  };
  corpus::guarded_buffer buffer{max_message_bytes + 1};
  for (const auto& message : large) {
    ASSERT_LE(message.size(), max_message_bytes);
    EXPECT_EQ(violated_invariant(buffer.hold(message)), "") << message.substr(200, 60);
    const auto filled = message + std::string(max_message_bytes - message.size(), 'x');
    EXPECT_EQ(violated_invariant(buffer.hold(filled)), "") << message.substr(200, 60);
    EXPECT_EQ(violated_invariant(buffer.hold(filled + "x")), "") << message.substr(200, 60);
  }
}

} // namespace
} // namespace linehunt::sip
