// SPDX-License-Identifier: Apache-2.0
// See rule_overlap.h.
#include "control/config/rule_overlap.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

namespace linehunt::config {
namespace {

bool is_letter_or_digit(char c) noexcept {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}

// What each text begins with that a pattern matches, as far as that is written letter by letter:
// of "^49\\+1[23]" it is 49+1, of "^49$" 49 and an end, of "49" and "^4|9" nothing.
class beginning {
 public:
  explicit beginning(std::string_view pattern) {
    if (pattern.starts_with('^') && pattern.find('|') == pattern.npos) left_ = pattern.substr(1);
  }
  // '\0' for the end of the text.
  std::optional<char> next() {
    const std::string_view text = std::exchange(left_, {});
    if (text.empty()) return std::nullopt;
    if (text == "$") return '\0';
    const bool escaped = text[0] == '\\';
    const std::size_t length = escaped ? 2 : 1;
    if (text.size() < length) return std::nullopt;
    const char c = text[length - 1];
    constexpr std::string_view special = "^$.|?*+()[]{}\\";
    if (escaped ? is_letter_or_digit(c) : special.find(c) != special.npos) return std::nullopt;
    const char behind = text.size() > length ? text[length] : ' ';
    if (behind == '?' || behind == '*' || behind == '{') return std::nullopt;
    if (behind != '+') left_ = text.substr(length); // else it may come again
    return c;
  }

 private:
  std::string_view left_;
};

bool begin_differently(const rule_condition& a, const rule_condition& b) {
  beginning of_a(a.pattern), of_b(b.pattern);
  for (;;) {
    const auto in_a = of_a.next(), in_b = of_b.next();
    if (!in_a || !in_b) return false;
    // Of a host the case does not count; of the rest this says "may match both" too often.
    if (lower(*in_a) != lower(*in_b)) return true;
  }
}

bool is_apart(const std::vector<ip_prefix>& a, const std::vector<ip_prefix>& b) {
  return std::ranges::none_of(a, [&](const ip_prefix& one) {
    return std::ranges::any_of(b, [&](const ip_prefix& other) {
      return one.contains(other.ip) || other.contains(one.ip);
    });
  });
}

// An offer with one of `codecs` has not none of `no_codecs` where those are among these.
bool is_offered_or_not(const rule_condition& present, const rule_condition& absent) {
  return present.field == rule_field::codec_present && absent.field == rule_field::codec_absent &&
         std::ranges::all_of(present.names, [&](const std::string& name) {
           return std::ranges::find(absent.names, name) != absent.names.end();
         });
}

bool exclude_each_other(const rule_condition& a, const rule_condition& b) {
  if (is_offered_or_not(a, b) || is_offered_or_not(b, a)) return true;
  if (a.field != b.field) return false;
  switch (a.field) {
  case rule_field::method:
  case rule_field::ruri:
  case rule_field::ruri_user:
  case rule_field::ruri_host:
  case rule_field::from_uri:
  case rule_field::to_uri:
    return begin_differently(a, b);
  case rule_field::source:
    return is_apart(a.networks, b.networks);
  default: // a header may be there twice, a destination in two groups
    return false;
  }
}

} // namespace

bool exclude_each_other(const rule_model& a, const rule_model& b) {
  return std::ranges::any_of(a.conditions, [&](const rule_condition& one) {
    return std::ranges::any_of(
        b.conditions, [&](const rule_condition& other) { return exclude_each_other(one, other); });
  });
}

} // namespace linehunt::config
