// SPDX-License-Identifier: Apache-2.0
// Conditions one by one, how rules combine, and what is said of wrong ones.
#include "dataplane/rules.h"
#include "dataplane/rules/compiled.h"

#include "tests/unit/dataplane/rule_call.h"

#include <gmock/gmock.h>
#include <random>
#include <regex.h>

namespace linehunt::rules_test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::vector<std::string> names{"pstn", "vm", "transc", "conf"};

std::unique_ptr<const compiled_rules> compile(std::vector<rule_model> models,
                                              std::size_t workers = 1) {
  std::vector<compiled_rules::error> errors;
  auto rules = compiled_rules::compile(std::move(models), names, workers, errors);
  for (const auto& e : errors)
    ADD_FAILURE() << e.rule << ':' << e.condition << ": " << e.message;
  return rules;
}

rule_model rule(std::vector<rule_condition> conditions,
                std::vector<std::string> resources = {"pstn"}) {
  rule_model model;
  model.conditions = std::move(conditions);
  model.resources = std::move(resources);
  return model;
}

bool holds(const rule_condition& condition, const call_text& text,
           std::string_view source = "203.0.113.1:5060") {
  const auto rules = compile({rule({condition})});
  const rule_call call(text, nullptr, source);
  return rules && rules->decide(call.input(), 0).rule != nullptr;
}

call_text with_headers(std::string lines) {
  call_text text;
  text.headers = std::move(lines);
  return text;
}

call_text with_ruri(std::string uri) {
  call_text text;
  text.ruri = std::move(uri);
  return text;
}

call_text with_body(std::string body, std::string type = "application/sdp") {
  call_text text;
  text.headers = "Content-Type: " + type + "\r\n";
  text.body = std::move(body);
  return text;
}

rule_condition codecs(rule_field field, std::vector<std::string> codec_names) {
  rule_condition condition;
  condition.field = field;
  condition.names = std::move(codec_names);
  return condition;
}

// POSIX's reading of a pattern.
bool matches(const std::string& text, const std::string& pattern) {
  regex_t compiled;
  EXPECT_EQ(regcomp(&compiled, pattern.c_str(), REG_EXTENDED | REG_NOSUB), 0) << pattern;
  const bool found = regexec(&compiled, text.c_str(), 0, nullptr, 0) == 0;
  regfree(&compiled);
  return found;
}

std::vector<compiled_rules::error> errors_of(std::vector<rule_model> models) {
  std::vector<compiled_rules::error> errors;
  EXPECT_EQ(compiled_rules::compile(std::move(models), names, 1, errors), nullptr);
  return errors;
}

TEST(rule_condition, method_is_case_sensitive) {
  EXPECT_TRUE(holds(on(rule_field::method, "^INVITE$"), {}));
  EXPECT_FALSE(holds(on(rule_field::method, "^invite$"), {}));
  EXPECT_FALSE(holds(on(rule_field::method, "^OPTIONS$"), {}));
}

TEST(rule_condition, request_uri_and_its_parts) {
  const call_text text = with_ruri("sip:VM_17:pw@B.example:5080;x=1");
  EXPECT_TRUE(holds(on(rule_field::ruri, "^sip:VM_17:pw@B\\.example:5080;x=1$"), text));
  EXPECT_TRUE(holds(on(rule_field::ruri_user, "^VM_17$"), text));
  EXPECT_TRUE(holds(on(rule_field::ruri_host, "^b\\.EXAMPLE$"), text)); // RFC 3261 19.1.4
  EXPECT_FALSE(holds(on(rule_field::ruri_user, "^vm_"), text));
  EXPECT_TRUE(holds(on(rule_field::ruri_user, "(?i)^vm_"), text));
  EXPECT_FALSE(holds(on(rule_field::ruri_user, "pw"), text));
  EXPECT_TRUE(holds(on(rule_field::ruri_host, "^2001:db8::1$"), with_ruri("sip:a@[2001:db8::1]")));
  // As written: escapes are not undone.
  EXPECT_TRUE(holds(on(rule_field::ruri_user, "^%56M_1$"), with_ruri("sip:%56M_1@b.example")));
  EXPECT_FALSE(holds(on(rule_field::ruri_user, "^VM_1$"), with_ruri("sip:%56M_1@b.example")));
  EXPECT_TRUE(holds(on(rule_field::ruri_user, "^\\+4930"), with_ruri("tel:+4930123")));
}

