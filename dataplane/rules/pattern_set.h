// SPDX-License-Identifier: Apache-2.0
// The patterns that look at one field, as one Hyperscan database. The only file besides its .cpp
// that knows Hyperscan. Does not know what the field is. To compile takes milliseconds a pattern,
// so sets of the same patterns share a database, which nobody writes; scratch is each owner's own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

struct hs_database;
struct hs_scratch;

namespace linehunt::rules {

// Working memory of one thread, enough for every set that it was made for.
struct scratch_deleter {
  void operator()(hs_scratch* memory) const noexcept;
};
using scratch = std::unique_ptr<hs_scratch, scratch_deleter>;

class pattern_set {
 public:
  struct failure {
    std::size_t pattern = 0; // as added
    std::string message;
  };

  // Returns the pattern's number, which is its bit in `matched`.
  std::size_t add(std::string pattern);
  // How many words of `matched` they need.
  [[nodiscard]] std::size_t words() const noexcept { return (patterns_.size() + 63) / 64; }
  // Takes the database of `other` where its patterns are the same.
  bool share(const pattern_set& other, bool ignore_case);
  [[nodiscard]] bool shares_with(const pattern_set& other) const noexcept {
    return database_ && database_ == other.database_;
  }
  // Compiles all; on a failure says every pattern that does not compile by itself, or that together
  // they are too large.
  [[nodiscard]] std::vector<failure> compile(bool ignore_case);
  // Makes `memory` large enough for this set. False: no memory.
  [[nodiscard]] bool enlarge(scratch& memory) const;

  // Sets the bits of the patterns that match anywhere in `text`. Allocates nothing.
  void scan(std::string_view text, hs_scratch* memory,
            std::span<std::uint64_t> matched) const noexcept;

 private:
  std::vector<std::string> patterns_;
  bool ignore_case_ = false;                    // of the database
  std::shared_ptr<const hs_database> database_; // nullptr: not compiled
};

// A second one of the same size, for another thread; empty where there is no memory.
[[nodiscard]] scratch clone(const scratch& memory);

} // namespace linehunt::rules
