// SPDX-License-Identifier: Apache-2.0
// The file of a capture: made new in the folder of captures, readable for its owner and group
// alone, and ending with a whole block whatever happens. Knows nothing of what is in it, but how
// such a file begins.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace linehunt {

// Empty: it is a plain name. Else what is wrong with it.
[[nodiscard]] std::string fault_of_name(std::string_view name);

class capture_file {
 public:
  struct fault {
    bool exists = false; // the name is taken, nothing else is wrong
    std::string message; // says what to do
  };
  // `max_bytes` must be free in the folder, besides some that stay so. With `overwrite` an older
  // capture of that name goes; a file that is no capture stays.
  [[nodiscard]] static tl::expected<capture_file, fault> create(const std::string& folder,
                                                                const std::string& name,
                                                                bool overwrite,
                                                                std::uint64_t max_bytes);
  capture_file(capture_file&& other) noexcept;
  capture_file& operator=(capture_file&&) = delete;
  ~capture_file();

  // Whole blocks. The error says why nothing of them is in the file.
  [[nodiscard]] tl::expected<void, std::string> write(std::string_view blocks);
  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }

 private:
  capture_file(int file, std::string path) : file_(file), path_(std::move(path)) {}

  int file_ = -1;
  std::string path_;
  std::uint64_t bytes_ = 0;
};

} // namespace linehunt
