// SPDX-License-Identifier: Apache-2.0
// Every kernel finds the same, wherever a token stands in a block of 64 bytes and wherever the
// message ends; whole messages cut at every byte are tests/corpus/truncation_test.cpp's matter.
#include "sipparse/header_name.h"
#include "sipparse/kernels/kernel.h"
#include "sipparse/scan.h"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>
#include <vector>

namespace linehunt::sip::scan_kernel_test {
namespace {

using namespace std::string_literals;

std::vector<kernel> supported() {
  std::vector<kernel> kernels;
  for (const auto k : {kernel::scalar, kernel::sse42, kernel::avx2, kernel::avx512})
    if (kernel_supported(k)) kernels.push_back(k);
  return kernels;
}

// The lines as a byte loop sees them, up to what the kernel may stop behind.
std::vector<std::uint16_t> lines_by_hand(std::string_view text) {
  std::vector<std::uint16_t> starts{0};
  for (std::size_t i = 0; i < text.size(); ++i)
    if (text[i] == '\n') starts.push_back(static_cast<std::uint16_t>(i + 1));
  return starts;
}

// All lines of the text, call after call. Checks that no call ends before it has to.
std::vector<std::uint16_t> lines_of(std::string_view text) {
  // Exactly as large as the text, so that the sanitizer sees the byte behind it.
  const std::unique_ptr<char[]> exact(new char[text.size()]);
  std::copy(text.begin(), text.end(), exact.get());
  std::vector<std::uint16_t> starts{0};
  kernels::cursor cursor;
  while (cursor.next < text.size()) {
    kernels::line_index found;
    const auto before = cursor.next;
    kernels::current().find_lines(exact.get(), static_cast<std::uint32_t>(text.size()), cursor,
                                  found);
    EXPECT_GT(cursor.next, before);
    EXPECT_LE(found.count, kernels::line_index::capacity);
    starts.insert(starts.end(), found.start, found.start + found.count);
  }
  return starts;
}

class ScanKernel : public ::testing::TestWithParam<kernel> {
 protected:
  void SetUp() override {
    if (!kernel_supported(GetParam()))
      GTEST_SKIP() << "this processor has no " << name_of(GetParam());
    ASSERT_TRUE(use_kernel(GetParam()));
  }
  void TearDown() override { ASSERT_TRUE(use_kernel(best_kernel())); }
};

TEST_P(ScanKernel, FindsALineEndAtEveryOffset) {
  for (std::size_t len = 0; len <= 200; ++len)
    for (std::size_t at = 0; at < len; ++at) {
      std::string text(len, 'x');
      text[at] = '\n';
      ASSERT_EQ(lines_of(text), lines_by_hand(text)) << len << ' ' << at;
    }
}

TEST_P(ScanKernel, FindsTheEmptyLineAtEveryOffset) {
  for (const std::string end : {"\r\n\r\n", "\n\n", "\n\r\n", "\r\n\n"})
    for (std::size_t shift = 0; shift < 150; ++shift) {
      // 0 to 20 header bytes more, and a body whose lines nobody may take for headers.
      const auto text = "BYE sip:" + std::string(shift + 1, 'a') + " SIP/2.0\r\nTo: b" + end +
                        "From: c\r\n\r\nVia: d\r\n";
      message_view view;
      ASSERT_TRUE(scan(text, view)) << shift;
      ASSERT_EQ(view.header_count, 1) << shift;
      ASSERT_EQ(text.substr(view.body_begin, 4), "From") << shift;
    }
}

TEST_P(ScanKernel, FindsABareReturnAtEveryOffset) {
  const auto start = "BYE sip:a SIP/2.0\r\nTo: b\r\n"s;
  for (std::size_t len = 0; len < 200; ++len) {
    const auto text = start + "X: " + std::string(len, 'x') + "\r\n\r\nbody\r";
    message_view view;
    ASSERT_TRUE(scan(text, view)) << len;
    for (std::size_t at = start.size() + 2; at < start.size() + 3 + len; ++at) {
      auto broken = text;
      broken[at] = '\r';
      const auto result = scan(broken, view);
      ASSERT_EQ(result.error, scan_error::bad_header_line) << len << ' ' << at;
      ASSERT_EQ(result.at, at) << len;
    }
    auto broken = text;
    broken.insert(start.size() + 3 + len, 1, '\r'); // before the line end
    ASSERT_FALSE(scan(broken, view)) << len;
  }
}

TEST_P(ScanKernel, FindsTokensAtEveryOffset) {
  for (std::size_t shift = 0; shift < 150; ++shift) {
    const auto text =
        "BYE sip:" + std::string(shift + 1, 'a') +
        " SIP/2.0\r\nProxy-Authorization: x\r\nCall-ID : 1@2\r\nSession-Expires: 9\r\n"
        "To:\r\n b\r\nRecord-Route: <sip:r>\r\nl: 0\r\n\r\n";
    message_view view;
    ASSERT_TRUE(scan(text, view)) << shift;
    ASSERT_EQ(view.header_count, 5) << shift; // nobody reads Proxy-Authorization
    ASSERT_EQ(view.value_of(header_id::call_id), "1@2");
    ASSERT_EQ(view.value_of(header_id::session_expires), "9");
    ASSERT_EQ(view.value_of(header_id::to), "b");
    ASSERT_EQ(view.value_of(header_id::record_route), "<sip:r>");
    ASSERT_EQ(view.value_of(header_id::content_length), "0");
    ASSERT_EQ(find_call_id(text), "1@2");
    ASSERT_EQ(find_to(text), "b");
  }
}

TEST_P(ScanKernel, FindsTheLinesOfNoise) {
  std::mt19937 random(7);
  for (int round = 0; round < 3000; ++round) {
    std::string text(random() % 1500, ' ');
    const auto dense = 1 + random() % 60;
    for (char& c : text)
      c = random() % dense == 0 ? "\r\n:ciCI"[random() % 7] : static_cast<char>(random());
    ASSERT_EQ(lines_of(text), lines_by_hand(text));
  }
}

TEST_P(ScanKernel, FindsMoreLinesThanTheIndexHolds) {
  const std::string text(max_message_bytes, '\n');
  EXPECT_EQ(lines_of(text), lines_by_hand(text));
  std::string headers = "BYE sip:a SIP/2.0\n";
  while (headers.size() < 60000)
    headers += "A:\n"; // the shortest header line there is
  headers += "To: b\n\n";
  message_view view;
  EXPECT_TRUE(scan(headers, view));
  EXPECT_EQ(view.value_of(header_id::to), "b");
}

// Whatever the bytes are, all kernels say what the scalar one says.
TEST_P(ScanKernel, AgreesWithScalarOnMutatedMessages) {
  const std::string seed = "INVITE sip:bob@b.example SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=b\r\n"
                           "From: <sip:a>;tag=1\r\nTo :\r\n <sip:b>\r\ni: 1@2\r\nCSeq: 1 INVITE\r\n"
                           "P-Asserted-Identity: <sip:x>\r\nl: 4\r\n\r\nv=0\n";
  std::mt19937 random(11);
  for (int round = 0; round < 20000; ++round) {
    auto text = seed;
    for (auto edits = 1 + random() % 4; edits > 0; --edits) {
      const auto at = random() % text.size();
      switch (random() % 3) {
      case 0:
        text[at] = "\r\n: \tciCI\0<;"[random() % 13];
        break;
      case 1:
        text.erase(at, 1 + random() % 9);
        break;
      default:
        text.insert(at, random() % 70, "\r\n: \tx"[random() % 6]);
        break;
      }
      if (text.empty()) text = "\n";
    }
    message_view expected, view;
    ASSERT_TRUE(use_kernel(kernel::scalar));
    const auto a = scan(text, expected);
    const auto call_id = find_call_id(text);
    const auto to = find_to(text);
    ASSERT_TRUE(use_kernel(GetParam()));
    const auto b = scan(text, view);
    ASSERT_EQ(a.error, b.error) << text;
    ASSERT_EQ(a.at, b.at) << text;
    ASSERT_EQ(expected.header_count, view.header_count) << text;
    ASSERT_EQ(expected.count, view.count) << text;
    ASSERT_EQ(expected.body_begin, view.body_begin) << text;
    for (std::size_t i = 0; i < view.header_count; ++i) {
      ASSERT_EQ(expected.headers[i].id, view.headers[i].id);
      ASSERT_EQ(expected.text(expected.headers[i].line), view.text(view.headers[i].line));
      ASSERT_EQ(expected.text(expected.headers[i].value), view.text(view.headers[i].value));
    }
    ASSERT_EQ(find_call_id(text), call_id) << text;
    ASSERT_EQ(find_to(text), to) << text;
    if (a.error != scan_error::not_sip && !view.index_full) {
      ASSERT_EQ(call_id, view.value_of(header_id::call_id)) << text;
      ASSERT_EQ(to, view.value_of(header_id::to)) << text;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, ScanKernel,
                         ::testing::Values(kernel::scalar, kernel::sse42, kernel::avx2,
                                           kernel::avx512),
                         [](const auto& which) { return std::string(name_of(which.param)); });

TEST(Kernels, NamesAndChoice) {
  for (const auto k : supported()) {
    EXPECT_EQ(kernel_named(name_of(k)), k);
    EXPECT_TRUE(use_kernel(k));
    EXPECT_EQ(current_kernel(), k);
  }
  EXPECT_EQ(kernel_named("mmx"), std::nullopt);
  EXPECT_EQ(best_kernel(), supported().back());
  EXPECT_TRUE(use_kernel(best_kernel()));
}

TEST(HeaderName, EverySpellingHasItsSlot) {
  for (const auto& s : header_name::spellings)
    EXPECT_EQ(header_name::classify(s.name.data(), static_cast<std::uint32_t>(s.name.size())),
              s.id);
}

} // namespace
} // namespace linehunt::sip::scan_kernel_test