TEST(rule_condition, anchors_hold_for_the_field) {
  EXPECT_FALSE(holds(on(rule_field::ruri_user, "^[0-9]+$"), with_ruri("sip:12a@b.example")));
  EXPECT_FALSE(holds(on(rule_field::ruri_user, "^[0-9]+$"), with_ruri("sip:a12@b.example")));
  EXPECT_TRUE(holds(on(rule_field::ruri_user, "^[0-9]+$"), with_ruri("sip:12@b.example")));
  EXPECT_TRUE(holds(on(rule_field::ruri_user, "1"), with_ruri("sip:a12@b.example")));
  EXPECT_FALSE(holds(on(rule_field::ruri_user, "b\\.example"), with_ruri("sip:12@b.example")));
}

TEST(rule_condition, empty_field) {
  EXPECT_TRUE(holds(on(rule_field::ruri_user, "^$"), with_ruri("sip:b.example")));
  EXPECT_TRUE(holds(on(rule_field::ruri_user, "^[0-9]*$"), with_ruri("sip:b.example")));
  EXPECT_FALSE(holds(on(rule_field::ruri_user, "^$"), with_ruri("sip:1@b.example")));
  EXPECT_FALSE(holds(on(rule_field::ruri_user, "."), with_ruri("sip:b.example")));
  EXPECT_TRUE(holds(on(rule_field::body, "^$"), {}));
  EXPECT_TRUE(holds(on(rule_field::header, "^$", "X-Empty"), with_headers("X-Empty:  \r\n")));
}

TEST(rule_condition, from_and_to_uri) {
  call_text text;
  text.from = "\"sip:no@x\" <sip:alice@a.example;user=phone>;tag=sip:no";
  text.to = "sip:bob@b.example;x=1";
  EXPECT_TRUE(holds(on(rule_field::from_uri, "^sip:alice@a\\.example;user=phone$"), text));
  EXPECT_FALSE(holds(on(rule_field::from_uri, "no"), text));
  EXPECT_TRUE(holds(on(rule_field::to_uri, "^sip:bob@b\\.example$"), text));
}

TEST(rule_condition, header_found_by_any_of_its_names) {
  const auto subject = [](const char* name) { return on(rule_field::header, "^a call$", name); };
  for (const char* line : {"Subject: a call\r\n", "s:a call \r\n", "SUBJECT \t:\ta call\r\n"}) {
    EXPECT_TRUE(holds(subject("Subject"), with_headers(line))) << line;
    EXPECT_TRUE(holds(subject("s"), with_headers(line))) << line;
    EXPECT_TRUE(holds(subject("sUBJECT"), with_headers(line))) << line;
  }
  EXPECT_FALSE(holds(subject("Subject"), with_headers("Subjects: a call\r\n")));
  EXPECT_FALSE(holds(subject("Subject"), with_headers("Subjec: a call\r\n")));
  EXPECT_FALSE(holds(subject("X-Subject"), with_headers("Subject: a call\r\n")));
  // Names that the view indexes are found in the same way.
  EXPECT_TRUE(holds(on(rule_field::header, "sip:d@e", "Diversion"),
                    with_headers("Diversion: <sip:d@e>\r\n")));
  EXPECT_TRUE(holds(on(rule_field::header, "^70$", "max-forwards"), {}));
}

TEST(rule_condition, repeated_and_folded_header) {
  const auto route = on(rule_field::header, "^second$", "X-Route");
  EXPECT_TRUE(holds(route, with_headers("X-Route: first\r\nOther: x\r\nx-route: second\r\n")));
  EXPECT_FALSE(holds(route, with_headers("X-Route: first, second\r\n")));
  const auto folded = with_headers("X-Route:\r\n first\r\n\tsecond\r\nOther: second\r\n");
  EXPECT_TRUE(holds(on(rule_field::header, "^first\\s+second$", "X-Route"), folded));
  EXPECT_FALSE(holds(route, folded));
}

TEST(rule_condition, absent_header_matches_nothing) {
  EXPECT_FALSE(holds(on(rule_field::header, "^$", "X-None"), {}));
  EXPECT_FALSE(holds(on(rule_field::header, ".*", "X-None"), {}));
  // A line of the body is no header.
  EXPECT_FALSE(holds(on(rule_field::header, "x", "X-Body"), with_body("X-Body: x\r\n")));
}

TEST(rule_condition, lines_of_one_header_are_bounded) {
  std::string lines;
  for (int i = 0; i < 63; ++i)
    lines += "X-Many: no\r\n";
  EXPECT_TRUE(
      holds(on(rule_field::header, "yes", "X-Many"), with_headers(lines + "X-Many: yes\r\n")));
  lines += "X-Many: no\r\n";
  EXPECT_FALSE(
      holds(on(rule_field::header, "yes", "X-Many"), with_headers(lines + "X-Many: yes\r\n")));
}

