// SPDX-License-Identifier: Apache-2.0
// A hierarchical timer wheel over a fixed set of timer ids. Reads no clock, allocates nothing after
// construction. Knows nothing of what its timers mean.
//
//   level 0   128 slots of one tick (1.024 ms)
//   level 1   128 slots of 64 ticks
//   level 2   128 slots of 64*64 ticks, ...; level 5 reaches two years
//
// A level spans two turns of the digit below it, so a slot can be emptied into the level below
// during the whole turn before it is due: a few timers in each `advance`, instead of all of them in
// the moment in which it falls due. A million calls that were started together and end on the same
// 12-hour timer do not stop the worker. What is left when the slot falls due is moved at once, so
// no timer ever depends on how often `advance` was called.
#pragma once

#include "dataplane/datagram.h" // time_us
#include "dataplane/memory_source.h"

#include <array>
#include <bit>
#include <cassert>
#include <cstdint>
#include <limits>

namespace linehunt {

class timer_wheel {
 public:
  static constexpr unsigned tick_shift = 10; // a tick is 1024 us
  static constexpr time_us tick_us = time_us{1} << tick_shift;
  static constexpr time_us never = std::numeric_limits<time_us>::max();

  timer_wheel(std::uint32_t capacity, time_us start, memory_source& memory)
      : nodes_(std::size_t{capacity} + level_count * slots_per_level, memory), capacity_(capacity),
        current_(start >> tick_shift) {
    for (std::uint32_t i = 0; i < nodes_.size(); ++i) {
      // A ring's head points to itself; so does a timer that is not armed.
      nodes_[i].next = nodes_[i].previous = i;
    }
  }

  // Fires at the first `advance` whose `now` is at or past `at`, or less than one tick later. A
  // deadline that has passed already fires in the tick after the one that was last advanced to.
  void arm(std::uint32_t id, time_us at) noexcept {
    assert(id < capacity_);
    unlink(id);
    const std::uint64_t tick = (at >> tick_shift) + ((at & (tick_us - 1)) != 0 ? 1 : 0);
    nodes_[id].deadline = tick > current_ ? tick : current_ + 1;
    link(id);
  }
  void disarm(std::uint32_t id) noexcept { unlink(id); }
  void prefetch(std::uint32_t id) const noexcept { __builtin_prefetch(&nodes_[id]); }
  [[nodiscard]] bool armed(std::uint32_t id) const noexcept { return nodes_[id].next != id; }
  // When an armed one fires.
  [[nodiscard]] time_us due(std::uint32_t id) const noexcept {
    return nodes_[id].deadline << tick_shift;
  }

  // Calls fire(id) for every timer that is due, by rising deadline tick; the timer is disarmed
  // before. `fire` may arm and disarm any timer. `ahead(id)` is a hint: most likely the next one to
  // fire, told before the one at hand does.
  template <class Fire>
  void advance(time_us now, Fire&& fire) {
    advance(now, fire, [](std::uint32_t) {});
  }
  template <class Fire, class Ahead>
  void advance(time_us now, Fire&& fire, Ahead&& ahead) {
    const std::uint64_t target = now >> tick_shift;
    if (target > current_) {
      while (true) {
        const std::uint64_t due = first_slot_tick();
        if (due > target) break;
        current_ = due;
        for (unsigned level = level_count - 1; level > 0; --level) {
          while (move_down(level, current_ >> (digit_bits * level))) {
          }
        }
        const std::uint32_t head = head_of(0, current_);
        while (nodes_[head].next != head) {
          const std::uint32_t id = nodes_[head].next;
          unlink(id);
          if (const std::uint32_t next = nodes_[head].next; next != head) {
            prefetch(next);
            ahead(next);
          }
          fire(id);
        }
      }
      current_ = target;
      may_move_early_ = true;
    }
    if (may_move_early_) move_early();
  }

  // The time at which `advance` has something to do next: never after the time at which the first
  // armed timer fires, and earlier where only its coarse slot is known. `never` where none is
  // armed.
  [[nodiscard]] time_us next() const noexcept {
    const std::uint64_t tick = first_slot_tick();
    return tick >= (never >> tick_shift) ? never : tick << tick_shift;
  }

 private:
  static constexpr unsigned digit_bits = 6;
  static constexpr unsigned level_count = 6;
  static constexpr std::uint32_t slots_per_level = 2u << digit_bits;
  // Moved from each level in one `advance`: about a microsecond's worth, and at one call in 50 us
  // still 20,000 in the 65 ms that a slot of level 1 has.
  static constexpr unsigned early_moves = 16;

