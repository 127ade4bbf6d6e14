// SPDX-License-Identifier: Apache-2.0
// A folder of captures, and what is in their files.
#pragma once

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace linehunt::test {

inline std::uint32_t word_at(std::string_view bytes, std::size_t at) {
  std::uint32_t value = 0;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

// The types of all blocks; 0 where they are not put together rightly.
inline std::vector<std::uint32_t> types_in(std::string_view file) {
  std::vector<std::uint32_t> all;
  while (!file.empty()) {
    const std::uint32_t length = file.size() < 12 ? 0 : word_at(file, 4);
    if (length < 12 || length % 4 != 0 || length > file.size() ||
        word_at(file, length - 4) != length) {
      all.push_back(0);
      return all;
    }
    all.push_back(word_at(file, 0));
    file.remove_prefix(length);
  }
  return all;
}

inline constexpr std::uint32_t section = 0x0a0d0d0a, interface = 1, statistics = 5, packet = 6;

class capture_folder {
 public:
  capture_folder() {
    std::string name = std::filesystem::temp_directory_path() / "linehunt-capture-XXXXXX";
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    path = name;
  }
  ~capture_folder() { std::filesystem::remove_all(path); }
  capture_folder(const capture_folder&) = delete;
  capture_folder& operator=(const capture_folder&) = delete;
  [[nodiscard]] std::string content(const std::string& name) const {
    std::stringstream text;
    text << std::ifstream(path + "/" + name, std::ios::binary).rdbuf();
    return text.str();
  }
  void put(const std::string& name, const std::string& text) const {
    std::ofstream(path + "/" + name, std::ios::binary) << text;
  }
  [[nodiscard]] std::size_t files() const {
    const std::filesystem::directory_iterator all(path);
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
  }
  std::string path;
};

} // namespace linehunt::test
