// SPDX-License-Identifier: Apache-2.0
// Routing within a call: strict routers on either side, two listeners (RFC 5658), early dialogs,
// next hops that need DNS.
#include "engine_world.h"

#include <gtest/gtest.h>

namespace linehunt::test::engine_route_test {
namespace {

// Ours alone, out of those of the 2xx.
std::string route_of(const running_call& call) {
  const std::string all = header(call.ok_at_caller, "Record-Route");
  return all.substr(all.rfind('<'));
}

TEST(engine_route, the_next_loose_route_decides) {
  engine_world world;
  const auto call = establish(world, {}, "to-1", "<sip:192.0.2.51;lr>, <sip:192.0.2.50:5080;lr>");
  dialog_request what;
  what.method = "INFO";
  what.with_route = false;
  what.extra =
      "Route: " + route_of(call) + "\r\nRoute: <sip:192.0.2.50:5080;lr>, <sip:192.0.2.51;lr>\r\n";
  ASSERT_EQ(world.give(within(call.ok_at_caller, what), caller_address),
            verdict::request_forwarded);
  const auto out = world.take_one();
  EXPECT_EQ(out.to, at("192.0.2.50:5080"));
  EXPECT_EQ(headers(out.bytes, "Route"),
            (std::vector<std::string>{"<sip:192.0.2.50:5080;lr>, <sip:192.0.2.51;lr>"}));
}

// Else whoever is in a call could have us send what it likes to anybody, past the rules.
TEST(engine_route, nobody_outside_the_call_is_a_next_hop) {
  engine_world world;
  const auto expect_at = [&](const endpoint& where, const std::string& text) {
    ASSERT_EQ(world.give(text, caller_address), verdict::request_forwarded);
    const auto sent = world.take();
    ASSERT_EQ(sent.size(), 1u);
    EXPECT_EQ(sent[0].to, where) << text;
  };
  const auto try_methods = [&](const std::string& within_what, const endpoint& callee) {
    for (const char* method : {"OPTIONS", "MESSAGE", "INFO", "UPDATE", "REFER"}) {
      dialog_request what;
      what.method = method;
      what.branch = std::string{"z9hG4bK"} + method;
      const std::string text = within(within_what, what);
      expect_at(callee, replace(text, "sip:machine@192.0.2.99:5070", "sip:x@203.0.113.9:9"));
      expect_at(callee, replace(text, "From:", "Route: <sip:203.0.113.9:9;lr>\r\nFrom:"));
      expect_at(callee, replace(text, "From:", "Route: <sip:192.0.2.12:5060;lr>\r\nFrom:"));
    }
  };
  ASSERT_EQ(world.give(invite(), caller_address), verdict::request_forwarded);
  const auto there = world.take().at(1);
  (void)world.give(response(there.bytes, 180, "rings"), there.to);
  try_methods(world.take_one().bytes, there.to);
  (void)world.give(response(there.bytes, 200, "rings"), there.to);
  try_methods(world.take_one().bytes, there.to);
}

// A proxy that the call passes before it comes to us for the second time.
TEST(engine_route, a_next_hop_behind_a_route_of_ours_belongs_to_the_call) {
  engine_world world;
  call_parts parts;
  parts.extra = "Record-Route: <sip:192.0.2.1;lr>, <sip:198.51.100.9;lr>\r\n";
  const auto call = establish(world, parts);
  dialog_request what;
  what.method = "INFO";
  what.from_caller = false;
  what.with_route = false;
  what.extra = "Route: <sip:192.0.2.1;lr>, <sip:198.51.100.9;lr>\r\n";
  ASSERT_EQ(world.give(within(call.ok_at_caller, what), call.callee), verdict::request_forwarded);
  EXPECT_EQ(world.take_one().to, at("198.51.100.9:5060"));
}

TEST(engine_route, a_contact_that_changes_while_it_rings_is_learned) {
  engine_world world;
  ASSERT_EQ(world.give(invite(), caller_address), verdict::request_forwarded);
  const auto there = world.take().at(1);
  (void)world.give(response(there.bytes, 183, "to-1"), there.to);
  dialog_request update;
  update.method = "UPDATE";
  update.extra = "Contact: <sip:alice@198.51.100.77>\r\n";
  ASSERT_EQ(world.give(within(world.take_one().bytes, update), caller_address),
            verdict::request_forwarded);
  const auto at_box = world.take_one();
  (void)world.give(response(at_box.bytes, 200, ""), at_box.to);
  (void)world.take();
  (void)world.give(response(there.bytes, 200, "to-1"), there.to);
  const auto ok = world.take_one().bytes;
  dialog_request what;
  what.method = "INFO";
  what.from_caller = false;
  ASSERT_EQ(world.give(
                replace(within(ok, what), "sip:alice@198.51.100.7:5060", "sip:alice@198.51.100.77"),
                there.to),
            verdict::request_forwarded);
  EXPECT_EQ(world.take_one().to, at("198.51.100.77:5060"));
}

TEST(engine_route, ours_is_taken_out_of_a_list) {
  engine_world world;
  const auto call = establish(world, {}, "to-1", "<sip:192.0.2.50:5080;lr>");
  dialog_request what;
  what.method = "INFO";
  what.with_route = false;
  what.extra = "Route: " + route_of(call) + " , <sip:192.0.2.50:5080;lr>\r\n";
  ASSERT_EQ(world.give(within(call.ok_at_caller, what), caller_address),
            verdict::request_forwarded);
  const auto out = world.take_one();
  EXPECT_EQ(out.to, at("192.0.2.50:5080"));
  EXPECT_EQ(headers(out.bytes, "Route"), (std::vector<std::string>{"<sip:192.0.2.50:5080;lr>"}));
}

// Where our own lines go in, a line of ours goes out.
TEST(engine_route, ours_may_be_the_first_header) {
  engine_world world;
  const auto with_route_first = [](std::string text, std::string_view route) {
    return text.insert(text.find("\r\n") + 2, "Route: " + std::string{route} + "\r\n");
  };
  const std::string ours = "<sip:192.0.2.1;lr>";
  ASSERT_EQ(world.give(with_route_first(invite(), ours), caller_address),
            verdict::request_forwarded);
  const auto there = world.take().at(1);
  EXPECT_TRUE(there.bytes.find("\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=") ==
              there.bytes.find("\r\n"));
  EXPECT_TRUE(headers(there.bytes, "Route").empty());
  EXPECT_EQ(headers(there.bytes, "Via").size(), 2u);
  world.wait_ms(520);
  EXPECT_EQ(world.take_one().bytes, there.bytes) << "and so does its repetition";
  (void)world.give(response(there.bytes, 200, "t"), there.to);
  const auto ok = world.take_one().bytes;
  dialog_request what;
  what.method = "INFO";
  what.with_route = false;
  const auto handle = header(ok, "Record-Route");
  ASSERT_EQ(world.give(with_route_first(within(ok, what), handle), caller_address),
            verdict::request_forwarded);
  const auto info = world.take_one();
  EXPECT_TRUE(info.bytes.find("\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=") ==
              info.bytes.find("\r\n"));
  EXPECT_TRUE(headers(info.bytes, "Route").empty());
}

TEST(engine_route, a_strict_router_behind_us_gets_the_request_uri) {
  engine_world world;
  const auto call = establish(world, {}, "to-1", "<sip:192.0.2.51;lr>, <sip:192.0.2.50:5080>");
  dialog_request what;
  what.method = "INFO";
  what.with_route = false;
  what.extra =
      "Route: " + route_of(call) + "\r\nRoute: <sip:192.0.2.50:5080>, <sip:192.0.2.51;lr>\r\n";
  ASSERT_EQ(world.give(within(call.ok_at_caller, what), caller_address),
            verdict::request_forwarded);
  const auto out = world.take_one();
  EXPECT_EQ(out.to, at("192.0.2.50:5080"));
  EXPECT_EQ(first_line(out.bytes), "INFO sip:192.0.2.50:5080 SIP/2.0");
  EXPECT_EQ(headers(out.bytes, "Route"),
            (std::vector<std::string>{"<sip:192.0.2.51;lr>", "<sip:machine@192.0.2.99:5070>"}));
}

TEST(engine_route, a_strict_router_before_us_has_used_up_our_route) {
  engine_world world;
  const auto call = establish(world, {}, "to-1", "<sip:192.0.2.50:5080;lr>");
  const std::string ours = route_of(call);
  const std::string uri = ours.substr(1, ours.find('>') - 1);
  for (const bool own_header : {true, false}) {
    dialog_request what;
    what.method = "INFO";
    what.with_route = false;
    what.cseq = own_header ? 2 : 3;
    what.extra = own_header ? "Route: <sip:192.0.2.50:5080;lr>\r\n"
                              "Route: <sip:machine@192.0.2.99:5070>\r\n"
                            : "Route: <sip:192.0.2.50:5080;lr>, <sip:machine@192.0.2.99:5070>\r\n";
    auto text = within(call.ok_at_caller, what);
    text = replace(text, "INFO sip:machine@192.0.2.99:5070", "INFO " + uri);
    ASSERT_EQ(world.give(text, caller_address), verdict::request_forwarded);
    const auto out = world.take_one();
    EXPECT_EQ(first_line(out.bytes), "INFO sip:machine@192.0.2.99:5070 SIP/2.0");
    EXPECT_EQ(out.to, at("192.0.2.50:5080"));
    EXPECT_EQ(headers(out.bytes, "Route"), (std::vector<std::string>{"<sip:192.0.2.50:5080;lr>"}));
  }
}

// The rules have seen the Request-URI, so the destination gets that one.
TEST(engine_route, a_new_call_with_a_strict_route_is_refused) {
  engine_world world;
  call_parts parts;
  parts.extra = "Route: <sip:0900123@192.0.2.50>\r\n";
  EXPECT_EQ(world.give(invite(parts), caller_address), verdict::rejected_malformed);
  EXPECT_EQ(status_of(world.take_one().bytes), 400);
  parts.extra = "Route: <sip:0900123@192.0.2.50;lr>\r\n";
  const auto text = replace(invite(parts), "INVITE sip:4930123456@192.0.2.1",
                            "INVITE sip:192.0.2.1:5060;lr;lh=0000000000000001");
  EXPECT_NE(world.give(text, caller_address), verdict::request_forwarded);
  EXPECT_EQ(world.total_load(), 0);
  (void)world.take();
  EXPECT_EQ(world.give(invite(parts), caller_address), verdict::request_forwarded);
}

TEST(engine_route, our_own_bye_obeys_strict_routers) {
  engine_world world;
  call_parts parts;
  parts.extra = "Record-Route: <sip:198.51.100.9>, <sip:198.51.100.8;lr>\r\n";
  (void)establish(world, parts);
  mail end;
  end.kind = mail_kind::end_call;
  end.subject = world.handles().at(0);
  world.mail(end);
  const auto sent = world.take();
  ASSERT_EQ(sent.size(), 2u);
  const auto& bye = sent[0]; // to the caller
  EXPECT_EQ(bye.to, at("198.51.100.9:5060"));
  EXPECT_EQ(first_line(bye.bytes), "BYE sip:198.51.100.9 SIP/2.0");
  EXPECT_EQ(header(bye.bytes, "Route"), "<sip:198.51.100.8;lr>,<sip:alice@198.51.100.7:5060>");
}

TEST(engine_route, a_name_goes_to_the_address_that_the_call_is_known_to_use) {
  engine_world world;
  const auto call = establish(world);
  auto text = within(call.ok_at_caller, {});
  text = replace(text, "BYE sip:machine@192.0.2.99:5070", "BYE sip:machine@box.example");
  ASSERT_EQ(world.give(text, caller_address), verdict::request_forwarded);
  const auto out = world.take_one();
  EXPECT_EQ(out.to, call.callee);
  EXPECT_EQ(first_line(out.bytes), "BYE sip:machine@box.example SIP/2.0");
}

TEST(engine_route, multicast_is_no_next_hop) {
  engine_world world;
  const auto call = establish(world);
  dialog_request what;
  what.method = "INFO";
  auto text = within(call.ok_at_caller, what);
  text = replace(text, "INFO sip:machine@192.0.2.99:5070", "INFO sip:machine@224.0.1.75");
  ASSERT_EQ(world.give(text, caller_address), verdict::request_forwarded);
  EXPECT_EQ(world.take_one().to, call.callee) << "but where the call is known to be";
}

// Neither can be reached from a listener for IPv4.
TEST(engine_route, a_contact_that_cannot_be_reached_is_left_for_the_known_address) {
  engine_world world;
  (void)world.give(invite(), caller_address);
  const auto at_callee = world.take().at(1);
  const auto ok = replace(response(at_callee.bytes, 200, "t"), "sip:machine@192.0.2.99:5070",
                          "sip:machine@[2001:db8::9]");
  ASSERT_EQ(world.give(ok, at_callee.to), verdict::response_forwarded);
  const auto at_caller = world.take_one();
  dialog_request ack;
  ack.method = "ACK";
  ASSERT_EQ(world.give(replace(within(at_caller.bytes, ack), "sip:machine@192.0.2.99:5070",
                               "sip:machine@[2001:db8::9]"),
                       caller_address),
            verdict::request_forwarded);
  EXPECT_EQ(world.take_one().to, at_callee.to);
  mail end;
  end.kind = mail_kind::end_call;
  end.subject = world.handles().at(0);
  world.mail(end);
  const auto byes = world.take();
  ASSERT_EQ(byes.size(), 2u);
  EXPECT_EQ(byes[1].to, at_callee.to);
}

TEST(engine_route, our_names_and_outside_address_are_ours) {
  snapshot_model model = study_case();
  model.listeners[0].outside = at("203.0.113.5:5070");
  model.listeners[0].sent_by.clear();
  model.listeners[0].names = {"lb.example.net"};
  engine_world world(model);
  for (const char* route :
       {"sip:LB.example.net:5070;lr", "sip:203.0.113.5:5070;lr", "sip:192.0.2.1;lr"}) {
    call_parts parts;
    parts.call_id = std::to_string(world.given) + "@caller.example";
    parts.branch += std::to_string(world.given);
    parts.extra = "Route: <" + std::string{route} + ">\r\n";
    ASSERT_EQ(world.give(invite(parts), caller_address), verdict::request_forwarded) << route;
    const auto sent = world.take().at(1);
    EXPECT_TRUE(headers(sent.bytes, "Route").empty()) << route;
    EXPECT_TRUE(header(sent.bytes, "Via").starts_with("SIP/2.0/UDP 203.0.113.5:5070;branch="));
    EXPECT_TRUE(header(sent.bytes, "Record-Route").starts_with("<sip:203.0.113.5:5070;lr;lh="));
    EXPECT_EQ(world.give(response(sent.bytes, 180, "t"), sent.to), verdict::response_forwarded);
    (void)world.take();
  }
  auto options = hop_request("OPTIONS", {});
  const auto ping =
      replace(options, "OPTIONS sip:4930123456@192.0.2.1", "OPTIONS sip:ping@lb.example.net:5070");
  ASSERT_NE(ping, options);
  EXPECT_EQ(world.give(ping, caller_address), verdict::request_answered);
  options = replace(ping, "sip:ping@lb.example.net:5070", "sip:ping@lb.example.net:5071");
  EXPECT_EQ(world.give(options, caller_address), verdict::rejected_method);
}

// Destinations on a network of another port than callers: what goes to a caller's network leaves by
// the port that has it, whichever side of the call asks for it.
TEST(engine_route, the_port_is_that_of_the_next_hop) {
  snapshot_model model = study_case();
  listener inner;
  inner.local = at("192.0.2.3:5060");
  inner.port = 1;
  model.listeners.push_back(inner);
  model.routes = {{*parse_prefix("198.51.100.0/24"), 0}, {*parse_prefix("192.0.2.0/24"), 1}};
  engine_world world(model);
  const auto call = establish(world, {}, "to-1", "<sip:198.51.100.9;lr>");
  dialog_request what;
  what.method = "INFO";
  what.with_route = false;
  auto text = within(call.ok_at_caller, what);
  ASSERT_EQ(world.give(text, caller_address), verdict::request_forwarded);
  EXPECT_EQ(world.take_one().listener, 1);
  text = replace(text, "From:", "Route: <sip:198.51.100.9;lr>\r\nFrom:");
  ASSERT_EQ(world.give(text, caller_address), verdict::request_forwarded);
  const auto sent = world.take_one();
  EXPECT_EQ(sent.to, at("198.51.100.9:5060"));
  EXPECT_EQ(sent.listener, 0);
}

snapshot_model two_listeners() {
  snapshot_model model = study_case();
  listener inner;
  inner.local = at("[2001:db8::1]:5080");
  model.listeners.push_back(inner);
  route v6;
  v6.net = *parse_prefix("2001:db8::/32");
  v6.listener = 1;
  model.routes.push_back(v6);
  model.destinations.resize(1);
  model.destinations[0].addresses = {at("[2001:db8::11]:5060")};
  model.destinations[0].uri = "sip:[2001:db8::11]:5060";
  return model;
}

TEST(engine_route, two_listeners_record_both_and_each_side_sees_its_own) {
  engine_world world(two_listeners());
  ASSERT_EQ(world.give(invite(), caller_address, 0), verdict::request_forwarded);
  const auto sent = world.take();
  const auto& out = sent.at(1);
  EXPECT_EQ(out.listener, 1);
  EXPECT_TRUE(header(out.bytes, "Via").starts_with("SIP/2.0/UDP [2001:db8::1]:5080;branch="));
  const auto rr = headers(out.bytes, "Record-Route");
  ASSERT_EQ(rr.size(), 2u);
  EXPECT_TRUE(rr[0].starts_with("<sip:[2001:db8::1]:5080;lr;lh=")) << rr[0];
  EXPECT_TRUE(rr[1].starts_with("<sip:192.0.2.1:5060;lr;lh=")) << rr[1];

  auto answer = response(out.bytes, 200, "t");
  answer = replace(answer, "sip:machine@192.0.2.99:5070", "sip:machine@[2001:db8::11]:5060");
  ASSERT_EQ(world.give(answer, out.to, 1), verdict::response_forwarded);
  const auto ok = world.take_one();
  EXPECT_EQ(ok.listener, 0);
  EXPECT_EQ(ok.to, caller_address);

  dialog_request what;
  what.method = "ACK";
  auto ack = within(ok.bytes, what);
  ack = replace(ack, "sip:machine@192.0.2.99:5070", "sip:machine@[2001:db8::11]:5060");
  ASSERT_EQ(world.give(ack, caller_address, 0), verdict::request_forwarded);
  const auto forwarded = world.take_one();
  EXPECT_EQ(forwarded.to, at("[2001:db8::11]:5060"));
  EXPECT_EQ(forwarded.listener, 1);
  EXPECT_TRUE(headers(forwarded.bytes, "Route").empty());

  what = {};
  what.from_caller = false;
  ASSERT_EQ(world.give(within(ok.bytes, what), out.to, 1), verdict::request_forwarded);
  const auto bye = world.take_one();
  EXPECT_EQ(bye.to, caller_address);
  EXPECT_EQ(bye.listener, 0);
  EXPECT_TRUE(headers(bye.bytes, "Route").empty());
  ASSERT_EQ(world.give(response(bye.bytes, 200, ""), caller_address, 0),
            verdict::response_forwarded);
  const auto done = world.take_one();
  EXPECT_EQ(done.listener, 1);
  EXPECT_EQ(world.total_load(), 0);
}

TEST(engine_route, prack_and_update_pass_before_the_answer) {
  engine_world world;
  ASSERT_EQ(world.give(invite(), caller_address), verdict::request_forwarded);
  const auto there = world.take().at(1);
  (void)world.give(response(there.bytes, 183, "early",
                            "RSeq: 1\r\nRequire: 100rel\r\n"
                            "Contact: <sip:machine@192.0.2.99:5070>\r\n"),
                   there.to);
  const auto progress = world.take_one().bytes;
  EXPECT_EQ(header(progress, "RSeq"), "1");
  dialog_request what;
  what.method = "PRACK";
  ASSERT_EQ(world.give(within(progress, what), caller_address), verdict::request_forwarded);
  const auto prack = world.take_one();
  EXPECT_EQ(prack.to, at("192.0.2.99:5070"));
  ASSERT_EQ(world.give(response(prack.bytes, 200, ""), prack.to), verdict::response_forwarded);
  EXPECT_EQ(world.take_one().to, caller_address);
  what.method = "UPDATE";
  what.from_caller = false;
  ASSERT_EQ(world.give(within(progress, what), there.to), verdict::request_forwarded);
  EXPECT_EQ(world.take_one().to, caller_address);
}

// The port of a sips URI is one of TLS, by default 5061 (RFC 3261 19.1.2), as is that of a sip URI
// whose transport says so. What is sent by UDP goes where UDP has come from and gone to before.
TEST(engine_route, nobody_is_looked_for_at_a_port_of_tls) {
  struct secure_uri {
    std::string scheme, port, parameters;
  };
  for (const auto& [scheme, port, parameters] : std::vector<secure_uri>{
           {"sips:", "", ""},
           {"sips:", ":5060", ""},
           {"sips:", ":5061", ""},
           {"sip:", "", ";transport=tls"},
           {"sip:", ":5061", ";Transport=TLS"},
           {"sip:", ":5060", ";ob;transport=tls-sctp"},
           {"sip:", "", ";transport=ws"},
           {"sip:", ":5061", ";transport=wss;ob"},
       }) {
    engine_world world;
    const auto secure = [&, &scheme = scheme, &port = port, &parameters = parameters](
                            std::string text, const std::string& from, const std::string& host) {
      return replace(std::move(text), from, scheme + host + port + parameters);
    };
    ASSERT_EQ(world.give(secure(invite(), "sip:alice@198.51.100.7:5060", "alice@198.51.100.8"),
                         caller_address),
              verdict::request_forwarded);
    const auto there = world.take().at(1);
    ASSERT_EQ(world.give(secure(response(there.bytes, 200, "to-1"), "sip:machine@192.0.2.99:5070",
                                "machine@192.0.2.99"),
                         there.to),
              verdict::response_forwarded);
    const auto ok = world.take_one().bytes;

    dialog_request what;
    what.method = "ACK";
    what.cseq = 1;
    for (const char* method : {"ACK", "INFO"}) {
      what.method = method;
      for (const bool from_caller : {true, false}) {
        what.from_caller = from_caller;
        const endpoint peer = from_caller ? there.to : caller_address;
        auto text = within(ok, what);
        text = from_caller ? secure(text, "sip:machine@192.0.2.99:5070", "machine@192.0.2.99")
                           : secure(text, "sip:alice@198.51.100.7:5060", "alice@198.51.100.8");
        ASSERT_EQ(world.give(text, from_caller ? caller_address : there.to),
                  verdict::request_forwarded);
        EXPECT_EQ(world.take_one().to, peer) << text;
        // By a proxy of that side, too.
        text = replace(text, "From: ",
                       "Route: <" + scheme + "192.0.2.98" + port + parameters + ";lr>\r\nFrom: ");
        ASSERT_EQ(world.give(text, from_caller ? caller_address : there.to),
                  verdict::request_forwarded);
        EXPECT_EQ(world.take_one().to, peer) << text;
      }
    }
    // A Request-URI that names us, with a Contact that is one of those.
    if (port != ":5061") {
      what = {};
      what.method = "INFO";
      what.with_route = false;
      ASSERT_EQ(world.give(secure(within(ok, what), "sip:machine@192.0.2.99:5070", "192.0.2.1"),
                           caller_address),
                verdict::request_forwarded);
      const auto out = world.take_one();
      EXPECT_EQ(out.to, there.to);
      EXPECT_EQ(first_line(out.bytes),
                "INFO " + scheme + "machine@192.0.2.99" + port + parameters + " SIP/2.0");
    }
    // Our own, and theirs from the addresses that they have named.
    mail end;
    end.kind = mail_kind::end_call;
    end.subject = world.handles().at(0);
    what = {};
    ASSERT_EQ(world.give(within(ok, what), at("198.51.100.8:5060")), verdict::request_forwarded);
    EXPECT_EQ(world.take_one().to, at("192.0.2.99:5070")) << "a sip URI of that address";
    world.mail(end);
    const auto byes = world.take();
    ASSERT_EQ(byes.size(), 2u);
    EXPECT_EQ(byes[0].to, caller_address);
    EXPECT_EQ(byes[1].to, there.to);
    EXPECT_EQ(first_line(byes[1].bytes),
              "BYE " + scheme + "machine@192.0.2.99" + port + parameters + " SIP/2.0");
  }
}

// Devices that have registered by UDP write that, and whoever takes TCP or SCTP must take UDP (RFC
// 3261 18).
TEST(engine_route, a_contact_with_tcp_is_reached_by_udp) {
  for (const std::string transport : {"tcp", "TCP", "sctp", "udp", "UDP"}) {
    engine_world world;
    const auto call = establish(world);
    dialog_request what;
    what.method = "INFO";
    const auto text = replace(within(call.ok_at_caller, what), "sip:machine@192.0.2.99:5070",
                              "sip:machine@192.0.2.99:5070;transport=" + transport);
    ASSERT_EQ(world.give(text, caller_address), verdict::request_forwarded);
    EXPECT_EQ(world.take_one().to, at("192.0.2.99:5070")) << transport;
  }
}

// A proxy behind the destination has forked the INVITE, and does not record its route.
TEST(engine_route, each_device_that_rings_gets_its_prack_at_its_own_contact) {
  engine_world world;
  ASSERT_EQ(world.give(invite(), caller_address), verdict::request_forwarded);
  const auto there = world.take().at(1);
  constexpr unsigned devices = 9;
  const auto address = [](unsigned n) { return "192.0.2." + std::to_string(90 + n) + ":5070"; };
  std::vector<std::string> ringing;
  for (unsigned n = 0; n < devices; ++n) {
    (void)world.give(
        response(there.bytes, 183, "early-" + std::to_string(n),
                 "RSeq: 1\r\nRequire: 100rel\r\nContact: <sip:machine@" + address(n) + ">\r\n"),
        there.to);
    ringing.push_back(world.take_one().bytes);
  }
  const auto prack = [&](const std::string& progress, const std::string& to) {
    dialog_request what;
    what.method = "PRACK";
    EXPECT_EQ(world.give(replace(within(progress, what), "192.0.2.99:5070", to), caller_address),
              verdict::request_forwarded);
    return world.take_one().to;
  };
  for (unsigned n = 0; n < devices; ++n)
    EXPECT_EQ(prack(ringing[n], address(n)), at(address(n))) << n;
  EXPECT_EQ(prack(ringing[0], "203.0.113.9:5070"), there.to) << "nobody else";

  // What was noted of that INVITE is not for the next one that has its record.
  (void)world.give(response(there.bytes, 486, "early-0"), there.to);
  (void)world.give(hop_request("ACK", {}, "early-0"), caller_address);
  world.wait_ms(40'000);
  (void)world.take();
  call_parts other;
  other.call_id = "18@caller.example";
  ASSERT_EQ(world.give(invite(other), caller_address), verdict::request_forwarded);
  const auto next = world.take().at(1);
  (void)world.give(response(next.bytes, 180, "early-0"), next.to);
  EXPECT_EQ(prack(world.take_one().bytes, address(0)), next.to);
}

// A proxy behind the destination has forked the INVITE: one device answers while another rings.
TEST(engine_route, a_device_that_rings_on_after_another_has_answered_is_reached) {
  engine_world world;
  ASSERT_EQ(world.give(invite(), caller_address), verdict::request_forwarded);
  const auto there = world.take().at(1);
  (void)world.give(response(there.bytes, 183, "rings", "RSeq: 1\r\nRequire: 100rel\r\n"), there.to);
  const auto progress = world.take_one().bytes;
  (void)world.give(response(there.bytes, 200, "answers"), there.to);
  const auto ok = world.take_one().bytes;
  dialog_request what;
  what.method = "ACK";
  what.cseq = 1;
  ASSERT_EQ(world.give(within(ok, what), caller_address), verdict::request_forwarded);
  (void)world.take();

  for (const bool from_caller : {true, false})
    for (const char* method : {"PRACK", "UPDATE", "BYE"}) {
      what = {};
      what.method = method;
      what.from_caller = from_caller;
      what.branch = std::string{"z9hG4bK"} + method + (from_caller ? "1" : "2");
      const endpoint from = from_caller ? caller_address : there.to;
      EXPECT_EQ(world.give(within(progress, what), at("203.0.113.9:5060")),
                verdict::rejected_no_dialog)
          << "a stranger's " << method;
      (void)world.take();
      ASSERT_EQ(world.give(within(progress, what), from), verdict::request_forwarded) << method;
      const auto sent = world.take_one();
      EXPECT_EQ(sent.to, from_caller ? at("192.0.2.99:5070") : caller_address) << method;
      ASSERT_EQ(world.give(response(sent.bytes, 200, ""), sent.to), verdict::response_forwarded);
      EXPECT_EQ(world.take_one().to.ip, from.ip);
    }
  EXPECT_EQ(world.total_load(), 1) << "whatever was said there, the answered call goes on";
  EXPECT_EQ(world.counters().calls_live, 1u);

  what = {};
  what.method = "INVITE";
  EXPECT_EQ(world.give(within(progress, what), caller_address), verdict::rejected_no_dialog);
  world.wait_ms(33'000);
  (void)world.take();
  what.method = "PRACK";
  EXPECT_EQ(world.give(within(progress, what), caller_address), verdict::rejected_no_dialog);
}

} // namespace
} // namespace linehunt::test::engine_route_test
