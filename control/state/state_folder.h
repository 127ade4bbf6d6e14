// SPDX-License-Identifier: Apache-2.0
// The folder [service] state_dir: made for its user alone, and locked, so that one linehunt has it.
#pragma once

#include "control/state/state_file.h"

#include <filesystem>
#include <string>
#include <sys/types.h>
#include <tl/expected.hpp>
#include <vector>

namespace linehunt {

// Those that were made, outermost first; and why the first that could not be made was not, of
// `errno`, or 0.
struct made_folders {
  std::vector<std::filesystem::path> made;
  int failure = 0;
};
// Makes what is not there, for owner and group.
made_folders make_folders(const std::filesystem::path& wanted);

// Why nothing can be written there and brought to the disk, of `errno`; 0: it can.
[[nodiscard]] int unwritable(const std::string& folder);

// What an operator is told of that: a start serves without the folder where its disk has failed,
// and else ends.
[[nodiscard]] std::string unwritable_folder(const std::string& folder, int failure);

// The folder is ours alone as long as the file is open. `user`: who we are or become. The error
// says who has it, where that is known, and what to do.
[[nodiscard]] tl::expected<open_file, std::string> lock_folder(const std::string& folder,
                                                               ::uid_t user);

} // namespace linehunt
