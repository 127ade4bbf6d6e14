// SPDX-License-Identifier: Apache-2.0
// See state_file.h.
#include "control/state/state_file.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>
#include <unistd.h>

namespace linehunt {

tl::expected<open_file, std::string> open_state_file(const std::string& path, ::uid_t user) {
  // Without waiting for somebody who writes into a FIFO.
  const int file = ::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (file < 0) {
    if (errno == ENOENT) return open_file{};
    return tl::unexpected(fmt::format("{} cannot be read: {}", path, std::strerror(errno)));
  }
  open_file opened(::fdopen(file, "rb"));
  struct ::stat it {
  }, folder{};
  const std::string parent = std::filesystem::path(path).parent_path();
  if (!opened || ::fstat(file, &it) != 0 || ::stat(parent.c_str(), &folder) != 0)
    return tl::unexpected(fmt::format("{} cannot be read: {}", path, std::strerror(errno)));
  const bool ours = it.st_uid == 0 || it.st_uid == user || it.st_uid == folder.st_uid;
  if (!S_ISREG(it.st_mode) || (it.st_mode & (S_IWGRP | S_IWOTH)) != 0 || !ours)
    return tl::unexpected(
        fmt::format("{} is not read: it must be a file that only its owner may write, who must be "
                    "root or the user of [service]; give it to that user, with mode 600",
                    path));
  return opened;
}

tl::expected<nlohmann::json, std::string> read_state_json(const std::string& path, const char* kind,
                                                          int newest, ::uid_t user) {
  const auto file = open_state_file(path, user);
  if (!file) return tl::unexpected(file.error());
  if (!*file) return nlohmann::json();
  auto all = nlohmann::json::parse(file->get(), nullptr, false);
  if (!all.is_object() || !all.contains(kind)) return tl::unexpected(damaged(path));
  if (all[kind] != newest) return tl::unexpected(unknown_version(path, all[kind], newest));
  return all;
}

std::string damaged(const std::string& path) {
  return fmt::format("{} is damaged", path);
}

std::string unknown_version(const std::string& path, const nlohmann::json& found, int newest) {
  if (found.is_number_integer() && found > newest)
    return fmt::format("{} is of version {}, of a later linehunt; this one reads it up to {}", path,
                       found.dump(), newest);
  return fmt::format("{} is of no version of linehunt", path);
}

} // namespace linehunt
