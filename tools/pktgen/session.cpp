// SPDX-License-Identifier: Apache-2.0
#include "tools/pktgen/session.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace linehunt::pktgen {

namespace {

constexpr double to_s = 1e-9;
constexpr unsigned most_begun_at_once = 32;
// What was missed while the loop was away is made up for only so far; more would be a burst that
// no caller sends.
constexpr double most_missed_s = 0.002;
constexpr double least_credit = 64;
// A stamp turns over after 17 s; the rate of a ramp may have fallen to nothing.
constexpr double longest_due_s = 8;
constexpr double growth = 2; // of a search until the first failure
constexpr double reached_share = 0.985;
constexpr double full_share = 0.99;
// Of a step and of winding up, beyond deadlines.
constexpr double more_settling_s = 4;
constexpr time_ns longest_stand_ns = 5'000'000'000;
// A device that answers no BYE for so many deadlines while there are some to answer is not there.
constexpr double most_deadlines_without = 4;
// Filling and winding up must lose nothing, however fast they are: so many calls at most wait for
// something meanwhile, which is less than the queues on the way hold.
constexpr std::uint64_t most_unsettled = 128;
constexpr std::uint64_t least_to_judge = 1000; // calls
// Of a failed step: a busy machine spoils less than this share of the calls, a rate that is far too
// high more.
constexpr double share_of_noise = 0.1;

} // namespace

session::session(const load_settings& settings, traffic& who) : settings_(settings), who_(who) {
  count_in(outside_);
}

const char* session::phase_name() const noexcept {
  static constexpr std::array<const char*, 6> names{"fill",   "warm-up", "measure",
                                                    "settle", "wind-up", "over"};
  return names[static_cast<std::size_t>(phase_)];
}

void session::count_in(tally& t) noexcept {
  counting_ = &t;
  who_.count_in(t);
}

std::size_t session::allowance() const noexcept {
  return static_cast<std::size_t>(most_unsettled - std::min(who_.unsettled(), most_unsettled));
}

// Where calls end by a timer there is always one on its way, and no moment without. A call that
// began last may use up a deadline until its answer, and another until its end.
double session::longest_settling_s() const noexcept {
  return 2 * settings_.deadline_s + more_settling_s;
}

void session::fill(time_ns now) noexcept {
  const bool limited = settings_.fill_rate > 0;
  if (limited)
    credit_ = std::min(credit_ + static_cast<double>(now - last_) * to_s * settings_.fill_rate,
                       least_credit);
  for (std::size_t most = std::min<std::size_t>(allowance(), most_begun_at_once); most > 0;
       --most) {
    if (limited && credit_ < 1) return;
    if ((settings_.total != 0 && begun_ >= settings_.total) || !who_.begin_one(now, now)) return;
    if (limited) credit_ -= 1;
    ++begun_;
  }
}

// Where most calls lose something, each of them takes a deadline, and all of them would take hours.
bool session::fills_in_vain() const noexcept {
  const tally& t = outside_;
  return begun_ >= least_to_judge && 2 * std::max(t.calls_lost, t.trying_missing) > begun_;
}

// When the next call was due, of which there is credit: so long ago as the credit beyond it took.
time_ns session::due_at(time_ns now) const noexcept {
  const double ago_s = std::min(longest_due_s, (credit_ - 1) / rate_);
  return now - std::min(now, static_cast<time_ns>(ago_s * 1e9));
}

void session::begin_due(time_ns now) noexcept {
  if (settings_.total != 0 && begun_ >= settings_.total) return;
  if (settings_.shape == load_shape::at_once) {
    for (unsigned n = 0; n < most_begun_at_once && who_.live() < settings_.at_once; ++n) {
      if (!who_.begin_one(now, now)) return;
      ++begun_;
    }
    return;
  }
  credit_ += static_cast<double>(now - last_) * to_s * rate_;
  for (unsigned n = 0; n < most_begun_at_once && credit_ >= 1; ++n) {
    if (settings_.total != 0 && begun_ >= settings_.total) return;
    if (!who_.begin_one(now, due_at(now))) break;
    credit_ -= 1;
    ++begun_;
  }
  const double most = std::max(least_credit, rate_ * most_missed_s);
  if (credit_ > most) {
    const double missed = std::floor(credit_ - most);
    counting_->calls_slipped += static_cast<std::uint64_t>(missed);
    credit_ -= missed;
  }
}

