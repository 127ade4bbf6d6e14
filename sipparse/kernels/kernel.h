// SPDX-License-Identifier: Apache-2.0
// What a kernel does: the pass over the bytes, 64 at a time, that turns them into places. It knows
// line ends and first colons; what a header is called and where a value ends is the scan's matter.
// Private to sipparse. Kernel files are compiled for their own instruction set, so they use nothing
// from the standard library that the linker could share with the rest of the program.
#pragma once

#include <cstdint>

namespace linehunt::sip::kernels {

// Lines found so far, oldest first. Line i begins at start[i], ends before start[i + 1], and its
// first ':', CR or LF is at stop[i]. `starts` is `stops` or one more: the last line is still open.
struct line_index {
  static constexpr std::uint32_t capacity = 256;
  std::uint32_t starts = 0;
  std::uint32_t stops = 0;
  // A kernel stops 64 entries (one block of nothing but LF) before the end, and may write the
  // entries of one more block behind that.
  std::uint16_t start[capacity + 8];
  std::uint16_t stop[capacity + 8];
};

// Where the pass stands between two calls.
struct cursor {
  std::uint32_t next = 0;         // offset of the next block
  std::uint64_t line_begins = 1;  // 1: the byte at `next` begins a line
  std::uint64_t stop_pending = 0; // 1: the open line has not had its stop yet
};

// Adds the lines of the blocks from `c.next` on. Returns after the block in which a line has its
// stop at its very start (the empty line, most likely), when the index is nearly full, or at `len`.
// Where the last byte is a line end, `len` itself is added as the start of a last, empty line.
using find_lines_function = void(const char* base, std::uint32_t len, cursor& c,
                                 line_index& lines) noexcept;

// Where find_line_starting stands: the candidates of the block before `next` not yet handed out.
struct start_cursor {
  std::uint32_t next = 0;
  std::uint64_t line_begins = 0;
  std::uint64_t candidates = 0;
};

// The next line start whose byte is c, C, i, I, CR or LF: a line that may be a Call-ID or the empty
// line. Returns its offset, or `len` where there is none.
using find_candidate_function = std::uint32_t(const char* base, std::uint32_t len,
                                              start_cursor& c) noexcept;

struct functions {
  find_lines_function* find_lines;
  find_candidate_function* find_candidate;
};

extern const functions scalar;
extern const functions sse42;
extern const functions avx2;
extern const functions avx512;

// The kernel in use (scan_kernel.cpp).
[[nodiscard]] const functions& current() noexcept;

} // namespace linehunt::sip::kernels
