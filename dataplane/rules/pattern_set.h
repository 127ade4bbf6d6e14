// SPDX-License-Identifier: Apache-2.0
// The patterns that look at one field, as one Hyperscan database. The only file besides its .cpp
// that knows Hyperscan. Does not know what the field is.
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

  // `bit` is set where the pattern matches. Returns the pattern's number for failure::pattern.
  std::size_t add(std::string pattern, std::uint32_t bit);
  // Compiles all; on a failure says every pattern that does not compile by itself, or that together
  // they are too large.
  [[nodiscard]] std::vector<failure> compile(bool ignore_case);
  // Makes `memory` large enough for this set. False: no memory.
  [[nodiscard]] bool enlarge(scratch& memory) const;

  // Sets the bits of the patterns that match anywhere in `text`. Allocates nothing.
  void scan(std::string_view text, hs_scratch* memory,
            std::span<std::uint64_t> matched) const noexcept;

 private:
  struct database_deleter {
    void operator()(hs_database* database) const noexcept;
  };
  std::vector<std::string> patterns_;
  std::vector<unsigned> bits_; // by pattern
  std::unique_ptr<hs_database, database_deleter> database_;
};

// A second one of the same size, for another thread; empty where there is no memory.
[[nodiscard]] scratch clone(const scratch& memory);

} // namespace linehunt::rules
