// SPDX-License-Identifier: Apache-2.0
// Fields in their plain form are the same in every kernel, wherever a value ends in the bytes that
// are looked up at once, and wherever the message does. That they are what the grammar says is
// routing_view_test.cpp's matter.
#include "sipparse/grammar/char_class.h"
#include "sipparse/kernels/kernel.h"
#include "sipparse/plain_fields.h"
#include "sipparse/routing_view.h"
#include "sipparse/scan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <tuple>

namespace linehunt::sip::plain_kernel_test {
namespace {

// Exactly as large as the text, so that the sanitizer sees the bytes around it.
struct exact_text {
  explicit exact_text(std::string_view text) : bytes(new char[text.size()]), size(text.size()) {
    std::copy(text.begin(), text.end(), bytes.get());
  }
  [[nodiscard]] std::string_view view() const { return {bytes.get(), size}; }
  std::unique_ptr<char[]> bytes;
  std::size_t size;
};

auto fields_of(const via_field& via) {
  return std::tuple(via.transport, via.sent_by_host, via.sent_by_port, via.branch, via.received,
                    via.has_rport, via.rport, via.has_oc, via.rport_text, via.element);
}

class PlainKernel : public ::testing::TestWithParam<kernel> {
 protected:
  void SetUp() override {
    if (!kernel_supported(GetParam()))
      GTEST_SKIP() << "this processor has no " << name_of(GetParam());
  }
  void TearDown() override { ASSERT_TRUE(use_kernel(best_kernel())); }

