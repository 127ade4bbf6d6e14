// SPDX-License-Identifier: Apache-2.0
// Names of methods and headers, as printed. Classification of received names is the scan's matter.
#include "sipparse/scan.h"

#include <array>

namespace linehunt::sip {
namespace {

using namespace std::string_view_literals;

constexpr std::array method_names{""sv,        "INVITE"sv,    "ACK"sv,    "BYE"sv,     "CANCEL"sv,
                                  "OPTIONS"sv, "REGISTER"sv,  "PRACK"sv,  "UPDATE"sv,  "INFO"sv,
                                  "REFER"sv,   "SUBSCRIBE"sv, "NOTIFY"sv, "MESSAGE"sv, "PUBLISH"sv};
static_assert(method_names.size() == static_cast<std::size_t>(method::publish) + 1);

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
                                                                     "Supported"sv,
                                                                     "Unsupported"sv,
                                                                     "Session-Expires"sv,
                                                                     "Min-SE"sv,
                                                                     "Expires"sv,
                                                                     "Retry-After"sv,
                                                                     "Reason"sv,
                                                                     "Proxy-Authorization"sv,
                                                                     "Authorization"sv,
                                                                     "P-Asserted-Identity"sv,
                                                                     "Diversion"sv};
static_assert(header_names.back() == "Diversion"sv);

} // namespace

std::string_view name_of(method m) noexcept {
  return method_names[static_cast<std::size_t>(m)];
}

method method_named(std::string_view text) noexcept {
  // By length first: one comparison with a constant is left, or two.
  const auto is = [text](method m) { return text == method_names[static_cast<std::size_t>(m)]; };
  const auto one_of = [is](auto... methods) {
    method found = method::unknown;
    (void)((is(methods) && (found = methods, true)) || ...);
    return found;
  };
  switch (text.size()) {
  case 3:
    return one_of(method::ack, method::bye);
  case 4:
    return one_of(method::info);
  case 5:
    return one_of(method::prack, method::refer);
  case 6:
    return one_of(method::invite, method::cancel, method::update, method::notify);
  case 7:
    return one_of(method::options, method::message, method::publish);
  case 8:
    return one_of(method::register_);
  case 9:
    return one_of(method::subscribe);
  default:
    return method::unknown;
  }
}

std::string_view name_of(header_id id) noexcept {
  return header_names[static_cast<std::size_t>(id)];
}

} // namespace linehunt::sip
