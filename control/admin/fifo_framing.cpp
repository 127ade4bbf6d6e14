// SPDX-License-Identifier: Apache-2.0
// See fifo_framing.h.
#include "control/admin/fifo_framing.h"

#include <algorithm>
#include <cctype>
#include <climits>
#include <utility>

namespace linehunt::admin {

bool is_reply_name(std::string_view name) noexcept {
  return !name.empty() && name.size() <= NAME_MAX && std::ranges::all_of(name, [](unsigned char c) {
    return c >= ' ' && c != 0x7f && c != '.' && c != '/' && c != '\\';
  });
}

namespace {

// Where the last of several requests begins whose writers broke off: ":name:{", the name as clients
// make theirs. Only the last, so that no line is looked through twice. npos: nowhere.
std::size_t last_frame(std::string_view bytes) noexcept {
  const auto plain = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_' || c == '-'; };
  std::size_t last = std::string_view::npos;
  for (std::size_t at = bytes.find(':'); at != std::string_view::npos;) {
    std::size_t end = at + 1;
    while (end < bytes.size() && plain(static_cast<unsigned char>(bytes[end])))
      ++end;
    if (end > at + 1 && end + 1 < bytes.size() && bytes[end] == ':' &&
        (bytes[end + 1] == '{' || bytes[end + 1] == '['))
      last = at;
    at = bytes.find(':', end);
  }
  return last;
}

} // namespace

void fifo_framing::feed(std::string_view bytes) {
  ended_ = false;
  received_.append(bytes);
}

void fifo_framing::end() {
  ended_ = true;
}

std::optional<fifo_request> fifo_framing::next() {
  for (;;) {
    fifo_request one;
    switch (step(one)) {
    case progress::request:
      return one;
    case progress::refused:
      break;
    case progress::more:
      return std::nullopt;
    }
  }
}

bool fifo_framing::give_up() {
  const bool begun = !idle();
  drop(received_.size());
  skipping_ = false;
  return begun;
}

void fifo_framing::drop(std::size_t bytes) {
  received_.erase(0, bytes);
  body_at_ = scanned_ = depth_ = 0;
  in_text_ = escaped_ = false;
}

// True where the line that is refused has ended.
bool fifo_framing::skip_line() {
  const std::size_t end = received_.find('\n');
  drop(end == std::string::npos ? received_.size() : end + 1);
  if (end != std::string::npos || ended_) skipping_ = false;
  return !skipping_;
}

fifo_framing::progress fifo_framing::refuse() {
  ++refused_;
  skipping_ = true;
  return progress::refused;
}

fifo_framing::progress fifo_framing::step(fifo_request& out) {
  if (skipping_ && !skip_line()) return progress::more;
  if (body_at_ == 0) {
    // Blank lines and what stands between requests.
    drop(std::min(received_.find_first_not_of(" \t\r\n"), received_.size()));
    if (received_.empty()) return progress::more;
    if (received_.front() != ':') return refuse();
    const std::size_t colon = received_.find_first_of(":\n", 1);
    if (colon == std::string::npos)
      return ended_ || received_.size() > NAME_MAX + 1 ? refuse() : progress::more;
    const std::string_view name(received_.data() + 1, colon - 1);
    if (received_[colon] != ':' || (!name.empty() && !is_reply_name(name))) return refuse();
    body_at_ = scanned_ = colon + 1;
  }
  out.reply_name = received_.substr(1, body_at_ - 2);
  return read_body(out);
}

fifo_framing::progress fifo_framing::read_body(fifo_request& out) {
  const auto finish = [&](std::size_t end, std::size_t rest) {
    out.body = received_.substr(body_at_, end - body_at_);
    const bool whole =
        depth_ == 0 && !in_text_ && (out.body.starts_with('{') || out.body.starts_with('['));
    const std::size_t other = whole ? std::string::npos : last_frame(out.body);
    if (other != std::string::npos) {
      // Its writer broke off, and another's request stands behind it.
      out.body.resize(other);
      rest = body_at_ + other;
    }
    drop(rest);
    return progress::request;
  };
  for (; scanned_ < received_.size(); ++scanned_) {
    if (scanned_ - body_at_ >= max_request_bytes_) break;
    const char c = received_[scanned_];
    if (c == '\n') return finish(scanned_, scanned_ + 1);
    if (in_text_) {
      if (!escaped_ && c == '"') in_text_ = false;
      escaped_ = !escaped_ && c == '\\';
    } else if (c == '"') {
      in_text_ = true;
    } else if (c == '{' || c == '[') {
      ++depth_;
    } else if ((c == '}' || c == ']') && depth_ > 0 && --depth_ == 0) {
      return finish(scanned_ + 1, scanned_ + 1);
    }
  }
  if (scanned_ - body_at_ >= max_request_bytes_ && scanned_ < received_.size()) {
    out.too_large = true;
    drop(scanned_);
    skipping_ = true; // the rest of it
    return progress::request;
  }
  return ended_ ? finish(received_.size(), received_.size()) : progress::more;
}

} // namespace linehunt::admin
