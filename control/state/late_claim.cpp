// SPDX-License-Identifier: Apache-2.0
// See late_claim.h.
#include "control/state/late_claim.h"

#include "control/state/state_folder.h"

#include <cstring>
#include <spdlog/spdlog.h>
#include <utility>

namespace linehunt {

// Who asks may be the control thread at its end.
constexpr std::chrono::seconds patience_with_others{2};

late_claim::late_claim(std::string folder, ::uid_t user, bool locked, leftovers before,
                       std::vector<std::string> others_write)
    : folder_(std::move(folder)), user_(user), locked_(locked), before_(std::move(before)),
      others_write_(std::move(others_write)) {}

std::string late_claim::try_now() {
  if (done_) return {};
  const std::unique_lock alone(trying_, patience_with_others);
  if (!alone) return "the disk does not answer; look at it";
  if (done_) return {};
  (void)make_folders(folder_);
  if (const int failure = unwritable(folder_); failure != 0) return std::strerror(failure);
  if (!locked_) {
    auto lock = lock_folder(folder_, user_);
    if (!lock) {
      // Whoever has it keeps his own there, which is not to be taken for ours.
      before_.calls_refused = true;
      before_.calls_become_copy = false;
      before_.of_another = others_write_;
      had_by_another_ = true;
      if (std::exchange(told_, lock.error()) != lock.error()) spdlog::error("{}", told_);
      return lock.error();
    }
    lock_ = std::move(*lock);
    locked_ = true;
  }
  before_.put_away();
  spdlog::info(
      "[service] state_dir {} can be written now; from here on calls and changes go over a "
      "restart",
      folder_);
  done_ = true;
  return {};
}

void claim_retry::start(std::chrono::milliseconds interval, std::function<void()> taken_over) {
  if (!what_) return;
  taken_over_ = std::move(taken_over);
  go_on(interval);
}

// Others may have done it as well.
void claim_retry::go_on(std::chrono::milliseconds interval) {
  if (what_->done()) {
    if (what_->had_by_another()) taken_over_();
    return;
  }
  timer_.expires_after(interval);
  timer_.async_wait([this, interval](boost::system::error_code stopped) {
    if (stopped) return;
    aside_([this, what = what_, interval]() -> std::function<void()> {
      (void)what->try_now();
      return [this, interval] { go_on(interval); };
    });
  });
}

} // namespace linehunt
