// SPDX-License-Identifier: Apache-2.0
// See dns_answer.h.
#include "control/resolver/dns_answer.h"

#include <algorithm>
#include <ares.h>
#include <cstring>
#include <optional>

namespace linehunt::dns {
namespace {

constexpr std::uint16_t type_cname = 5, type_soa = 6;
constexpr int most_aliases = 8;
constexpr const char* too_many_aliases =
    "more than 8 aliases (CNAME), or one that leads in a circle";
constexpr std::size_t most_records = 1024;

struct raw_record {
  std::string owner;
  std::uint16_t type = 0;
  std::uint32_t ttl_s = 0;
  std::size_t data = 0, data_len = 0; // offsets into the answer
};

// Walks over the bytes; once something is broken it stays so, and all reads give nothing.
class cursor {
 public:
  cursor(std::span<const unsigned char> bytes, std::size_t at, std::size_t end)
      : bytes_(bytes), at_(at), end_(std::min(end, bytes.size())) {}

  [[nodiscard]] bool broken() const noexcept { return broken_; }
  [[nodiscard]] std::size_t at() const noexcept { return at_; }
  void skip(std::size_t count) {
    if (take(count)) at_ += count;
  }
  std::uint32_t number(std::size_t count) {
    std::uint32_t value = 0;
    if (!take(count)) return 0;
    for (std::size_t i = 0; i < count; ++i)
      value = value << 8 | bytes_[at_++];
    return value;
  }
  std::string name() {
    char* text = nullptr;
    long used = 0;
    if (broken_ ||
        ares_expand_name(bytes_.data() + at_, bytes_.data(), static_cast<int>(bytes_.size()), &text,
                         &used) != ARES_SUCCESS) {
      broken_ = true;
      return {};
    }
    std::string out = lowered_name(text);
    ares_free_string(text);
    skip(static_cast<std::size_t>(used));
    return out;
  }
  std::string character_string() { // RFC 1035 3.3
    const std::size_t len = number(1);
    if (!take(len)) return {};
    std::string out(reinterpret_cast<const char*>(bytes_.data()) + at_, len);
    at_ += len;
    return out;
  }
  ip_address address(bool is_v6) {
    ip_address ip;
    ip.is_v6 = is_v6;
    if (take(ip.size_bytes())) std::memcpy(ip.bytes.data(), bytes_.data() + at_, ip.size_bytes());
    return ip;
  }

 private:
  [[nodiscard]] bool take(std::size_t count) {
    if (broken_ || count > end_ - at_) broken_ = true;
    return !broken_;
  }
  std::span<const unsigned char> bytes_;
  std::size_t at_, end_;
  bool broken_ = false;
};

raw_record next_record(cursor& at) {
  raw_record r;
  r.owner = at.name();
  r.type = static_cast<std::uint16_t>(at.number(2));
  at.skip(2); // class
  r.ttl_s = at.number(4);
  if (r.ttl_s > 0x7fffffffU) r.ttl_s = 0; // RFC 2181 8
  r.data_len = at.number(2);
  r.data = at.at();
  at.skip(r.data_len);
  return r;
}

std::optional<dns_record> read_data(std::span<const unsigned char> bytes, const raw_record& raw) {
  cursor at(bytes, raw.data, raw.data + raw.data_len);
  dns_record record;
  switch (static_cast<dns_type>(raw.type)) {
  case dns_type::a:
    record.ip = at.address(false);
    break;
  case dns_type::aaaa:
    record.ip = at.address(true);
    break;
  case dns_type::srv:
    record.priority = static_cast<std::uint16_t>(at.number(2));
    record.weight = static_cast<std::uint16_t>(at.number(2));
    record.port = static_cast<std::uint16_t>(at.number(2));
    record.target = at.name();
    break;
  case dns_type::naptr:
    record.priority = static_cast<std::uint16_t>(at.number(2));
    record.weight = static_cast<std::uint16_t>(at.number(2));
    record.flags = at.character_string();
    record.service = at.character_string();
    (void)at.character_string(); // the regular expression: RFC 3263 4.1 has none
    record.target = at.name();
    break;
  }
  if (at.broken()) return std::nullopt;
  return record;
}

dns_reply broken_answer() {
  return {dns_reply::kind::failed, {}, 0, "the server's answer is broken"};
}

// RFC 2308 5: the SOA's own TTL, or its last field where that is less.
std::uint32_t negative_ttl(std::span<const unsigned char> bytes,
                           std::span<const raw_record> authority) {
  for (const raw_record& r : authority) {
    if (r.type != type_soa) continue;
    cursor at(bytes, r.data, r.data + r.data_len);
    (void)at.name();
    (void)at.name();
    at.skip(16); // serial, refresh, retry, expire
    const std::uint32_t minimum = at.number(4);
    if (!at.broken()) return std::min(r.ttl_s, minimum);
  }
  return 0;
}

} // namespace

std::string lowered_name(std::string_view name) {
  std::string out{name};
  std::ranges::transform(out, out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  });
  if (out.ends_with('.')) out.pop_back();
  return out;
}

dns_reply read_dns_answer(std::span<const unsigned char> bytes, std::string_view asked,
                          dns_type type) {
  cursor at(bytes, 0, bytes.size());
  at.skip(4); // id, flags
  const std::uint32_t questions = at.number(2), answers = at.number(2), authorities = at.number(2);
  at.skip(2);
  for (std::uint32_t i = 0; i < questions && !at.broken(); ++i) {
    (void)at.name();
    at.skip(4);
  }
  std::vector<raw_record> all;
  for (std::uint32_t i = 0; i < answers + authorities && !at.broken(); ++i) {
    if (all.size() == most_records) return broken_answer();
    all.push_back(next_record(at));
  }
  if (at.broken()) return broken_answer();

  const std::span answer = std::span(all).first(answers);
  std::string owner = lowered_name(asked);
  dns_reply reply{dns_reply::kind::none, {}, 0x7fffffffU, {}};
  for (int aliases = 0;; ++aliases) {
    const auto alias = std::ranges::find_if(
        answer, [&](const raw_record& r) { return r.type == type_cname && r.owner == owner; });
    if (alias == answer.end()) break;
    if (aliases == most_aliases) {
      reply.cause = too_many_aliases;
      break;
    }
    cursor data(bytes, alias->data, alias->data + alias->data_len);
    owner = data.name();
    if (data.broken()) return broken_answer();
    reply.ttl_s = std::min(reply.ttl_s, alias->ttl_s);
  }
  for (const raw_record& r : answer) {
    if (r.type != static_cast<std::uint16_t>(type) || r.owner != owner) continue;
    auto record = read_data(bytes, r);
    if (!record) return broken_answer();
    reply.records.push_back(std::move(*record));
    reply.ttl_s = std::min(reply.ttl_s, r.ttl_s);
  }
  if (!reply.records.empty())
    reply.what = dns_reply::kind::records;
  else
    reply.ttl_s = negative_ttl(bytes, std::span(all).subspan(answers));
  return reply;
}

} // namespace linehunt::dns
