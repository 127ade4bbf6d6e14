// SPDX-License-Identifier: Apache-2.0
// The file of a capture: made new in the folder of captures, readable for its owner and group
// alone, and ending with a whole block whatever happens. Knows nothing of what is in it, but how
// such a file begins. All of it may wait for the disk.
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
  // capture of that name goes, but not before `put_in_place`; a file that is no capture stays.
  [[nodiscard]] static tl::expected<capture_file, fault> create(const std::string& folder,
                                                                const std::string& name,
                                                                bool overwrite,
                                                                std::uint64_t max_bytes);
  capture_file(capture_file&& other) noexcept;
  capture_file& operator=(capture_file&&) = delete;
  ~capture_file(); // what was not put in place is removed

  // Whole blocks. The error says why nothing of them is in the file.
  [[nodiscard]] tl::expected<void, std::string> write(std::string_view blocks);
  // It has its name, and stays.
  [[nodiscard]] tl::expected<void, std::string> put_in_place();
  // Back to what it was with so many bytes.
  void cut_to(std::uint64_t bytes) noexcept;
  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }

 private:
  capture_file() = default;

  int folder_ = -1, file_ = -1;
  std::string name_, written_as_; // the same, where nothing of that name was there
  std::string path_;
  bool in_place_ = false;
  std::uint64_t bytes_ = 0;
};

} // namespace linehunt
