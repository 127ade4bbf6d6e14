// SPDX-License-Identifier: Apache-2.0
// Copies of the frames that go through the ports, for whoever writes them to a file. Begun by
// runtime::begin_capture. Free of rte_*; knows nothing of files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>

namespace linehunt::dpdk {

struct capture_filter {
  std::optional<std::size_t> port; // index; none: all
  // Bytes that a frame must have, anywhere; empty: any frame. Later fragments of a datagram whose
  // earlier one has them come along.
  std::string match;
};

struct captured_frame {
  std::uint64_t unix_ns = 0;        // when it was received, or given to the device
  std::size_t port = 0;             // index
  bool sent = false;                // else received
  std::uint32_t original_bytes = 0; // may be more than were copied
  std::span<const char> bytes;      // from the Ethernet header on; of the call that shows it
};

// Of the control thread. Ends before the runtime does.
class capture {
 public:
  using visitor = std::function<void(const captured_frame&)>;

  virtual ~capture() = default; // stops; what has not been handed over is lost
  // Hands over what was copied before the last call, in the order of its times over all workers.
  virtual void poll(const visitor& each) = 0;
  // No frame is copied any more; hands over the rest. Waits until no worker is at it.
  virtual void stop(const visitor& each) = 0;
  // Frames of that port that should have been copied and found no room.
  [[nodiscard]] virtual std::uint64_t missed(std::size_t port) const noexcept = 0;
};

} // namespace linehunt::dpdk
