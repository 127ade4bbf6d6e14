// SPDX-License-Identifier: Apache-2.0
// The messages of the basic call as a core proxy and a media gateway write them. Made before
// anything is timed.
#pragma once

#include <string>
#include <string_view>

namespace linehunt::bench {

struct call_names {
  std::string call_id, from, to_uri;
};
[[nodiscard]] call_names names_of_call(std::uint64_t number);
// The number in a message's Call-ID.
[[nodiscard]] std::uint64_t number_of_call(std::string_view message);

extern const std::string_view sdp;

// Within the call where there is a tag of the callee. `route` and `extra` (whole lines) may be
// empty.
[[nodiscard]] std::string request(const call_names& c, std::string_view method, unsigned cseq,
                                  std::string_view to_tag, std::string_view route,
                                  std::string_view body, std::string_view extra = {});
[[nodiscard]] std::string reply(std::string_view to_what, unsigned status, std::string_view body,
                                std::string_view extra = {});
// The first header line of that name; throws where there is none.
[[nodiscard]] std::string line_of(std::string_view message, std::string_view name);

} // namespace linehunt::bench
