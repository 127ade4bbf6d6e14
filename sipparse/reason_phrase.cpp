// SPDX-License-Identifier: Apache-2.0
// Reason phrases by status code.
#include "sipparse/build.h"

#include <algorithm>
#include <array>
#include <utility>

namespace linehunt::sip {
namespace {

using entry = std::pair<std::uint16_t, std::string_view>;

// RFC 3261 21 where nothing else is said; sorted by code.
constexpr std::array phrases{
    entry{100, "Trying"},
    entry{180, "Ringing"},
    entry{181, "Call Is Being Forwarded"},
    entry{182, "Queued"},
    entry{183, "Session Progress"},
    entry{199, "Early Dialog Terminated"}, // RFC 6228
    entry{200, "OK"},
    entry{202, "Accepted"},        // RFC 6665
    entry{204, "No Notification"}, // RFC 5839
    entry{300, "Multiple Choices"},
    entry{301, "Moved Permanently"},
    entry{302, "Moved Temporarily"},
    entry{305, "Use Proxy"},
    entry{380, "Alternative Service"},
    entry{400, "Bad Request"},
    entry{401, "Unauthorized"},
    entry{402, "Payment Required"},
    entry{403, "Forbidden"},
    entry{404, "Not Found"},
    entry{405, "Method Not Allowed"},
    entry{406, "Not Acceptable"},
    entry{407, "Proxy Authentication Required"},
    entry{408, "Request Timeout"},
    entry{410, "Gone"},
    entry{412, "Conditional Request Failed"}, // RFC 3903
    entry{413, "Request Entity Too Large"},
    entry{414, "Request-URI Too Long"},
    entry{415, "Unsupported Media Type"},
    entry{416, "Unsupported URI Scheme"},
    entry{420, "Bad Extension"},
    entry{421, "Extension Required"},
    entry{422, "Session Interval Too Small"}, // RFC 4028
    entry{423, "Interval Too Brief"},
    entry{430, "Flow Failed"}, // RFC 5626
    entry{480, "Temporarily Unavailable"},
    entry{481, "Call/Transaction Does Not Exist"},
    entry{482, "Loop Detected"},
    entry{483, "Too Many Hops"},
    entry{484, "Address Incomplete"},
    entry{485, "Ambiguous"},
    entry{486, "Busy Here"},
    entry{487, "Request Terminated"},
    entry{488, "Not Acceptable Here"},
    entry{489, "Bad Event"}, // RFC 6665
    entry{491, "Request Pending"},
    entry{493, "Undecipherable"},
    entry{500, "Server Internal Error"},
    entry{501, "Not Implemented"},
    entry{502, "Bad Gateway"},
    entry{503, "Service Unavailable"},
    entry{504, "Server Time-out"},
    entry{505, "Version Not Supported"},
    entry{513, "Message Too Large"},
    entry{580, "Precondition Failure"}, // RFC 3312
    entry{600, "Busy Everywhere"},
    entry{603, "Decline"},
    entry{604, "Does Not Exist Anywhere"},
    entry{606, "Not Acceptable"},
    entry{607, "Unwanted"}, // RFC 8197
};
static_assert(std::is_sorted(phrases.begin(), phrases.end(),
                             [](const entry& a, const entry& b) { return a.first < b.first; }));

} // namespace

std::string_view reason_phrase(std::uint16_t status) noexcept {
  const auto at =
      std::lower_bound(phrases.begin(), phrases.end(), status,
                       [](const entry& e, std::uint16_t code) { return e.first < code; });
  return at != phrases.end() && at->first == status ? at->second : "Unknown";
}

} // namespace linehunt::sip
