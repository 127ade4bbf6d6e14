// SPDX-License-Identifier: Apache-2.0
// A second reading of whole messages, written from the ABNF of RFC 3261 25.1 (RFC 3581 for rport,
// RFC 5118 4.5 for a bare IPv6 in "received") in Spirit X3, slow and strict. It shares no code with
// sipparse.
//
// The declared subset, for which sipparse must agree in every value:
//  - lines end in CRLF, continuation lines as the ABNF says; no CRLF before the start line;
//  - the start line strictly as 7.1 and 7.2; a Request-URI is a SIP-URI or SIPS-URI;
//  - Via, From, To, Call-ID, CSeq, Max-Forwards, Route and Content-Length strictly;
//  - Via at least once, From, To, Call-ID and CSeq once, Max-Forwards and Content-Length at most
//  once;
//  - every other header is a name, a colon and any text;
//  - no more routing headers than the index of a message view holds;
//  - numbers within what fields.h says, Content-Length not past the end.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace linehunt::reference {

struct parameter {
  std::string name; // lower case
  std::string_view value;
};

struct via {
  std::string_view transport;
  std::string_view host; // as written, with brackets
  std::string_view port;
  std::vector<parameter> parameters;
};

struct address {
  std::string_view display_name;
  std::string_view uri;
  std::vector<parameter> parameters;
};

struct sip_uri {
  std::string_view user, password, host, port, parameters, headers; // host with brackets
};

struct field {
  std::string name; // lower case, long form where the short form is one of RFC 3261
  std::string_view value;
};

struct message {
  bool is_request = false;
  std::string_view method, request_uri, reason;
  std::uint32_t status = 0;
  sip_uri uri;
  std::vector<field> fields;
  std::vector<via> vias;
  address from, to;
  std::vector<address> routes;
  std::string_view call_id, cseq_method;
  std::uint64_t cseq = 0;
  std::optional<std::uint64_t> max_forwards, content_length;
  std::string_view body;
};

// Nothing where the message is not of the declared subset.
[[nodiscard]] std::optional<message> read(std::string_view text);

} // namespace linehunt::reference
