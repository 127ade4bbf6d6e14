// SPDX-License-Identifier: Apache-2.0
// X3 grammar of the two SDP lines that name codecs: m= (RFC 8866 5.14) and a=rtpmap (6.6).
#pragma once

#include "sipparse/grammar/primitives.h"

#include <cstdint>
#include <string_view>

namespace linehunt::sip::sdp_grammar {

using namespace grammar;

inline constexpr char_set sdp_text_chars = visible | char_set::range(0x80, 0xff);
inline constexpr char_set encoding_chars = sdp_text_chars - char_set("/");

inline constexpr x3::uint_parser<std::uint8_t> payload_type{};

struct media_line {
  std::string_view media;
  std::uint32_t port = 0;
  std::string_view protocol;
  std::string_view formats; // separated by spaces
};
inline constexpr auto set_media_port = [](auto& ctx) {
  x3::get<target>(ctx).port = x3::_attr(ctx);
};
// Behind "m=". "<port>/<number of ports>" is allowed.
inline constexpr auto
    media_rest = view<&media_line::media>(run<sdp_text_chars>) >>
                 +x3::lit(' ') >> x3::uint_[set_media_port] >> -('/' >> x3::uint_) >>
                 +x3::lit(' ') >> view<&media_line::protocol>(run<sdp_text_chars>) >>
                 view<&media_line::formats>(*x3::char_);

struct rtpmap_line {
  std::uint8_t payload_type = 0;
  std::string_view name;
  std::uint32_t clock_hz = 0;
};
inline constexpr auto set_payload_type = [](auto& ctx) {
  x3::get<target>(ctx).payload_type = x3::_attr(ctx);
};
inline constexpr auto set_clock = [](auto& ctx) { x3::get<target>(ctx).clock_hz = x3::_attr(ctx); };
// Behind "a=rtpmap:". The encoding parameters ("/2" of stereo) are not read.
inline constexpr auto
    rtpmap_rest = payload_type[set_payload_type] >>
                  +x3::lit(' ') >> view<&rtpmap_line::name>(run<encoding_chars>) >>
                  '/' >> x3::uint_[set_clock];

} // namespace linehunt::sip::sdp_grammar
