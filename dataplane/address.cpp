// SPDX-License-Identifier: Apache-2.0
// Textual forms of addresses and endpoints. Reading of IPv4 and writing are ours, because they
// happen for each message; inet_pton wants a copy and inet_ntop goes through snprintf.
#include "dataplane/address.h"

#include <arpa/inet.h>
#include <charconv>
#include <cstring>

namespace linehunt {

namespace {

template <class Number>
std::optional<Number> parse_decimal(std::string_view text, Number most) noexcept {
  Number value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || stop != end || value > most) return std::nullopt;
  return value;
}

// The longest run of zero groups, the first of equals; RFC 5952 4.2: a single one is not shortened.
struct zero_run {
  unsigned first = 8, count = 0;
};
zero_run longest_zero_run(const std::array<std::uint16_t, 8>& groups) noexcept {
  zero_run longest;
  for (unsigned i = 0; i < 8;) {
    unsigned end = i;
    while (end < 8 && groups[end] == 0)
      ++end;
    if (end - i >= 2 && end - i > longest.count) longest = {i, end - i};
    i = end + 1;
  }
  return longest;
}

void append(address_text& text, char c) noexcept {
  text.bytes[text.len++] = c;
}

void append(address_text& text, unsigned number, int base) noexcept {
  char* at = text.bytes.data() + text.len;
  const auto result = std::to_chars(at, text.bytes.data() + text.bytes.size(), number, base);
  text.len = static_cast<std::uint8_t>(result.ptr - text.bytes.data());
}

// By hand: with std::to_chars a message of the basic call takes 30 instructions more.
char* write_octet(char* at, unsigned octet) noexcept {
  if (octet >= 100) *at++ = static_cast<char>('0' + octet / 100);
  if (octet >= 10) *at++ = static_cast<char>('0' + octet / 10 % 10);
  *at++ = static_cast<char>('0' + octet % 10);
  return at;
}

void append_v4(address_text& text, const std::uint8_t* bytes) noexcept {
  char* at = write_octet(text.bytes.data() + text.len, bytes[0]);
  for (int i = 1; i < 4; ++i) {
    *at++ = '.';
    at = write_octet(at, bytes[i]);
  }
  text.len = static_cast<std::uint8_t>(at - text.bytes.data());
}

void append_v6(address_text& text, const ip_address& ip) noexcept {
  std::array<std::uint16_t, 8> groups;
  for (unsigned i = 0; i < 8; ++i)
    groups[i] = static_cast<std::uint16_t>(ip.bytes[2 * i] << 8 | ip.bytes[2 * i + 1]);
  const zero_run zeros = longest_zero_run(groups);
  // RFC 5952 5: mixed notation where a prefix is known to hold an IPv4 address (::ffff:0:0/96).
  const bool mapped = zeros.first == 0 && zeros.count == 5 && groups[5] == 0xffff;
  for (unsigned i = 0; i < 8;) {
    if (i == zeros.first) {
      append(text, ':');
      i += zeros.count;
      if (i == 8) append(text, ':');
      continue;
    }
    if (i > 0) append(text, ':');
    if (mapped && i == 6) return append_v4(text, &ip.bytes[12]);
    append(text, groups[i++], 16);
  }
}

void append_ip(address_text& text, const ip_address& ip) noexcept {
  if (ip.is_v6)
    append_v6(text, ip);
  else
    append_v4(text, ip.bytes.data());
}

// Four numbers of one to three digits, without leading zeros, as inet_pton wants them.
std::optional<ip_address> parse_v4(std::string_view text) noexcept {
  ip_address ip;
  std::size_t at = 0;
  for (unsigned part = 0; part < 4; ++part) {
    if (part > 0 && (at == text.size() || text[at++] != '.')) return std::nullopt;
    const std::size_t begin = at;
    unsigned value = 0;
    while (at < text.size() && at - begin < 3 && text[at] >= '0' && text[at] <= '9')
      value = value * 10 + static_cast<unsigned>(text[at++] - '0');
    if (at == begin || value > 255 || (at - begin > 1 && text[begin] == '0')) return std::nullopt;
    ip.bytes[part] = static_cast<std::uint8_t>(value);
  }
  if (at != text.size()) return std::nullopt;
  return ip;
}

} // namespace

