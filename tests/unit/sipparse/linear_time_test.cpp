// SPDX-License-Identifier: Apache-2.0
// Hostile input costs what its length costs. Four times the input may take at most five times as
// many instructions.
#include "sipparse/routing_view.h"
#include "sipparse/scan.h"
#include "tests/unit/instruction_count.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>

namespace linehunt::sip::linear_time_test {
namespace {

using test::instructions;

std::string repeated(std::string_view piece, std::size_t bytes) {
  std::string text;
  while (text.size() + piece.size() <= bytes)
    text += piece;
  return text;
}

void all_of_it(const std::string& text) {
  static message_view message;
  static routing_view view;
  (void)scan(text, message);
  (void)make_routing_view(message, view);
  (void)find_call_id(text);
  (void)find_to(text);
}

void expect_linear(const char* what, const std::function<std::string(std::size_t)>& text) {
  constexpr std::size_t small_bytes = 250;
  const auto small = text(small_bytes);
  const auto large = text(4 * small_bytes);
  all_of_it(small); // whatever is done once, such as binding functions
  const auto few = instructions([&] { all_of_it(small); });
  ASSERT_GT(few, small.size() / 64) << what << ": nothing was counted";
  const auto many = instructions([&] { all_of_it(large); });
  EXPECT_LT(many, 5 * few) << what << ": " << few << " instructions, then " << many;
}

const std::string start = "BYE sip:a SIP/2.0\r\n";

TEST(LinearTime, LineEnds) {
  expect_linear("CRLF", [](std::size_t n) { return repeated("\r\n", n); });
  expect_linear("CRLF in the headers",
                [](std::size_t n) { return start + repeated("\r", n) + "\r\n"; });
  expect_linear("short lines", [](std::size_t n) { return start + repeated("a\n", n); });
  expect_linear("lines of one colon", [](std::size_t n) { return start + repeated(":\n", n); });
}

TEST(LinearTime, Lines) {
  expect_linear("Vias", [](std::size_t n) {
    return start + repeated("Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n", n) + "\r\n";
  });
  expect_linear("colons", [](std::size_t n) { return start + repeated(":", n) + "\r\n\r\n"; });
  expect_linear("a line without a colon", [](std::size_t n) { return start + repeated("x", n); });
  expect_linear("blanks before the colon",
                [](std::size_t n) { return start + "To" + repeated(" ", n) + ": a\r\n\r\n"; });
  expect_linear("blanks behind the value",
                [](std::size_t n) { return start + "To: a" + repeated(" ", n) + "\r\n\r\n"; });
  expect_linear("candidates", [](std::size_t n) { return start + repeated("i \t \n", n); });
}

TEST(LinearTime, Folds) {
  expect_linear("empty folds",
                [](std::size_t n) { return start + "To:\r\n" + repeated(" \r\n", n); });
  expect_linear("folds of a Call-ID",
                [](std::size_t n) { return start + "i: a\r\n" + repeated("\t\n", n) + "\r\n"; });
  expect_linear("folded headers",
                [](std::size_t n) { return start + repeated("To: a\r\n b\r\n", n) + "\r\n"; });
}

TEST(LinearTime, Fields) {
  const auto field = [](const char* name, std::string_view begin, std::string_view piece) {
    expect_linear(name, [=](std::size_t n) {
      return start + name + ": " + std::string(begin) + repeated(piece, n) + "\r\n\r\n";
    });
  };
  field("Via", "SIP/2.0/UDP a", ";branch=1");
  field("Via", "SIP/2.0/UDP a", ", SIP/2.0/UDP a");
  field("Via", "SIP/2.0/UDP a", "\r\n ");
  field("From", "", "\"");
  field("From", "\"", "\\\"");
  field("From", "", "a ");
  field("From", "<sip:a>", ";tag");
  field("To", "<sip:a>", ";x=\"");
  field("Route", "", "<sip:a>,");
  field("CSeq", "", "0");
  field("Call-ID", "", "@");
  field("Call-ID", "", "a");
}

} // namespace
} // namespace linehunt::sip::linear_time_test
