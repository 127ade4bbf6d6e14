// SPDX-License-Identifier: Apache-2.0
// CBOR written and read item by item, against another library, and broken in all places.
#include "control/state/cbor.h"

#include <array>
#include <cstdio>
#include <gtest/gtest.h>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace linehunt::cbor_test {
namespace {

using nlohmann::json;

struct close_file {
  void operator()(std::FILE* f) const { std::fclose(f); }
};
using temporary = std::unique_ptr<std::FILE, close_file>;

temporary file_of(std::string_view bytes) {
  temporary file(std::tmpfile());
  EXPECT_TRUE(file);
  EXPECT_EQ(std::fwrite(bytes.data(), 1, bytes.size(), file.get()), bytes.size());
  std::rewind(file.get());
  return file;
}

constexpr std::array<std::uint64_t, 12> numbers{0,
                                                1,
                                                23,
                                                24,
                                                255,
                                                256,
                                                65535,
                                                65536,
                                                0xffffffff,
                                                0x100000000,
                                                std::numeric_limits<std::int64_t>::max(),
                                                std::numeric_limits<std::uint64_t>::max()};

// One of each kind; `n` in it.
std::string record(std::uint64_t n) {
  std::string bytes;
  cbor::writer(bytes).array(6).number(n).text("a\xff b").flag(true).null().map(1);
  cbor::writer(bytes).text("key").flag(false).text(std::string(300, 'x'));
  return bytes;
}

std::uint64_t read_record(cbor::reader& in) {
  EXPECT_EQ(in.array(), 6u);
  const std::uint64_t n = in.number();
  EXPECT_EQ(in.text(), "a\xff b");
  EXPECT_TRUE(in.flag());
  EXPECT_TRUE(in.is_null());
  EXPECT_TRUE(in.is_map());
  EXPECT_EQ(in.map(), 1u);
  EXPECT_EQ(in.text(), "key");
  EXPECT_FALSE(in.is_null());
  EXPECT_FALSE(in.flag());
  EXPECT_FALSE(in.is_map());
  EXPECT_EQ(in.text(), std::string(300, 'x'));
  return n;
}

TEST(cbor, another_library_writes_the_same_bytes) {
  for (const std::uint64_t n : numbers) {
    std::string bytes;
    cbor::writer(bytes).array(5).number(n).text("text").text("").flag(false).null();
    std::string others;
    json::to_cbor(json::array({n, "text", "", false, nullptr}), others);
    EXPECT_EQ(bytes, others) << n;
  }
  for (const std::size_t size : {0u, 23u, 24u, 255u, 256u, 65536u}) {
    std::string bytes, others;
    cbor::writer(bytes).text(std::string(size, 'y'));
    json::to_cbor(std::string(size, 'y'), others);
    EXPECT_EQ(bytes, others) << size;
  }
}

TEST(cbor, reads_what_it_has_written) {
  std::string bytes;
  for (const std::uint64_t n : numbers)
    bytes += record(n);
  const temporary file = file_of(bytes);
  cbor::reader in(file.get());
  for (const std::uint64_t n : numbers) {
    ASSERT_TRUE(in.next());
    EXPECT_EQ(read_record(in), n);
  }
  EXPECT_FALSE(in.next());
}

TEST(cbor, begins_where_the_file_stands_and_reads_more_than_it_holds_at_a_time) {
  constexpr std::uint64_t many = 20'000; // 6 MB
  std::string bytes = "head";
  for (std::uint64_t n = 0; n < many; ++n)
    bytes += record(n);
  const temporary file = file_of(bytes);
  ASSERT_EQ(std::fgetc(file.get()), 'h');
  ASSERT_EQ(std::fseek(file.get(), 3, SEEK_CUR), 0);
  cbor::reader in(file.get());
  std::uint64_t n = 0;
  for (; in.next(); ++n)
    ASSERT_EQ(read_record(in), n);
  EXPECT_EQ(n, many);
}

TEST(cbor, a_text_of_the_most_bytes) {
  std::string bytes;
  const std::string longest(cbor::reader::most_item_bytes - 5, 'z'); // behind five of its head
  for (int i = 0; i < 3; ++i)
    cbor::writer(bytes).text(longest);
  const temporary file = file_of(bytes);
  cbor::reader in(file.get());
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(in.next());
    EXPECT_TRUE(in.text() == longest);
  }
  EXPECT_FALSE(in.next());
}

TEST(cbor, cut_off_anywhere) {
  const std::string whole = record(70'000);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const temporary file = file_of(std::string_view{whole}.substr(0, size));
    cbor::reader in(file.get());
    EXPECT_EQ(in.next(), size != 0);
    EXPECT_THROW((void)read_record(in), cbor::bad_item) << size;
  }
}

TEST(cbor, what_does_not_belong_there) {
  const std::vector<std::string> others{
      "\x20",                               // -1
      "\x9f\x01\xff",                       // an array without its length
      "\xbf\xff",                           // a map without
      std::string("\x7f\x61", 2) + "a\xff", // a text in parts
      "\x41"                                // bytes
      "a",
      std::string("\xf9\x3c\x00", 3),         // 1.0
      std::string("\xc1\x00", 2),             // a tag
      "\xff",                                 // an end of nothing
      "\xf7",                                 // undefined
      "\x1c",                                 // reserved
      "\x7b\xff\xff\xff\xff\xff\xff\xff\xff", // a text of 2^64 - 1 bytes
  };
  for (const std::string& other : others) {
    const temporary file = file_of(other);
    cbor::reader in(file.get());
    ASSERT_TRUE(in.next());
    EXPECT_THROW((void)in.number(), cbor::bad_item);
    EXPECT_THROW((void)in.text(), cbor::bad_item);
    EXPECT_THROW((void)in.array(), cbor::bad_item);
    EXPECT_THROW((void)in.map(), cbor::bad_item);
    EXPECT_THROW((void)in.flag(), cbor::bad_item);
  }
}

} // namespace
} // namespace linehunt::cbor_test
