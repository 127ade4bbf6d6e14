// SPDX-License-Identifier: Apache-2.0
#include "dataplane/printable.h"

#include <gtest/gtest.h>

namespace linehunt::printable_test {
namespace {

TEST(printable, control_characters_are_shown) {
  EXPECT_EQ(printable("a\nb\r\t\x1b[2J"), "a\\x0ab\\x0d\\x09\\x1b[2J");
  EXPECT_EQ(printable(std::string_view{"\0", 1}), "\\x00");
  EXPECT_EQ(printable("\x7f"), "\\u007f");
  EXPECT_EQ(printable("\xc2\x80\xc2\x9b\xc2\x9f"), "\\u0080\\u009b\\u009f");
  EXPECT_EQ(printable(""), "");
}

TEST(printable, everything_else_stays) {
  for (const char* text : {"sip:4930@192.0.2.1;x=\"y\"", "\xc2\xa0\xc3\x9f\xdf\xbf",
                           "\xe0\xa0\x80\xe2\x82\xac", "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", "\\x1b"})
    EXPECT_EQ(printable(text), text);
}

// To a terminal of 8 bits, or one that mends what it reads, a lone 0x9b is U+009B.
TEST(printable, bytes_that_are_no_utf8_are_shown) {
  EXPECT_EQ(printable("\x9b"), "\\x9b");
  EXPECT_EQ(printable("a\xff"), "a\\xff");
  EXPECT_EQ(printable("\xc2"), "\\xc2");
  EXPECT_EQ(printable("\xc2[\xe2\x82"), "\\xc2[\\xe2\\x82");
  EXPECT_EQ(printable("\xc0\x9b"), "\\xc0\\x9b") << "longer than need be";
  EXPECT_EQ(printable("\xe0\x82\x9b"), "\\xe0\\x82\\x9b");
  EXPECT_EQ(printable("\xf0\x80\x82\x9b"), "\\xf0\\x80\\x82\\x9b");
  EXPECT_EQ(printable("\xed\xa0\x80"), "\\xed\\xa0\\x80") << "a surrogate";
  EXPECT_EQ(printable("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80") << "beyond U+10FFFF";
  EXPECT_EQ(printable("\xf5"), "\\xf5");
}

TEST(printable, lines_may_stay) {
  EXPECT_EQ(printable_lines("a\nb\r\xc2\x9b\n"), "a\nb\\x0d\\u009b\n");
}

TEST(printable, control_characters_are_found) {
  for (const char* text : {"a\nb", "\x7f", "\x1f", "x\xc2\x80", "\xc2\x9f"})
    EXPECT_TRUE(has_control_character(text)) << text;
  EXPECT_TRUE(has_control_character(std::string_view{"a\0b", 3}));
  for (const char* text : {"", " ~", "\xc2\xa0", "\xe2\x82\xac", "\xe2\xc2"})
    EXPECT_FALSE(has_control_character(text)) << text;
}

} // namespace
} // namespace linehunt::printable_test
