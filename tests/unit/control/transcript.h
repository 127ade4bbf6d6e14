// SPDX-License-Identifier: Apache-2.0
// A transcript: requests and the answers that they must get. One line each: '>' a request, '<' its
// whole answer, '<~' what the answer must contain, '< (none)' for no answer; "*" stands for any
// value. 'view:' says how the daemon behaves, 'only:' over which ways in.
#pragma once

#include <algorithm>
#include <fstream>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace linehunt::test {

using nlohmann::json;

// Whether `actual` is what `expected` says; with `part`, objects and lists may hold more.
inline bool same(const json& expected, const json& actual, bool part) {
  if (expected == "*") return true;
  if (expected.is_object() && actual.is_object()) {
    if (!part && expected.size() != actual.size()) return false;
    for (const auto& [name, value] : expected.items()) {
      const auto found = actual.find(name);
      if (found == actual.end() || !same(value, *found, part)) return false;
    }
    return true;
  }
  if (expected.is_array() && actual.is_array()) {
    if (!part) {
      if (expected.size() != actual.size()) return false;
      for (std::size_t i = 0; i < expected.size(); ++i)
        if (!same(expected[i], actual[i], false)) return false;
      return true;
    }
    for (const json& one : expected)
      if (std::ranges::none_of(actual, [&](const json& a) { return same(one, a, true); }))
        return false;
    return true;
  }
  return expected == actual;
}

struct exchange {
  int line = 0;
  std::string request;
  bool answered = true, part = false;
  json answer;
};

struct transcript {
  std::vector<std::string> view; // "busy", "reload fails"
  std::string only;              // names of ways; empty: all
  std::vector<exchange> exchanges;
};

inline transcript read_transcript(const std::string& file) {
  transcript all;
  std::ifstream in(file);
  EXPECT_TRUE(in) << file;
  std::string text;
  for (int line = 1; std::getline(in, text); ++line) {
    if (text.starts_with("view: ")) {
      all.view.push_back(text.substr(6));
    } else if (text.starts_with("only: ")) {
      all.only = text.substr(6);
    } else if (text.starts_with("> ")) {
      all.exchanges.push_back({line, text.substr(2), false, false, {}});
    } else if (text.starts_with("<") && !all.exchanges.empty()) {
      exchange& last = all.exchanges.back();
      EXPECT_TRUE(last.answer.is_null()) << file << ':' << line << ": a second answer";
      last.answered = text != "< (none)";
      last.part = text.starts_with("<~ ");
      if (last.answered) last.answer = json::parse(text.substr(last.part ? 3 : 2));
    } else {
      EXPECT_TRUE(text.empty() || text.starts_with("#")) << file << ':' << line;
    }
  }
  return all;
}

} // namespace linehunt::test
