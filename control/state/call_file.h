// SPDX-License-Identifier: Apache-2.0
// The calls that are kept over a restart, in a file: a sequence of CBOR items (RFC 8742), of which
// the first says what it is and the last how many calls lie between. Destinations are named by id,
// resources by name and listeners by address, since numbers mean something else in the next run.
// Whoever can write the file can make calls up, so it is its owner's alone. Knows nothing of
// workers.
#pragma once

#include "control/state/file_replacement.h"
#include "control/state/moment.h"
#include "dataplane/kept_call.h"
#include "dataplane/snapshot.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <sys/types.h>
#include <tl/expected.hpp>
#include <unistd.h>
#include <unordered_map>
#include <vector>

namespace linehunt {

// What numbers mean in a snapshot.
struct call_names {
  explicit call_names(const snapshot& world);
  bool operator==(const call_names&) const = default;
  std::unordered_map<destination_index, std::uint32_t> ids;
  std::vector<std::string> resources, listeners; // by number
};

class call_file_writer {
 public:
  call_file_writer(const std::string& path, call_names names, const moment& now);
  call_file_writer(const std::string& path, const snapshot& world, const moment& now)
      : call_file_writer(path, call_names(world), now) {}
  void add(const kept_call& call);
  // All calls are there, and are handed over as file_replacement does it.
  void hand_over();
  // How many calls the file has now; the error says what went wrong, and leaves the file that was
  // there before. Waits for the disk where it was not handed over.
  [[nodiscard]] tl::expected<std::uint64_t, std::string> finish();

 private:
  void add_end();

  file_replacement file_;
  const call_names names_;
  std::string item_; // as it is put together
  std::uint64_t calls_ = 0;
  bool ended_ = false;
};

struct call_file_report {
  std::uint64_t restored = 0;
  std::uint64_t refused = 0;             // no room, or no call
  std::uint64_t unknown_load = 0;        // restored, but without lines that they had
  std::uint64_t unknown_destination = 0; // of those, whose destination is not there
  bool whole = true;                     // else the file breaks off
  std::chrono::seconds age{};
};

// Hands every call to `restore`, as much older as the file is. An error: there is no file
// (an empty text), it is none of ours, or it is older than `oldest`. See open_state_file for
// `user`.
[[nodiscard]] tl::expected<call_file_report, std::string>
read_calls(const std::string& path, const snapshot& world, const moment& now,
           std::chrono::seconds oldest, const std::function<bool(const kept_call&)>& restore,
           ::uid_t user = ::geteuid());

} // namespace linehunt
