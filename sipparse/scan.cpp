// SPDX-License-Identifier: Apache-2.0
// The scan: takes the lines that a kernel found and makes the message view of them. Knows header
// names, folds and where a value ends; does not look into a value.
#include "sipparse/scan.h"

#include "sipparse/header_name.h"
#include "sipparse/header_value.h"
#include "sipparse/kernels/kernel.h"
#include "sipparse/start_line.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstring>
#include <emmintrin.h>

namespace linehunt::sip {
namespace {

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

// RFC 3261 7: the empty line ends the headers. Length of the line end at `off`, 0 where the line
// there is not empty.
std::uint32_t line_end_bytes(const char* base, std::uint32_t len, std::uint32_t off) noexcept {
  if (off >= len) return 0;
  if (base[off] == '\n') return 1;
  return base[off] == '\r' && off + 1 < len && base[off + 1] == '\n' ? 2 : 0;
}

std::uint16_t two_bytes(const char* p) noexcept {
  std::uint16_t bytes;
  std::memcpy(&bytes, p, 2);
  return bytes;
}

// `bytes` is two neighbours, the first in the lower half. Is the second `high`, and the first above
// 0x20, which is no white space?
bool is_visible_before(unsigned bytes, char high) noexcept {
  const unsigned least = static_cast<unsigned>(high) << 8 | 0x21U;
  return bytes - least <= 0xffU - 0x21U;
}

// A header of a plain line in three stores; field by field it would be six.
void put(header& h, std::uint32_t start, std::uint32_t end,
         const header_name::slot_entry& slot) noexcept {
  static_assert(offsetof(slice, len) == 2 && sizeof(slice) == 4 && offsetof(header, value) == 4 &&
                offsetof(header, folded) == offsetof(header, id) + 1 &&
                std::endian::native == std::endian::little);
  const std::uint32_t line = start + ((end - start) << 16);
  const std::uint32_t value = line + slot.to_value;
  std::memcpy(static_cast<void*>(&h.line), &line, sizeof line);
  std::memcpy(static_cast<void*>(&h.value), &value, sizeof value);
  const auto id_not_folded = static_cast<std::uint16_t>(slot.id);
  std::memcpy(static_cast<void*>(&h.id), &id_not_folded, sizeof id_not_folded);
}

class header_scan {
 public:
  header_scan(message_view& out, std::uint32_t begin) noexcept
      : base_(out.base), len_(out.len_bytes), find_(kernels::current().find_lines), out_(out) {
    cursor_.next = begin;
    found_.count = 1;
    found_.start[0] = static_cast<std::uint16_t>(begin);
    find_(base_, len_, cursor_, found_);
  }

  // Where the start line ends, behind its LF; 0 where it has none.
  [[nodiscard]] std::uint32_t end_of_start_line() noexcept {
    return end_known() ? found_.start[at_ + 1] : 0;
  }
  // Only after the end of the start line was found.
  scan_result headers() noexcept;

 private:
  enum class step { go_on, done };
  step odd_line() noexcept;
  step no_end() noexcept;
  [[nodiscard]] bool end_known() noexcept;
  void add(header_id id, slice line, slice value, bool folded) noexcept;

