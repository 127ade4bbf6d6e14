// SPDX-License-Identifier: Apache-2.0
// The codecs that an SDP body offers (RFC 8866), so that a rule can ask for transcoding.
#pragma once

#include <cstdint>
#include <string_view>

namespace linehunt::sip {

struct sdp_codec {
  std::string_view media; // "audio"
  std::string_view name;  // "PCMU"; of a static payload type its name by RFC 3551
  std::uint8_t payload_type = 0;
  std::uint32_t clock_hz = 0; // by rtpmap, else by RFC 3551; 0 where neither says
};

// Calls `each` for every payload type of every m= line whose port is not 0 (RTP profiles only), in
// order; stops when it returns false. Returns false where the body is no SDP (no "v=0" line).
// Fills no memory of its own; bounded by the body's length and by 64 formats per m= line.
bool for_each_codec(std::string_view sdp, bool (*each)(void* context, const sdp_codec&),
                    void* context) noexcept;

// The SDP within a body, a multipart one too (RFC 2046 5.1 boundaries, application/sdp); empty
// where there is none. `content_type` is the header's value.
[[nodiscard]] std::string_view find_sdp(std::string_view content_type,
                                        std::string_view body) noexcept;

} // namespace linehunt::sip
