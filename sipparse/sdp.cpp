// SPDX-License-Identifier: Apache-2.0
// The codec list of an SDP body. One pass: an m= line gives the formats, the a=rtpmap lines behind
// it their names, and the next m= line or the end hands them out.
#include "sipparse/sdp.h"

#include "sipparse/grammar/sdp_grammar.h"

#include <array>
#include <optional>

namespace linehunt::sip {
namespace {

namespace x3 = boost::spirit::x3;

struct static_type {
  std::string_view name;
  std::uint32_t clock_hz;
};

// RFC 3551 6, tables 4 and 5.
constexpr static_type static_type_of(std::uint8_t payload_type) noexcept {
  switch (payload_type) {
  case 0:
    return {"PCMU", 8000};
  case 3:
    return {"GSM", 8000};
  case 4:
    return {"G723", 8000};
  case 5:
    return {"DVI4", 8000};
  case 6:
    return {"DVI4", 16000};
  case 7:
    return {"LPC", 8000};
  case 8:
    return {"PCMA", 8000};
  case 9:
    return {"G722", 8000};
  case 10:
    return {"L16", 44100};
  case 11:
    return {"L16", 44100};
  case 12:
    return {"QCELP", 8000};
  case 13:
    return {"CN", 8000};
  case 14:
    return {"MPA", 90000};
  case 15:
    return {"G728", 8000};
  case 16:
    return {"DVI4", 11025};
  case 17:
    return {"DVI4", 22050};
  case 18:
    return {"G729", 8000};
  case 25:
    return {"CelB", 90000};
  case 26:
    return {"JPEG", 90000};
  case 28:
    return {"nv", 90000};
  case 31:
    return {"H261", 90000};
  case 32:
    return {"MPV", 90000};
  case 33:
    return {"MP2T", 90000};
  case 34:
    return {"H263", 90000};
  default:
    return {"", 0};
  }
}

constexpr std::size_t max_formats = 64;     // per m= line
constexpr std::uint8_t payload_types = 128; // RFC 3550 5.1: 7 bits

// The formats of one m= line.
struct media_section {
  std::string_view media;
  std::array<sdp_codec, max_formats> codecs;
  std::size_t count = 0;

  void set_name(const sdp_grammar::rtpmap_line& map) noexcept {
    for (std::size_t i = 0; i < count; ++i) {
      if (codecs[i].payload_type != map.payload_type) continue;
      codecs[i].name = map.name;
      codecs[i].clock_hz = map.clock_hz;
    }
  }
};

// The next line without its end; SDP ends lines with CRLF, bare LF is accepted (RFC 8866 9).
std::string_view take_line(std::string_view& rest) noexcept {
  const auto line_feed = rest.find('\n');
  std::string_view line = rest.substr(0, line_feed);
  rest.remove_prefix(line_feed == std::string_view::npos ? rest.size() : line_feed + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

template <class Line, class Rule>
std::optional<Line> parse_line(std::string_view text, const Rule& rule) noexcept {
  Line line;
  const char* at = text.data();
  if (!x3::parse(at, at + text.size(), x3::with<grammar::target>(line)[rule])) {
    return std::nullopt;
  }
  return line;
}

bool is_rtp(std::string_view protocol) noexcept {
  return protocol.starts_with("RTP/") || protocol.find("/RTP/") != std::string_view::npos;
}

void begin_section(media_section& section, std::string_view text) noexcept {
  section.count = 0;
  const auto line = parse_line<sdp_grammar::media_line>(text, sdp_grammar::media_rest);
  // Port 0: an offer not made, or a stream refused (RFC 3264 5.1, 6).
  if (!line || line->port == 0 || !is_rtp(line->protocol)) return;
  const char* at = line->formats.data();
  const char* const end = at + line->formats.size();
  std::uint8_t type = 0;
  while (section.count < max_formats &&
         x3::parse(at, end, +x3::lit(' ') >> sdp_grammar::payload_type, type)) {
    if (type >= payload_types) break;
    const auto known = static_type_of(type);
    section.codecs[section.count++] = {line->media, known.name, type, known.clock_hz};
  }
}

} // namespace

bool for_each_codec(std::string_view sdp, bool (*each)(void* context, const sdp_codec&),
                    void* context) noexcept {
  if (take_line(sdp) != "v=0") return false;
  media_section section;
  const auto hand_out = [&] {
    for (std::size_t i = 0; i < section.count; ++i) {
      if (!each(context, section.codecs[i])) return false;
    }
    return true;
  };
  while (!sdp.empty()) {
    const std::string_view line = take_line(sdp);
    if (line.starts_with("m=")) {
      if (!hand_out()) return true;
      begin_section(section, line.substr(2));
    } else if (section.count > 0 && line.starts_with("a=rtpmap:")) {
      const auto map =
          parse_line<sdp_grammar::rtpmap_line>(line.substr(9), sdp_grammar::rtpmap_rest);
      if (map) section.set_name(*map);
    }
  }
  hand_out();
  return true;
}

} // namespace linehunt::sip
