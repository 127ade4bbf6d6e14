// SPDX-License-Identifier: Apache-2.0
// The engine's action_sink over mbufs: edits the datagram where it lies, sends copies, posts mail
// and events. One for each worker; knows nothing of what a message says.
#pragma once

#include "dataplane/datagram.h"
#include "dataplane/dpdk/egress.h"
#include "dataplane/dpdk/worker_mesh.h"
#include "dataplane/snapshot.h"

#include <span>
#include <vector>

namespace linehunt::dpdk {

class mbuf_sink final : public action_sink {
 public:
  mbuf_sink(egress& out, worker_mesh& mesh, worker_id self, spsc_ring<event>& events,
            worker_counters& counters);

  // The ring's. What comes again, answers of probes, leaves some of them to what is said once.
  static constexpr unsigned event_places = 4096, kept_for_statuses = 1024;

  void adopt(const snapshot& world) noexcept { world_ = &world; }
  // The datagram that `forward` is about: the packet, and its payload, which lies in it or in the
  // worker's scratch buffer.
  void begin(mbuf_ptr packet, std::span<const char> payload) noexcept;
  void end() noexcept { packet_.reset(); }

  void forward(const sip::edit_list& edits, const outbound& where) override;
  void send(std::string_view bytes, const outbound& where) override;
  [[nodiscard]] bool mail(worker_id to, const linehunt::mail& what) override;
  bool raise(const event& what) override;

 private:
  [[nodiscard]] const listener* listener_of(const outbound& where) noexcept;
  [[nodiscard]] bool edit_in_place(const sip::edit_list& edits) noexcept;

  egress& out_;
  worker_mesh& mesh_;
  worker_id self_;
  spsc_ring<event>& events_;
  worker_counters& counters_;
  const snapshot* world_ = nullptr;
  mbuf_ptr packet_;
  std::span<const char> payload_;
  std::vector<char> gathered_; // max_message_bytes, once
};

} // namespace linehunt::dpdk
