// SPDX-License-Identifier: Apache-2.0
// See pattern_set.h.
#include "dataplane/rules/pattern_set.h"

#include <hs/hs.h>
#include <numeric>

namespace linehunt::rules {

namespace {

// ALLOWEMPTY: "^$" and "[0-9]*" must match an empty field. SINGLEMATCH: that a pattern matches is
// all we ask. No PREFILTER: it would let patterns through that Hyperscan can only approximate.
constexpr unsigned base_flags = HS_FLAG_SINGLEMATCH | HS_FLAG_ALLOWEMPTY;

std::string text_of(hs_compile_error_t* error) {
  std::string text = error ? error->message : "out of memory";
  hs_free_compile_error(error);
  return text;
}

// What is wrong with this pattern alone; empty where nothing is.
std::string what_is_wrong(const std::string& pattern, unsigned flags) {
  if (pattern.empty()) return "the pattern is empty; an empty field is ^$";
  // Hyperscan takes a terminated string and would compile only what stands before.
  if (pattern.find('\0') != std::string::npos) return "the pattern holds a NUL byte";
  hs_database_t* database = nullptr;
  hs_compile_error_t* error = nullptr;
  if (hs_compile(pattern.c_str(), flags, HS_MODE_BLOCK, nullptr, &database, &error) != HS_SUCCESS)
    return text_of(error);
  hs_free_database(database);
  return {};
}

int on_match(unsigned bit, unsigned long long, unsigned long long, unsigned, void* context) {
  static_cast<std::uint64_t*>(context)[bit / 64] |= std::uint64_t{1} << (bit % 64);
  return 0;
}

} // namespace

void scratch_deleter::operator()(hs_scratch* memory) const noexcept {
  hs_free_scratch(memory);
}

std::size_t pattern_set::add(std::string pattern) {
  patterns_.push_back(std::move(pattern));
  return patterns_.size() - 1;
}

bool pattern_set::share(const pattern_set& other, bool ignore_case) {
  if (!other.database_ || other.ignore_case_ != ignore_case || other.patterns_ != patterns_)
    return false;
  ignore_case_ = ignore_case;
  database_ = other.database_;
  return true;
}

std::vector<pattern_set::failure> pattern_set::compile(bool ignore_case) {
  const unsigned flags = base_flags | (ignore_case ? HS_FLAG_CASELESS : 0u);
  std::vector<failure> failures;
  if (hs_valid_platform() != HS_SUCCESS) {
    failures.push_back({0, "Hyperscan needs a processor with SSSE3"});
    return failures;
  }
  std::vector<const char*> texts;
  bool terminated = true; // Hyperscan would compile only what stands before a NUL
  for (const std::string& pattern : patterns_) {
    texts.push_back(pattern.c_str());
    terminated = terminated && !pattern.empty() && pattern.find('\0') == std::string::npos;
  }
  hs_database_t* database = nullptr;
  hs_compile_error_t* error = nullptr;
  if (terminated) {
    const std::vector<unsigned> all_flags(patterns_.size(), flags);
    std::vector<unsigned> numbers(patterns_.size());
    std::iota(numbers.begin(), numbers.end(), 0u);
    const auto count = static_cast<unsigned>(patterns_.size());
    if (hs_compile_multi(texts.data(), all_flags.data(), numbers.data(), count, HS_MODE_BLOCK,
                         nullptr, &database, &error) == HS_SUCCESS) {
      ignore_case_ = ignore_case;
      database_.reset(database, [](hs_database* d) { hs_free_database(d); });
      return failures;
    }
  }
  // One by one only now: it takes as long again, and tells which of them are wrong.
  const std::string together = terminated ? text_of(error) : std::string{};
  for (std::size_t i = 0; i < patterns_.size(); ++i)
    if (std::string wrong = what_is_wrong(patterns_[i], flags); !wrong.empty())
      failures.push_back({i, std::move(wrong)});
  if (failures.empty())
    failures.push_back({0, "the patterns of this field do not compile together: " + together});
  return failures;
}

bool pattern_set::enlarge(scratch& memory) const {
  hs_scratch_t* raw = memory.release();
  const hs_error_t result = hs_alloc_scratch(database_.get(), &raw);
  memory.reset(raw);
  return result == HS_SUCCESS;
}

void pattern_set::scan(std::string_view text, hs_scratch* memory,
                       std::span<std::uint64_t> matched) const noexcept {
  const char* data = text.empty() ? "" : text.data(); // never a null pointer
  // It can fail only for arguments that are wrong for every message; compile made sure of them.
  (void)hs_scan(database_.get(), data, static_cast<unsigned>(text.size()), 0, memory, on_match,
                matched.data());
}

scratch clone(const scratch& memory) {
  hs_scratch_t* copy = nullptr;
  if (!memory || hs_clone_scratch(memory.get(), &copy) != HS_SUCCESS) return {};
  return scratch(copy);
}

} // namespace linehunt::rules
