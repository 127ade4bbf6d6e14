// SPDX-License-Identifier: Apache-2.0
// See scan_reference.h.
#include "tests/fuzz/scan_reference.h"

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace linehunt::sip {
namespace {

constexpr auto npos = std::string_view::npos;

struct line {
  header_id id = header_id::other;
  std::string_view text, value;
  bool folded = false;
};

struct section {
  std::vector<line> lines; // of names that are indexed
  std::size_t end = 0, body = 0;
  scan_result result;
};

bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

std::string lower(std::string_view text) {
  std::string out{text};
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

header_id id_of(std::string_view name) {
  static const auto ids = [] {
    std::map<std::string, header_id, std::less<>> all{
        {"v", header_id::via},          {"f", header_id::from},
        {"t", header_id::to},           {"i", header_id::call_id},
        {"m", header_id::contact},      {"l", header_id::content_length},
        {"c", header_id::content_type}, {"x", header_id::session_expires}};
    for (std::size_t i = 1; i < header_id_count; ++i)
      all[lower(name_of(static_cast<header_id>(i)))] = static_cast<header_id>(i);
    return all;
  }();
  const auto found = ids.find(lower(name));
  return found == ids.end() ? header_id::other : found->second;
}

std::string_view without(std::string_view text, std::string_view outer) {
  const auto from = text.find_first_not_of(outer);
  if (from == npos) return text.substr(0, 0);
  return text.substr(from, text.find_last_not_of(outer) - from + 1);
}

scan_result error_at(scan_error error, std::size_t at) {
  return {error, static_cast<std::uint16_t>(at)};
}

// The first CR that no LF follows.
std::size_t bare_return(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i)
    if (text[i] == '\r' && (i + 1 == text.size() || text[i + 1] != '\n')) return i;
  return npos;
}

section read(std::string_view bytes, std::size_t at) {
  section s;
  const auto note = [&](scan_error error, std::size_t where) {
    if (s.result) s.result = error_at(error, where);
  };
  for (;;) {
    const std::string_view rest = bytes.substr(at);
    if (rest.starts_with('\n') || rest.starts_with("\r\n")) {
      s.end = at;
      s.body = at + (rest.front() == '\n' ? 1 : 2);
      return s;
    }
    line l;
    std::size_t end = rest.find('\n');
    const std::string_view first_line = rest.substr(0, end);
    while (end != npos && end + 1 < rest.size() && is_blank(rest[end + 1])) {
      l.folded = true;
      end = rest.find('\n', end + 1);
    }
    if (end == npos) { // the line is not whole
      note(scan_error::no_header_end, bytes.size());
      s.end = s.body = bytes.size();
      return s;
    }
    l.text = rest.substr(0, end + 1);
    const std::size_t colon = first_line.find(':');
    const auto name =
        colon == npos ? std::string_view{} : without(first_line.substr(0, colon), " \t");
    if (name.empty() || is_blank(rest.front())) note(scan_error::bad_header_line, at);
    l.id = name.empty() || is_blank(rest.front()) ? header_id::other : id_of(name);
    if (l.id != header_id::other) {
      l.value = l.text.substr(colon + 1);
      l.value.remove_suffix(l.value.ends_with("\r\n") ? 2 : 1);
      l.value = without(l.value, l.folded ? " \t\r\n" : " \t");
      s.lines.push_back(l);
    }
    at += end + 1;
  }
}

} // namespace

bool is_as_the_bytes_say(const message_view& view, scan_result scanned) {
  section s = read(view.bytes(), view.headers_begin);
  const bool ended = s.end != s.body;
  if (s.result && ended) { // else something worse is said
    const auto before = view.bytes().substr(0, s.end);
    const auto found = bare_return(before.substr(view.start_line.off));
    if (found != npos) {
      const auto at = view.start_line.off + found;
      s.result = error_at(
          at < view.headers_begin ? scan_error::bad_start_line : scan_error::bad_header_line, at);
    }
  }
  // What is wrong with the start line is said first, and nobody looks for more.
  const bool same_result = scanned.error == s.result.error && scanned.at == s.result.at;
  const bool of_start_line = scanned.error == scan_error::bad_start_line ||
                             scanned.error == scan_error::bad_version ||
                             scanned.error == scan_error::bad_status;
  if (!same_result && !of_start_line) return false;
  if (view.headers_end != s.end || view.body_begin != s.body || view.has_empty_line != ended)
    return false;

  const std::size_t indexed = std::min(s.lines.size(), max_indexed_headers);
  if (view.header_count != indexed || view.index_full != (s.lines.size() > indexed)) return false;
  for (std::size_t i = 0; i < indexed; ++i) {
    const header& h = view.headers[i];
    const line& l = s.lines[i];
    const auto line_text = view.text(h.line), value = view.text(h.value);
    if (h.id != l.id || h.folded != l.folded || line_text.data() != l.text.data() ||
        line_text.size() != l.text.size() || value != l.value ||
        (!value.empty() && value.data() != l.value.data()))
      return false;
  }
  for (std::size_t i = 1; i < header_id_count; ++i) {
    const auto has_id = [&](const line& l) { return l.id == static_cast<header_id>(i); };
    const auto first = std::find_if(s.lines.begin(), s.lines.end(), has_id) - s.lines.begin();
    const bool is_indexed = static_cast<std::size_t>(first) < indexed;
    if (view.count[i] != std::count_if(s.lines.begin(), s.lines.end(), has_id) ||
        view.first[i] != (is_indexed ? first : no_header))
      return false;
  }
  return true;
}

} // namespace linehunt::sip
