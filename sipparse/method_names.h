// SPDX-License-Identifier: Apache-2.0
// From a method's name to its number, to be inlined where it is asked for every message. Private to
// sipparse.
#pragma once

#include "sipparse/message_view.h"

#include <array>
#include <cstring>
#include <string_view>

namespace linehunt::sip {

inline constexpr std::array<std::string_view, static_cast<std::size_t>(method::publish) + 1>
    method_names{"",       "INVITE", "ACK",   "BYE",       "CANCEL", "OPTIONS", "REGISTER", "PRACK",
                 "UPDATE", "INFO",   "REFER", "SUBSCRIBE", "NOTIFY", "MESSAGE", "PUBLISH"};

// By length first: one comparison with a constant is left, or a few, each of a constant length.
[[nodiscard, gnu::always_inline]] inline method classify_method(std::string_view text) noexcept {
  const auto is = [text](method m) {
    const std::string_view name = method_names[static_cast<std::size_t>(m)];
    return std::memcmp(text.data(), name.data(), name.size()) == 0;
  };
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

} // namespace linehunt::sip
