// SPDX-License-Identifier: Apache-2.0
// The Via parameters of overload control (RFC 7339 4): oc, oc-algo, oc-validity, oc-seq. Read only
// where somebody asks, since hardly any Via has them. Views into the text, nothing allocated.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace linehunt::sip {

struct overload_report {
  bool present = false;      // "oc", with or without a value
  bool has_value = false;    // "oc=NN"
  bool well_formed = true;   // every one of them that has a value has one that can be read
  std::uint32_t value = 0;   // of oc; per cent where the algorithm is "loss"
  bool loss = true;          // oc-algo is "loss", or absent
  bool has_validity = false; // oc-validity, ms
  std::uint32_t validity_ms = 0;
  bool has_seq = false; // oc-seq, as one number that rises as it does
  std::uint64_t seq = 0;
};

// Of one Via element as via_field::element has it. The first parameter of a name counts.
[[nodiscard]] overload_report parse_overload(std::string_view via_element) noexcept;

// All these parameters as they stand in the element, each with its ';', neighbours in one piece.
struct overload_texts {
  std::array<std::string_view, 4> pieces{};
  std::uint8_t count = 0;
  bool complete = true; // false: there are more
};
[[nodiscard]] overload_texts find_overload(std::string_view via_element) noexcept;

} // namespace linehunt::sip
