// SPDX-License-Identifier: Apache-2.0
#include "parse_messages.h"

#include <initializer_list>
#include <string_view>

namespace linehunt::bench {
namespace {

// Lines get their CRLF here, and the message its Content-Length, as "Content-Length" or "l".
std::string message(std::initializer_list<std::string_view> lines,
                    std::initializer_list<std::string_view> body,
                    std::string_view length_name = "Content-Length") {
  std::string text;
  std::string body_text;
  for (const auto line : body)
    body_text.append(line).append("\r\n");
  for (const auto line : lines)
    text.append(line).append("\r\n");
  text.append(length_name).append(": ").append(std::to_string(body_text.size()));
  return text.append("\r\n\r\n").append(body_text);
}

// A softswitch's INVITE: G.711 and G.729, DTMF events.
std::string invite() {
  return message(
      {"INVITE sip:+4930901820@198.51.100.20:5060;user=phone SIP/2.0",
       "Via: SIP/2.0/UDP 192.0.2.17:5060;branch=z9hG4bK0g7k2p10d8v1hbs3o4s0.1;rport",
       "Max-Forwards: 68",
       "From: \"+4989123456\" <sip:+4989123456@192.0.2.17;user=phone>;tag=SDf3c0e01-gK0c5d8a11",
       "To: <sip:+4930901820@198.51.100.20;user=phone>",
       "Call-ID: 1b7c5f0e-91d2-4c3a-a1f5-8d8f7e02a6c1@192.0.2.17", "CSeq: 21034 INVITE",
       "Contact: <sip:+4989123456@192.0.2.17:5060;transport=udp>",
       "Allow: INVITE, ACK, CANCEL, BYE, PRACK, UPDATE, OPTIONS, INFO, REFER",
       "Supported: timer, 100rel, replaces", "Session-Expires: 1800;refresher=uac", "Min-SE: 90",
       "User-Agent: Exchange 7.2", "Content-Type: application/sdp"},
      {"v=0", "o=- 719452 719452 IN IP4 192.0.2.17", "s=-", "c=IN IP4 192.0.2.33", "t=0 0",
       "m=audio 31420 RTP/AVP 8 0 18 101", "a=rtpmap:8 PCMA/8000", "a=rtpmap:0 PCMU/8000",
       "a=rtpmap:18 G729/8000", "a=fmtp:18 annexb=no", "a=rtpmap:101 telephone-event/8000",
       "a=fmtp:101 0-15", "a=ptime:20", "a=sendrecv"});
}

// The answer on its way back through three proxies.
std::string ok() {
  return message(
      {"SIP/2.0 200 OK",
       "Via: SIP/2.0/UDP 198.51.100.5:5060;branch=z9hG4bKd1ab.5c7e3b21.0;received=198.51.100.5",
       "Via: SIP/2.0/UDP 198.51.100.9:5060;branch=z9hG4bK-524287-1---a97b;rport=5060",
       "Via: SIP/2.0/UDP "
       "192.0.2.17:5060;received=192.0.2.17;branch=z9hG4bK0g7k2p10d8v1h;rport=5060",
       "Record-Route: <sip:198.51.100.20:5060;lr;did=b31.7f2>",
       "Record-Route: <sip:198.51.100.5;lr=on;ftag=SDf3c0e01-gK0c5d8a11>",
       "Record-Route: <sip:198.51.100.9:5060;transport=udp;lr>",
       "From: \"+4989123456\" <sip:+4989123456@192.0.2.17;user=phone>;tag=SDf3c0e01-gK0c5d8a11",
       "To: <sip:+4930901820@198.51.100.20;user=phone>;tag=as7d3e18f4",
       "Call-ID: 1b7c5f0e-91d2-4c3a-a1f5-8d8f7e02a6c1@192.0.2.17", "CSeq: 21034 INVITE",
       "Server: Media Gateway 4.1",
       "Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, REFER, SUBSCRIBE, NOTIFY, INFO",
       "Supported: replaces, timer", "Session-Expires: 1800;refresher=uas",
       "Contact: <sip:+4930901820@203.0.113.44:5060>", "Content-Type: application/sdp"},
      {"v=0", "o=root 1821 1821 IN IP4 203.0.113.44", "s=call", "c=IN IP4 203.0.113.44", "t=0 0",
       "m=audio 17884 RTP/AVP 8 101", "a=rtpmap:8 PCMA/8000", "a=rtpmap:101 telephone-event/8000",
       "a=fmtp:101 0-16", "a=ptime:20", "a=maxptime:150", "a=sendrecv"});
}

std::string ack() {
  return message({"ACK sip:+4930901820@203.0.113.44:5060 SIP/2.0",
                  "Via: SIP/2.0/UDP 192.0.2.17:5060;branch=z9hG4bK0g7k2p30a8v1hbs3o5s0.1;rport",
                  "Route: <sip:198.51.100.9:5060;transport=udp;lr>",
                  "Route: <sip:198.51.100.20:5060;lr;did=b31.7f2>", "Max-Forwards: 70",
                  "From: <sip:+4989123456@192.0.2.17;user=phone>;tag=SDf3c0e01-gK0c5d8a11",
                  "To: <sip:+4930901820@198.51.100.20;user=phone>;tag=as7d3e18f4",
                  "Call-ID: 1b7c5f0e-91d2-4c3a-a1f5-8d8f7e02a6c1@192.0.2.17", "CSeq: 21034 ACK"},
                 {});
}

std::string bye() {
  return message(
      {"BYE sip:+4989123456@192.0.2.17:5060;transport=udp SIP/2.0",
       "Via: SIP/2.0/UDP 203.0.113.44:5060;branch=z9hG4bK6c1f7a02;rport",
       "Route: <sip:198.51.100.20:5060;lr;did=b31.7f2>,"
       "<sip:198.51.100.9:5060;transport=udp;lr>",
       "Max-Forwards: 70", "From: <sip:+4930901820@198.51.100.20;user=phone>;tag=as7d3e18f4",
       "To: \"+4989123456\" <sip:+4989123456@192.0.2.17;user=phone>;tag=SDf3c0e01-gK0c5d8a11",
       "Call-ID: 1b7c5f0e-91d2-4c3a-a1f5-8d8f7e02a6c1@192.0.2.17", "CSeq: 103 BYE",
       "User-Agent: Media Gateway 4.1", "Reason: Q.850;cause=16;text=\"Normal call clearing\""},
      {});
}

std::string ringing() {
  return message(
      {"SIP/2.0 180 Ringing",
       "Via: SIP/2.0/UDP 198.51.100.20:5060;branch=z9hG4bK7f.21c0a5.1;received=198.51.100.20",
       "Via: SIP/2.0/UDP "
       "192.0.2.17:5060;received=192.0.2.17;branch=z9hG4bK0g7k2p10d8v1h;rport=5060",
       "Record-Route: <sip:198.51.100.20:5060;lr;did=b31.7f2>",
       "From: \"+4989123456\" <sip:+4989123456@192.0.2.17;user=phone>;tag=SDf3c0e01-gK0c5d8a11",
       "To: <sip:+4930901820@198.51.100.20;user=phone>;tag=as7d3e18f4",
       "Call-ID: 1b7c5f0e-91d2-4c3a-a1f5-8d8f7e02a6c1@192.0.2.17", "CSeq: 21034 INVITE",
       "Contact: <sip:+4930901820@203.0.113.44:5060>", "Require: 100rel", "RSeq: 7819"},
      {});
}

// A VoLTE terminal's INVITE behind its P-CSCF (3GPP TS 24.229): many P- headers, an SDP with
// preconditions.
std::string invite_3gpp() {
  return message(
      {"INVITE tel:+14085550142;phone-context=ims.mnc015.mcc234.3gppnetwork.org SIP/2.0",
       "Via: SIP/2.0/UDP [2001:db8:17:2::14]:5062;branch=z9hG4bK1d8f0b3a7c2e4911a2b6~k4;rport",
       "Via: SIP/2.0/UDP [2001:db8:aaaa:21::7c]:50006;comp=sigcomp;branch=z9hG4bKnashds7;"
       "received=2001:db8:aaaa:21::7c",
       "Max-Forwards: 69",
       "Route: <sip:scscf1.ims.mnc015.mcc234.3gppnetwork.org:6060;transport=udp;lr;"
       "ottag=ue_orig;bidx=0>",
       "Route: <sip:bgcf2.ims.mnc015.mcc234.3gppnetwork.org;lr>",
       "Record-Route: <sip:pcscf7.visited.example.net:5062;lr;Hpt=8e62_16;CxtId=4;TRC=ffffffff>",
       "P-Access-Network-Info: 3GPP-E-UTRAN-FDD;utran-cell-id-3gpp=23415D3E80A1C2B;"
       "network-provided",
       "P-Visited-Network-ID: \"ims.mnc015.mcc234.3gppnetwork.org\"",
       "P-Asserted-Identity: \"John Doe\" <sip:+447700900123@ims.mnc015.mcc234.3gppnetwork.org>",
       "P-Asserted-Identity: <tel:+447700900123>",
       "P-Charging-Vector: icid-value=\"pcscf7-5e21c9a0-1f4b\";icid-generated-at=2001:db8:17:2::14;"
       "orig-ioi=visited.example.net",
       "P-Charging-Function-Addresses: ccf=\"aaa://ccf1.example.net:3868;transport=tcp\";"
       "ecf=\"aaa://ecf1.example.net\"",
       "P-Preferred-Service: urn:urn-7:3gpp-service.ims.icsi.mmtel",
       "Privacy: none",
       "From: \"John Doe\" <sip:+447700900123@ims.mnc015.mcc234.3gppnetwork.org>;tag=4fa3b2d1c0",
       "To: <tel:+14085550142;phone-context=ims.mnc015.mcc234.3gppnetwork.org>",
       "Call-ID: cb03a0s09a2sdfglkj490333-8fc21@2001:db8:aaaa:21::7c",
       "CSeq: 127 INVITE",
       "Require: sec-agree",
       "Proxy-Require: sec-agree",
       "Supported: precondition, 100rel, 199, timer, gruu, histinfo",
       "Security-Verify: ipsec-3gpp; q=0.1; alg=hmac-sha-1-96; spi-c=98765432; spi-s=87654321; "
       "port-c=8642; port-s=7531",
       "Contact: <sip:+447700900123@[2001:db8:aaaa:21::7c]:50006;comp=sigcomp>;"
       "+sip.instance=\"<urn:gsma:imei:90420156-025763-0>\";"
       "+g.3gpp.icsi-ref=\"urn%3Aurn-7%3A3gpp-service.ims.icsi.mmtel\";audio",
       "Accept-Contact: *;+g.3gpp.icsi-ref=\"urn%3Aurn-7%3A3gpp-service.ims.icsi.mmtel\"",
       "Allow: INVITE, ACK, CANCEL, BYE, PRACK, UPDATE, REFER, MESSAGE, INFO, NOTIFY, OPTIONS",
       "Accept: application/sdp, application/3gpp-ims+xml",
       "Session-Expires: 1800",
       "User-Agent: Handset-IMS-client 13.0",
       "Content-Type: application/sdp"},
      {"v=0",
       "o=- 2987933615 2987933615 IN IP6 2001:db8:aaaa:21::7c",
       "s=-",
       "c=IN IP6 2001:db8:aaaa:21::7c",
       "b=AS:41",
       "t=0 0",
       "m=audio 49162 RTP/AVP 104 102 105 100",
       "b=RS:0",
       "b=RR:0",
       "a=rtpmap:104 AMR-WB/16000/1",
       "a=fmtp:104 mode-change-capability=2;max-red=220",
       "a=rtpmap:102 AMR/8000/1",
       "a=fmtp:102 mode-change-capability=2;max-red=220",
       "a=rtpmap:105 telephone-event/16000",
       "a=rtpmap:100 telephone-event/8000",
       "a=curr:qos local none",
       "a=curr:qos remote none",
       "a=des:qos mandatory local sendrecv",
       "a=des:qos optional remote sendrecv",
       "a=ptime:20",
       "a=maxptime:240",
       "a=sendrecv"});
}

std::string cancel() {
  return message(
      {"CANCEL sip:+4930901820@198.51.100.20:5060;user=phone SIP/2.0",
       "Via: SIP/2.0/UDP 192.0.2.17:5060;branch=z9hG4bK0g7k2p10d8v1hbs3o4s0.1;rport",
       "Max-Forwards: 68",
       "From: \"+4989123456\" <sip:+4989123456@192.0.2.17;user=phone>;tag=SDf3c0e01-gK0c5d8a11",
       "To: <sip:+4930901820@198.51.100.20;user=phone>",
       "Call-ID: 1b7c5f0e-91d2-4c3a-a1f5-8d8f7e02a6c1@192.0.2.17", "CSeq: 21034 CANCEL",
       "Reason: SIP;cause=200;text=\"Call completed elsewhere\""},
      {});
}

// Compact forms and IPv6, as a sender writes it who minds the MTU.
std::string invite_compact() {
  return message(
      {"INVITE sip:conf-8841@[2001:db8:51::20]:5060 SIP/2.0",
       "v: SIP/2.0/UDP [2001:db8:9::1]:5060;branch=z9hG4bKPjx2s0TqYv1k7e;rport", "Max-Forwards: 70",
       "f: <sip:alice@edge.example.org>;tag=Pj8sk1o0QzV", "t: <sip:conf-8841@bridge.example.org>",
       "i: Pj3f6oV0xwzH1yMd", "CSeq: 4127 INVITE", "m: <sip:alice@[2001:db8:9::1]:5060;ob>",
       "k: replaces, 100rel, timer, norefersub", "x: 1800", "c: application/sdp"},
      {"v=0", "o=- 3911804226 3911804226 IN IP6 2001:db8:9::1", "s=-", "c=IN IP6 2001:db8:9::1",
       "t=0 0", "m=audio 4006 RTP/AVP 96 9 8 101", "a=rtpmap:96 opus/48000/2",
       "a=fmtp:96 useinbandfec=1", "a=rtpmap:9 G722/8000", "a=rtpmap:8 PCMA/8000",
       "a=rtpmap:101 telephone-event/8000", "a=fmtp:101 0-16", "a=sendrecv"},
      "l");
}

} // namespace

std::vector<sample> sample_messages() {
  return {{"invite", invite()},
          {"200-ok", ok()},
          {"ack", ack()},
          {"bye", bye()},
          {"180-ringing", ringing()},
          {"invite-3gpp", invite_3gpp()},
          {"cancel", cancel()},
          {"invite-compact", invite_compact()}};
}

} // namespace linehunt::bench
