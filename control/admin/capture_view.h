// SPDX-License-Identifier: Apache-2.0
// A capture of packets as the admin interface sees it: what can be asked for, how it stands, and
// why it is refused.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace linehunt::admin {

struct capture_request {
  std::string name = {};  // of the file, in the folder of captures; empty: by date and time
  std::string match = {}; // bytes that a frame must have; empty: all frames
  std::string port = {};  // empty: all
  std::uint64_t seconds = 600;
  std::uint64_t max_mb = 100; // of 1,000,000 bytes
  std::uint64_t packets = 0;  // 0: as many as there are
  bool overwrite = false;     // an older capture of that name
};

inline constexpr std::uint64_t max_capture_seconds = 86'400, max_capture_mb = 10'000,
                               max_capture_packets = 1'000'000'000;
inline constexpr std::size_t max_capture_match_bytes = 256;

enum class capture_phase : std::uint8_t { none, running, ended };

enum class capture_end : std::uint8_t { stopped, time, size, packets, failed, daemon_ends };
[[nodiscard]] constexpr std::string_view word_for(capture_end why) noexcept {
  switch (why) {
  case capture_end::stopped:
    return "stopped";
  case capture_end::time:
    return "seconds";
  case capture_end::size:
    return "max_mb";
  case capture_end::packets:
    return "packets";
  case capture_end::failed:
    return "error";
  case capture_end::daemon_ends:
    return "shutdown";
  }
  return "";
}

struct capture_state {
  capture_phase phase = capture_phase::none; // then there is nothing else
  std::string file = {};                     // its path
  capture_request wanted = {};
  std::uint64_t packets = 0, bytes = 0; // in the file
  std::uint64_t missed = 0;             // copies of frames that found no room
  std::chrono::milliseconds elapsed{0};
  capture_end why = capture_end::stopped; // once it has ended
  std::string error = {};                 // what failed
};

struct capture_fault {
  enum kind : std::uint8_t {
    switched_off,
    running,
    none_running,
    no_such_port,
    bad_name,
    exists,
    disk,
    no_memory
  } why = disk;
  std::string message; // says what to do
};

using capture_outcome = tl::expected<capture_state, capture_fault>;

} // namespace linehunt::admin
