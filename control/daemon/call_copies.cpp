// SPDX-License-Identifier: Apache-2.0
// See call_copies.h.
#include "control/daemon/call_copies.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <span>
#include <string_view>

namespace linehunt {
namespace {

// Call-ID, tags and URIs together; most take 200.
constexpr std::size_t text_bytes_of_a_call = 512;
// The first call always fits, whatever it is called: five texts, each of one datagram at most.
constexpr std::size_t spare_text_bytes = 5 * 65'536;

} // namespace

// For all that may be listed and not for those that are live now: others begin meanwhile.
call_copies::call_copies(const admin::call_query& wanted)
    : wanted_(wanted), id_(read_call_name(wanted.named)),
      copies_(std::min(wanted.most, admin::max_listed_calls)),
      texts_(copies_.size() * text_bytes_of_a_call + spare_text_bytes) {}

bool call_copies::fits(worker_id worker, const call_info& call) const noexcept {
  if (!wanted_.call_id.empty() && call.call_id != wanted_.call_id) return false;
  if (!wanted_.from_tag.empty() && call.from_tag != wanted_.from_tag) return false;
  if (wanted_.named.empty() || call.call_id == wanted_.named) return true;
  return id_ && id_->first == worker && id_->second == call.handle;
}

void call_copies::take(worker_id worker, const call_info& call) noexcept {
  if (!fits(worker, call) || ++count_ <= wanted_.first || full_) return;
  const std::array<std::string_view, 5> texts{call.call_id, call.from_tag, call.to_tag,
                                              call.from_uri, call.to_uri};
  std::size_t bytes = 0;
  for (const std::string_view text : texts)
    bytes += text.size();
  full_ = copied_ == copies_.size() || bytes > texts_.size() - used_bytes_;
  if (full_) return;
  copy& one = copies_[copied_++];
  one = {worker,        call.handle,     call.destination,
         call.answered, call.started_at, call.caller,
         call.callee,   used_bytes_,     {}};
  for (std::size_t i = 0; i < texts.size(); ++i) {
    std::ranges::copy(texts[i], texts_.begin() + static_cast<std::ptrdiff_t>(used_bytes_));
    used_bytes_ += one.text_bytes[i] = texts[i].size();
  }
}

admin::call_list call_copies::list(time_us now, const destination_ids& ids) const {
  admin::call_list all{count_, {}};
  all.calls.reserve(copied_);
  for (const copy& one : std::span(copies_).first(copied_)) {
    admin::call_state& state = all.calls.emplace_back();
    state.id = call_name(one.worker, one.handle);
    std::size_t at = one.texts_at;
    const std::array texts{&state.call_id, &state.from_tag, &state.to_tag, &state.from_uri,
                           &state.to_uri};
    for (std::size_t i = 0; i < texts.size(); ++i) {
      texts[i]->assign(texts_.data() + at, one.text_bytes[i]);
      at += one.text_bytes[i];
    }
    if (one.caller.port != 0) state.caller = to_text(one.caller);
    if (one.callee.port != 0) state.callee = to_text(one.callee);
    state.worker = one.worker;
    state.answered = one.answered;
    state.age_s =
        now > one.started_at ? static_cast<std::int64_t>((now - one.started_at) / 1'000'000) : 0;
    if (const auto id = ids.find(one.destination); id != ids.end()) state.destination = id->second;
  }
  return all;
}

std::string call_name(worker_id worker, std::uint64_t handle) {
  return fmt::format("{}:{}", worker, handle);
}

std::optional<std::pair<std::uint64_t, std::uint64_t>>
read_call_name(std::string_view name) noexcept {
  std::pair<std::uint64_t, std::uint64_t> found;
  const char* const end = name.data() + name.size();
  const auto [colon, no_worker] = std::from_chars(name.data(), end, found.first);
  if (no_worker != std::errc{} || colon == end || *colon != ':') return std::nullopt;
  const auto [stop, no_handle] = std::from_chars(colon + 1, end, found.second);
  if (no_handle != std::errc{} || stop != end) return std::nullopt;
  return found;
}

} // namespace linehunt
