// SPDX-License-Identifier: Apache-2.0
// Names out of a text, to be compared with those of the code.
#pragma once

#include <regex>
#include <set>
#include <string>

namespace linehunt::test {

using names = std::set<std::string>;

// The first group of each match.
inline names found(const std::string& text, const char* pattern) {
  const std::regex wanted(pattern, std::regex::multiline);
  names all;
  for (std::sregex_iterator each(text.begin(), text.end(), wanted), end; each != end; ++each)
    all.insert((*each)[1]);
  return all;
}

} // namespace linehunt::test
