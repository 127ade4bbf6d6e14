// SPDX-License-Identifier: Apache-2.0
// See header_lines.h.
#include "dataplane/rules/header_lines.h"

#include "sipparse/ascii_case.h"

#include <algorithm>
#include <array>

namespace linehunt::rules {

namespace {

constexpr bool is_blank(char c) noexcept {
  return c == ' ' || c == '\t';
}

struct compact_form {
  char compact;
  std::string_view long_form;
};
// IANA registry "SIP Header Fields"; the RFC of each compact form.
constexpr std::array compact_forms{
    compact_form{'a', "Accept-Contact"},      // RFC 3841
    compact_form{'b', "Referred-By"},         // RFC 3892
    compact_form{'c', "Content-Type"},        // RFC 3261
    compact_form{'d', "Request-Disposition"}, // RFC 3841
    compact_form{'e', "Content-Encoding"},    // RFC 3261
    compact_form{'f', "From"},                // RFC 3261
    compact_form{'i', "Call-ID"},             // RFC 3261
    compact_form{'j', "Reject-Contact"},      // RFC 3841
    compact_form{'k', "Supported"},           // RFC 3261
    compact_form{'l', "Content-Length"},      // RFC 3261
    compact_form{'m', "Contact"},             // RFC 3261
    compact_form{'n', "Identity-Info"},       // RFC 4474
    compact_form{'o', "Event"},               // RFC 6665
    compact_form{'r', "Refer-To"},            // RFC 3515
    compact_form{'s', "Subject"},             // RFC 3261
    compact_form{'t', "To"},                  // RFC 3261
    compact_form{'u', "Allow-Events"},        // RFC 6665
    compact_form{'v', "Via"},                 // RFC 3261
    compact_form{'x', "Session-Expires"},     // RFC 4028
    compact_form{'y', "Identity"},            // RFC 8224
};

// The end of the line that starts at `at`, behind its LF, folded lines included.
std::uint32_t line_end(const sip::message_view& message, std::uint32_t at) noexcept {
  const std::string_view section = message.bytes().substr(0, message.headers_end);
  while (true) {
    const std::size_t line_feed = section.find('\n', at);
    if (line_feed == std::string_view::npos) return message.headers_end;
    at = static_cast<std::uint32_t>(line_feed + 1);
    if (at >= section.size() || !is_blank(section[at])) return at;
  }
}

// The value as the scan has it: without the line end (one CR, so that a bare CR before it stays),
// without outer white space, which in a folded value comprises CR and LF.
std::string_view trimmed_value(std::string_view text) noexcept {
  if (text.ends_with('\n')) text.remove_suffix(1);
  if (text.ends_with('\r')) text.remove_suffix(1);
  const bool folded = text.find('\n') != std::string_view::npos;
  const auto is_outer = [&](char c) { return is_blank(c) || (folded && (c == '\r' || c == '\n')); };
  while (!text.empty() && is_outer(text.front()))
    text.remove_prefix(1);
  while (!text.empty() && is_outer(text.back()))
    text.remove_suffix(1);
  return text;
}

// What follows the colon, where the line bears that name (RFC 3261 25.1 HCOLON: blanks before it).
bool value_after(std::string_view line, std::string_view name, std::string_view& value) noexcept {
  if (!sip::equals_ignoring_case(line.substr(0, name.size()), name)) return false;
  std::size_t colon = name.size();
  while (colon < line.size() && is_blank(line[colon]))
    ++colon;
  if (colon == line.size() || line[colon] != ':') return false;
  value = trimmed_value(line.substr(colon + 1));
  return true;
}

} // namespace

header_name header_named(std::string_view name) {
  for (const compact_form& form : compact_forms) {
    const bool compact = name.size() == 1 && sip::ascii_lower(name.front()) == form.compact;
    if (compact || sip::equals_ignoring_case(name, form.long_form))
      return {std::string(form.long_form), form.compact};
  }
  return {std::string(name), '\0'};
}

bool is_header_name(std::string_view name) noexcept {
  constexpr std::string_view marks = "-.!%*_+`'~";
  return !name.empty() && std::all_of(name.begin(), name.end(), [&](char c) {
    const char l = sip::ascii_lower(c);
    return (l >= 'a' && l <= 'z') || (c >= '0' && c <= '9') || marks.find(c) != marks.npos;
  });
}

bool next_line(const sip::message_view& message, const header_name& name, std::uint32_t& at,
               std::string_view& value) noexcept {
  while (at < message.headers_end) {
    const std::uint32_t end = line_end(message, at);
    const std::string_view line = message.bytes().substr(at, end - at);
    at = end;
    if (value_after(line, name.long_form, value)) return true;
    if (name.compact != '\0' && value_after(line, {&name.compact, 1}, value)) return true;
  }
  return false;
}

} // namespace linehunt::rules
