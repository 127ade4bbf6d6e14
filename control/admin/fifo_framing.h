// SPDX-License-Identifier: Apache-2.0
// Requests out of the bytes of a FIFO: ":<reply fifo name>:<json>". A request ends with its line,
// with the bracket that closes its JSON (opensips-cli sends no newline), or with its writer.
// Several writers may follow one upon the other without anything between. Knows nothing of files.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace linehunt::admin {

struct fifo_request {
  std::string reply_name; // empty: the writer wants no answer
  std::string body;
  bool too_large = false; // then the body is not there
};

// A name that may be put behind the reply directory: 1 to 255 bytes without '.', '/', '\' and
// control characters.
[[nodiscard]] bool is_reply_name(std::string_view name) noexcept;

class fifo_framing {
 public:
  explicit fifo_framing(std::size_t max_request_bytes) : max_request_bytes_(max_request_bytes) {}

  // What was read. Take what next() gives before the next call.
  void feed(std::string_view bytes);
  // The last writer has gone: what is there is all there is.
  void end();
  [[nodiscard]] std::optional<fifo_request> next();
  // Nothing is begun.
  [[nodiscard]] bool idle() const noexcept { return received_.empty() && !skipping_; }
  // Forgets a request that was begun; true if there was one.
  bool give_up();
  // Lines that were no request, or whose reply name is refused.
  [[nodiscard]] std::size_t refused() const noexcept { return refused_; }

 private:
  enum class progress { more, request, refused };

  [[nodiscard]] progress step(fifo_request& out);
  [[nodiscard]] progress read_body(fifo_request& out);
  [[nodiscard]] bool skip_line();
  [[nodiscard]] progress refuse();
  void drop(std::size_t bytes);

  std::size_t max_request_bytes_;
  std::string received_;    // of the request at hand and later ones
  std::size_t body_at_ = 0; // 0: the name is not complete
  std::size_t scanned_ = 0; // of received_, from body_at_
  unsigned depth_ = 0;      // open brackets up to there
  bool in_text_ = false, escaped_ = false;
  bool skipping_ = false; // until the end of a line that is refused
  bool ended_ = false;
  std::size_t refused_ = 0;
};

} // namespace linehunt::admin
