// SPDX-License-Identifier: Apache-2.0
// See engine_messages.h.
#include "engine_messages.h"

#include <algorithm>
#include <cstdint>
#include <stdexcept>

namespace linehunt::bench {

call_names names_of_call(std::uint64_t number) {
  const std::string n = std::to_string(number);
  call_names c;
  c.call_id =
      std::string(12 - std::min<std::size_t>(n.size(), 12), '0') + n + "-6f2a91c4b8d7@198.51.100.7";
  c.from = "\"Core\" <sip:+493012345678@core.example>;tag=as" + n;
  c.to_uri = "sip:4989" + n + "@192.0.2.1";
  return c;
}

std::uint64_t number_of_call(std::string_view message) {
  return std::stoull(line_of(message, "Call-ID").substr(0, 12));
}

std::string line_of(std::string_view message, std::string_view name) {
  const std::string wanted = "\r\n" + std::string{name} + ": ";
  const auto at = message.find(wanted);
  if (at == std::string_view::npos) throw std::runtime_error("no " + std::string{name});
  const auto end = message.find("\r\n", at + 2);
  return std::string{message.substr(at + wanted.size(), end - at - wanted.size())};
}

namespace {

std::string all_vias(std::string_view message) {
  std::string vias;
  std::size_t at = 0;
  while ((at = message.find("\r\nVia: ", at)) != std::string_view::npos) {
    const auto end = message.find("\r\n", at + 2);
    vias += message.substr(at + 2, end - at);
    at = end;
  }
  return vias;
}

} // namespace

const std::string_view sdp =
    "v=0\r\no=- 3727 3727 IN IP4 198.51.100.7\r\ns=-\r\nc=IN IP4 198.51.100.7\r\nt=0 0\r\n"
    "m=audio 16384 RTP/AVP 8 0 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\n"
    "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\na=sendrecv\r\n";

std::string request(const call_names& c, std::string_view method, unsigned cseq,
                    std::string_view to_tag, std::string_view route, std::string_view body,
                    std::string_view extra) {
  const bool fresh = to_tag.empty();
  std::string out = std::string{method} + " " +
                    (fresh ? c.to_uri : std::string{"sip:gw@192.0.2.11:5060"}) +
                    " SIP/2.0\r\nVia: SIP/2.0/UDP 198.51.100.7:5060;rport;branch=z9hG4bK-" +
                    c.call_id.substr(0, 12) + std::to_string(cseq) + std::string{method} + "\r\n";
  if (!route.empty()) out += "Route: " + std::string{route} + "\r\n";
  out += "Max-Forwards: 70\r\nFrom: " + c.from + "\r\nTo: <" + c.to_uri + ">";
  if (!fresh) out += ";tag=" + std::string{to_tag};
  out += "\r\nCall-ID: " + c.call_id + "\r\nCSeq: " + std::to_string(cseq) + " " +
         std::string{method} +
         "\r\nContact: <sip:core@198.51.100.7:5060>\r\nUser-Agent: core proxy 3.2\r\n"
         "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, PRACK\r\nSupported: timer, 100rel\r\n";
  out += extra;
  if (!body.empty()) out += "Content-Type: application/sdp\r\n";
  return out + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string{body};
}

std::string reply(std::string_view to_what, unsigned status, std::string_view body,
                  std::string_view extra) {
  std::string to = line_of(to_what, "To");
  if (to.find(";tag=") == std::string::npos) to += ";tag=gw7f3a";
  std::string out = "SIP/2.0 " + std::to_string(status) + " OK\r\n" + all_vias(to_what);
  if (to_what.find("\r\nRecord-Route: ") != std::string_view::npos)
    out += "Record-Route: " + line_of(to_what, "Record-Route") + "\r\n";
  out += "From: " + line_of(to_what, "From") + "\r\nTo: " + to +
         "\r\nCall-ID: " + line_of(to_what, "Call-ID") + "\r\nCSeq: " + line_of(to_what, "CSeq") +
         "\r\nContact: <sip:gw@192.0.2.11:5060>\r\nServer: gateway 1.9\r\n";
  out += extra;
  if (!body.empty()) out += "Content-Type: application/sdp\r\n";
  return out + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string{body};
}

} // namespace linehunt::bench
