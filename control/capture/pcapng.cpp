// SPDX-License-Identifier: Apache-2.0
// See pcapng.h.
#include "control/capture/pcapng.h"

#include <algorithm>
#include <type_traits>

namespace linehunt::pcapng {
namespace {

// Numbers of blocks and options as the draft has them: sections 4.1 to 4.6.
constexpr std::uint32_t section_block = 0x0a0d0d0a, byte_order_magic = 0x1a2b3c4d;
constexpr std::uint32_t interface_block = 1, statistics_block = 5, packet_block = 6;
constexpr std::uint16_t ethernet = 1; // LINKTYPE_ETHERNET
constexpr std::uint16_t end_of_options = 0;
constexpr std::uint16_t user_application = 4; // of a section
constexpr std::uint16_t if_name = 2, if_description = 3, if_tsresol = 9, if_filter = 11;
constexpr std::uint16_t packet_flags = 2;
constexpr std::uint16_t if_dropped = 5, filter_accepted = 6; // of statistics
constexpr std::uint32_t inbound = 1, outbound = 2;           // bits 0 and 1 of packet_flags
constexpr char nanoseconds = 9;

constexpr std::size_t padded(std::size_t bytes) noexcept {
  return (bytes + 3) & ~std::size_t{3};
}

template <typename Number>
void add(std::string& to, Number value) {
  static_assert(std::is_unsigned_v<Number>);
  const void* const at = &value;
  to.append(static_cast<const char*>(at), sizeof value);
}

void add_padded(std::string& to, std::string_view bytes) {
  to.append(bytes);
  to.append(padded(bytes.size()) - bytes.size(), '\0');
}

void add_option(std::string& to, std::uint16_t code, std::string_view value) {
  constexpr std::size_t longest = UINT16_MAX;
  value = value.substr(0, longest);
  add(to, code);
  add(to, static_cast<std::uint16_t>(value.size()));
  add_padded(to, value);
}

void add_number(std::string& to, std::uint16_t code, std::uint64_t value) {
  std::string bytes;
  add(bytes, value);
  add_option(to, code, bytes);
}

// Times are two words, the higher one first.
void add_time(std::string& to, std::uint64_t unix_ns) {
  add(to, static_cast<std::uint32_t>(unix_ns >> 32));
  add(to, static_cast<std::uint32_t>(unix_ns));
}

// Type, length, body, and the length once more.
std::string block(std::uint32_t type, std::string_view body) {
  constexpr std::size_t frame_bytes = 12;
  std::string out;
  const auto length = static_cast<std::uint32_t>(body.size() + frame_bytes);
  add(out, type);
  add(out, length);
  out.append(body);
  add(out, length);
  return out;
}

} // namespace

std::string section_header(std::string_view application) {
  std::string body;
  add(body, byte_order_magic);
  add(body, std::uint16_t{1}); // version 1.0
  add(body, std::uint16_t{0});
  add(body, UINT64_MAX); // length of the section: not said
  add_option(body, user_application, application);
  add_option(body, end_of_options, {});
  return block(section_block, body);
}

std::string interface_description(std::string_view name, std::string_view description,
                                  std::string_view filter) {
  std::string body;
  add(body, ethernet);
  add(body, std::uint16_t{0});
  add(body, std::uint32_t{0}); // no limit on the bytes of a packet
  add_option(body, if_name, name);
  add_option(body, if_description, description);
  add_option(body, if_tsresol, {&nanoseconds, 1});
  // 0 before it: a text, no BPF code.
  if (!filter.empty()) add_option(body, if_filter, std::string(1, '\0').append(filter));
  add_option(body, end_of_options, {});
  return block(interface_block, body);
}

std::size_t block_bytes(const packet& one) noexcept {
  constexpr std::size_t all_but_the_bytes = 8 + 20 + 8 + 4 + 4;
  return all_but_the_bytes + padded(one.bytes.size());
}

void append(std::string& to, const packet& one) {
  const auto length = static_cast<std::uint32_t>(block_bytes(one));
  add(to, packet_block);
  add(to, length);
  add(to, one.interface);
  add_time(to, one.unix_ns);
  add(to, static_cast<std::uint32_t>(one.bytes.size()));
  add(to, one.original_bytes);
  add_padded(to, {one.bytes.data(), one.bytes.size()});
  add(to, packet_flags);
  add(to, std::uint16_t{4});
  add(to, one.sent ? outbound : inbound);
  add_option(to, end_of_options, {});
  add(to, length);
}

std::string interface_statistics(std::uint32_t interface, std::uint64_t unix_ns,
                                 std::uint64_t captured, std::uint64_t missed) {
  std::string body;
  add(body, interface);
  add_time(body, unix_ns);
  add_number(body, if_dropped, missed);
  add_number(body, filter_accepted, captured + missed);
  add_option(body, end_of_options, {});
  return block(statistics_block, body);
}

} // namespace linehunt::pcapng
