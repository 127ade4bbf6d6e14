// SPDX-License-Identifier: Apache-2.0
// The commands on DPDK's telemetry socket: /linehunt/workers, /linehunt/destinations,
// /linehunt/verdicts and /linehunt/calls. A thread of DPDK asks; what it reads is either atomic or
// held still by a lock that the control thread takes when it changes it. Workers never see that
// lock.
#pragma once

#include "dataplane/dpdk/runtime.h"
#include "dataplane/mail.h"
#include "dataplane/snapshot.h"

#include <functional>
#include <memory>

namespace linehunt::dpdk {

// One in a process answers at a time. Belongs to the control thread.
class telemetry {
 public:
  using reporting = std::function<worker_report(worker_id)>; // may be asked by any thread

  telemetry();
  ~telemetry(); // closes
  telemetry(const telemetry&) = delete;
  telemetry& operator=(const telemetry&) = delete;

  // From now on the commands are answered. `world` stays until adopt or close.
  void open(worker_id workers, reporting report, const engine_limits& limits,
            const snapshot& world);
  // Before the last snapshot is freed.
  void adopt(const snapshot& world);
  // What workers are told beside snapshots: status and capacities.
  void note(const mail& what);
  // What workers say: how long answers to probes take.
  void note(const event& what);
  // Before the workers go.
  void close();

  struct view;

 private:
  std::unique_ptr<view> view_;
};

} // namespace linehunt::dpdk
