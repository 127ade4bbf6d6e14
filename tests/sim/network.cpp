// SPDX-License-Identifier: Apache-2.0
// Faults of the network.
#include "network.h"

#include <utility>

namespace linehunt::sim {

namespace {

std::uint64_t way_of(const packet& p) noexcept {
  std::uint64_t hash = 0xcbf29ce484222325; // FNV-1a
  for (const endpoint* e : {&p.from, &p.to}) {
    for (const std::uint8_t byte : e->ip.bytes)
      hash = (hash ^ byte) * 0x100000001b3;
    hash = (hash ^ e->port) * 0x100000001b3;
  }
  return hash;
}

} // namespace

void network::send(std::string bytes, const endpoint& from, const endpoint& to) {
  ++sent;
  if (random_.per_mille(shares_.lost)) {
    ++faults.lost;
    return;
  }
  packet p{std::move(bytes), from, to, sent};
  if (random_.per_mille(shares_.doubled)) {
    ++faults.doubled;
    put(p, random_.between(500, 400'000));
  }
  // Counted calls are known by the first letter of their Call-ID, which must stay.
  const bool counted = p.bytes.find("\r\nCall-ID: k") != std::string::npos ||
                       p.bytes.find("\r\nCall-ID: s") != std::string::npos;
  if (random_.per_mille(shares_.corrupted) && !counted) {
    ++faults.corrupted;
    corrupt(p.bytes);
  }
  time_us delay = random_.between(200, 5'000);
  if (random_.per_mille(shares_.late)) {
    ++faults.late;
    delay = random_.between(50'000, random_.below(10) == 0 ? 20'000'000 : 1'500'000);
  }
  put(std::move(p), delay);
}

void network::put(packet p, time_us delay) {
  std::uint32_t number;
  if (unused_.empty()) {
    number = static_cast<std::uint32_t>(packets_.size());
    packets_.push_back(std::move(p));
  } else {
    number = unused_.back();
    unused_.pop_back();
    packets_[number] = std::move(p);
  }
  events_.add(events_.now + delay, happening::packet, number);
}

packet network::take(std::uint32_t number) {
  unused_.push_back(number);
  std::uint64_t& newest = newest_[way_of(packets_[number])];
  if (packets_[number].order < newest)
    ++faults.overtaken;
  else
    newest = packets_[number].order;
  return std::move(packets_[number]);
}

void network::corrupt(std::string& bytes) {
  if (bytes.empty()) return;
  switch (random_.below(4)) {
  case 0: // cut off
    bytes.resize(random_.below(bytes.size()));
    break;
  case 1: // a byte more
    bytes.insert(random_.below(bytes.size()), 1, static_cast<char>(random_.below(256)));
    break;
  case 2: // a byte less
    bytes.erase(random_.below(bytes.size()), 1);
    break;
  default:
    for (std::uint32_t n = 1 + random_.below(4); n > 0; --n)
      bytes[random_.below(bytes.size())] = static_cast<char>(random_.below(256));
    break;
  }
}

} // namespace linehunt::sim
