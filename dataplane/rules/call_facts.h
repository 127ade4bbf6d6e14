// SPDX-License-Identifier: Apache-2.0
// What one new call is, as far as some rule has asked: fields are taken from the message, and
// scanned, only when a condition needs them. Allocates nothing. Private to rules.
#pragma once

#include "dataplane/rules/compiled.h"
#include "sipparse/uri.h"

#include <cstdint>
#include <optional>
#include <string_view>

namespace linehunt::rules {

class call_facts {
 public:
  // `space` is this worker's; what it held of the call before is forgotten.
  call_facts(const compiled_rules::state& rules, const rule_input& input,
             workspace& space) noexcept;

  [[nodiscard]] bool holds(const condition& asked) noexcept;
  // The destination (destination_index) that the last from_destination condition found.
  [[nodiscard]] std::uint32_t source_destination() const noexcept { return source_destination_; }

 private:
  struct codecs {
    bool has_sdp = false;
    std::uint64_t offered = 0; // of the names that rules know
  };

  [[nodiscard]] bool pattern_matches(const condition& asked) noexcept;
  void scan(const pattern_field& field) noexcept;
  void scan_header(const pattern_field& field) noexcept;
  [[nodiscard]] std::string_view text_of(rule_field field) noexcept;
  [[nodiscard]] const sip::uri& ruri() const noexcept;
  [[nodiscard]] const codecs& offer() noexcept;

  const compiled_rules::state& rules_;
  const rule_input& input_;
  workspace& space_;
  std::uint32_t source_destination_ = 0xffffffff;
  std::optional<codecs> offer_;
};

} // namespace linehunt::rules