void session::begin_step(time_ns now) {
  const auto next = next_rate();
  current_ = step_result();
  since_ = now;
  if (!next || stopping_) return begin_winding_up(now);
  rate_ = current_.rate_from = current_.rate_to = *next;
  if (settings_.shape == load_shape::ramp) current_.rate_to = settings_.rate_to;
  credit_ = 0;
  phase_ = phase::warm_up;
}

void session::end_measuring(time_ns now) noexcept {
  const tally& t = *current_.seen;
  current_.seconds = static_cast<double>(now - since_) * to_s;
  if (settings_.shape == load_shape::ramp)
    current_.rate_to = rate_; // `total` may have cut it short
  current_.window = {t.sent,        t.received,        t.sent_bytes,     t.received_bytes,
                     t.calls_begun, t.calls_completed, t.calls_answered, t.calls_slipped};
  current_.held = who_.held();
  current_.busy_share =
      loop_ns_ == 0 ? 0 : static_cast<double>(busy_ns_) / static_cast<double>(loop_ns_);
  phase_ = phase::settle;
}

bool session::reached(const step_result& s) const noexcept {
  if (s.window.begun == 0) return false;
  if (settings_.shape == load_shape::at_once) return true;
  const double wanted = (s.rate_from + s.rate_to) / 2 * s.seconds;
  // A call more or less is no matter where there are few.
  return static_cast<double>(s.window.begun) + 2 >= wanted * reached_share;
}

bool session::was_full(const step_result& s) const noexcept {
  return static_cast<double>(s.held) >= static_cast<double>(settings_.held) * full_share;
}

void session::end_step(time_ns now) {
  current_.passed = current_.seen->clean() && reached(current_) && was_full(current_);
  done_.push_back(std::move(current_));
  count_in(outside_);
  begin_step(now);
}

std::optional<double> session::found() const noexcept {
  std::optional<double> best;
  for (const step_result& s : done_)
    if (s.passed && (!best || s.rate_from > *best)) best = s.rate_from;
  return best;
}

bool session::went_through() const noexcept {
  if (settings_.shape == load_shape::search) return found().has_value();
  std::uint64_t completed = outside_.calls_completed;
  for (const step_result& s : done_) {
    if (!s.passed) return false;
    completed += s.seen->calls_completed;
  }
  return !done_.empty() && !left_calls_ && outside_.clean() &&
         (completed > 0 || !settings_.calls_end);
}

std::optional<double> session::next_rate() const noexcept {
  const std::size_t n = done_.size();
  if (settings_.shape == load_shape::sweep) {
    if (n >= settings_.step_count) return std::nullopt;
    const double share =
        settings_.step_count < 2 ? 0 : static_cast<double>(n) / (settings_.step_count - 1);
    return settings_.rate + share * (settings_.rate_to - settings_.rate);
  }
  if (settings_.shape != load_shape::search) {
    if (n > 0) return std::nullopt;
    return settings_.rate;
  }
  if (n == 0) return settings_.rate;
  if (!was_full(done_.back())) return std::nullopt; // no other rate would fill it
  if (is_worth_another_try(done_.back())) return done_.back().rate_from;
  const auto best = found();
  double failed = 0, most = 0;
  for (const step_result& s : done_) {
    most = std::max(most, s.rate_from);
    // Noise can make a rate fail below one that has passed; what has passed, has passed.
    if (s.passed || (best && s.rate_from <= *best)) continue;
    if (failed == 0 || s.rate_from < failed) failed = s.rate_from;
  }
  // One that failed by little may have been noise: the next one tells.
  if (failed != 0 && failed == most && most < settings_.rate_to && failed_by_little(failed))
    return std::min(most * growth, settings_.rate_to);
  if (!best) return failed / 2 < 1 ? std::nullopt : std::optional(failed / 2);
  if (failed == 0) {
    if (*best >= settings_.rate_to) return std::nullopt;
    return std::min(*best * growth, settings_.rate_to);
  }
  if (failed / *best < 1 + settings_.resolution) return std::nullopt;
  return std::sqrt(failed * *best);
}

