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

// The JSON in such a file, in which `kind` names the version; null where there is no file. The
// error says why it is not read, as where it is none or of a version that is not known.
[[nodiscard]] tl::expected<nlohmann::json, std::string>
read_state_json(const std::string& path, const char* kind, int newest, ::uid_t user);

// Why a file is not read whose content is not what it should be.
[[nodiscard]] std::string damaged(const std::string& path);
// Why a file that says `found` is not read where `newest` is the last version that is known.
[[nodiscard]] std::string unknown_version(const std::string& path, const nlohmann::json& found,
                                          int newest);

} // namespace linehunt
