// SPDX-License-Identifier: Apache-2.0
// CBOR (RFC 8949) item by item, as the file of calls has it: definite lengths, whole numbers that
// are not below zero, texts of any bytes. By libcbor, which neither allocates nor goes down by
// recursion here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <string_view>

namespace linehunt::cbor {

// Appends to `bytes`. An array or a map is followed by its items.
class writer {
 public:
  explicit writer(std::string& bytes) noexcept : bytes_(bytes) {}
  writer& array(std::size_t items);
  writer& map(std::size_t pairs);
  writer& text(std::string_view t);
  writer& number(std::uint64_t n);
  writer& flag(bool yes);
  writer& null();

 private:
  template <class Encode, class... Value>
  writer& head(Encode encode, Value... value);
  std::string& bytes_;
};

// What is next is not what was asked for, or is cut off.
class bad_item : public std::runtime_error {
 public:
  using runtime_error::runtime_error;
};

// Reads the items of a sequence (RFC 8742) in a file, from where that stands. All but the
// constructor throw bad_item.
class reader {
 public:
  // An outermost item, with all that is in it, of more bytes is cut off.
  static constexpr std::size_t most_item_bytes = 1 << 20;

  explicit reader(std::FILE* file);
  // Before each outermost item; false: the file ends here. Texts read before are gone.
  [[nodiscard]] bool next();

  std::size_t array(); // so many items follow
  std::size_t map();   // so many pairs
  std::string_view text();
  std::uint64_t number();
  bool flag();
  // True where the item was null, and is behind us; false where it is something else.
  [[nodiscard]] bool is_null();
  [[nodiscard]] bool is_map();

 private:
  enum class kind { other, array, map, text, number, flag, null };
  struct item {
    kind what = kind::other;
    std::uint64_t value = 0; // a number, how many items or pairs, or whether
    std::string_view text;
    std::size_t bytes = 0;
  };
  struct callbacks;
  // The one at hand, of which nothing is taken yet.
  [[nodiscard]] item peek() const;
  item take(kind wanted);

  std::FILE* file_;
  std::string buffer_;
  std::size_t at_ = 0, end_ = 0;
  bool at_end_of_file_ = false;
};

} // namespace linehunt::cbor
