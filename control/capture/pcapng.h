// SPDX-License-Identifier: Apache-2.0
// The blocks of a pcapng file (draft-ietf-opsawg-pcapng), in this machine's byte order, with times
// in nanoseconds and Ethernet frames. Pure: values in, bytes out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace linehunt::pcapng {

// The first block of a file.
[[nodiscard]] std::string section_header(std::string_view application);
// One for each port, before its packets; they count from 0. `filter`: as a person reads it; empty:
// everything was wanted.
[[nodiscard]] std::string interface_description(std::string_view name, std::string_view description,
                                                std::string_view filter);

struct packet {
  std::uint32_t interface = 0;
  std::uint64_t unix_ns = 0;
  bool sent = false; // else received
  std::uint32_t original_bytes = 0;
  std::span<const char> bytes;
};
void append(std::string& to, const packet& one);
[[nodiscard]] std::size_t block_bytes(const packet& one) noexcept;

// At the end: how many packets are in the file, and how many are missing.
[[nodiscard]] std::string interface_statistics(std::uint32_t interface, std::uint64_t unix_ns,
                                               std::uint64_t captured, std::uint64_t missed);

// With which every file begins.
inline constexpr std::string_view magic = "\x0a\x0d\x0d\x0a";

} // namespace linehunt::pcapng