TEST(rule_condition, header_past_the_views_index) {
  std::string lines;
  for (int i = 0; i < 300; ++i)
    lines += "Via: SIP/2.0/UDP h" + std::to_string(i) + "\r\n";
  EXPECT_TRUE(holds(on(rule_field::header, "^d@e$", "Diversion"),
                    with_headers(lines + "Diversion: d@e\r\n")));
}

TEST(rule_condition, source_network) {
  rule_condition source;
  source.field = rule_field::source;
  source.networks = {*parse_prefix("192.0.2.0/24"), *parse_prefix("2001:db8::/32")};
  EXPECT_TRUE(holds(source, {}, "192.0.2.77:1234"));
  EXPECT_TRUE(holds(source, {}, "[2001:db8:1::1]:5060"));
  EXPECT_FALSE(holds(source, {}, "192.0.3.77:1234"));
}

TEST(rule_condition, codecs_of_the_offer) {
  const auto present = codecs(rule_field::codec_present, {"PCMU", "pcma"});
  const auto absent = codecs(rule_field::codec_absent, {"PCMU", "pcma"});
  const call_text g711 = with_body(sdp_offer("18 8"));
  const call_text g729 = with_body(sdp_offer("18 101", "a=rtpmap:101 telephone-event/8000\r\n"));
  const call_text dynamic = with_body(sdp_offer("96", "a=rtpmap:96 pcmu/16000\r\n"));
  const call_text none;
  const call_text no_sdp = with_body("PCMU", "text/plain");
  EXPECT_TRUE(holds(present, g711));
  EXPECT_TRUE(holds(present, dynamic));
  EXPECT_FALSE(holds(present, g729));
  EXPECT_FALSE(holds(present, none));
  EXPECT_FALSE(holds(absent, g711));
  EXPECT_FALSE(holds(absent, dynamic));
  EXPECT_TRUE(holds(absent, g729));
  EXPECT_FALSE(holds(absent, none)); // nothing is offered yet, so nothing is missing
  EXPECT_FALSE(holds(absent, no_sdp));
  EXPECT_TRUE(holds(codecs(rule_field::codec_present, {"TELEPHONE-EVENT"}), g729));
}

TEST(rule_condition, codecs_in_a_multipart_body) {
  const std::string body = "--b\r\nContent-Type: text/plain\r\n\r\nhello\r\n--b\r\n"
                           "Content-Type: application/sdp\r\n\r\n" +
                           sdp_offer("18") + "\r\n--b--\r\n";
  const call_text text = with_body(body, "multipart/mixed;boundary=b");
  EXPECT_TRUE(holds(codecs(rule_field::codec_absent, {"PCMU"}), text));
  EXPECT_TRUE(holds(codecs(rule_field::codec_present, {"G729"}), text));
}

TEST(rule_condition, raw_body_may_hold_any_byte) {
  const std::string body = std::string("\0\xff\n", 3) + "needle" + std::string("\0", 1);
  EXPECT_TRUE(holds(on(rule_field::body, "needle"), with_body(body)));
  EXPECT_TRUE(holds(on(rule_field::body, "^\\x00\\xff\\nneedle\\x00$"), with_body(body)));
}

TEST(rules, every_condition_must_hold_and_the_first_rule_ends_it) {
  const auto rules = compile({
      rule({on(rule_field::ruri_user, "^1"), on(rule_field::from_uri, "alice")}),
      rule({on(rule_field::ruri_user, "^1")}),
      rule({}),
  });
  const auto decided = [&](const call_text& text) {
    const rule_call call(text);
    return rules->decide(call.input(), 0).rule - rules->models().data();
  };
  call_text by_bob = with_ruri("sip:1@b");
  by_bob.from = "<sip:bob@b>;tag=1";
  EXPECT_EQ(decided(with_ruri("sip:1@b")), 0);
  EXPECT_EQ(decided(by_bob), 1);
  EXPECT_EQ(decided(with_ruri("sip:2@b")), 2);
}

TEST(rules, nothing_matched) {
  const auto rules = compile({rule({on(rule_field::ruri_user, "^1")})});
  const rule_call call(with_ruri("sip:2@b"));
  EXPECT_EQ(rules->decide(call.input(), 0).rule, nullptr);
  const auto none = compile({});
  EXPECT_EQ(none->decide(call.input(), 0).rule, nullptr);
}

