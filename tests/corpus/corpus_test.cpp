// SPDX-License-Identifier: Apache-2.0
// Every message of the corpora gets what its index expects of a proxy.
#include "tests/corpus/corpus.h"

#include "sipparse/build.h"
#include "sipparse/validate.h"

#include <gtest/gtest.h>

#include <string>

namespace linehunt::sip {
namespace {

struct outcome {
  message_view view;
  routing_view routed;
  validation verdict;
};

void take(std::string_view bytes, outcome& out) {
  const auto scanned = scan(bytes, out.view);
  const auto routing = make_routing_view(out.view, out.routed);
  out.verdict = validate(out.view, scanned, out.routed, routing);
}

std::string text_of(const validation& v) {
  switch (v.what) {
  case disposition::accept:
    return "accept";
  case disposition::reply:
    return "reply " + std::to_string(v.status);
  case disposition::drop:
    return "drop";
  }
  return "?";
}

// What an expectation of the index allows us. Where it leaves the choice between an answer and
// mending the message, we answer: a balancer does not mend.
bool is_met(const std::string& expect, const std::string& got, bool& known) {
  known = true;
  if (expect == "accept" || expect == "accept-first") return got == "accept";
  if (expect == "drop") return got == "drop";
  if (expect == "reject-400" || expect == "reject-400-or-strip" ||
      expect == "reject-400-or-normalise") {
    return got == "reply 400";
  }
  if (expect == "reject-416") return got == "reply 416";
  if (expect == "reject-420") return got == "reply 420";
  if (expect == "reject-483") return got == "reply 483";
  if (expect == "reject-505") return got == "reply 505";
  if (expect == "reject-501-or-400") return got == "reply 501" || got == "reply 400";
  if (expect == "either" || expect == "reject-400-or-passthrough" ||
      expect == "reject-400-or-2543-match") {
    return got == "accept" || got == "reply 400";
  }
  if (expect == "unspecified") return true;
  known = false;
  return false;
}

void check_entry(const corpus::entry& e) {
  SCOPED_TRACE(e.name + " (" + e.expect + ")");
  static outcome out;
  take(e.bytes, out);
  bool known = false;
  const auto got = text_of(out.verdict);
  EXPECT_TRUE(is_met(e.expect, got, known)) << got << ", " << out.verdict.reason;
  EXPECT_TRUE(known) << "an expectation that this suite does not know";

  if (e.expect == "accept-first") {
    // The second message must not be part of anything that we look at.
    EXPECT_EQ(out.routed.body.size(), out.routed.content_length);
    EXPECT_LT(out.view.body_begin + out.routed.content_length, e.bytes.size());
    EXPECT_EQ(out.view.count_of(header_id::call_id), 1);
  }
  if (out.verdict.what != disposition::reply) return;

  std::string reply(e.bytes.size() + 1024, '?');
  reply.resize(build_reply(out.view,
                           {.status = out.verdict.status,
                            .reason = out.verdict.reason,
                            .to_tag = "t",
                            .received = "192.0.2.1"},
                           reply));
  static message_view parsed;
  EXPECT_TRUE(scan(reply, parsed)) << reply;
  EXPECT_EQ(parsed.status, out.verdict.status);
  EXPECT_EQ(parsed.count_of(header_id::via), out.view.count_of(header_id::via));
}

TEST(Corpus, Rfc4475AndRfc5118) {
  const auto folder = corpus::rfc_folder();
  if (!folder) {
    GTEST_SKIP() << "THE RFC 4475/5118 MESSAGES ARE NOT HERE: set LINEHUNT_CORPUS to their folder, "
                    "or put it at ../shared/corpus beside the source root";
  }
  const auto entries = corpus::read(*folder);
  EXPECT_GE(entries.size(), 62u);
  for (const auto& e : entries)
    check_entry(e);
}

TEST(Corpus, Own) {
  const auto entries = corpus::read(corpus::own_folder());
  EXPECT_GE(entries.size(), 80u);
  for (const auto& e : entries)
    check_entry(e);
}

// Details of single messages that a verdict alone does not show.
TEST(Corpus, ReadsWhatTheOwnMessagesHide) {
  static outcome out;
  for (const auto& e : corpus::read(corpus::own_folder())) {
    take(e.bytes, out);
    if (e.name == "hidden-tags.sip") {
      EXPECT_EQ(out.routed.from_tag, "right");
      EXPECT_EQ(out.routed.to_tag, "right2");
    } else if (e.name == "via-list.sip") {
      EXPECT_EQ(out.routed.top_via.branch, "z9hG4bKone");
      const auto second = parse_via(out.routed.top_via.rest);
      EXPECT_EQ(second->branch, "\"z9hG4bK,two;\"");
      EXPECT_EQ(second->sent_by_port, 5062);
    } else if (e.name == "invite-folded.sip") {
      EXPECT_EQ(out.routed.from_tag, "f3");
      EXPECT_EQ(out.routed.cseq.number, 12u);
      EXPECT_EQ(out.routed.max_forwards, 70);
      EXPECT_EQ(out.routed.top_via.sent_by_port, 5060);
    } else if (e.name == "invite-compact.sip") {
      EXPECT_EQ(out.routed.call_id, "own-compact");
      EXPECT_TRUE(out.view.has(header_id::session_expires));
    } else if (e.name == "routes.sip") {
      EXPECT_EQ(out.routed.top_route_uri, "sip:[2001:db8::1]:5080;lr;lh=5.1");
    } else if (e.name == "lower-method.sip") {
      EXPECT_EQ(out.view.method, method::unknown);
    } else if (e.name == "message-nul.sip") {
      EXPECT_EQ(out.routed.body.size(), 12u);
    } else if (e.name == "no-max-forwards.sip") {
      EXPECT_EQ(out.routed.max_forwards, no_max_forwards);
    }
  }
}

} // namespace
} // namespace linehunt::sip
