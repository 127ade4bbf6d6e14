// SPDX-License-Identifier: Apache-2.0
// When the links of the ports were last seen down: silence of a destination says nothing about it
// where nobody could have been heard. Belongs to the control thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

namespace linehunt {

class link_watch {
 public:
  using clock = std::chrono::steady_clock;

  // A link is looked at once a second or so: an outage may have lasted for so long after it was
  // seen last.
  static constexpr std::chrono::seconds between_looks{2};

  // True: it is another state than the last time. A link is up until it is seen down.
  bool note(std::size_t port, bool up, clock::time_point now) {
    if (links_.size() <= port) links_.resize(port + 1);
    link& one = links_[port];
    if (!up) one.seen_down = now;
    return std::exchange(one.up, up) != up;
  }
  // Could whoever is asked at `now` have been heard for all of `span` before?
  [[nodiscard]] bool up_for(std::size_t port, std::chrono::milliseconds span,
                            clock::time_point now) const {
    if (port >= links_.size()) return true;
    const link& one = links_[port];
    return one.up && (!one.seen_down || now - *one.seen_down > span + between_looks);
  }

 private:
  struct link {
    bool up = true;
    std::optional<clock::time_point> seen_down;
  };
  std::vector<link> links_;
};

} // namespace linehunt
