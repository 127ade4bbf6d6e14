// SPDX-License-Identifier: Apache-2.0
// The file of a capture as the event loop sees it: blocks wait in memory, and a thread makes the
// file and writes them, one piece after the other, since a disk may hang. Belongs to the control
// thread; knows nothing of what is in a block.
#pragma once

#include "control/blocking_thread.h"
#include "control/capture/capture_file.h"

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace linehunt {

class capture_writer {
 public:
  using clock = std::chrono::steady_clock;
  struct place {
    std::string folder, name;
    bool overwrite = false;
    std::uint64_t max_bytes = 0; // that must be free
  };
  struct progress {
    bool made = false;                    // the file is there, with its beginning
    bool exists = false;                  // it cannot be made: the name is taken
    std::uint64_t bytes = 0, packets = 0; // in the file
    std::string error;                    // the file has ended before its time, or was never made
  };
  // What may wait for the disk.
  static constexpr std::size_t most_waiting_bytes = 16 << 20;
  // One piece may take so long, and all that is left at the end together. Shorter than a client's
  // patience, so that it hears of it.
  static constexpr std::chrono::seconds longest_wait{5};

  // `changed` is called in the loop whenever the disk has answered.
  capture_writer(blocking_thread::running aside, place where, std::string beginning,
                 std::function<void()> changed, clock::time_point now);
  ~capture_writer(); // gives up what is not written
  capture_writer(const capture_writer&) = delete;
  capture_writer& operator=(const capture_writer&) = delete;

  // Room for a block, which the caller fills with exactly so many bytes; null: there is none.
  [[nodiscard]] std::string* room_for(std::size_t block_bytes);
  // The last blocks; then the file is closed.
  void finish(const std::string& blocks, clock::time_point now);
  // Now and again: gives the disk what has come together, and gives it up where it hangs.
  void look(clock::time_point now);
  // After `finish`, where no loop brings the answers of the disk any more: waits until the file is
  // closed, but no longer than that, and then gives it up.
  void wait(std::chrono::milliseconds patience);

  [[nodiscard]] std::string path() const { return where_.folder + '/' + where_.name; }
  [[nodiscard]] const progress& done() const noexcept { return done_; }
  [[nodiscard]] bool closed() const noexcept { return closed_; } // or given up
  // The thread is still with this file.
  [[nodiscard]] bool hangs() const;

 private:
  struct piece {
    std::string blocks;
    std::uint64_t packets = 0;
  };
  struct shared;
  using work = std::function<void(shared&)>;

  void hand_over(std::optional<clock::time_point> now = {});
  void run(work what);
  void on_answer();
  void tell();
  void give_up();
  void abandon();

  blocking_thread::running aside_;
  place where_;
  std::function<void()> changed_;
  std::shared_ptr<shared> shared_; // with the thread, which may outlive this
  std::deque<piece> waiting_;      // the first one is the beginning, until it is at hand
  std::size_t waiting_bytes_ = 0;  // with those at hand
  std::size_t bytes_at_hand_ = 0;
  bool at_hand_ = false; // the thread has something
  bool closing_ = false, closed_ = false;
  std::optional<clock::time_point> at_hand_since_; // empty: nobody has looked since
  std::optional<clock::time_point> finishing_since_;
  progress done_;
};

} // namespace linehunt
