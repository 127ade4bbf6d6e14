// SPDX-License-Identifier: Apache-2.0
// Every message of the corpora as a datagram to the whole engine: what is answered, what is
// dropped, what goes on as it came. Afterwards a normal call works and every load is zero.
#include "tests/corpus/corpus.h"
#include "tests/unit/dataplane/engine_world.h"

#include <gtest/gtest.h>

namespace linehunt::test {
namespace {

// Takes every INVITE that is well-formed, whomever it is for.
snapshot_model open_to_all() {
  snapshot_model model = study_case();
  rule_model any;
  any.action = rule_action::balance;
  any.group = 1;
  any.resources = {"pstn"};
  rule_condition invites;
  invites.field = rule_field::method;
  invites.pattern = "^INVITE$";
  any.conditions = {invites};
  model.rules = {any};
  return model;
}

const endpoint sender = at("203.0.113.5:5060");

void check(const corpus::entry& e) {
  SCOPED_TRACE(e.name + " (" + e.expect + ")");
  engine_world world(open_to_all());
  const verdict v = world.give(e.bytes, sender);
  const auto sent = world.take();
  const bool is_response = e.bytes.starts_with("SIP/");

  if (e.expect.starts_with("reject-4") || e.expect.starts_with("reject-5")) {
    const bool may_pass =
        e.expect == "reject-400-or-passthrough" || e.expect == "reject-400-or-2543-match";
    if (!(may_pass && v == verdict::request_forwarded)) {
      ASSERT_EQ(sent.size(), 1u) << name_of(v);
      const int status = status_of(sent[0].bytes);
      EXPECT_GE(status, 400);
      if (!e.expect.starts_with("reject-501") && !may_pass) {
        EXPECT_EQ(std::to_string(status), e.expect.substr(7, 3));
      }
      EXPECT_EQ(sent[0].to.ip, sender.ip);
    }
  } else if (e.expect == "drop" || is_response) {
    // A response that is fine by itself answers nothing of ours.
    EXPECT_TRUE(sent.empty()) << name_of(v);
  } else if (e.expect.starts_with("accept")) {
    EXPECT_NE(v, verdict::rejected_malformed) << name_of(v);
    EXPECT_NE(v, verdict::dropped_malformed);
    const bool plain = e.bytes.find("\r\n\r\n") != std::string::npos; // not of bare LFs
    if (v == verdict::request_forwarded && plain) {
      // What there is no reason to touch has not been touched.
      const std::string& out = sent.back().bytes;
      const std::string_view came =
          std::string_view{e.bytes}.substr(e.bytes.find_first_not_of("\r\n"));
      EXPECT_EQ(first_line(out), first_line(came));
      const auto body = came.find("\r\n\r\n") + 4;
      const auto kept = out.substr(out.find("\r\n\r\n") + 4);
      EXPECT_EQ(kept, came.substr(body, kept.size()));
      if (kept.size() != came.size() - body) {
        // Only what lies behind the declared body may be missing.
        auto declared = header(came, "Content-Length");
        if (declared.empty()) declared = header(came, "l");
        EXPECT_EQ(std::to_string(kept.size()), declared);
      }
    }
  }
  for (const auto& m : sent)
    EXPECT_LE(m.bytes.size(), e.bytes.size() + 1024) << "no amplification";

  world.wait_ms(200'000); // whatever it has started ends
  (void)world.take();
  EXPECT_EQ(world.total_load(), 0) << name_of(v);
  if (!world.engine().ledger().enabled(0)) return;
  (void)establish(world);
  EXPECT_EQ(world.total_load(), 1);
}

TEST(engine_corpus, every_message_gets_what_the_index_says) {
  const auto all = corpus::read_all();
  ASSERT_FALSE(all.empty());
  for (const auto& e : all)
    check(e);
}

} // namespace
} // namespace linehunt::test
