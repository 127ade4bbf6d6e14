// SPDX-License-Identifier: Apache-2.0
// The compiled form of the rules: what compile.cpp makes and rules.cpp runs. Private to rules.
#pragma once

#include "dataplane/rules.h"
#include "dataplane/rules/header_lines.h"
#include "dataplane/rules/pattern_set.h"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace linehunt {

namespace rules {

inline constexpr std::uint16_t no_resource = 0xffff;
inline constexpr std::size_t max_codec_names = 64; // bits of a codec mask

// A field that some rule's pattern looks at; for a header, one for each name.
struct pattern_field {
  rule_field field = rule_field::method;
  header_name header;
  pattern_set patterns;
  std::size_t first_word = 0; // of their bits in the worker's `matched`
};

struct condition {
  rule_field field = rule_field::method;
  std::uint32_t pattern_field = 0; // of a pattern: index into fields
  std::uint32_t bit = 0;           // of a pattern: its bit in the worker's `matched`
  bool is_pattern = false;
  std::span<const ip_prefix> networks; // of source; lie in the model
  std::uint64_t codec_mask = 0;        // of codec_present, codec_absent
  std::uint32_t group = 0;             // of from_destination
  bool any_port = false;               // of from_destination
};

struct rule {
  const rule_model* model = nullptr;
  std::vector<condition> conditions;
  std::vector<std::uint16_t> resources; // resource_id, or no_resource
  bool asks_source = false;             // a condition finds the destination that the call is of
};

// What one worker writes while it decides. Each is written by its worker only.
struct alignas(64) workspace {
  scratch memory;
  std::vector<std::uint64_t> matched; // one bit for each pattern of all fields
  std::vector<std::uint8_t> scanned;  // for each field, whether `matched` holds its bits yet
};

} // namespace rules

// By field.
struct compiled_patterns {
  std::vector<rules::pattern_set> sets;
};

struct compiled_rules::state {
  std::vector<rule_model> models;
  std::vector<rules::rule> rules;
  std::vector<rules::pattern_field> fields;
  std::vector<std::string> codec_names;             // in lower case; bit i of a codec mask
  bool any_drops = false;                           // a rule's action is drop
  mutable std::vector<rules::workspace> workspaces; // by worker
};

} // namespace linehunt