bool ip_prefix::contains(const ip_address& other) const noexcept {
  if (ip.is_v6 != other.is_v6) return false;
  const unsigned whole_bytes = length_bits / 8, rest_bits = length_bits % 8;
  if (std::memcmp(ip.bytes.data(), other.bytes.data(), whole_bytes) != 0) return false;
  if (rest_bits == 0) return true;
  const unsigned differing = ip.bytes[whole_bytes] ^ other.bytes[whole_bytes];
  return differing >> (8 - rest_bits) == 0;
}

bool ip_prefix::is_broadcast(const ip_address& other) const noexcept {
  if (other.is_v6 || length_bits > 30 || !contains(other)) return false;
  for (unsigned bit = length_bits; bit < 32; ++bit)
    if ((other.bytes[bit / 8] >> (7 - bit % 8) & 1) == 0) return false;
  return true;
}

std::optional<ip_address> parse_ip(std::string_view text) noexcept {
  const bool bracketed = text.size() > 2 && text.front() == '[' && text.back() == ']';
  if (bracketed) text = text.substr(1, text.size() - 2);
  // What every Via and Contact holds: four decimal numbers, or a name. Only what has a colon is
  // left to inet_pton.
  if (!bracketed)
    if (const auto v4 = parse_v4(text)) return v4;
  if (text.find(':') == std::string_view::npos) return std::nullopt;
  // inet_pton wants a terminated text; nothing longer can be an address.
  std::array<char, INET6_ADDRSTRLEN> terminated{};
  if (text.empty() || text.size() >= terminated.size()) return std::nullopt;
  if (text.find('\0') != std::string_view::npos) return std::nullopt;
  text.copy(terminated.data(), text.size());
  ip_address ip;
  ip.is_v6 = true;
  if (inet_pton(AF_INET6, terminated.data(), ip.bytes.data()) == 1) return ip;
  return std::nullopt;
}

std::optional<ip_prefix> parse_prefix(std::string_view text) noexcept {
  const std::size_t slash = text.find('/');
  const auto ip = parse_ip(text.substr(0, slash));
  if (!ip) return std::nullopt;
  const auto most = static_cast<std::uint8_t>(8 * ip->size_bytes());
  if (slash == std::string_view::npos) return ip_prefix{*ip, most};
  const auto bits = parse_decimal<std::uint8_t>(text.substr(slash + 1), most);
  if (!bits) return std::nullopt;
  return ip_prefix{*ip, *bits};
}

std::optional<endpoint> parse_endpoint(std::string_view text, std::uint16_t default_port) noexcept {
  // The port's colon follows the bracket, or is the only one: "2001:db8::1" has no port.
  std::size_t colon = text.rfind(':');
  if (colon != std::string_view::npos) {
    const bool after_bracket = colon > 0 && text[colon - 1] == ']';
    if (!after_bracket && text.find(':') != colon) colon = std::string_view::npos;
  }
  const auto ip = parse_ip(text.substr(0, colon));
  if (!ip) return std::nullopt;
  if (colon == std::string_view::npos) return endpoint{*ip, default_port};
  const auto port = parse_decimal<std::uint16_t>(text.substr(colon + 1), 65535);
  if (!port) return std::nullopt;
  return endpoint{*ip, *port};
}

address_text to_text(const ip_address& ip) noexcept {
  address_text text;
  append_ip(text, ip);
  return text;
}

address_text to_text(const endpoint& e) noexcept {
  address_text text;
  if (e.ip.is_v6) append(text, '[');
  append_ip(text, e.ip);
  if (e.ip.is_v6) append(text, ']');
  append(text, ':');
  append(text, e.port, 10);
  return text;
}

} // namespace linehunt
