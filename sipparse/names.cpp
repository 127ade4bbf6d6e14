// SPDX-License-Identifier: Apache-2.0
// Names of methods and headers, as printed. Classification of received names is the scan's matter.
#include "sipparse/method_names.h"
#include "sipparse/scan.h"

#include <array>

namespace linehunt::sip {
namespace {

using namespace std::string_view_literals;

constexpr std::array<std::string_view, header_id_count> header_names{""sv,
                                                                     "Via"sv,
                                                                     "From"sv,
                                                                     "To"sv,
                                                                     "Call-ID"sv,
                                                                     "CSeq"sv,
                                                                     "Max-Forwards"sv,
                                                                     "Route"sv,
                                                                     "Record-Route"sv,
                                                                     "Contact"sv,
                                                                     "Content-Length"sv,
                                                                     "Content-Type"sv,
                                                                     "Require"sv,
                                                                     "Proxy-Require"sv,
                                                                     "Session-Expires"sv,
                                                                     "Retry-After"sv,
                                                                     "Reason"sv,
                                                                     "Timestamp"sv,
                                                                     "Replaces"sv};
static_assert(header_names.back() == "Replaces"sv);

} // namespace

std::string_view name_of(method m) noexcept {
  return method_names[static_cast<std::size_t>(m)];
}

method method_named(std::string_view text) noexcept {
  return classify_method(text);
}

std::string_view name_of(header_id id) noexcept {
  return header_names[static_cast<std::size_t>(id)];
}

} // namespace linehunt::sip