bool session::is_worth_another_try(const step_result& s) const noexcept {
  if (s.passed) return false;
  const auto tries = std::count_if(done_.begin(), done_.end(), [&](const step_result& other) {
    return other.rate_from == s.rate_from;
  });
  return tries < static_cast<std::ptrdiff_t>(settings_.tries) && is_nearly_clean(s);
}

bool session::is_nearly_clean(const step_result& s) noexcept {
  const tally& t = *s.seen;
  const auto spoiled = static_cast<double>(std::max(t.calls_lost, t.lost_messages()) + t.late +
                                           t.calls_refused + s.window.slipped + t.wrong());
  return spoiled < s.rate_from * s.seconds * share_of_noise;
}

bool session::failed_by_little(double rate) const noexcept {
  return std::all_of(done_.begin(), done_.end(), [&](const step_result& s) {
    return s.rate_from != rate || is_nearly_clean(s);
  });
}

void session::stop(time_ns now) noexcept {
  if (stopping_) return;
  stopping_ = true;
  if (phase_ == phase::measure) return end_measuring(now);
  if (phase_ != phase::settle && phase_ != phase::over) begin_winding_up(now);
}

void session::leave(time_ns now) {
  if (phase_ == phase::over) return;
  if (phase_ == phase::measure) end_measuring(now);
  if (phase_ == phase::settle) done_.push_back(std::move(current_));
  count_in(outside_);
  left_calls_ = true;
  phase_ = phase::over;
}

void session::begin_winding_up(time_ns now) noexcept {
  count_in(outside_);
  answered_ = byes_answered();
  answered_at_ = now;
  phase_ = phase::wind_up;
}

std::uint64_t session::byes_answered() const noexcept {
  return outside_.byes_answered + outside_.calls_refused;
}

void session::wind_up(time_ns now) {
  if (!settings_.wind_up || (who_.wind_up(now, allowance()) && who_.unsettled() == 0)) {
    phase_ = phase::over;
    return;
  }
  if (const std::uint64_t answered = byes_answered(); answered != answered_) {
    answered_ = answered;
    answered_at_ = now;
  }
  if (static_cast<double>(now - answered_at_) * to_s >
      most_deadlines_without * settings_.deadline_s + more_settling_s)
    leave(now);
}

void session::poll(time_ns now) noexcept {
  if (last_ == 0) last_ = since_ = now;
  const auto elapsed_s = [&] { return static_cast<double>(now - since_) * to_s; };
  switch (phase_) {
  case phase::fill:
    if (who_.held() > filled_ || filled_at_ == 0) {
      filled_ = who_.held();
      filled_at_ = now;
    }
    // Where no more can be held, the steps will say why.
    if (filled_ >= settings_.held || now - filled_at_ > longest_stand_ns || fills_in_vain())
      begin_step(now);
    else
      fill(now);
    break;
  case phase::warm_up:
    begin_due(now);
    if (elapsed_s() < settings_.warm_up_s) break;
    since_ = current_.began = now;
    loop_ns_ = busy_ns_ = 0;
    count_in(*current_.seen);
    phase_ = phase::measure;
    break;
  case phase::measure:
    if (settings_.shape == load_shape::ramp && settings_.seconds > 0)
      rate_ = current_.rate_from + (current_.rate_to - current_.rate_from) *
                                       std::min(1.0, elapsed_s() / settings_.seconds);
    begin_due(now);
    if ((settings_.seconds > 0 && elapsed_s() >= settings_.seconds) ||
        (settings_.total != 0 && begun_ >= settings_.total))
      end_measuring(now);
    break;
  case phase::settle:
    if (who_.unsettled() == 0 || elapsed_s() > current_.seconds + longest_settling_s())
      end_step(now);
    break;
  case phase::wind_up:
    wind_up(now);
    break;
  case phase::over:
    break;
  }
  last_ = now;
}

} // namespace linehunt::pktgen