  struct node {
    std::uint32_t next = 0;
    std::uint32_t previous = 0;
    std::uint64_t deadline = 0; // in ticks
  };
  static_assert(sizeof(node) == 16);

  [[nodiscard]] std::uint32_t head_of(unsigned level, std::uint64_t turn) const noexcept {
    return capacity_ + level * slots_per_level +
           static_cast<std::uint32_t>(turn & (slots_per_level - 1));
  }

  void link(std::uint32_t id) noexcept {
    const std::uint64_t deadline = nodes_[id].deadline;
    unsigned level = 0;
    while (level + 1 < level_count && turns_ahead(deadline, level) > 1)
      ++level;
    std::uint64_t turn = deadline >> (digit_bits * level);
    // Past the last level's reach: wait in its farthest slot and be placed again from there.
    const std::uint64_t farthest = (current_ >> (digit_bits * level)) + slots_per_level - 1;
    if (turn > farthest) turn = farthest;
    const std::uint32_t head = head_of(level, turn);
    const std::uint32_t last = nodes_[head].previous;
    nodes_[id].next = head;
    nodes_[id].previous = last;
    nodes_[last].next = id;
    nodes_[head].previous = id;
    const std::uint32_t slot = head - capacity_;
    occupied_[slot / 64] |= std::uint64_t{1} << (slot % 64);
  }

  // How many turns of the level lie between now and the deadline; 0 and 1 have slots of their own.
  [[nodiscard]] std::uint64_t turns_ahead(std::uint64_t deadline, unsigned level) const noexcept {
    const unsigned shift = digit_bits * (level + 1);
    return (deadline >> shift) - (current_ >> shift);
  }

  void unlink(std::uint32_t id) noexcept {
    const std::uint32_t next = nodes_[id].next;
    const std::uint32_t previous = nodes_[id].previous;
    nodes_[previous].next = next;
    nodes_[next].previous = previous;
    nodes_[id].next = nodes_[id].previous = id;
    if (next == previous && next >= capacity_) { // only the head is left
      const std::uint32_t slot = next - capacity_;
      occupied_[slot / 64] &= ~(std::uint64_t{1} << (slot % 64));
    }
  }

  // Places one timer of that slot anew, now that its slot is near. False where the slot is empty.
  bool move_down(unsigned level, std::uint64_t turn) noexcept {
    const std::uint32_t head = head_of(level, turn);
    const std::uint32_t id = nodes_[head].next;
    if (id == head) return false;
    unlink(id);
    link(id);
    return true;
  }

  void move_early() noexcept {
    bool more = false;
    for (unsigned level = 1; level < level_count; ++level) {
      const std::uint64_t turn = (current_ >> (digit_bits * level)) + 1;
      unsigned moved = 0;
      while (moved < early_moves && move_down(level, turn))
        ++moved;
      more = more || moved == early_moves;
    }
    may_move_early_ = more;
  }

  // The first tick of the first occupied slot of any level.
  [[nodiscard]] std::uint64_t first_slot_tick() const noexcept {
    std::uint64_t first = std::numeric_limits<std::uint64_t>::max();
    for (unsigned level = 0; level < level_count; ++level) {
      const std::uint64_t turn = current_ >> (digit_bits * level);
      const unsigned ahead = first_occupied(level, static_cast<unsigned>(turn & 127));
      if (ahead == slots_per_level) continue;
      const std::uint64_t tick = (turn + ahead) << (digit_bits * level);
      if (tick < first) first = tick;
    }
    return first;
  }

  // Slots from `from` on, around the ring, to the first occupied one; slots_per_level for none.
  [[nodiscard]] unsigned first_occupied(unsigned level, unsigned from) const noexcept {
    const std::uint64_t words[2] = {occupied_[level * 2], occupied_[level * 2 + 1]};
    const unsigned word = from / 64, bit = from % 64;
    const std::uint64_t ahead = words[word] >> bit;
    if (ahead) return static_cast<unsigned>(std::countr_zero(ahead));
    const std::uint64_t other = words[word ^ 1];
    if (other) return 64 - bit + static_cast<unsigned>(std::countr_zero(other));
    if (words[word]) return 128 - bit + static_cast<unsigned>(std::countr_zero(words[word]));
    return slots_per_level;
  }
  static_assert(slots_per_level == 128);

  record_array<node> nodes_; // timers by id, then the heads of all slots
  std::uint32_t capacity_;
  bool may_move_early_ = false;
  std::uint64_t current_; // the tick that was last advanced to
  std::array<std::uint64_t, level_count * slots_per_level / 64> occupied_{};
};

} // namespace linehunt
