// SPDX-License-Identifier: Apache-2.0
#include "sipparse/scan.h"

#include <gtest/gtest.h>

#include <string>

namespace linehunt::sip::scan_test {
namespace {

using namespace std::string_literals;

// scan into `view`; the caller keeps the text.
scan_result scan_of(const std::string& text, message_view& view) {
  return scan(text, view);
}

TEST(Scan, SplitsARequest) {
  const auto text = "INVITE sip:bob@b.example SIP/2.0\r\n"
                    "Via: SIP/2.0/UDP a.example;branch=z9hG4bK1\r\n"
                    "Subject: anything\r\n"
                    "Call-ID: 17@a.example\r\n"
                    "\r\n"
                    "v=0\r\n"s;
  message_view view;
  ASSERT_TRUE(scan_of(text, view));
  EXPECT_TRUE(view.is_request);
  EXPECT_EQ(view.method, method::invite);
  EXPECT_EQ(view.text(view.method_text), "INVITE");
  EXPECT_EQ(view.text(view.request_uri), "sip:bob@b.example");
  EXPECT_EQ(view.text(view.version), "SIP/2.0");
  ASSERT_EQ(view.header_count, 2);
  EXPECT_EQ(view.headers[0].id, header_id::via);
  EXPECT_EQ(view.text(view.headers[0].line), "Via: SIP/2.0/UDP a.example;branch=z9hG4bK1\r\n");
  EXPECT_EQ(view.text(view.headers[0].value), "SIP/2.0/UDP a.example;branch=z9hG4bK1");
  EXPECT_EQ(view.value_of(header_id::call_id), "17@a.example");
  EXPECT_TRUE(view.has_empty_line);
  EXPECT_EQ(text.substr(view.headers_end, 2), "\r\n");
  EXPECT_EQ(text.substr(view.body_begin), "v=0\r\n");
}

TEST(Scan, SplitsAResponse) {
  message_view view;
  const auto text = "SIP/2.0 486 Busy Here\r\nl: 0\r\n\r\n"s;
  ASSERT_TRUE(scan_of(text, view));
  EXPECT_FALSE(view.is_request);
  EXPECT_EQ(view.status, 486);
  EXPECT_EQ(view.text(view.reason), "Busy Here");
  EXPECT_EQ(view.value_of(header_id::content_length), "0");
}

TEST(Scan, EveryNameLongAndCompactInAnyCase) {
  const std::pair<const char*, header_id> names[] = {
      {"v", header_id::via},          {"f", header_id::from},
      {"t", header_id::to},           {"i", header_id::call_id},
      {"m", header_id::contact},      {"l", header_id::content_length},
      {"c", header_id::content_type}, {"x", header_id::session_expires},
  };
  const auto finds = [](const std::string& name, header_id id) {
    // Twice: the second is the last line of the message, where there is little left to load.
    for (const std::string& tail :
         {"Subject: a long line behind it, to load from\r\n\r\n"s, "\r\n"s}) {
      const auto text = "SIP/2.0 200 OK\r\n" + name + ": value\r\n" + tail;
      message_view view;
      EXPECT_TRUE(scan(text, view)) << name;
      EXPECT_EQ(view.header_count, id == header_id::other ? 0 : 1) << name;
      if (view.header_count == 1) {
        EXPECT_EQ(view.headers[0].id, id) << name;
      }
    }
  };
  for (std::size_t i = 1; i < header_id_count; ++i) {
    const auto id = static_cast<header_id>(i);
    std::string name{name_of(id)};
    finds(name, id);
    for (char& c : name)
      c = static_cast<char>(std::toupper(c));
    finds(name, id);
    for (std::size_t at = 0; at < name.size(); ++at) {
      auto other = name;
      other[at] = other[at] == '-' ? '\r' : static_cast<char>(other[at] ^ 0x40); // | 0x20 hides it
      if (other[at] > ' ' && other[at] != ':') finds(other, header_id::other);
      other = name.substr(0, at) + "z" + name.substr(at);
      finds(other, header_id::other);
    }
    finds(name + "s", header_id::other);
  }
  for (const auto& [name, id] : names)
    finds(name, id);
  finds("o", header_id::other);
  finds("P-Charging-Function-Addresses-And-More-Than-A-Block-Of-Sixty-Four-Bytes-Has",
        header_id::other);
}

// Also where nothing but zeros is compared with a slot of the table that has no name.
TEST(Scan, NamesOfOneByteRepeatedAreNotIndexed) {
  for (int c = 0; c < 256; ++c) {
    if (std::string_view{" \t\r\n:"}.find(static_cast<char>(c)) != std::string_view::npos) continue;
    for (std::size_t length = 2; length < 40; ++length) {
      const auto text = "SIP/2.0 200 OK\r\n" + std::string(length, static_cast<char>(c)) +
                        "To: <sip:a@b.example>\r\nSubject: a line behind it, to load from\r\n\r\n";
      message_view view;
      ASSERT_TRUE(scan(text, view)) << c << ' ' << length;
      ASSERT_EQ(view.header_count, 0) << c << ' ' << length;
    }
  }
}

TEST(Scan, WhiteSpaceAroundTheColonAndTheValue) { // RFC 3261 7.3.1
  message_view view;
  const auto text = "SIP/2.0 200 OK\r\n"
                    "To :a\r\n"
                    "From\t \t:  \t b c \t\r\n"
                    "Call-ID:\r\n"
                    "CSeq:  \t\r\n"
                    "Via:x\r\n"
                    "\r\n"s;
  ASSERT_TRUE(scan_of(text, view));
  EXPECT_EQ(view.header_count, 5);
  EXPECT_EQ(view.value_of(header_id::to), "a");
  EXPECT_EQ(view.value_of(header_id::from), "b c");
  EXPECT_EQ(view.value_of(header_id::call_id), "");
  EXPECT_TRUE(view.has(header_id::call_id));
  EXPECT_EQ(view.value_of(header_id::cseq), "");
  EXPECT_EQ(view.value_of(header_id::via), "x");
}

TEST(Scan, Folds) {
  message_view view;
  const auto text = "SIP/2.0 200 OK\r\n"
                    "Subject: one\r\n"
                    "\tCall-ID: this is the subject still\r\n"
                    "To:\r\n"
                    "  a\r\n"
                    " \t\r\n"
                    "\tb\r\n"
                    "  \r\n"
                    "From: c\n"
                    " d\n"
                    "\r\n"s;
  ASSERT_TRUE(scan_of(text, view));
  EXPECT_EQ(view.header_count, 2);
  EXPECT_FALSE(view.has(header_id::call_id));
  ASSERT_TRUE(view.has(header_id::to));
  EXPECT_TRUE(view.find(header_id::to)->folded);
  EXPECT_EQ(view.value_of(header_id::to), "a\r\n \t\r\n\tb");
  EXPECT_EQ(view.text(view.find(header_id::to)->line), "To:\r\n  a\r\n \t\r\n\tb\r\n  \r\n");
  EXPECT_EQ(view.value_of(header_id::from), "c\n d");
}

TEST(Scan, BareLineFeeds) {
  message_view view;
  const auto text = "BYE sip:a SIP/2.0\nTo: b\nFrom: c\n\nbody"s;
  ASSERT_TRUE(scan_of(text, view));
  EXPECT_EQ(view.text(view.start_line), "BYE sip:a SIP/2.0");
  EXPECT_EQ(view.value_of(header_id::to), "b");
  EXPECT_EQ(text.substr(view.body_begin), "body");
}

TEST(Scan, BareCarriageReturnsHideNoLine) {
  const struct {
    std::string text;
    scan_error error;
    std::uint16_t at;
  } cases[] = {
      {"BYE sip:a SIP/2.0\r\nTo: b\rCall-ID: x\r\r\n\r\n", scan_error::bad_header_line, 24},
      {"BYE sip:a SIP/2.0\r\nTo: b\r\r\n\r\n", scan_error::bad_header_line, 24},
      {"BYE sip:a SIP/2.0\r\nSubject: x\rRoute: <sip:c>\nTo: b\n\n", scan_error::bad_header_line,
       29},
      {"BYE sip:a SIP/2.0\r\nTo:\r b\r\n\r\n", scan_error::bad_header_line, 22},
      {"BYE sip:a\rb SIP/2.0\r\nTo: b\r\n\r\n", scan_error::bad_start_line, 9},
      {"SIP/2.0 200 O\rK\r\nTo: b\r\n\r\n", scan_error::bad_start_line, 13},
      {"BYE sip:a SIP/2.0\r\nTo: b\r\n\r\n\r\rx\r", scan_error::none, 0},
      {"BYE sip:a SIP/2.0\r\nTo:\r\n b\r\n\r\n", scan_error::none, 0},
  };
  for (const auto& c : cases) {
    message_view view;
    const auto result = scan_of(c.text, view);
    EXPECT_EQ(result.error, c.error) << c.text;
    EXPECT_EQ(result.at, c.at) << c.text;
    EXPECT_EQ(view.count_of(header_id::to), 1) << c.text;
  }
}

TEST(Scan, RepeatedHeaders) {
  message_view view;
  const auto text = "SIP/2.0 200 OK\r\nVia: 1\r\nTo: 2\r\nv: 3\r\nVIA: 4\r\n\r\n"s;
  ASSERT_TRUE(scan_of(text, view));
  EXPECT_EQ(view.count_of(header_id::via), 3);
  EXPECT_EQ(view.value_of(header_id::via), "1");
  EXPECT_EQ(view.text(view.headers[2].value), "3");
  EXPECT_EQ(view.text(view.headers[3].value), "4");
}

TEST(Scan, MoreHeadersThanTheIndexHolds) {
  std::string text = "SIP/2.0 200 OK\r\n";
  for (int i = 0; i < 400; ++i)
    text += "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK" + std::to_string(i) + "\r\n";
  text += "To: a\r\n\r\n";
  message_view view;
  ASSERT_TRUE(scan(text, view));
  EXPECT_EQ(view.header_count, max_indexed_headers);
  EXPECT_TRUE(view.index_full);
  EXPECT_EQ(view.count_of(header_id::via), 400);
  EXPECT_EQ(view.count_of(header_id::to), 1);
  EXPECT_FALSE(view.has(header_id::to));
}

TEST(Scan, LeadingLineEnds) { // RFC 3261 7.5
  message_view view;
  const auto text = "\r\n\n\r\nACK sip:a SIP/2.0\r\nTo: b\r\n\r\n"s;
  ASSERT_TRUE(scan_of(text, view));
  EXPECT_EQ(view.start_line.off, 5);
  EXPECT_EQ(view.value_of(header_id::to), "b");
}

TEST(Scan, NothingButLineEnds) { // RFC 5626 3.5.1
  message_view view;
  for (const auto& text : {""s, "\r\n\r\n"s, "\n"s})
    EXPECT_EQ(scan(text, view).error, scan_error::empty);
  std::string many;
  while (many.size() + 2 <= max_message_bytes)
    many += "\r\n";
  EXPECT_EQ(scan(many, view).error, scan_error::empty);
}

TEST(Scan, TheLongestMessage) {
  std::string text = "BYE sip:a SIP/2.0\r\nTo: b\r\n\r\n";
  text.resize(max_message_bytes, 'x');
  message_view view;
  EXPECT_TRUE(scan(text, view));
  EXPECT_EQ(view.value_of(header_id::to), "b");
  text += 'x';
  EXPECT_EQ(scan(text, view).error, scan_error::too_long);

  // Its last header line ends at the very last offset.
  text = "BYE sip:a SIP/2.0\r\nSubject: ";
  text.resize(max_message_bytes - 10, 'x');
  text += "\r\nTo: b\r\n\n";
  ASSERT_EQ(text.size(), max_message_bytes);
  EXPECT_TRUE(scan(text, view));
  EXPECT_EQ(view.value_of(header_id::to), "b");
  EXPECT_EQ(view.body_begin, max_message_bytes);
}

TEST(Scan, NoEmptyLine) {
  message_view view;
  const auto text = "BYE sip:a SIP/2.0\r\nTo: b\r\nFrom: c\r\n"s;
  EXPECT_EQ(scan_of(text, view).error, scan_error::no_header_end);
  EXPECT_FALSE(view.has_empty_line);
  EXPECT_EQ(view.headers_end, text.size());
  EXPECT_EQ(view.value_of(header_id::from), "c");
  // A line whose end is missing may be half a line.
  const auto cut = text.substr(0, text.size() - 1);
  EXPECT_EQ(scan(cut, view).error, scan_error::no_header_end);
  EXPECT_TRUE(view.has(header_id::to));
  EXPECT_FALSE(view.has(header_id::from));
}

TEST(Scan, LinesThatAreNoHeaders) {
  message_view view;
  for (const auto& line : {"no colon"s, ": no name"s, " \t: no name"s, " fold of nothing"s, ":"s}) {
    const auto text = "BYE sip:a SIP/2.0\r\n" + line + "\r\nTo: b\r\n\r\n";
    const auto result = scan(text, view);
    EXPECT_EQ(result.error, scan_error::bad_header_line) << line;
    EXPECT_EQ(result.at, 19) << line;
    EXPECT_EQ(view.value_of(header_id::to), "b") << line << ": a reply needs it";
    EXPECT_TRUE(view.has_empty_line);
  }
}

struct start_line_case {
  const char* line;
  scan_error error;
  unsigned at;
};

TEST(Scan, StartLines) {
  const start_line_case cases[] = {
      {"OPTIONS sip:a SIP/2.0", scan_error::none, 0},
      {"X u SIP/2.0", scan_error::none, 0},
      {"RE%47IST%45R sip:a SIP/2.0", scan_error::none, 0}, // RFC 4475 3.1.1.5
      {"OPTIONS sip:a sip/2.0", scan_error::none, 0},
      {"OPTIONS sip:a SIP/7.0", scan_error::bad_version, 14}, // RFC 4475 3.1.2.16
      {"OPTIONS sip:a SIP/2.00", scan_error::bad_version, 14},
      {"OPTIONS sip:a SIP/x", scan_error::bad_start_line, 14},
      {"OPTIONS  sip:a SIP/2.0", scan_error::bad_start_line, 7}, // RFC 4475 3.1.2.9
      {"OPTIONS sip:a  SIP/2.0", scan_error::bad_start_line, 13},
      {"OPTIONS sip:a SIP/2.0 ", scan_error::bad_start_line, 21},    // RFC 4475 3.1.2.10
      {"OPTIONS sip:a; lr SIP/2.0", scan_error::bad_start_line, 14}, // RFC 4475 3.1.2.8
      {"OPTIONS\tsip:a SIP/2.0", scan_error::bad_start_line, 7},
      {"OPT@ONS sip:a SIP/2.0", scan_error::bad_start_line, 0},
      {"OPTIONS SIP/2.0", scan_error::bad_start_line, 7},
      {" SIP/2.0", scan_error::bad_start_line, 0},
      {"SIP/2.0", scan_error::bad_status, 7},
      {"OPTIONS sip:a", scan_error::not_sip, 0},
      {"GET / HTTP/1.1", scan_error::not_sip, 0},
      {"x", scan_error::not_sip, 0},
      {"SIP/2.0 200 OK", scan_error::none, 0},
      {"SIP/2.0 200 ", scan_error::none, 0}, // RFC 4475 3.1.1.13
      {"SIP/2.0 200", scan_error::none, 0},
      {"SIP/3.0 200 OK", scan_error::bad_version, 0},
      {"SIP/2.0 099 x", scan_error::bad_status, 8},
      {"SIP/2.0 700 x", scan_error::bad_status, 8},
      {"SIP/2.0 20 x", scan_error::bad_status, 8},
      {"SIP/2.0 4294967301 x", scan_error::bad_status, 8}, // RFC 4475 3.1.2.19
      {"SIP/2.0  200 OK", scan_error::bad_status, 8},
      {"SIP/2.0 20a OK", scan_error::bad_status, 8},
      {"SIP/2.0\t200 OK", scan_error::not_sip, 0},
      {"SIP/2.0 200\tOK", scan_error::bad_status, 8},
  };
  for (const auto& c : cases) {
    const auto text = std::string(c.line) + "\r\nTo: b\r\n\r\n";
    message_view view;
    const auto result = scan(text, view);
    EXPECT_EQ(result.error, c.error) << c.line;
    EXPECT_EQ(result.at, c.at) << c.line;
    EXPECT_EQ(view.has(header_id::to), c.error != scan_error::not_sip) << c.line;
  }
}

TEST(Scan, EveryMethod) {
  for (int i = 1; i <= static_cast<int>(method::publish); ++i) {
    const auto m = static_cast<method>(i);
    const auto text = std::string(name_of(m)) + " sip:a SIP/2.0\r\n\r\n";
    message_view view;
    ASSERT_TRUE(scan(text, view));
    EXPECT_EQ(view.method, m);
    // RFC 3261 7.1: methods are case-sensitive.
    auto lower = text;
    lower[0] = static_cast<char>(lower[0] | 0x20);
    ASSERT_TRUE(scan(lower, view));
    EXPECT_EQ(view.method, method::unknown);
  }
}

TEST(FindCallId, AgreesWithScan) {
  const std::string headers[] = {"Call-ID: a@b\r\n",
                                 "i: a\r\n",
                                 "CALL-ID  :\t a b \r\n",
                                 "Call-ID:\r\n a\r\n b\r\n",
                                 "i\t:x\n",
                                 "Call-ID: \r\n",
                                 "Call-IDs: a\r\nI:z\r\n",
                                 "Call-ID: a\r\ni: b\r\n",
                                 "To: i\r\n i: x\r\n",
                                 "Contact: <c>\r\n",
                                 "cseq: 1\r\nc: d\r\ni:e\r\n",
                                 "call-id: \r\n \r\n\tq\r\n",
                                 "i:12345: 7\r\nt: a\r\n",
                                 "T : <a>\r\n ;tag=b\r\ni:\tc\r\n",
                                 "t:: x\r\nTo: y\r\n",
                                 "Timestamp: 1\r\nTO\t: z;tag=1\r\nTo: w\r\n",
                                 "Too: 1\r\nTarget-Dialog: 2\r\nT: 3\r\n"};
  for (const auto& h : headers) {
    const auto text =
        "\r\nBYE sip:i:a SIP/2.0\r\nContent-Type: x\r\n" + h + "Via: y\r\n\r\ni: body\r\n";
    message_view view;
    (void)scan(text, view);
    EXPECT_EQ(find_call_id(text), view.value_of(header_id::call_id)) << h;
    EXPECT_EQ(find_to(text), view.value_of(header_id::to)) << h;
    for (std::size_t len = 0; len <= text.size(); ++len) {
      const auto cut = text.substr(0, len);
      if (scan(cut, view).error == scan_error::not_sip) continue;
      EXPECT_EQ(find_call_id(cut), view.value_of(header_id::call_id)) << cut;
      EXPECT_EQ(find_to(cut), view.value_of(header_id::to)) << cut;
    }
  }
}

} // namespace
} // namespace linehunt::sip::scan_test
