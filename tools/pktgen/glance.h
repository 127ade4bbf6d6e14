// SPDX-License-Identifier: Apache-2.0
// Is a message that came out of the device, byte by byte, what was sent, but for what a device
// changes in the usual way? Then it has passed every check of `checks`, for a fifth of the price,
// and need not be parsed. Whatever else arrives is no fault yet: it is read and checked in full.
//
//   INVITE sip:... SIP/2.0           as sent
//   Via: SIP/2.0/UDP device;...      on top, the device's own
//   Record-Route: <sip:device;lr>    on top, of an INVITE
//   Via: SIP/2.0/UDP caller;...      as sent from here, with one hop less and no Route
#pragma once

#include "tools/pktgen/messages.h"

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace linehunt::pktgen {

class glance {
 public:
  glance(const scene& of, const messages& texts);

  // Requests at a destination: the lines on top; nothing where it has to be read.
  [[nodiscard]] std::optional<std::string_view> invite(std::string_view bytes, const identity& who,
                                                       call_shape shape,
                                                       std::uint32_t destination) const noexcept;
  [[nodiscard]] bool ack(std::string_view bytes, const identity& who, call_shape shape,
                         std::uint32_t destination) const noexcept;
  [[nodiscard]] std::optional<std::string_view> bye(std::string_view bytes, const identity& who,
                                                    call_shape shape,
                                                    std::uint32_t destination) const noexcept;
  [[nodiscard]] bool trying(std::string_view bytes, const identity& who,
                            call_shape shape) const noexcept;
  // Responses at a caller from that destination, to an INVITE: the value of the Record-Route on
  // top. `session`: with an SDP.
  [[nodiscard]] std::optional<std::string_view>
  invite_reply(std::string_view bytes, std::string_view status_line, const identity& who,
               call_shape shape, std::uint32_t destination, bool session) const noexcept;
  [[nodiscard]] bool bye_reply(std::string_view bytes, const identity& who, call_shape shape,
                               std::uint32_t destination) const noexcept;

 private:
  [[nodiscard]] bool is_via(std::string_view line) const noexcept;
  [[nodiscard]] bool is_record_route(std::string_view line) const noexcept;

  const scene& scene_;
  const messages& texts_;
  // With the port, and without where it is 5060.
  std::array<std::string, 2> vias_, record_routes_;
};

} // namespace linehunt::pktgen
