// SPDX-License-Identifier: Apache-2.0
// Is a message that came out of the device as it must be? Compares with what was sent, which
// follows from the call's identity.
#pragma once

#include "sipparse/routing_view.h"
#include "tools/pktgen/messages.h"
#include "tools/pktgen/tally.h"

#include <optional>
#include <string_view>

namespace linehunt::pktgen {

// What arrived, read.
struct received {
  const sip::message_view& view;
  const sip::routing_view& fields;
};

class checks {
 public:
  checks(const scene& of, const messages& texts);

  // A request at a destination: `branch` is that of our own Via below the device's. Lines that are
  // not spoken of here must stand there letter by letter, in whatever order, and others may.
  [[nodiscard]] std::optional<fault> request(const received& m, const identity& who,
                                             call_shape shape, std::uint32_t destination,
                                             std::uint64_t branch) const noexcept;
  // A response at a caller. 100 is the device's own and bears no To tag of ours.
  [[nodiscard]] std::optional<fault> response(const received& m, const identity& who,
                                              call_shape shape,
                                              std::uint64_t branch) const noexcept;

 private:
  [[nodiscard]] bool is_device(std::string_view host, unsigned port) const noexcept;
  [[nodiscard]] bool is_our_via(std::string_view value, std::uint8_t caller,
                                std::uint64_t branch) const noexcept;
  [[nodiscard]] bool keeps_lines(const received& m, const identity& who, call_shape shape,
                                 std::uint32_t destination) const noexcept;
  [[nodiscard]] bool names_device(std::string_view record_route) const noexcept;

  const scene& scene_;
  const messages& texts_;
  std::string device_host_;                              // without brackets
  std::string device_authority_, device_bare_authority_; // with port; without, where it is 5060
};

} // namespace linehunt::pktgen
