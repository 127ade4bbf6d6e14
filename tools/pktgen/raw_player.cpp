// SPDX-License-Identifier: Apache-2.0
#include "tools/pktgen/raw_player.h"

#include "sipparse/scan.h"

#include <algorithm>
#include <cstring>

namespace linehunt::pktgen {

namespace {

constexpr std::size_t least_room = 512;

} // namespace

std::vector<std::size_t> message_sizes(const scene& of) {
  const messages texts(of);
  const std::string device(to_text(of.device));
  // What the device puts on top of an INVITE, which the destination's replies bear too.
  const std::string on_top = "Via: SIP/2.0/UDP " + device + ";branch=z9hG4bK" +
                             std::string(33, 'x') + "\r\nRecord-Route: <sip:" + device +
                             ";lr;lh=0123456789abcdef>\r\n";
  const std::string route = "<sip:" + device + ";lr;lh=0123456789abcdef>";
  std::vector<std::size_t> sizes;
  std::vector<char> text(longest_message_bytes), reply(longest_message_bytes);
  for (std::uint32_t n = 0; n < 64; ++n) {
    const identity who({n, 1}, 0);
    const call_shape shape = texts.shape_of(who);
    sizes.push_back(texts.invite(text.data(), who, shape));
    std::string there(text.data(), sizes.back());
    there.insert(there.find("\r\n") + 2, on_top);
    sip::message_view view;
    if (!sip::scan(there, view)) return {};
    const reply_writer replies(texts, view, who);
    sizes.push_back(replies.write(reply.data(), "SIP/2.0 100 Trying\r\n", 0, false));
    sizes.push_back(replies.write(reply.data(), "SIP/2.0 180 Ringing\r\n", 0, false));
    sizes.push_back(replies.write(reply.data(), "SIP/2.0 200 OK\r\n", 0, true));
    sizes.push_back(texts.ack(text.data(), who, shape, 0, route));
    sizes.push_back(texts.bye(text.data(), who, shape, 0, route));
    sizes.push_back(replies.write(reply.data(), "SIP/2.0 200 OK\r\n", 0, false) - route.size());
  }
  return sizes;
}

raw_player::raw_player(std::vector<std::size_t> sizes, std::uint32_t deadline_ms, outbox& out,
                       tally& count)
    : sizes_(std::move(sizes)), deadline_(time_ns{deadline_ms} * 1'000'000), out_(out),
      count_(&count), filling_(longest_message_bytes, '.') {
  for (std::size_t& s : sizes_)
    s = std::clamp(s, sizeof(mark), longest_message_bytes);
}

bool raw_player::begin_one(time_ns now, time_ns due) noexcept {
  // With a full outbox nothing would be received, and what comes back would be lost.
  if (out_.room() < least_room) return false;
  char* const text = out_.begin();
  if (text == nullptr) return false;
  const std::size_t len = sizes_[next_];
  next_ = next_ + 1 == sizes_.size() ? 0 : next_ + 1;
  std::memcpy(text, filling_.data(), len);
  const mark m{magic, epoch_, due};
  std::memcpy(text, &m, sizeof m);
  out_.commit(len, 0, nullptr);
  ++count_->sent;
  count_->sent_bytes += len;
  ++count_->calls_begun;
  ++outstanding_;
  last_ = now;
  return true;
}

void raw_player::receive(std::string_view bytes, const endpoint&, std::uint32_t,
                         std::optional<call_number>, time_ns now) noexcept {
  ++count_->received;
  count_->received_bytes += bytes.size();
  mark m;
  if (bytes.size() < sizeof m) {
    ++count_->faults[static_cast<std::size_t>(fault::unreadable)];
    return;
  }
  std::memcpy(&m, bytes.data(), sizeof m);
  if (m.magic != magic || m.epoch > epoch_) {
    ++count_->faults[static_cast<std::size_t>(fault::not_ours)];
  } else if (m.epoch < epoch_) {
    ++count_->late;
  } else if (outstanding_ == 0) {
    ++count_->repeated;
  } else {
    last_ = now;
    --outstanding_;
    ++count_->calls_completed;
    count_->latency[0].add(now - m.due);
    count_->window_latency.add(now - m.due);
  }
}

void raw_player::advance(time_ns now) noexcept {
  if (outstanding_ == 0 || now < last_ + deadline_) return;
  count_->calls_lost += outstanding_;
  count_->lost[0] += outstanding_;
  outstanding_ = 0;
  ++epoch_;
}

} // namespace linehunt::pktgen
