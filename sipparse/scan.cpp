// SPDX-License-Identifier: Apache-2.0
// The scan: takes the lines that a kernel found and makes the message view of them. Knows header
// names, folds and where a value ends; does not look into a value.
#include "sipparse/scan.h"

#include "sipparse/header_name.h"
#include "sipparse/header_value.h"
#include "sipparse/kernels/kernel.h"
#include "sipparse/start_line.h"

namespace linehunt::sip {
namespace {

// Hands out the lines in order, and has the kernel find more of them when they run out.
class line_source {
 public:
  line_source(const char* base, std::uint32_t len, std::uint32_t begin) noexcept
      : base_(base), len_(len) {
    cursor_.next = begin;
    kernels::current().find_lines(base_, len_, cursor_, lines_);
  }

  [[nodiscard]] std::uint32_t start() const noexcept { return lines_.start[at_]; }
  [[nodiscard]] std::uint32_t stop() const noexcept { return lines_.stop[at_]; }
  // Where the line ends: the start of the next. Only after has_next.
  [[nodiscard]] std::uint32_t next_start() const noexcept { return lines_.start[at_ + 1]; }
  // False: the line that starts here has no line end in this message.
  [[nodiscard]] bool has_next() noexcept { return at_ + 1 < lines_.starts || refill(); }
  // Known without the kernel's help?
  [[nodiscard]] bool next_is_known() const noexcept { return at_ + 1 < lines_.starts; }
  void advance() noexcept { ++at_; }

 private:
  // Keeps the open lines and goes on. The kernel adds at least one block each time, and what is
  // moved is at most as long as a block has lines, so the whole stays linear.
  bool refill() noexcept {
    while (at_ + 1 >= lines_.starts) {
      if (cursor_.next >= len_) return false;
      const std::uint32_t open_starts = lines_.starts - at_;
      const std::uint32_t open_stops = lines_.stops - at_;
      for (std::uint32_t i = 0; i < open_starts; ++i)
        lines_.start[i] = lines_.start[at_ + i];
      for (std::uint32_t i = 0; i < open_stops; ++i)
        lines_.stop[i] = lines_.stop[at_ + i];
      lines_.starts = open_starts;
      lines_.stops = open_stops;
      at_ = 0;
      kernels::current().find_lines(base_, len_, cursor_, lines_);
    }
    return true;
  }

  const char* base_;
  std::uint32_t len_;
  std::uint32_t at_ = 0;
  kernels::cursor cursor_;
  kernels::line_index lines_;
};

void clear(std::string_view datagram, message_view& out) noexcept {
  out.base = datagram.data();
  out.len_bytes = static_cast<std::uint32_t>(datagram.size());
  out.is_request = false;
  out.method = method::unknown;
  out.status = 0;
  out.start_line = out.method_text = out.request_uri = out.version = out.reason = slice{};
  out.headers_begin = out.headers_end = out.body_begin = 0;
  out.has_empty_line = out.index_full = false;
  out.header_count = 0;
  out.first.fill(no_header);
  out.count.fill(0);
}

void add_header(message_view& out, header_id id, slice line, slice value, bool folded) noexcept {
  const auto which = static_cast<std::size_t>(id);
  ++out.count[which];
  const std::size_t at = out.header_count;
  if (at == max_indexed_headers) {
    out.index_full = true;
    return;
  }
  if (out.first[which] == no_header) out.first[which] = static_cast<std::uint8_t>(at);
  out.headers[at] = header{line, value, id, folded};
  out.header_count = static_cast<std::uint16_t>(at + 1);
}

// RFC 3261 7: the empty line ends the headers. Length of the line end at `off`, 0 where the line
// there is not empty.
std::uint32_t line_end_bytes(const char* base, std::uint32_t len, std::uint32_t off) noexcept {
  if (off >= len) return 0;
  if (base[off] == '\n') return 1;
  return base[off] == '\r' && off + 1 < len && base[off + 1] == '\n' ? 2 : 0;
}

// The message ends before its empty line. A last line without a line end is not indexed: nobody
// can say that it is whole.
scan_result no_end(message_view& out, scan_result so_far) noexcept {
  const auto len = static_cast<std::uint16_t>(out.len_bytes);
  out.headers_end = out.body_begin = len;
  return so_far ? scan_result{scan_error::no_header_end, len} : so_far;
}

scan_result scan_headers(line_source& lines, message_view& out) noexcept {
  const char* const base = out.base;
  scan_result result;
  for (;; lines.advance()) {
    const std::uint32_t start = lines.start();
    const bool known = lines.next_is_known();
    if (!known || base[start] <= '\r') {
      if (const auto bytes = line_end_bytes(base, out.len_bytes, start)) {
        out.has_empty_line = true;
        out.headers_end = static_cast<std::uint16_t>(start);
        out.body_begin = static_cast<std::uint16_t>(start + bytes);
        return result;
      }
      if (!known && !lines.has_next()) return no_end(out, result);
    }

    const std::uint32_t stop = lines.stop();
    std::uint32_t end = lines.next_start();
    bool folded = false;
    // RFC 3261 7.3.1: lines that begin with white space belong to the header before them.
    while (end < out.len_bytes && is_wsp(base[end])) {
      lines.advance();
      if (!lines.has_next()) return no_end(out, result);
      folded = true;
      end = lines.next_start();
    }

    std::uint32_t name_end = stop;
    while (name_end > start && is_wsp(base[name_end - 1]))
      --name_end;
    if (base[stop] != ':' || name_end == start || is_wsp(base[start])) [[unlikely]] {
      if (result) result = {scan_error::bad_header_line, static_cast<std::uint16_t>(start)};
      continue;
    }
    const header_id id = classify_header_name(base, out.len_bytes, start, name_end - start);
    if (id == header_id::other) continue;
    add_header(out, id, from_to(start, end), trimmed_value(base, stop, end, folded), folded);
  }
}

} // namespace

scan_result scan(std::string_view datagram, message_view& out) noexcept {
  if (datagram.size() > max_message_bytes) {
    clear({}, out);
    return {scan_error::too_long, 0};
  }
  clear(datagram, out);
  const char* const base = out.base;
  const std::uint32_t len = out.len_bytes;

  std::uint32_t begin = 0;
  while (const auto bytes = line_end_bytes(base, len, begin))
    begin += bytes;
  if (begin == len) return {scan_error::empty, static_cast<std::uint16_t>(begin)};

  line_source lines(base, len, begin);
  const bool whole_line = lines.has_next();
  std::uint32_t line_end = whole_line ? lines.next_start() - 1 : len;
  out.headers_begin = out.headers_end = out.body_begin =
      static_cast<std::uint16_t>(whole_line ? line_end + 1 : len);
  if (line_end > begin && base[line_end - 1] == '\r') --line_end;

  const scan_result start_line = split_start_line(begin, line_end, out);
  if (start_line.error == scan_error::not_sip) return start_line;
  if (!whole_line)
    return start_line ? scan_result{scan_error::no_header_end, static_cast<std::uint16_t>(len)}
                      : start_line;
  lines.advance();
  const scan_result headers = scan_headers(lines, out);
  return start_line ? headers : start_line;
}

} // namespace linehunt::sip
