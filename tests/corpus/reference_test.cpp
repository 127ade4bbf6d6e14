// SPDX-License-Identifier: Apache-2.0
// Whatever the reference grammar reads, scan, fields and routing view read as well, and the same.
#include "tests/corpus/corpus.h"
#include "tests/corpus/random_message.h"
#include "tests/corpus/reference_grammar.h"

#include "sipparse/routing_view.h"
#include "sipparse/scan.h"
#include "sipparse/uri.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace linehunt::sip {
namespace {

using reference::parameter;

std::string_view without_brackets(std::string_view host) {
  return host.starts_with('[') ? host.substr(1, host.size() - 2) : host;
}

// The first parameter of that name that has a value, or empty.
std::string_view value_of(const std::vector<parameter>& parameters, std::string_view name) {
  for (const auto& p : parameters) {
    if (p.name == name && !p.value.empty()) return p.value;
  }
  return {};
}

bool has(const std::vector<parameter>& parameters, std::string_view name) {
  return std::any_of(parameters.begin(), parameters.end(),
                     [&](const parameter& p) { return p.name == name; });
}

std::uint16_t port_of(std::string_view digits) {
  return digits.empty() ? std::uint16_t{0}
                        : static_cast<std::uint16_t>(std::stoul(std::string{digits}));
}

header_id id_named(const std::string& lower_name) {
  for (std::size_t i = 1; i < header_id_count; ++i) {
    std::string name{name_of(static_cast<header_id>(i))};
    std::transform(name.begin(), name.end(), name.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
    if (name == lower_name) return static_cast<header_id>(i);
  }
  return header_id::other;
}

void compare_lines(const reference::message& want, const message_view& got) {
  std::size_t at = 0;
  for (const auto& f : want.fields) {
    const auto id = id_named(f.name);
    if (id == header_id::other) continue;
    ASSERT_LT(at, got.header_count);
    EXPECT_EQ(got.headers[at].id, id);
    EXPECT_EQ(got.text(got.headers[at].value), f.value) << f.name;
    ++at;
  }
  EXPECT_EQ(at, got.header_count);
}

void compare_vias(const std::vector<reference::via>& want, const message_view& got) {
  std::size_t at = 0;
  for (std::size_t i = 0; i < got.header_count; ++i) {
    if (got.headers[i].id != header_id::via) continue;
    for (auto left = got.text(got.headers[i].value); !left.empty(); ++at) {
      const auto via = parse_via(left);
      ASSERT_TRUE(via) << left;
      ASSERT_LT(at, want.size());
      const auto& w = want[at];
      EXPECT_EQ(via->transport, w.transport);
      EXPECT_EQ(via->sent_by_host, without_brackets(w.host));
      EXPECT_EQ(via->sent_by_port, port_of(w.port));
      EXPECT_EQ(via->branch, value_of(w.parameters, "branch"));
      EXPECT_EQ(via->received, without_brackets(value_of(w.parameters, "received")));
      EXPECT_EQ(via->maddr, without_brackets(value_of(w.parameters, "maddr")));
      EXPECT_EQ(via->has_rport, has(w.parameters, "rport"));
      left = via->rest;
    }
  }
  EXPECT_EQ(at, want.size());
}

void compare_routes(const std::vector<reference::address>& want, const message_view& got) {
  std::size_t at = 0;
  for (std::size_t i = 0; i < got.header_count; ++i) {
    if (got.headers[i].id != header_id::route) continue;
    for (auto left = got.text(got.headers[i].value); !left.empty(); ++at) {
      const auto route = parse_address(left);
      ASSERT_TRUE(route) << left;
      ASSERT_LT(at, want.size());
      EXPECT_EQ(route->uri, want[at].uri);
      EXPECT_EQ(route->display_name, want[at].display_name);
      EXPECT_TRUE(route->angle_brackets);
      left = route->rest;
    }
  }
  EXPECT_EQ(at, want.size());
}

void compare_address(const reference::address& want, std::string_view value, std::string_view tag) {
  const auto got = parse_address(value);
  ASSERT_TRUE(got) << value;
  EXPECT_EQ(got->uri, want.uri);
  EXPECT_EQ(got->display_name, want.display_name);
  EXPECT_EQ(got->tag, value_of(want.parameters, "tag"));
  EXPECT_EQ(tag, got->tag);
}

// True where the reference reads the message; then everything has been compared.
bool compare(std::string_view text) {
  const auto want = reference::read(text);
  if (!want) return false;
  static message_view got;
  const auto scanned = scan(text, got);
  if (got.index_full) return false;
  EXPECT_TRUE(scanned) << "error " << int(scanned.error) << " at " << scanned.at;
  routing_view routed;
  const auto routing = make_routing_view(got, routed);
  EXPECT_TRUE(routing) << "error " << int(routing.error) << " at " << routing.at;
  if (!scanned || !routing) return true;

  EXPECT_EQ(got.is_request, want->is_request);
  if (want->is_request) {
    EXPECT_EQ(got.text(got.method_text), want->method);
    EXPECT_EQ(got.text(got.request_uri), want->request_uri);
    const auto uri = parse_uri(want->request_uri);
    EXPECT_TRUE(uri) << want->request_uri;
    EXPECT_EQ(uri->user, want->uri.user);
    EXPECT_EQ(uri->password, want->uri.password);
    EXPECT_EQ(uri->host, without_brackets(want->uri.host));
    EXPECT_EQ(uri->port, port_of(want->uri.port));
    EXPECT_EQ(uri->parameters, want->uri.parameters);
    EXPECT_EQ(uri->headers, want->uri.headers);
  } else {
    EXPECT_EQ(got.status, want->status);
    EXPECT_EQ(got.text(got.reason), want->reason);
  }
  compare_lines(*want, got);
  compare_vias(want->vias, got);
  compare_routes(want->routes, got);
  compare_address(want->from, got.value_of(header_id::from), routed.from_tag);
  compare_address(want->to, got.value_of(header_id::to), routed.to_tag);
  EXPECT_EQ(routed.call_id, want->call_id);
  EXPECT_EQ(routed.cseq.number, want->cseq);
  EXPECT_EQ(routed.cseq.method_text, want->cseq_method);
  EXPECT_EQ(routed.max_forwards, want->max_forwards.value_or(no_max_forwards));
  EXPECT_EQ(routed.top_route_uri,
            want->routes.empty() ? std::string_view{} : want->routes.front().uri);
  EXPECT_EQ(routed.has_content_length, want->content_length.has_value());
  EXPECT_EQ(routed.body, want->body);
  return true;
}

TEST(Reference, ReadsTheCorpusAlike) {
  int read = 0;
  for (const auto& e : corpus::read_all()) {
    SCOPED_TRACE(e.name);
    read += compare(e.bytes);
  }
  EXPECT_GE(read, 20); // of our own alone, where the others are not here
}

TEST(Reference, ReadsRandomMessagesAlike) {
  std::mt19937 random{3261};
  for (int i = 0; i < 20000; ++i) {
    const auto text = reference::random_message(random);
    SCOPED_TRACE(text);
    ASSERT_TRUE(compare(text)) << "the generator and the reference grammar disagree";
    ASSERT_FALSE(testing::Test::HasFailure());
  }
}

// One byte or piece changed: mostly garbage, but what the reference still reads must agree.
TEST(Reference, ReadsMutatedMessagesAlike) {
  std::mt19937 random{20261123};
  const auto below = [&](std::size_t n) { return random() % n; };
  constexpr std::string_view bytes = " \t\r\n:;,=<>\"\\/@?%[]()*.0aZ~\x80";
  std::vector<std::string> messages;
  for (const auto& e : corpus::read_all()) {
    if (!e.bytes.empty() && e.bytes.size() < 2000) messages.push_back(e.bytes);
  }
  int read = 0;
  for (int i = 0; i < 60000; ++i) {
    std::string text =
        below(2) ? messages[below(messages.size())] : reference::random_message(random);
    for (std::size_t n = 1 + below(2); n > 0 && !text.empty(); --n) {
      const std::size_t at = below(text.size());
      const char c = bytes[below(bytes.size())];
      switch (below(3)) {
      case 0:
        text[at] = c;
        break;
      case 1:
        text.insert(at, 1, c);
        break;
      default:
        text.erase(at, 1 + below(4));
        break;
      }
    }
    SCOPED_TRACE(text);
    read += compare(text);
    ASSERT_FALSE(testing::Test::HasFailure());
  }
  EXPECT_GT(read, 5000);
}

} // namespace
} // namespace linehunt::sip
