// SPDX-License-Identifier: Apache-2.0
// What the run before has left in state_dir, once this one has taken up what it can: no later run
// may take it for this one's.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace linehunt {

struct leftovers {
  std::string calls_file, copy_file, tries_file;
  bool calls_refused = false;            // another version or linehunt may read them, say
  bool calls_become_copy = false;        // for a crash that comes before the first copy
  std::vector<std::string> refused = {}; // others, which could not be renamed at first
  // What another linehunt has written, where one has had the folder meanwhile.
  std::vector<std::string> of_another = {};

  // What cannot be done is logged.
  void put_away() const;
};

// Calls of before, and their copy.
void put_calls_aside(const std::string& calls_file, const std::string& copy_file,
                     std::string_view what_for);

} // namespace linehunt
