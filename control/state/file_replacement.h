// SPDX-License-Identifier: Apache-2.0
// A file that is written anew as a whole or not at all: written beside its place, flushed to
// the disk where that is not waived, and moved there, which is flushed as well. Only its owner may
// read it.
#pragma once

#include <string>
#include <string_view>

namespace linehunt {

class file_replacement {
 public:
  // Makes the folder where it is missing.
  explicit file_replacement(std::string path);
  ~file_replacement(); // what was not put in place is removed
  file_replacement(const file_replacement&) = delete;
  file_replacement& operator=(const file_replacement&) = delete;

  void write(std::string_view bytes);
  // All is written; the system brings it to the disk when it likes, and `put_in_place` does not
  // wait for that.
  void hand_over();
  // Empty: it is in place, and will be after a power cut. Else what went wrong first, as the system
  // says it; only where its folder could not be flushed is it in place all the same.
  [[nodiscard]] std::string put_in_place();

 private:
  void flush();
  void note_failure();

  std::string path_, fresh_, waiting_, failure_;
  int file_ = -1;
  bool handed_over_ = false;
};

// Empty: the file holds these bytes now.
[[nodiscard]] std::string replace_file(const std::string& path, std::string_view bytes);

} // namespace linehunt
