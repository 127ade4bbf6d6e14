// SPDX-License-Identifier: Apache-2.0
// A new call as the rules see it, made by the real parser. For tests of the rules only.
#pragma once

#include "dataplane/rules.h"
#include "sipparse/scan.h"

#include <gtest/gtest.h>
#include <string>
#include <utility>

namespace linehunt {

struct call_text {
  std::string method = "INVITE";
  std::string ruri = "sip:100@b.example";
  std::string from = "\"A\" <sip:alice@a.example>;tag=1";
  std::string to = "<sip:bob@b.example>";
  std::string headers; // whole lines with CRLF
  std::string body;

  [[nodiscard]] std::string bytes() const {
    return method + " " + ruri + " SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK1\r\n" +
           "From: " + from + "\r\nTo: " + to + "\r\nCall-ID: 1@a.example\r\nCSeq: 1 " + method +
           "\r\nMax-Forwards: 70\r\n" + headers + "Content-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + body;
  }
};

class rule_call {
 public:
  explicit rule_call(const call_text& text, const snapshot* world = nullptr,
                     std::string_view source = "203.0.113.1:5060")
      : bytes_(text.bytes()) {
    EXPECT_TRUE(sip::scan(bytes_, message_));
    EXPECT_TRUE(sip::make_routing_view(message_, view_)) << bytes_;
    input_ = {&message_, &view_, *parse_endpoint(source, 5060), world};
  }
  rule_call(const rule_call&) = delete;
  rule_call& operator=(const rule_call&) = delete;
  [[nodiscard]] const rule_input& input() const noexcept { return input_; }
  [[nodiscard]] sip::message_view& message() noexcept { return message_; }

 private:
  std::string bytes_;
  sip::message_view message_;
  sip::routing_view view_;
  rule_input input_;
};

// An SDP offer of audio with these payload types; dynamic ones need their rtpmap in `attributes`.
inline std::string sdp_offer(const std::string& payload_types, const std::string& attributes = "") {
  return "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n"
         "m=audio 4000 RTP/AVP " +
         payload_types + "\r\n" + attributes;
}

inline rule_condition on(rule_field field, std::string pattern, std::string header = "") {
  rule_condition condition;
  condition.field = field;
  condition.pattern = std::move(pattern);
  condition.header_name = std::move(header);
  return condition;
}

} // namespace linehunt
