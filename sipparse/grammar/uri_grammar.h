// SPDX-License-Identifier: Apache-2.0
// X3 grammar of SIP, SIPS and tel URIs (RFC 3261 25.1, RFC 3966 3). More liberal than the ABNF
// where a proxy that does not route by the URI has no reason to refuse it; GRAMMAR.md says where
// and why.
#pragma once

#include "sipparse/grammar/primitives.h"
#include "sipparse/uri.h"

namespace linehunt::sip::uri_grammar {

using namespace grammar;

// RFC 3261 ends the user at ':' or '@'; "#" and broken escapes are seen in dialled numbers.
inline constexpr char_set user_chars = bracketed_uri_chars - char_set("@:");
// Of the user's, "?" and "/" are not the password's: "1.2.3.4:5060?To=x@5.6.7.8" is no user with
// one. Nor is ";" by RFC 3261, but it is seen there, where somebody has left an "@" in a parameter.
inline constexpr char_set password_chars = bracketed_uri_chars - char_set("@:?/");
inline constexpr char_set userinfo_chars = bracketed_uri_chars - char_set("@");
inline constexpr char_set parameter_chars = bracketed_uri_chars - char_set("@;?");
inline constexpr char_set header_chars = bracketed_uri_chars - char_set("@");
inline constexpr char_set number_chars = bracketed_uri_chars - char_set(";?@");

// It begins with a letter.
inline constexpr auto scheme_text = view<&uri::scheme_text>(&run<alpha> >> run<scheme_chars>);

// The look-ahead decides whether there is a user at all, so that no action is taken in vain.
inline constexpr auto userinfo = &(run<userinfo_chars> >> '@') >>
                                 view<&uri::user>(run<user_chars>) >>
                                 -(':' >> view<&uri::password>(-run<password_chars>)) >> '@';

inline constexpr auto set_ipv6 = [](auto& ctx) { x3::get<target>(ctx).host_is_ipv6 = true; };
inline constexpr auto set_port = [](auto& ctx) { x3::get<target>(ctx).port = x3::_attr(ctx); };
inline constexpr x3::uint_parser<std::uint16_t> port_number{};

inline constexpr auto host = (x3::lit('[')[set_ipv6] >> view<&uri::host>(run<ipv6_chars>) >> ']') |
                             view<&uri::host>(run<host_chars>);

inline constexpr auto parameters = view<&uri::parameters>(*(';' >> -run<parameter_chars>));

// Behind "sip:" or "sips:".
inline constexpr auto sip_rest = -userinfo >> host >> -(':' >> port_number[set_port]) >> parameters
                                 >> -('?' >> view<&uri::headers>(-run<header_chars>));

// Behind "tel:".
inline constexpr auto tel_rest = view<&uri::user>(run<number_chars>) >> parameters;

// Behind any other scheme.
inline constexpr auto opaque_rest = run<bracketed_uri_chars>;

} // namespace linehunt::sip::uri_grammar
