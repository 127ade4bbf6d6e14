// SPDX-License-Identifier: Apache-2.0
// The messages of a call as texts of fixed width: which patterns there are, and how one is written
// for one call. Knows nothing of what has been sent already.
#pragma once

#include "sipparse/message_view.h"
#include "tools/pktgen/identity.h"
#include "tools/pktgen/patched_text.h"
#include "tools/pktgen/scene.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace linehunt::pktgen {

inline constexpr std::string_view call_id_host = "@pktgen.example";
inline constexpr std::size_t call_id_bytes = 16 + call_id_host.size();
inline constexpr unsigned sent_max_forwards = 70;
// An INVITE of about 620, 940 or 1280 bytes: a bare call, a usual one, one with many codecs.
inline constexpr std::size_t size_count = 3;
// No message of ours is longer. A usual buffer of DPDK has room for 1986 bytes behind the headers
// of IPv6; see port.cpp.
inline constexpr std::size_t longest_message_bytes = 1984;
inline constexpr std::size_t longest_status_line_bytes = 32;

// What distinguishes the calls besides their identity; follows from it.
struct call_shape {
  std::uint8_t caller = 0, kind = 0, size = 0;
};

class messages {
 public:
  explicit messages(const scene& of);

  [[nodiscard]] call_shape shape_of(const identity& who) const noexcept;

  // Each writes at `out`, where longest_message_bytes fit, and returns the length.
  std::size_t invite(char* out, const identity& who, call_shape shape) const noexcept;
  std::size_t ack(char* out, const identity& who, call_shape shape, std::uint32_t destination,
                  std::string_view route) const noexcept;
  std::size_t bye(char* out, const identity& who, call_shape shape, std::uint32_t destination,
                  std::string_view route) const noexcept;
  // For a final status other than 200, with its To (RFC 3261 17.1.1.3).
  std::size_t failure_ack(char* out, const identity& who, call_shape shape,
                          std::string_view to) const noexcept;

  // Requests as they come out of the device, but for what it puts on top: with a hop less, our Via
  // filled in, without the Route. `head`: the length of the start line, behind which that goes.
  struct lengths {
    std::size_t all, head;
  };
  lengths invite_there(char* out, const identity& who, call_shape shape) const noexcept;
  lengths ack_there(char* out, const identity& who, call_shape shape,
                    std::uint32_t destination) const noexcept;
  lengths bye_there(char* out, const identity& who, call_shape shape,
                    std::uint32_t destination) const noexcept;

  // A device's own 100, as most write it.
  std::size_t trying(char* out, const identity& who, call_shape shape) const noexcept;

  // What is expected of the messages when they come out of the device.
  std::size_t request_uri(char* out, const identity& who, call_shape shape) const noexcept;
  std::size_t body(char* out, const identity& who, call_shape shape) const noexcept;
  std::size_t answer_body(char* out, const identity& who) const noexcept;
  [[nodiscard]] const std::string& contact_of(std::uint32_t destination) const noexcept {
    return contacts_[destination];
  }
  // "SIP/2.0/UDP 10.9.0.10:5060;branch=z9hG4bK", to which the branch is added.
  [[nodiscard]] const std::string& via_of(std::uint8_t caller) const noexcept {
    return vias_[caller];
  }

 private:
  friend class reply_writer;
  [[nodiscard]] std::size_t index(call_shape s) const noexcept {
    return (std::size_t{s.caller} * kinds_ + s.kind) * size_count + s.size;
  }
  std::size_t in_dialog(char* out, std::string_view method, const identity& who, call_shape shape,
                        std::uint32_t destination, std::string_view route, const patched_text& via,
                        const patched_text& rest) const noexcept;

  lengths in_dialog_there(char* out, std::string_view method, const identity& who,
                          std::uint32_t destination, const patched_text& rest) const noexcept;

  std::size_t kinds_, callers_;
  std::vector<patched_text> invites_, uris_, failure_heads_; // by index()
  std::vector<patched_text> ack_rests_, bye_rests_;          // by index()
  // As they come out of the device; of ACK and BYE what follows the start line; by index()
  std::vector<patched_text> invites_there_, acks_there_, byes_there_, tryings_;
  std::vector<patched_text> ack_vias_, bye_vias_; // by caller
  // What a reply copies of a request: our Via, From, To with tag, Call-ID, CSeq; by index()
  std::vector<patched_text> invite_shared_, bye_shared_;
  std::vector<patched_text> bodies_;                     // by size
  std::vector<std::string> contacts_;                    // by destination
  std::vector<std::string> vias_;                        // by caller
  std::vector<std::size_t> via_line_bytes_;              // by caller
  std::vector<std::string> plain_tails_, session_tails_; // by destination
  patched_text answer_;
  // What the lines that a reply copies may have, so that the longest reply is no longer than that.
  std::size_t room_for_shared_ = 0;
};

// The replies to one request: the lines that they share are copied out of it once.
class reply_writer {
 public:
  // The request's bytes must stay while replies are written.
  reply_writer(const messages& texts, const sip::message_view& request, const identity& who);
  // To a request that is known to be as it was sent, but for the lines that the device put on top.
  reply_writer(const messages& texts, std::string_view on_top, const identity& who,
               call_shape shape, bool to_bye) noexcept;
  // False: the lines are so long that no reply can be written.
  [[nodiscard]] bool fits() const noexcept { return fits_; }
  // `destination`: whose Contact it bears. With `session` an SDP is added.
  std::size_t write(char* out, std::string_view status_line, std::uint32_t destination,
                    bool session) const noexcept;
  // For a call that nobody knows any more: no Contact.
  std::size_t write_bare(char* out, std::string_view status_line) const noexcept;

 private:
  const messages& texts_;
  const identity& who_;
  char shared_[longest_message_bytes];
  std::size_t shared_len_ = 0;
  bool fits_ = true;
};

} // namespace linehunt::pktgen
