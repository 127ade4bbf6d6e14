// SPDX-License-Identifier: Apache-2.0
// Finding the SDP in a body: the body itself, or a part of a multipart one (RFC 2046 5.1, RFC
// 5621).
#include "sipparse/ascii_case.h"
#include "sipparse/fields.h"
#include "sipparse/header_value.h"
#include "sipparse/sdp.h"

#include <algorithm>
#include <array>

namespace linehunt::sip {
namespace {

constexpr int max_depth = 3; // multipart in multipart

struct media_type {
  std::string_view type, subtype; // "application", "sdp"
  std::string_view parameters;
};

// RFC 3261 25.1: white space may stand around the slash.
media_type split_type(std::string_view content_type) noexcept {
  const auto both = content_type.substr(0, content_type.find(';'));
  const auto slash = std::min(both.find('/'), both.size());
  return {trimmed(both.substr(0, slash)), trimmed(both.substr(std::min(slash + 1, both.size()))),
          content_type.substr(both.size())};
}

constexpr std::size_t max_boundary_bytes = 70; // RFC 2046 5.1.1
using boundary_bytes = std::array<char, max_boundary_bytes>;

// The boundary, in `unquoted` where it is a quoted string; empty where there is none.
std::string_view boundary_of(std::string_view parameters, boundary_bytes& unquoted) noexcept {
  const auto value = find_parameter(parameters, "boundary").value_or(std::string_view{});
  if (!value.starts_with('"'))
    return value.size() <= max_boundary_bytes ? value : std::string_view{};
  std::size_t size = 0;
  for (std::size_t i = 1; i + 1 < value.size(); ++i) {
    if (value[i] == '\\') ++i; // quoted-pair
    if (size == max_boundary_bytes) return {};
    unquoted[size++] = value[i];
  }
  return {unquoted.data(), size};
}

// What follows the boundary on its line: the end of the line, padding, or the "--" of the last one.
bool ends_delimiter(std::string_view rest) noexcept {
  return rest.empty() || rest.starts_with("--") ||
         std::string_view{" \t\r\n"}.find(rest.front()) != std::string_view::npos;
}

// The offset of the next delimiter line ("--boundary" at the start of a line) from `from` on.
std::size_t find_delimiter(std::string_view body, std::string_view boundary,
                           std::size_t from) noexcept {
  for (std::size_t at = from; (at = body.find("--", at)) != std::string_view::npos; ++at) {
    const bool line_start = at == 0 || body[at - 1] == '\n';
    if (line_start && body.substr(at + 2).starts_with(boundary) &&
        ends_delimiter(body.substr(at + 2 + boundary.size()))) {
      return at;
    }
  }
  return std::string_view::npos;
}

struct part {
  std::string_view content_type;
  std::string_view body;
};

// The bytes of the header line that the text begins with, and of its further lines, which begin
// with white space (RFC 5322 2.2.3). An empty line has none.
std::size_t header_bytes(std::string_view text) noexcept {
  auto end = text.find('\n');
  const bool is_empty = trimmed(text.substr(0, end)).empty();
  while (end != std::string_view::npos && !is_empty && end + 1 < text.size() &&
         (text[end + 1] == ' ' || text[end + 1] == '\t'))
    end = text.find('\n', end + 1);
  return end == std::string_view::npos ? text.size() : end + 1;
}

// Splits a part into its header lines and its body; the line end before the next delimiter belongs
// to the delimiter.
part split_part(std::string_view text) noexcept {
  part result;
  if (text.ends_with('\n')) text.remove_suffix(1);
  if (text.ends_with('\r')) text.remove_suffix(1);
  while (!text.empty()) {
    const auto bytes = header_bytes(text);
    const auto line = trimmed(text.substr(0, bytes));
    text.remove_prefix(bytes);
    if (line.empty()) break;
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    if (equals_ignoring_case(trimmed(line.substr(0, colon)), "content-type")) {
      result.content_type = trimmed(line.substr(colon + 1));
    }
  }
  result.body = text;
  return result;
}

std::string_view find_sdp_within(std::string_view content_type, std::string_view body,
                                 int depth) noexcept {
  const auto [type, subtype, parameters] = split_type(content_type);
  if (equals_ignoring_case(type, "application") && equals_ignoring_case(subtype, "sdp"))
    return body;
  if (!equals_ignoring_case(type, "multipart") || depth == max_depth) return {};
  boundary_bytes unquoted;
  const auto boundary = boundary_of(parameters, unquoted);
  if (boundary.empty()) return {};

  auto at = find_delimiter(body, boundary, 0);
  while (at != std::string_view::npos) {
    const auto begin = body.find('\n', at);
    if (begin == std::string_view::npos) return {};
    if (body.substr(at + 2 + boundary.size()).starts_with("--")) return {}; // the last delimiter
    const auto next = find_delimiter(body, boundary, begin + 1);
    // Without a closing delimiter the last part ends with the body.
    const auto [part_type, part_body] = split_part(
        body.substr(begin + 1, next == std::string_view::npos ? next : next - begin - 1));
    const auto found = find_sdp_within(part_type, part_body, depth + 1);
    if (!found.empty()) return found;
    at = next;
  }
  return {};
}

} // namespace

std::string_view find_sdp(std::string_view content_type, std::string_view body) noexcept {
  // RFC 3261 20.15 wants a Content-Type with every body; phones that forget it send SDP.
  if (trimmed(content_type).empty()) return body.starts_with("v=0") ? body : std::string_view{};
  return find_sdp_within(content_type, body, 0);
}

} // namespace linehunt::sip
