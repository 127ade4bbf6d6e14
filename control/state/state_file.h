// SPDX-License-Identifier: Apache-2.0
// Reading a file that a run before this one has left: perhaps as root, in a folder of the service's
// user, so it has to be what it should be.
#pragma once

#include <cstdio>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <sys/types.h>
#include <tl/expected.hpp>
#include <unistd.h>

namespace linehunt {

struct close_file {
  void operator()(std::FILE* file) const noexcept { (void)std::fclose(file); }
};
using open_file = std::unique_ptr<std::FILE, close_file>;

// A regular file, by no link, that only its owner may write, who is root, `user` (of [service], who
// we are or become), or the owner of its folder. Null: there is none. The error says why it is not
// read.
[[nodiscard]] tl::expected<open_file, std::string> open_state_file(const std::string& path,
                                                                   ::uid_t user = ::geteuid());

// Why a file that says `found` is not read where `newest` is the last version that is known.
[[nodiscard]] std::string unknown_version(const std::string& path, const nlohmann::json& found,
                                          int newest);

} // namespace linehunt