  const char* const base_;
  const std::uint32_t len_;
  kernels::find_lines_function* const find_;
  message_view& out_;
  std::uint32_t at_ = 0; // the line at hand
  scan_result result_;
  kernels::cursor cursor_;
  kernels::line_index found_;
};

// Makes the end of the line at hand known. False: it has no line end in this message. The lines
// before it are given up. The kernel adds at least one block each time and one line is moved, so
// the whole stays linear.
bool header_scan::end_known() noexcept {
  while (at_ + 1 >= found_.count) {
    if (cursor_.next >= len_) return false;
    found_.start[0] = found_.start[at_];
    found_.count = 1;
    at_ = 0;
    find_(base_, len_, cursor_, found_);
  }
  return true;
}

void header_scan::add(header_id id, slice line, slice value, bool folded) noexcept {
  const auto which = static_cast<std::size_t>(id);
  const std::size_t at = out_.header_count;
  ++out_.count[which];
  if (at == max_indexed_headers) [[unlikely]] {
    out_.index_full = true;
    return;
  }
  if (out_.count[which] == 1) out_.first[which] = static_cast<std::uint8_t>(at);
  out_.headers[at] = header{line, value, id, folded};
  out_.header_count = static_cast<std::uint16_t>(at + 1);
}

// The message ends before its empty line. A last line without a line end is not indexed: nobody
// can say that it is whole.
header_scan::step header_scan::no_end() noexcept {
  const auto len = static_cast<std::uint16_t>(len_);
  out_.headers_end = out_.body_begin = len;
  if (result_) result_ = {scan_error::no_header_end, len};
  return step::done;
}

// The line at hand, whatever it may be: a folded header, one with white space in unusual places,
// one cut off, one that is no header at all.
[[gnu::noinline]] header_scan::step header_scan::odd_line() noexcept {
  const std::uint32_t start = found_.start[at_];
  if (!end_known()) return no_end();
  std::uint32_t end = found_.start[++at_];
  const void* const found = std::memchr(base_ + start, ':', end - start);

  // RFC 3261 7.3.1: lines that begin with white space belong to the header before them.
  bool folded = false;
  while (end < len_ && is_wsp(base_[end])) {
    if (!end_known()) return no_end();
    folded = true;
    end = found_.start[++at_];
  }
  const auto colon = static_cast<std::uint32_t>(static_cast<const char*>(found) - base_);
  std::uint32_t name_end = found ? colon : start;
  while (name_end > start && is_wsp(base_[name_end - 1]))
    --name_end;
  if (name_end == start || is_wsp(base_[start])) {
    if (result_) result_ = {scan_error::bad_header_line, static_cast<std::uint16_t>(start)};
    return step::go_on;
  }
  const header_id id = header_name::classify(base_ + start, name_end - start);
  if (id != header_id::other)
    add(id, from_to(start, end), trimmed_value(base_, colon, end, folded), folded);
  return step::go_on;
}

// What the kernel saw may be in the body, of which the block has a part where the headers end.
// `so_far` where there is none, or where it says something already.
[[gnu::noinline]] scan_result bare_return(const message_view& message,
                                          scan_result so_far) noexcept {
  const std::uint32_t begin = message.start_line.off;
  const auto found = find_bare_return({message.base + begin, message.headers_end - begin});
  if (!so_far || found == std::string_view::npos) return so_far;
  const auto at = static_cast<std::uint16_t>(begin + found);
  return {at < message.headers_begin ? scan_error::bad_start_line : scan_error::bad_header_line,
          at};
}

// The loop takes lines as nearly all are: "Name: value" and CR LF, without other white space around
// the value than one blank, and without a fold. Everything else is `odd_line`.
scan_result header_scan::headers() noexcept {
  const char* const base = base_;
  message_view& out = out_;
  const __m128i colon = _mm_set1_epi8(':');
  for (++at_;;) {
    // Lines of which the end is known and is not the end of the message, of which 16 bytes can be
    // loaded, and for which the index has room.
    std::uint32_t count = found_.count;
    while (count > at_ + 1 &&
           (found_.start[count - 1] == len_ || found_.start[count - 2] + 16U > len_))
      --count;
    std::size_t used = out.header_count;
    const std::uint16_t* at = found_.start + at_;
    const std::uint16_t* const last =
        at + std::min<std::size_t>(count - at_ - 1, max_indexed_headers - used);
    for (; at < last; ++at) {
      const std::uint32_t start = at[0];
      const std::uint32_t end = at[1];
      const char* const line = base + start;
      const __m128i begin = _mm_loadu_si128(reinterpret_cast<const __m128i*>(line));
      // "To: <sip:a@b.example>;tag=..."   0010000100000000, the lowest bit is the colon
      auto colons = static_cast<std::uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(begin, colon)));
      if (colons == 0) [[unlikely]] {
        if (start + 32 > len_) break;
        const __m128i more = _mm_loadu_si128(reinterpret_cast<const __m128i*>(line + 16));
        colons = static_cast<std::uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(more, colon))) << 16;
        if (colons == 0) break;
      }
      // A fold behind the line, or something odd?
      if (static_cast<unsigned char>(base[end]) <= ' ' && base[end] != '\r') [[unlikely]]
        break;
      const auto length = static_cast<std::uint32_t>(__builtin_ctz(colons));
      const auto& slot = header_name::slot_for(line, length);
      if (!header_name::matches_16(slot, begin)) {
        // Not a name that we know. It has to be one, though: it may be empty, white space before
        // the colon may still make it "Via :", and the colon may be that of a later line.
        if (length == 0 || static_cast<unsigned char>(line[0]) <= ' ' ||
            static_cast<unsigned char>(line[length - 1]) <= ' ' || start + length >= end)
          break;
        continue;
      }
      // Blank and first byte of the value; its last byte and the CR.
      if (!is_visible_before(two_bytes(base + end - 3), '\r') ||
          !is_visible_before(__builtin_bswap16(two_bytes(line + length + 1)), ' '))
        break;
      const auto which = static_cast<std::size_t>(slot.id);
      if (out.count[which]++ == 0) out.first[which] = static_cast<std::uint8_t>(used);
      put(out.headers[used++], start, end, slot);
    }
    out.header_count = static_cast<std::uint16_t>(used);
    at_ = static_cast<std::uint32_t>(at - found_.start);
    const std::uint32_t start = found_.start[at_];
    if (const auto bytes = line_end_bytes(base, len_, start)) {
      out.has_empty_line = true;
      out.headers_end = static_cast<std::uint16_t>(start);
      out.body_begin = static_cast<std::uint16_t>(start + bytes);
      if (cursor_.bare_return) [[unlikely]]
        return bare_return(out, result_);
      return result_;
    }
    if (odd_line() == step::done) return result_;
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

  header_scan lines(out, begin);
  const std::uint32_t behind = lines.end_of_start_line();
  std::uint32_t line_end = behind != 0 ? behind - 1 : len;
  out.headers_begin = out.headers_end = out.body_begin =
      static_cast<std::uint16_t>(behind != 0 ? behind : len);
  if (line_end > begin && base[line_end - 1] == '\r') --line_end;

  const scan_result start_line = split_start_line(begin, line_end, out);
  if (start_line.error == scan_error::not_sip) return start_line;
  if (behind == 0)
    return start_line ? scan_result{scan_error::no_header_end, static_cast<std::uint16_t>(len)}
                      : start_line;
  const scan_result headers = lines.headers();
  return start_line ? headers : start_line;
}

} // namespace linehunt::sip