TEST(rules, add_gathers_in_order) {
  rule_model add = rule({on(rule_field::ruri_user, "^1")}, {"transc"});
  add.action = rule_action::add;
  rule_model add_more = rule({on(rule_field::ruri_user, "^12")}, {"vm", "conf"});
  add_more.action = rule_action::add;
  const auto rules = compile({add, add_more, rule({}, {"pstn"})});
  const auto resources = [&](const char* uri) {
    const rule_call call(with_ruri(uri));
    const rule_decision d = rules->decide(call.input(), 0);
    EXPECT_FALSE(d.unknown_resource);
    return std::vector<int>(d.resources.begin(), d.resources.begin() + d.resource_count);
  };
  EXPECT_THAT(resources("sip:12@b"), ElementsAre(2, 1, 3, 0));
  EXPECT_THAT(resources("sip:1@b"), ElementsAre(2, 0));
  EXPECT_THAT(resources("sip:2@b"), ElementsAre(0));
}

TEST(rules, unknown_and_doubled_resources) {
  const auto unknown = [](std::vector<rule_model> models) {
    const auto rules = compile(std::move(models));
    const rule_call call{call_text{}};
    return rules->decide(call.input(), 0).unknown_resource;
  };
  rule_model add = rule({}, {"pstn"});
  add.action = rule_action::add;
  EXPECT_FALSE(unknown({rule({}, {"pstn", "vm"})}));
  EXPECT_TRUE(unknown({rule({}, {"pstn", "fax"})}));
  EXPECT_TRUE(unknown({rule({}, {"pstn", "pstn"})}));
  EXPECT_TRUE(unknown({add, rule({}, {"pstn"})}));
  EXPECT_TRUE(unknown({rule({}, {""})}));
}

TEST(rules, calls_and_workers_do_not_see_each_other) {
  const auto rules = compile({rule({on(rule_field::ruri_user, "^1$")}), rule({})}, 2);
  const rule_call one(with_ruri("sip:1@b")), two(with_ruri("sip:2@b"));
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(rules->decide(one.input(), 0).rule, &rules->models()[0]);
    EXPECT_EQ(rules->decide(two.input(), 1).rule, &rules->models()[1]);
    EXPECT_EQ(rules->decide(two.input(), 0).rule, &rules->models()[1]);
    EXPECT_EQ(rules->decide(one.input(), 1).rule, &rules->models()[0]);
  }
}

TEST(rules, errors_name_rule_condition_and_place) {
  rule_model nameless = rule({}, {});
  rule_model bad_reply = rule({}, {});
  bad_reply.action = rule_action::reply;
  bad_reply.status = 100;
  rule_model add = rule({}, {});
  add.action = rule_action::add;
  rule_condition source;
  source.field = rule_field::source;
  const auto errors = errors_of({
      rule({on(rule_field::ruri_user, "^ok$"), on(rule_field::ruri_user, "^VM_(")}),
      rule({on(rule_field::ruri_user, "ab[c"), on(rule_field::header, "x", "Bad Name")}),
      rule({on(rule_field::body, ""), on(rule_field::body, std::string("a\0b", 3))}),
      rule({on(rule_field::from_uri, "(?!no)x")}),
      rule({on(rule_field::to_uri, "(a)\\1")}),
      nameless,
      bad_reply,
      add,
      rule({codecs(rule_field::codec_absent, {}), source}),
  });
  std::vector<std::string> said;
  for (const auto& e : errors)
    said.push_back(std::to_string(e.rule) + "/" +
                   (e.condition == compiled_rules::whole_rule ? "-" : std::to_string(e.condition)) +
                   ": " + e.message);
  EXPECT_THAT(
      said,
      ElementsAre(HasSubstr("0/1: \"^VM_(\": Missing close parenthesis"),
                  HasSubstr("1/0: \"ab[c\": "), HasSubstr("1/1: \"Bad Name\" is no"),
                  HasSubstr("2/0: \"\": the pattern is empty"),
                  HasSubstr("the pattern holds a NUL byte"), HasSubstr("3/0: \"(?!no)x\": "),
                  HasSubstr("4/0: \"(a)\\1\": "), HasSubstr("5/-: balance asks for no resource"),
                  HasSubstr("6/-: reply status 100"), HasSubstr("7/-: add names no resource"),
                  HasSubstr("8/0: names no codec"), HasSubstr("8/1: source names no network")));
  for (const std::size_t i : {0u, 1u})
    EXPECT_THAT(said[i], HasSubstr("at index "));
}