  // Counts the fields that were read.
  void compare(std::string_view text) {
    const exact_text message(text);
    message_view view;
    if (scan(message.view(), view).error == scan_error::not_sip) return;
    routing_view expected, found;
    expected.call_id = found.cseq.method_text = "from the message before";
    expected.max_forwards = 7;
    const unsigned left = kernels::scalar.read_plain(view, expected);
    ASSERT_TRUE(use_kernel(GetParam()));
    ASSERT_EQ(kernels::current().read_plain(view, found), left) << text;
    ASSERT_EQ(fields_of(found.top_via), fields_of(expected.top_via)) << text;
    ASSERT_EQ(found.has_next_via, expected.has_next_via) << text;
    if (found.has_next_via) {
      ASSERT_EQ(fields_of(found.next_via), fields_of(expected.next_via)) << text;
    }
    ASSERT_EQ(found.from_uri, expected.from_uri) << text;
    ASSERT_EQ(found.from_tag, expected.from_tag) << text;
    ASSERT_EQ(found.to_uri, expected.to_uri) << text;
    ASSERT_EQ(found.to_tag, expected.to_tag) << text;
    ASSERT_EQ(found.call_id, expected.call_id) << text;
    ASSERT_EQ(found.cseq.number, expected.cseq.number) << text;
    ASSERT_EQ(found.cseq.method, expected.cseq.method) << text;
    ASSERT_EQ(found.cseq.method_text, expected.cseq.method_text) << text;
    ASSERT_EQ(found.max_forwards, expected.max_forwards) << text;
    ASSERT_EQ(found.top_route_uri, expected.top_route_uri) << text;
    ASSERT_EQ(found.content_length, expected.content_length) << text;
    if (left == 0) ++all_plain_;
  }
  int all_plain_ = 0; // messages; a test without any tests little
};

std::string message_with(std::size_t more, std::string_view start_line, std::string_view body) {
  const std::string filler(more, 'x');
  return std::string{start_line} + "\r\nVia: SIP/2.0/UDP host" + filler +
         ".example:5060;branch=z9hG4bK" + filler + ";rport=" + std::to_string(more) +
         ";received=192.0.2.1\r\nVia: SIP/2.0/UDP [2001:db8::1]:506;branch=z9hG4bK-" + filler +
         ";oc-algo=\"" + filler + "\"\r\nMax-Forwards: 70\r\nRoute: <sip:p" + filler +
         ";lr>\r\nFrom: \"A" + filler + "\" <sip:a" + filler + "@a.example>;tag=" + filler +
         "1\r\nTo: sip:b@" + filler + "b;tag=" + filler + "2\r\nCall-ID: " + filler + "@" + filler +
         "c\r\nContent-Length: 3\r\nCSeq: 4711 INVITE\r\n\r\n" + std::string{body};
}

TEST_P(PlainKernel, ValuesOfEveryLength) {
  for (std::size_t more = 1; more < 140; ++more) {
    for (const char* const start : {"INVITE sip:x SIP/2.0", "SIP/2.0 200 OK"}) {
      // A body of any length, so that the last value ends at every distance from the message's end.
      for (std::size_t body = 0; body < 40; body += 3)
        compare(message_with(more, start, std::string(body, '0')));
    }
  }
  EXPECT_EQ(all_plain_, 139 * 2 * 14);
}

TEST_P(PlainKernel, ValuesWithAnythingInThem) {
  std::mt19937 random(5);
  for (int round = 0; round < 20000; ++round) {
    auto text =
        message_with(random() % 50, random() % 2 ? "SIP/2.0 180 Ringing" : "BYE sip:x SIP/2.0",
                     std::string(random() % 40, '9'));
    for (auto edits = random() % 3; edits > 0; --edits)
      text[random() % text.size()] = "\r\n: \t\"\\<>;,=@[]\0\x7f\x80\xff/%?90a"[random() % 26];
    compare(text);
  }
  EXPECT_GT(all_plain_, 5000);
}

INSTANTIATE_TEST_SUITE_P(All, PlainKernel,
                         ::testing::Values(kernel::scalar, kernel::sse42, kernel::avx2,
                                           kernel::avx512),
                         [](const auto& which) { return std::string(name_of(which.param)); });

// The walk itself, against one byte after the other: from every place to every end, with every
// number of bytes before and behind that may be read.
template <const grammar::char_set& Set>
void walk(std::string_view text) {
  const exact_text exact(text);
  const char* const base = exact.bytes.get();
  for (std::size_t first = 0; first <= text.size(); ++first) {
    for (std::size_t last = first; last <= text.size(); ++last) {
      const auto stops =
          std::find_if_not(base + first, base + last, [](char c) { return Set.has(c); });
      for (const std::size_t begin : {std::size_t{0}, first / 2, first})
        for (const std::size_t limit : {last, (last + text.size()) / 2, text.size()}) {
          const exact_text part(text.substr(begin, limit - begin));
          const char* const p = part.bytes.get();
          ASSERT_EQ(
              grammar::skip<Set>(p + (first - begin), p + (last - begin), p, p + (limit - begin)) -
                  p,
              stops - (base + begin))
              << text << ' ' << begin << ' ' << first << ' ' << last << ' ' << limit;
        }
    }
  }
}

TEST(Skip, StopsAtTheFirstByteOutsideOfTheSet) {
  walk<grammar::token_chars>("abcdefghijklmnopqrstuvwxyz0123456789-.!%*_+`'~ABCDEF");
  walk<grammar::token_chars>("abcdefghijklmnopq;stuvwxyz0123456789- .!%*_+`'~ABCDE");
  walk<grammar::host_chars>("198.51.100.7:5060;branch=z9hG4bK");
  walk<grammar::plain_quoted_chars>("\xc3\xbc and a blank, thirty-two bytes and more\" <");
}

TEST(Port, IsOfOneToSixDigits) {
  const auto read = [](std::string_view text, std::string_view behind) {
    const exact_text both(std::string{text} + std::string{behind});
    const char* p = both.bytes.get();
    std::uint16_t port = 0;
    const bool ok = plain::port(p, both.bytes.get() + text.size(), port);
    return std::tuple(ok, ok ? port : 0, ok ? p - both.bytes.get() : 0);
  };
  for (const std::string_view behind : {"", "7", "77777777", ";"}) {
    for (unsigned n = 0; n <= 70000; ++n) {
      const std::string text = std::to_string(n);
      const bool fits = n <= 65535;
      ASSERT_EQ(read(text, behind), std::tuple(fits, fits ? static_cast<std::uint16_t>(n) : 0,
                                               fits ? std::ptrdiff_t(text.size()) : 0))
          << text << behind;
    }
    EXPECT_EQ(read("005060", behind), std::tuple(true, 5060, 6));
    EXPECT_EQ(read("0005060", behind), std::tuple(false, 0, 0));
    EXPECT_EQ(read("", behind), std::tuple(false, 0, 0));
    EXPECT_EQ(read("506a", behind), std::tuple(true, 506, 3));
    EXPECT_EQ(read("50:0", behind), std::tuple(true, 50, 2));
    EXPECT_EQ(read("/123", behind), std::tuple(false, 0, 0));
    EXPECT_EQ(read("\x8a\x30\x30\x30", behind), std::tuple(false, 0, 0));
  }
}

} // namespace
} // namespace linehunt::sip::plain_kernel_test
