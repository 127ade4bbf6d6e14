// SPDX-License-Identifier: Apache-2.0
#include "tests/corpus/random_message.h"

#include <algorithm>
#include <initializer_list>
#include <set>
#include <string_view>
#include <vector>

namespace linehunt::reference {
namespace {

class composer {
 public:
  explicit composer(std::mt19937& random) : random_(random) {}

  std::string message() {
    const bool request = chance(70);
    const std::string method = pick({"INVITE", "ACK", "BYE", "OPTIONS", "x-New.1%", "CANCEL"});
    std::string text = request ? method + " " + uri(true) + " " + pick({"SIP/2.0", "sip/2.0"})
                               : "SIP/2.0 " + std::to_string(100 + below(600)) + " " +
                                     pick({"OK", "", "Not  Here", "\xc3\xa9", "a:b, c"});
    text += "\r\n";

    const std::string body = pick({"", "v=0\r\ns=-\r\n", "x\r\n\r\ny", std::string(3, '\0')});
    std::vector<std::string> lines{
        name({"Via", "v", "VIA", "vIa"}) + list([&] { return via(); }),
        name({"From", "f", "FROM"}) + address(true), name({"To", "t", "tO"}) + address(true),
        name({"Call-ID", "i", "call-id"}) + pick({"a", "a-b.c", "x@y", "(<>:\\\"/[]?{})@1", "~"}),
        name({"CSeq", "cseq"}) + pick({"0", "1", "0009", "2147483647"}) + lws() + method};
    if (chance(70))
      lines.push_back(name({"Max-Forwards"}) + pick({"0", "70", "0068", "255", "300"}));
    if (chance(60)) {
      lines.push_back(name({"Content-Length", "l", "L"}) + std::to_string(below(body.size() + 1)));
    }
    for (std::size_t i = below(3); i > 0; --i) {
      lines.push_back(name({"Route", "ROUTE"}) + list([&] { return address(false); }));
    }
    for (std::size_t i = below(3); i > 0; --i) {
      lines.push_back(name({"Via", "v"}) + list([&] { return via(); }));
    }
    for (std::size_t i = below(6); i > 0; --i) {
      lines.push_back(name({"X", "viaa", "fro", "Call-I", "Subject", "s", "To-", "Reason", "k"}) +
                      pick({"", "anything: at, all;x=\"", "\x01\xff",
                            std::string{"a"}.append(lws()).append("b")}));
    }
    std::shuffle(lines.begin(), lines.end(), random_);
    for (const auto& line : lines)
      text += line + "\r\n";
    return text + "\r\n" + body;
  }

 private:
  std::size_t below(std::size_t n) { return random_() % n; }
  bool chance(unsigned percent) { return below(100) < percent; }
  std::string pick(std::initializer_list<std::string> of) {
    return *(of.begin() + below(of.size()));
  }

  std::string wsp() { return std::string(1 + below(3), chance(80) ? ' ' : '\t'); }
  std::string lws() {
    if (chance(80)) return wsp();
    return (chance(30) ? wsp() : "") + "\r\n" + wsp();
  }
  std::string sws() { return chance(75) ? "" : lws(); }
  std::string around(char c) { return sws() + c + sws(); }
  std::string name(std::initializer_list<std::string> of) {
    return pick(of) + (chance(85) ? "" : wsp()) + ":" + (chance(80) ? " " : sws());
  }
  template <class Element>
  std::string list(Element element) {
    std::string text = element();
    for (std::size_t i = below(3); i > 0; --i)
      text += around(',') + element();
    return text;
  }

  std::string host() {
    return pick({"a", "example.com", "192.0.2.1", "[2001:db8::1]", "[::ffff:1.2.3.4]", "x-1.y2"});
  }
  std::string uri(bool with_parameters) {
    std::string text = pick({"sip:", "SIP:", "sips:"});
    if (chance(60)) {
      text += with_parameters ? pick({"bob", "a;b?c/d", "%41%00", "+1-2.3!", "u,v=w", "$&"})
                              : pick({"bob", "%41%00", "+1-2.3!", "$&"});
      if (chance(20)) text.append(":").append(pick({"", "pw", "%20$"}));
      text += "@";
    }
    text += host();
    if (chance(30)) text.append(":").append(pick({"5060", "1", "65535", "00005070"}));
    if (with_parameters && chance(50)) {
      text += pick({";lr", ";lr=on;x", ";transport=udp", ";a=[:]/+$;b", ";tag=hidden"});
      if (chance(20)) text += pick({"?a=b", "?Route=%3Csip:x%3E&b="});
    }
    return text;
  }
  std::string quoted() {
    return pick({"\"\"", "\"a b\"", "\"\\\"\"", "\"\\\\\"", "\";tag=no <sip:x>, \"", "\"\xd1\x82\"",
                 "\"a\r\n b\""});
  }
  std::string parameters(std::initializer_list<std::string> known) {
    std::string text;
    std::set<std::string> names; // RFC 3261 7.3.1: none twice
    for (std::size_t i = below(4); i > 0; --i) {
      const auto one = pick(known);
      auto name = one.substr(0, one.find_first_of("= \t\r"));
      for (char& c : name)
        c = static_cast<char>(c | 0x20);
      if (names.insert(name).second) text += around(';') + one;
    }
    return text;
  }
  std::string via() {
    std::string text = pick({"SIP", "sip"}) + around('/') + "2.0" + around('/') +
                       pick({"UDP", "TCP", "x-new"}) + lws() + host();
    if (chance(40)) text += around(':') + pick({"5060", "9", "65535"});
    return text + parameters({"branch" + around('=') + "z9hG4bK1", "branch=\"q;,\"", "rport",
                              "rport=77", "received=192.0.2.4", "received=2001:db8::9", "maddr=h.x",
                              "received=[2001:db8::9]", "TTL=1", "keep", "x=\"a, b\""});
  }
  std::string address(bool may_be_bare) {
    std::string text;
    if (may_be_bare && chance(30)) {
      text = uri(false);
    } else {
      if (chance(60))
        text += chance(50) ? quoted() + sws() : pick({"Bob", "a b" + lws() + "c%"}) + lws();
      text.append("<").append(uri(true)).append(">");
    }
    return text +
           parameters({"tag" + around('=') + "t1", "TAG=t-2.%", "x", "y=\";tag=no\"", "z=1"});
  }

  std::mt19937& random_;
};

} // namespace

std::string random_message(std::mt19937& random) {
  return composer{random}.message();
}

} // namespace linehunt::reference
