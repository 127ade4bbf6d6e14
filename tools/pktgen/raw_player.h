// SPDX-License-Identifier: Apache-2.0
// Packets of the sizes of a call's messages, sent to something that sends them back with the
// addresses swapped (testpmd's 5tswap): what the port and the generator can do at most.
#pragma once

#include "tools/pktgen/messages.h"
#include "tools/pktgen/scene.h"
#include "tools/pktgen/traffic.h"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace linehunt::pktgen {

// The sizes of the messages of many calls as they reach the device, in the order of a call.
[[nodiscard]] std::vector<std::size_t> message_sizes(const scene& of);

class raw_player final : public traffic {
 public:
  raw_player(std::vector<std::size_t> sizes, std::uint32_t deadline_ms, outbox& out, tally& count);

  bool begin_one(time_ns now, time_ns due) noexcept override;
  void receive(std::string_view bytes, const endpoint& from, std::uint32_t station,
               std::optional<call_number>, time_ns now) noexcept override;
  void advance(time_ns now) noexcept override;
  [[nodiscard]] std::uint64_t unsettled() const noexcept override { return outstanding_; }
  [[nodiscard]] std::uint64_t live() const noexcept override { return outstanding_; }
  [[nodiscard]] std::uint64_t held() const noexcept override { return 0; }
  bool wind_up(time_ns, std::size_t) noexcept override { return true; }
  void count_in(tally& t) noexcept override { count_ = &t; }

 private:
  struct mark {
    std::uint32_t magic = 0, epoch = 0;
    time_ns due = 0;
  };
  static constexpr std::uint32_t magic = 0x7061636bu;

  std::vector<std::size_t> sizes_;
  time_ns deadline_;
  outbox& out_;
  tally* count_;
  std::string filling_;
  std::size_t next_ = 0;
  std::uint32_t epoch_ = 1; // of what was sent since something was last given up
  std::uint64_t outstanding_ = 0;
  time_ns last_ = 0; // sent or received
};

} // namespace linehunt::pktgen
