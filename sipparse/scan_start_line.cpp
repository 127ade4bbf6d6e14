// SPDX-License-Identifier: Apache-2.0
// The start line: request line or status line. A line that is as the grammar wants it takes one
// short way; everything else is looked at closely, to say what is wrong with it.
#include "sipparse/start_line.h"

#include "sipparse/grammar/char_class.h"
#include "sipparse/header_value.h"
#include "sipparse/method_names.h"
#include "sipparse/plain_fields.h"

namespace linehunt::sip {
namespace {

scan_result error_at(scan_error error, std::uint32_t at) noexcept {
  return {error, static_cast<std::uint16_t>(at)};
}

bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}

// "SIP/", in any case (RFC 3261 7.1: the version is case-insensitive).
bool begins_with_sip(std::string_view text) noexcept {
  return text.size() >= 4 && (text[0] | 0x20) == 's' && (text[1] | 0x20) == 'i' &&
         (text[2] | 0x20) == 'p' && text[3] == '/';
}

enum class version_form { ours, other, malformed };

version_form form_of(std::string_view version) noexcept {
  if (!begins_with_sip(version)) return version_form::malformed;
  const auto number = version.substr(4);
  if (number == "2.0") return version_form::ours;
  const auto dot = number.find('.');
  if (dot == 0 || dot == std::string_view::npos || dot + 1 == number.size())
    return version_form::malformed;
  for (std::size_t i = 0; i < number.size(); ++i)
    if (i != dot && !is_digit(number[i])) return version_form::malformed;
  return version_form::other;
}

// Status-Line = SIP-Version SP Status-Code SP Reason-Phrase. A missing SP behind the code is let
// pass: senders with an empty reason leave it out.
scan_result split_status_line(std::uint32_t begin, std::uint32_t end, message_view& out) noexcept {
  const char* const base = out.base;
  std::uint32_t p = begin;
  auto form = version_form::ours;
  if (end - begin >= 8 && plain::load<8>(base + begin) == plain::word("SIP/2.0 ")) {
    p += 7;
  } else {
    while (p < end && base[p] != ' ') // a TAB is no SP
      ++p;
    form = form_of({base + begin, p - begin});
  }
  out.is_request = false;
  out.version = from_to(begin, p);
  if (form == version_form::malformed) return error_at(scan_error::not_sip, begin);

  if (p < end) ++p;
  const std::uint32_t code = p;
  while (p < end && is_digit(base[p]))
    ++p;
  // Exactly three digits, 100 to 699 (RFC 3261 7.2, 21; RFC 4475 3.1.2.19).
  if (p - code != 3 || base[code] < '1' || base[code] > '6' || (p < end && base[p] != ' '))
    return error_at(scan_error::bad_status, code);
  out.status = static_cast<std::uint16_t>((base[code] - '0') * 100 + (base[code + 1] - '0') * 10 +
                                          (base[code + 2] - '0'));
  out.reason = from_to(p < end ? p + 1 : end, end);
  if (form == version_form::other) return error_at(scan_error::bad_version, begin);
  return {};
}

// A request line with something wrong: split at runs of white space, say what it is.
scan_result split_odd_request_line(std::uint32_t begin, std::uint32_t end,
                                   message_view& out) noexcept {
  const char* const base = out.base;
  std::uint32_t last = end;
  while (last > begin && is_wsp(base[last - 1]))
    --last;
  std::uint32_t version = last;
  while (version > begin && !is_wsp(base[version - 1]))
    --version;
  if (version == begin || !begins_with_sip({base + version, last - version}))
    return error_at(scan_error::not_sip, begin);

  std::uint32_t method_end = begin;
  while (!is_wsp(base[method_end])) // white space stands before the version
    ++method_end;
  std::uint32_t uri = method_end;
  while (uri < version && is_wsp(base[uri]))
    ++uri;
  std::uint32_t uri_end = version;
  while (uri_end > uri && is_wsp(base[uri_end - 1]))
    --uri_end;
  out.is_request = true;
  out.method_text = from_to(begin, method_end);
  out.request_uri = from_to(uri, uri_end);
  out.version = from_to(version, last);

  const auto method = out.text(out.method_text);
  if (method.empty() ||
      grammar::skip<grammar::token_chars>(method.data(), method.data() + method.size()) !=
          method.data() + method.size())
    return error_at(scan_error::bad_start_line, begin);
  out.method = method_named(method);
  // RFC 3261 7.1: single SPs and nothing else between and behind the elements (RFC 4475 3.1.2.9,
  // 3.1.2.10), no white space within the Request-URI (3.1.2.8).
  if (last != end) return error_at(scan_error::bad_start_line, last);
  if (uri == uri_end || uri - method_end != 1 || base[method_end] != ' ')
    return error_at(scan_error::bad_start_line, method_end);
  if (version - uri_end != 1 || base[uri_end] != ' ')
    return error_at(scan_error::bad_start_line, uri_end);
  for (std::uint32_t p = uri; p < uri_end; ++p)
    if (is_wsp(base[p])) return error_at(scan_error::bad_start_line, p);

  switch (form_of(out.text(out.version))) {
  case version_form::ours:
    return {};
  case version_form::other:
    return error_at(scan_error::bad_version, version);
  case version_form::malformed:
    break;
  }
  return error_at(scan_error::bad_start_line, version);
}

} // namespace

scan_result split_start_line(std::uint32_t begin, std::uint32_t end, message_view& out) noexcept {
  const char* const base = out.base;
  out.start_line = from_to(begin, end);
  if (begins_with_sip({base + begin, end - begin})) return split_status_line(begin, end, out);

  // "M U SIP/2.0" is the shortest.
  if (end - begin < 11 || plain::load<8>(base + end - 8) != plain::word(" SIP/2.0"))
    return split_odd_request_line(begin, end, out);
  const char* const line_end = base + end;
  const char* const uri_end = line_end - 8;
  const char* const limit = base + out.len_bytes;
  const char* const method_end =
      grammar::skip<grammar::token_chars>(base + begin, uri_end, base, limit);
  if (method_end == base + begin || *method_end != ' ' || method_end + 1 >= uri_end ||
      grammar::skip<grammar::not_wsp_chars>(method_end + 1, uri_end, base, limit) != uri_end)
    return split_odd_request_line(begin, end, out);

  const auto offset = [base](const char* p) { return static_cast<std::uint32_t>(p - base); };
  out.is_request = true;
  out.method_text = from_to(begin, offset(method_end));
  out.request_uri = from_to(offset(method_end + 1), offset(uri_end));
  out.version = from_to(end - 7, end);
  out.method = classify_method(out.text(out.method_text));
  return {};
}

} // namespace linehunt::sip
