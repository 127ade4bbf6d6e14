// SPDX-License-Identifier: Apache-2.0
// See overload.h.
#include "sipparse/overload.h"

#include "sipparse/ascii_case.h"
#include "sipparse/header_value.h"

namespace linehunt::sip {
namespace {

struct parameter {
  std::string_view name, value, text; // text: from the ';' to the end of the value
  bool has_value = false;
};

// The next of ";a=b;c"; `rest` begins with a ';' and moves on. Only quoted strings hold a ';' (RFC
// 3261 25.1 generic-param).
parameter next(std::string_view& rest) noexcept {
  std::size_t end = 1;
  bool quoted = false;
  for (; end < rest.size() && (quoted || rest[end] != ';'); ++end) {
    if (rest[end] == '"') quoted = !quoted;
    if (quoted && rest[end] == '\\') ++end;
  }
  if (end > rest.size()) end = rest.size();
  parameter p;
  p.text = rest.substr(0, end);
  rest.remove_prefix(end);
  const std::string_view inside = p.text.substr(1);
  const std::size_t equals = inside.find('=');
  p.has_value = equals != std::string_view::npos;
  p.name = trimmed(inside.substr(0, equals));
  if (p.has_value) p.value = trimmed(inside.substr(equals + 1));
  return p;
}

// Digits and nothing else, at most `most_digits`.
bool read_digits(std::string_view text, std::size_t most_digits, std::uint64_t& out) noexcept {
  if (text.empty() || text.size() > most_digits) return false;
  out = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
    out = out * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return true;
}

bool read_number(std::string_view text, std::uint32_t& out) noexcept {
  std::uint64_t value = 0;
  if (!read_digits(text, 10, value) || value > 0xffffffffU) return false;
  out = static_cast<std::uint32_t>(value);
  return true;
}

// RFC 7339 9: 1*12DIGIT "." 1*5DIGIT. The fraction is made five digits long.
bool read_seq(std::string_view text, std::uint64_t& out) noexcept {
  const std::size_t dot = text.find('.');
  std::uint64_t whole = 0, fraction = 0;
  if (!read_digits(text.substr(0, dot), 12, whole)) return false;
  if (dot != std::string_view::npos) {
    const std::string_view digits = text.substr(dot + 1);
    if (!read_digits(digits, 5, fraction)) return false;
    for (std::size_t i = digits.size(); i < 5; ++i)
      fraction *= 10;
  }
  out = whole * 100'000 + fraction;
  return true;
}

std::string_view parameters_of(std::string_view element) noexcept {
  const std::size_t begin = element.find(';');
  return begin == std::string_view::npos ? std::string_view{} : element.substr(begin);
}

} // namespace

overload_report parse_overload(std::string_view via_element) noexcept {
  overload_report report;
  bool has_algorithm = false;
  for (std::string_view rest = parameters_of(via_element); !rest.empty();) {
    const parameter p = next(rest);
    if (equals_ignoring_case(p.name, "oc")) {
      if (report.present) continue;
      report.present = true;
      report.has_value = p.has_value;
      if (p.has_value && !read_number(p.value, report.value)) report.well_formed = false;
    } else if (equals_ignoring_case(p.name, "oc-validity")) {
      if (report.has_validity) continue;
      report.has_validity = true;
      if (!read_number(p.value, report.validity_ms)) report.well_formed = false;
    } else if (equals_ignoring_case(p.name, "oc-seq")) {
      if (report.has_seq) continue;
      report.has_seq = true;
      if (!read_seq(p.value, report.seq)) report.well_formed = false;
    } else if (equals_ignoring_case(p.name, "oc-algo")) {
      if (has_algorithm) continue;
      has_algorithm = true;
      std::string_view name = p.value;
      if (name.size() >= 2 && name.front() == '"' && name.back() == '"')
        name = name.substr(1, name.size() - 2);
      report.loss = equals_ignoring_case(trimmed(name), "loss");
    }
  }
  return report;
}

overload_texts find_overload(std::string_view via_element) noexcept {
  overload_texts found;
  for (std::string_view rest = parameters_of(via_element); !rest.empty();) {
    const parameter p = next(rest);
    if (!equals_ignoring_case(p.name, "oc") && !equals_ignoring_case(p.name, "oc-algo") &&
        !equals_ignoring_case(p.name, "oc-validity") && !equals_ignoring_case(p.name, "oc-seq"))
      continue;
    if (found.count > 0) {
      std::string_view& last = found.pieces[found.count - 1u];
      if (last.data() + last.size() == p.text.data()) {
        last = {last.data(), last.size() + p.text.size()};
        continue;
      }
    }
    if (found.count == found.pieces.size()) {
      found.complete = false;
      break;
    }
    found.pieces[found.count++] = p.text;
  }
  return found;
}

} // namespace linehunt::sip
