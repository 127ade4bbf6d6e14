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
  // capture of that name goes, but not before `keep`; a file that is no capture stays.
  [[nodiscard]] static tl::expected<capture_file, fault> create(const std::string& folder,
                                                                const std::string& name,
                                                                bool overwrite,
                                                                std::uint64_t max_bytes);
  capture_file(capture_file&& other) noexcept;
  capture_file& operator=(capture_file&&) = delete;
  ~capture_file(); // what is not kept is removed, and an older capture has its name again

  // Whole blocks. The error says why nothing of them is in the file.
  [[nodiscard]] tl::expected<void, std::string> write(std::string_view blocks);
  // It has its name. On a file system that cannot exchange two files an older capture goes here.
  [[nodiscard]] tl::expected<void, std::string> put_in_place();
  // After that: it stays, and an older capture goes.
  void keep() noexcept;
  // Back to what it was with so many bytes.
  void cut_to(std::uint64_t bytes) noexcept;
  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }

 private:
  capture_file() = default;
  void take_back() noexcept;

  int folder_ = -1, file_ = -1;
  std::string name_, path_;
  std::string aside_; // the name besides: of this one, once exchanged of the older one; else empty
  bool exchanged_ = false, kept_ = false;
  std::uint64_t bytes_ = 0;
};

} // namespace linehunt
