// SPDX-License-Identifier: Apache-2.0
// What a kernel does: the pass over the bytes, 64 at a time, that turns line ends into places, and
// the reading of fields in their plain form. What a line says is the scan's matter, what a field
// may be the grammar's. Private to sipparse.
//
// Kernel files are compiled for their own instruction set. What they call is in unnamed namespaces
// or inlined for certain, and they are optimized in every build, so that the linker finds no copy
// of a shared inline function in them that a lesser processor could not run.
#pragma once

#include "sipparse/message_view.h"

#include <cstdint>

namespace linehunt::sip {
struct routing_view;
}

namespace linehunt::sip::kernels {

// Where lines begin, oldest first; a line ends where the next one begins. Whoever starts a pass
// puts the first one in.
struct line_index {
  static constexpr std::uint32_t capacity = 512;
  std::uint32_t count = 0;
  // A kernel stops when less than a block of nothing but LF fits, and may write two entries more
  // than it counts.
  std::uint16_t start[capacity + 2];
};

// Where the pass stands between two calls.
struct cursor {
  std::uint32_t next = 0;       // offset of the next block
  std::uint64_t ends_short = 0; // where an LF in it ends a line of at most one byte
  bool bare_return = false;     // in a block so far there is a CR that no LF follows
};

// Adds the lines of the blocks from `c.next` on, each as the byte behind an LF (`len` itself where
// the last byte is one). Returns after a block in which a line of at most one byte ends, which may
// be the empty line, when the index is nearly full, or at `len`.
using find_lines_function = void(const char* base, std::uint32_t len, cursor& c,
                                 line_index& lines) noexcept;

// Where a pass for one header stands.
struct start_cursor {
  std::uint32_t next = 0;
  std::uint64_t feed_before = 0; // 1: the byte at `next` begins a line
  std::uint64_t candidates = 0;  // of the block before `next`, not yet handed out
};

// The next line start whose byte is CR, LF or a letter that the header's names begin with: a line
// that may be that header or the empty line. Returns its offset, or `len` where there is none.
using find_candidate_function = std::uint32_t(const char* base, std::uint32_t len,
                                              start_cursor& c) noexcept;

[[nodiscard]] constexpr unsigned bit_of(header_id id) noexcept {
  return 1U << static_cast<unsigned>(id);
}

// Clears the view and fills in the fields that stand in their plain form (plain_fields.h). Returns
// a bit for each header that is not plain, or is mandatory and missing: those are the grammar's
// matter. So is a Request-URI that is not ok.
using read_plain_function = unsigned(const message_view& message, routing_view& out) noexcept;

struct functions {
  find_lines_function* find_lines;
  find_candidate_function* find_call_id; // c, C, i, I
  find_candidate_function* find_to;      // t, T
  read_plain_function* read_plain;
};

extern const functions scalar;
extern const functions sse42;
extern const functions avx2;
extern const functions avx512;

// The kernel in use (scan_kernel.cpp).
[[nodiscard]] const functions& current() noexcept;

} // namespace linehunt::sip::kernels
