// SPDX-License-Identifier: Apache-2.0
// What goes over a restart, in the folder [service] state_dir: calls.cbor from the end of one run
// to the start of the next, calls.copy.cbor from time to time for a crash, operator.json from each
// change by an operator on, for which there is operator_writer, and learned.json, for which there
// is learned_writer. Belongs to the control thread; without a folder it does nothing.
#pragma once

#include "control/config/configuration.h"
#include "control/daemon/operator_state.h"
#include "control/state/call_file.h"
#include "control/state/late_claim.h"
#include "control/state/learned_file.h"
#include "control/state/state_file.h"
#include "dataplane/dpdk/runtime.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <tl/expected.hpp>
#include <unistd.h>
#include <vector>

namespace linehunt {

class keeper {
 public:
  // `user`: of [service], who we are or become. His files are those of the run before.
  explicit keeper(const config::service_settings& settings, ::uid_t user = ::geteuid());
  // A start that fails in an orderly way is no reason against the calls.
  ~keeper();
  keeper(const keeper&) = delete;
  keeper& operator=(const keeper&) = delete;
  [[nodiscard]] bool active() const noexcept { return !folder_.empty(); }
  [[nodiscard]] bool keeps_calls() const noexcept { return active() && oldest_.count() > 0; }
  // Where calls are copied to while this run lasts; empty: nowhere.
  [[nodiscard]] std::string copy_file() const { return copies_calls() ? copy_file_ : ""; }
  // Who writes there asks this first, in any thread.
  [[nodiscard]] state_permission permission() const;
  // What is to be made up for of a folder that could not be written at the start; null: nothing.
  [[nodiscard]] const std::shared_ptr<late_claim>& late() const noexcept { return late_; }
  // Nothing has been kept since the start.
  [[nodiscard]] bool unwritten() const noexcept { return late_ && !late_->done(); }
  // What is older than the first copy, and was to be gone before; empty: it is gone.
  [[nodiscard]] std::string outdated_file() const { return left_behind_ ? calls_file_ : ""; }
  // Where changes of operators go; empty: nowhere.
  [[nodiscard]] std::string changes_file() const { return active() ? changes_file_ : ""; }
  // Where goes what others tell; empty: nowhere.
  [[nodiscard]] std::string learned_file() const { return active() ? learned_file_ : ""; }
  // What the file of changes said at the start, where that is known.
  [[nodiscard]] const std::optional<std::vector<operator_change>>& known_changes() const noexcept {
    return known_;
  }

  // Before all else: the folder is ours alone from here on, where it is there. The error says that
  // somebody else has it, or that this cannot be known: two would take each other's calls for those
  // of a crash.
  [[nodiscard]] tl::expected<void, std::string> claim();
  // Before the first snapshot is built.
  void remember(operator_state& changes);
  // What was learned before, for the same.
  [[nodiscard]] learned learned_before();
  // For the start of the runtime. Calls whose taking up has ended the process twice are put aside:
  // the third start goes without them.
  [[nodiscard]] dpdk::call_source calls_of_before();
  // After it, as the user of [service]: says what became of the calls, and from here on their file
  // is gone, or is only what a crash leaves, so that no later run takes it for its own. One that
  // was refused is put aside (put_aside.h). The error says why nothing could be kept; a disk that
  // has failed is none: the files stay where they are, and `late` is there. `rows_unknown`: why
  // destinations may not have been there for their calls; empty: all were that are configured.
  [[nodiscard]] tl::expected<void, std::string> take_over(std::string_view rows_unknown = {});

  // Stops the workers and hands each of their calls over.
  using ending = std::function<void(const std::function<void(const kept_call&)>& take)>;
  // Writes what `end` hands over, whose numbers are those of `world`.
  void keep_calls(const snapshot& world, const ending& end) const;

 private:
  [[nodiscard]] bool copies_calls() const noexcept { return keeps_calls() && copies_; }
  void report(const tl::expected<call_file_report, std::string>& found,
              std::string_view rows_unknown) const;
  [[nodiscard]] leftovers left_by_the_run_before();
  [[nodiscard]] bool any_calls() const;
  [[nodiscard]] bool disk_fails() const;
  void put_aside(const std::string& file);
  void forget_tries();

  open_file lock_;
  std::string folder_, calls_file_, copy_file_, changes_file_, learned_file_, tries_file_;
  std::chrono::seconds oldest_;
  ::uid_t user_;
  bool copies_ = false;
  bool trying_ = false;              // a byte of ours is in tries_file_
  bool crashed_ = false;             // the run before has left nothing but a copy
  bool cut_off_ = false;             // its end was killed while it wrote the calls
  bool left_behind_ = false;         // calls of the run before, on a disk that cannot be written
  std::vector<std::string> refused_; // files that could not be put aside
  std::shared_ptr<late_claim> late_;
  std::optional<tl::expected<call_file_report, std::string>> found_;
  std::optional<std::vector<operator_change>> known_;
};

} // namespace linehunt