// A database is compiled once for all rules with the same patterns of a field, whatever else they
// say and however many patterns other fields have.
TEST(rules, patterns_that_are_known_are_not_compiled_again) {
  std::vector<compiled_rules::error> errors;
  const auto compile_after = [&](std::vector<rule_model> models, const compiled_rules* before) {
    const auto known = before ? before->patterns() : nullptr;
    return compiled_rules::compile(std::move(models), names, 2, errors, known.get());
  };
  const auto user = rule({on(rule_field::ruri_user, "^1"), on(rule_field::from_uri, "alice")});
  auto first = compile_after({user}, nullptr);
  ASSERT_NE(first, nullptr);
  auto other = user;
  other.resources = {"vm"};
  // 70 patterns of another field before it, so that its bits lie elsewhere; another for From.
  std::vector<rule_model> more;
  for (int i = 0; i < 70; ++i)
    more.push_back(rule({on(rule_field::to_uri, "^never" + std::to_string(i))}));
  other.conditions[1].pattern = "bob|alice";
  more.push_back(other);
  const auto second = compile_after(more, first.get());
  ASSERT_NE(second, nullptr);
  const auto was = first->patterns(), is = second->patterns();
  ASSERT_EQ(is->sets.size(), 3u);
  EXPECT_TRUE(is->sets[1].shares_with(was->sets[0]));
  EXPECT_FALSE(is->sets[2].shares_with(was->sets[1]));
  first.reset(); // what is shared stays
  call_text text;
  text.ruri = "sip:123@192.0.2.1";
  const rule_call call(text, nullptr, "203.0.113.1:5060");
  for (const std::size_t worker : {0u, 1u})
    EXPECT_EQ(second->decide(call.input(), worker).rule, &second->models()[70]);
  // The case of a host does not count, so that its database is another one.
  const auto host = compile_after({rule({on(rule_field::ruri_host, "^1")})}, second.get());
  ASSERT_NE(host, nullptr);
  EXPECT_FALSE(host->patterns()->sets[0].shares_with(is->sets[1]));
  EXPECT_THAT(errors, testing::IsEmpty());
}

// Random lists of rules decide as a plain reading with POSIX's regexec does.
TEST(rules, against_plain_reading) {
  const std::vector<std::string> patterns{"^1", "2$",    "^[0-9]+$", "a|b",
                                          "^$", "[xyz]", "1.*3",     "lice"};
  const std::vector<std::string> users{"1", "12", "123", "alice", "bob", "x9", "13", "2"};
  const std::vector<rule_field> fields{rule_field::ruri,      rule_field::ruri_user,
                                       rule_field::ruri_host, rule_field::from_uri,
                                       rule_field::header,    rule_field::method};
  std::mt19937 random(5);
  const auto one_of = [&](const auto& list) { return list[random() % list.size()]; };
  std::size_t matched = 0;
  for (int round = 0; round < 60; ++round) {
    std::vector<rule_model> models;
    for (unsigned r = 0; r < 1 + random() % 12; ++r) {
      std::vector<rule_condition> conditions;
      for (unsigned c = 0; c < random() % 4; ++c)
        conditions.push_back(on(one_of(fields), one_of(patterns), random() % 2 ? "X-A" : "X-B"));
      models.push_back(rule(conditions));
    }
    const auto rules = compile(models);
    ASSERT_NE(rules, nullptr);
    for (int i = 0; i < 50; ++i) {
      const std::string user = one_of(users), host = one_of(users), from = one_of(users);
      const std::string x_a = one_of(users);
      call_text text = with_headers("X-A: " + x_a + "\r\n");
      text.ruri = "sip:" + user + "@" + host;
      text.from = "<sip:" + from + ">;tag=1";
      const auto text_of = [&](const rule_condition& c) -> std::string {
        switch (c.field) {
        case rule_field::ruri:
          return text.ruri;
        case rule_field::ruri_user:
          return user;
        case rule_field::ruri_host:
          return host;
        case rule_field::from_uri:
          return "sip:" + from;
        case rule_field::header:
          return x_a;
        default:
          return "INVITE";
        }
      };
      const rule_model* expected = nullptr;
      for (const rule_model& model : rules->models()) {
        bool all = true;
        for (const rule_condition& c : model.conditions) {
          const bool absent = c.field == rule_field::header && c.header_name == "X-B";
          all = all && !absent && matches(text_of(c), c.pattern);
        }
        if (!all) continue;
        expected = &model;
        break;
      }
      const rule_call call(text);
      ASSERT_EQ(rules->decide(call.input(), 0).rule, expected);
      if (expected) ++matched;
    }
  }
  EXPECT_GT(matched, 100u);
}

} // namespace
} // namespace linehunt::rules_test
