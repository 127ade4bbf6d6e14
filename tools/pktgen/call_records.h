// SPDX-License-Identifier: Apache-2.0
// The calls in progress: a record of 32 bytes each and a text of 64 for the device's Record-Route,
// in one array, with a list of free records. Also the line in which calls wait for their deadline.
#pragma once

#include "dataplane/memory_source.h"
#include "tools/pktgen/messages.h"
#include "tools/pktgen/traffic.h"

#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

namespace linehunt::pktgen {

enum class call_state : std::uint8_t {
  idle,    // the record is free
  calling, // INVITE sent, no final answer yet
  held,    // ACK sent
  ending,  // BYE sent
};

// What has arrived of a call.
enum arrived : std::uint8_t {
  arrived_invite = 1,
  arrived_trying = 2,
  arrived_ringing = 4,
  arrived_ok = 8,
  arrived_ack = 16,
  arrived_bye = 32,
};
// What a call needs to be a call; it is held then, and waits for nothing.
inline constexpr std::uint8_t arrived_all_of_setup =
    arrived_invite | arrived_trying | arrived_ringing | arrived_ok | arrived_ack;

struct call_record {
  std::uint32_t generation = 0;
  call_state state = call_state::idle;
  std::uint8_t seen = 0; // arrived
  std::uint16_t destination = 0;
  call_shape shape;
  std::uint8_t byes_sent = 0;
  bool given_up = false; // counted as lost already
  bool set_up = false;   // what belongs to its beginning has come, or has been given up
  stamp invite_sent = 0, answer_sent = 0, ack_sent = 0, bye_sent = 0;
};
static_assert(sizeof(call_record) == 32);

struct alignas(64) route_text {
  std::uint8_t len = 0;
  char bytes[63];
  [[nodiscard]] operator std::string_view() const noexcept { return {bytes, len}; }
  [[nodiscard]] bool set(std::string_view text) noexcept {
    if (text.size() > sizeof bytes) return false;
    len = static_cast<std::uint8_t>(text.size());
    std::memcpy(bytes, text.data(), text.size());
    return true;
  }
};
static_assert(sizeof(route_text) == 64);

class call_records {
 public:
  call_records(std::uint32_t capacity, memory_source& memory)
      : records_(capacity, memory), routes_(capacity, memory), free_(capacity, memory) {
    for (std::uint32_t i = 0; i < capacity; ++i)
      free_[i] = capacity - 1 - i;
    free_count_ = capacity;
  }
  [[nodiscard]] std::uint32_t capacity() const noexcept {
    return static_cast<std::uint32_t>(records_.size());
  }
  [[nodiscard]] std::uint32_t used() const noexcept { return capacity() - free_count_; }
  [[nodiscard]] call_record& at(std::uint32_t slot) noexcept { return records_[slot]; }
  [[nodiscard]] route_text& route(std::uint32_t slot) noexcept { return routes_[slot]; }
  void prefetch(std::uint32_t slot) const noexcept {
    __builtin_prefetch(&records_[slot], 1);
    __builtin_prefetch(&routes_[slot], 1);
  }

  [[nodiscard]] bool any_free() const noexcept { return free_count_ != 0; }
  // The number of a new call; its record is emptied.
  [[nodiscard]] call_number take() noexcept {
    const std::uint32_t slot = free_[--free_count_];
    call_record& r = records_[slot];
    const std::uint32_t generation = r.generation + 1;
    r = {};
    r.generation = generation;
    return {slot, generation};
  }
  void give_back(std::uint32_t slot) noexcept {
    records_[slot].state = call_state::idle;
    free_[free_count_++] = slot;
  }

  static constexpr std::size_t bytes_per_call =
      sizeof(call_record) + sizeof(route_text) + sizeof(std::uint32_t);

 private:
  record_array<call_record> records_;
  record_array<route_text> routes_;
  record_array<std::uint32_t> free_;
  std::uint32_t free_count_ = 0;
};

// A queue of calls; it grows where it must, in doublings.
template <class Entry>
class growing_queue {
 public:
  explicit growing_queue(std::size_t least) : entries_(least) {} // a power of two
  [[nodiscard]] std::size_t size() const noexcept { return end_ - begin_; }
  [[nodiscard]] bool empty() const noexcept { return begin_ == end_; }
  [[nodiscard]] const Entry& front() const noexcept { return entries_[begin_ & mask()]; }
  // What will be the front after `ahead` more.
  [[nodiscard]] const Entry& peek(std::size_t ahead) const noexcept {
    return entries_[(begin_ + ahead) & mask()];
  }
  void pop() noexcept { ++begin_; }
  void push(const Entry& e) {
    if (size() == entries_.size()) grow();
    entries_[end_++ & mask()] = e;
  }

 private:
  [[nodiscard]] std::size_t mask() const noexcept { return entries_.size() - 1; }
  void grow() {
    std::vector<Entry> larger(entries_.size() * 2);
    for (std::size_t i = begin_; i != end_; ++i)
      larger[i & (larger.size() - 1)] = entries_[i & mask()];
    entries_.swap(larger);
  }
  std::vector<Entry> entries_;
  std::size_t begin_ = 0, end_ = 0;
};

} // namespace linehunt::pktgen
