// SPDX-License-Identifier: Apache-2.0
// See cbor.h.
#include "control/state/cbor.h"

#include <array>
#include <cbor.h>
#include <cstring>

namespace linehunt::cbor {
namespace {

constexpr std::size_t most_head_bytes = 9; // RFC 8949 3

} // namespace

template <class Encode, class... Value>
writer& writer::head(Encode encode, Value... value) {
  std::array<unsigned char, most_head_bytes> bytes;
  const std::size_t size = encode(value..., bytes.data(), bytes.size());
  bytes_.append(reinterpret_cast<const char*>(bytes.data()), size);
  return *this;
}

writer& writer::array(std::size_t items) {
  return head(cbor_encode_array_start, items);
}
writer& writer::map(std::size_t pairs) {
  return head(cbor_encode_map_start, pairs);
}
writer& writer::text(std::string_view t) {
  head(cbor_encode_string_start, t.size());
  bytes_ += t;
  return *this;
}
writer& writer::number(std::uint64_t n) {
  return head(cbor_encode_uint, n);
}
writer& writer::flag(bool yes) {
  return head(cbor_encode_bool, yes);
}
writer& writer::null() {
  return head(cbor_encode_null);
}

// They fill the item that they are given; what has none here stays `other`.
struct reader::callbacks : cbor_callbacks {
  callbacks() : cbor_callbacks(cbor_empty_callbacks) {
    uint8 = set<kind::number, std::uint8_t>;
    uint16 = set<kind::number, std::uint16_t>;
    uint32 = set<kind::number, std::uint32_t>;
    uint64 = set<kind::number, std::uint64_t>;
    array_start = set<kind::array, std::size_t>;
    map_start = set<kind::map, std::size_t>;
    boolean = set<kind::flag, bool>;
    null = [](void* into) { static_cast<item*>(into)->what = kind::null; };
    string = [](void* into, cbor_data text, std::size_t size) {
      static_cast<item*>(into)->what = kind::text;
      static_cast<item*>(into)->text = {reinterpret_cast<const char*>(text), size};
    };
  }
  template <kind What, class Value>
  static void set(void* into, Value value) {
    static_cast<item*>(into)->what = What;
    static_cast<item*>(into)->value = value;
  }
};

reader::reader(std::FILE* file) : file_(file), buffer_(2 * most_item_bytes, '\0') {}

bool reader::next() {
  if (end_ - at_ < most_item_bytes && !at_end_of_file_) {
    std::memmove(buffer_.data(), buffer_.data() + at_, end_ - at_);
    end_ -= at_;
    at_ = 0;
    end_ += std::fread(buffer_.data() + end_, 1, buffer_.size() - end_, file_);
    at_end_of_file_ = end_ < buffer_.size();
  }
  return at_ != end_;
}

reader::item reader::peek() const {
  static const callbacks all;
  item found;
  const auto* const from = reinterpret_cast<cbor_data>(buffer_.data() + at_);
  const cbor_decoder_result result = cbor_stream_decode(from, end_ - at_, &all, &found);
  if (result.status != CBOR_DECODER_FINISHED) throw bad_item("an item is cut off or is none");
  found.bytes = result.read;
  return found;
}

reader::item reader::take(kind wanted) {
  const item found = peek();
  if (found.what != wanted) throw bad_item("an item is not what belongs there");
  at_ += found.bytes;
  return found;
}

std::size_t reader::array() {
  return take(kind::array).value;
}
std::size_t reader::map() {
  return take(kind::map).value;
}
std::string_view reader::text() {
  return take(kind::text).text;
}
std::uint64_t reader::number() {
  return take(kind::number).value;
}
bool reader::flag() {
  return take(kind::flag).value != 0;
}
bool reader::is_null() {
  const item found = peek();
  if (found.what == kind::null) at_ += found.bytes;
  return found.what == kind::null;
}
bool reader::is_map() {
  return peek().what == kind::map;
}

} // namespace linehunt::cbor
