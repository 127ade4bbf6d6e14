// SPDX-License-Identifier: Apache-2.0
// X3 grammar of SIP, SIPS and tel URIs (RFC 3261 25.1, RFC 3966 3). More liberal than the ABNF
// where a proxy that does not route by the URI has no reason to refuse it; GRAMMAR.md says where
// and why.
#pragma once

#include "sipparse/grammar/char_table.h"
#include "sipparse/uri.h"

namespace linehunt::sip::uri_grammar {

using namespace tables;

inline constexpr char_table scheme_chars = table_of("+-.", {.letters = true, .digits = true});
inline constexpr char_table letter_chars = table_of("", {.letters = true});
// RFC 3261 ends the user at ':' or '@'; "#" and broken escapes are seen in dialled numbers.
inline constexpr char_table user_chars = table_of_all_but("@:<>\"");
// Of the user's, "?" and "/" are not the password's: "1.2.3.4:5060?To=x@5.6.7.8" is no user with
// one. Nor is ";" by RFC 3261, but it is seen there, where somebody has left an "@" in a parameter.
inline constexpr char_table password_chars = table_of_all_but("@:?/<>\"");
inline constexpr char_table userinfo_chars = table_of_all_but("@<>\"");
// "_" is no host character by RFC 3261, but DNS carries it.
inline constexpr char_table host_chars = table_of("-._", {.letters = true, .digits = true});
// RFC 5118 4.10: three colons in a row come from a bug in the ABNF of RFC 3261 and are accepted.
inline constexpr char_table ipv6_chars = table_of(":.0123456789abcdefABCDEF");
inline constexpr char_table parameter_chars = table_of_all_but("@;?<>\"");
inline constexpr char_table header_chars = table_of_all_but("@<>\"");
inline constexpr char_table number_chars = table_of_all_but(";?@<>\"");
inline constexpr char_table opaque_chars = table_of_all_but("<>\"");

inline constexpr auto scheme_text =
    x3::raw[in_table<letter_chars>{} >> *in_table<scheme_chars>{}][into(&uri::scheme_text)];

// The look-ahead decides whether there is a user at all, so that no action is taken in vain.
inline constexpr auto userinfo = &(+in_table<userinfo_chars>{} >> '@') >>
                                 x3::raw[+in_table<user_chars>{}][into(&uri::user)] >>
                                 -(':' >>
                                   x3::raw[*in_table<password_chars>{}][into(&uri::password)]) >>
                                 '@';

inline constexpr auto set_ipv6 = [](auto& ctx) { x3::get<uri>(ctx).host_is_ipv6 = true; };
inline constexpr auto set_port = [](auto& ctx) { x3::get<uri>(ctx).port = x3::_attr(ctx); };
inline constexpr x3::uint_parser<std::uint16_t> port_number{};

inline constexpr auto host =
    (x3::lit('[')[set_ipv6] >> x3::raw[+in_table<ipv6_chars>{}][into(&uri::host)] >> ']') |
    x3::raw[+in_table<host_chars>{}][into(&uri::host)];

inline constexpr auto parameters = x3::raw[*(';' >> *in_table<parameter_chars>{})];

// Behind "sip:" or "sips:".
inline constexpr auto
    sip_rest = -userinfo >> host >>
               -(':' >> port_number[set_port]) >> parameters[into(&uri::parameters)] >>
               -('?' >> x3::raw[*in_table<header_chars>{}][into(&uri::headers)]);

// Behind "tel:".
inline constexpr auto tel_rest =
    x3::raw[+in_table<number_chars>{}][into(&uri::user)] >> parameters[into(&uri::parameters)];

// Behind any other scheme.
inline constexpr auto opaque_rest = +in_table<opaque_chars>{};

} // namespace linehunt::sip::uri_grammar
