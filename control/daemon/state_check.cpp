// SPDX-License-Identifier: Apache-2.0
// See state_check.h.
#include "control/daemon/state_check.h"

#include "control/daemon/privileges.h"
#include "control/state/state_folder.h"

#include <cerrno>
#include <filesystem>
#include <functional>
#include <grp.h>
#include <optional>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace linehunt {
namespace {

// 0, or why not, of `errno`.
using question = std::function<int()>;

std::vector<::gid_t> groups_of(const account& whom) {
  int count = 0; // too few, so that it says how many there are
  (void)::getgrouplist(whom.name.c_str(), whom.group, nullptr, &count);
  std::vector<::gid_t> groups(static_cast<std::size_t>(count));
  (void)::getgrouplist(whom.name.c_str(), whom.group, groups.data(), &count);
  return groups;
}

// A child becomes that user, since nobody can go back to being root; its exit status is the answer.
// 0 also where it cannot be had.
int answer_to(const account& whom, const question& ask) {
  const auto groups = groups_of(whom);
  const ::pid_t child = ::fork();
  if (child == 0) {
    const bool is_user = ::setgroups(groups.size(), groups.data()) == 0 &&
                         ::setgid(whom.group) == 0 && ::setuid(whom.user) == 0;
    ::_exit(is_user ? ask() : 0);
  }
  int status = 0;
  while (child > 0 && ::waitpid(child, &status, 0) < 0)
    if (errno != EINTR) return 0;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 0;
}

int refused(const std::string& folder, int how) {
  const std::string inside = folder + "/."; // a file in its place is no folder
  return ::access(inside.c_str(), how) == 0 ? 0 : errno;
}

// The folder, or that in which a start makes it.
std::filesystem::path nearest_there(std::filesystem::path folder) {
  std::error_code unseen;
  while (!std::filesystem::exists(std::filesystem::symlink_status(folder, unseen)) &&
         folder != folder.root_path())
    folder = folder.parent_path();
  return folder;
}

} // namespace

std::string state_fault(const config::service_settings& service) {
  const std::string& folder = service.state_dir;
  if (folder.empty()) return {};
  const std::string there = nearest_there(folder);
  const bool is_made = there != folder;
  std::optional<account> user; // that has been said already where there is no such user
  if (const auto found = account_named(service.user); found) user = *found;
  const bool is_root = ::geteuid() == 0;
  int failure = refused(there, F_OK);
  if (!is_root && (!user || user->user != ::geteuid())) {
    // Somebody else will run it. A file in the place of a folder is in everybody's way.
    if (failure != ENOTDIR) failure = 0;
  } else {
    // Root makes it, and gives it away; what root may do, nobody else can tell.
    if (failure == 0 && is_made && is_root) failure = refused(there, W_OK | X_OK);
    const question ask = [&] { return is_made ? refused(there, X_OK) : unwritable(folder); };
    if (failure == 0) failure = is_root && user ? answer_to(*user, ask) : ask();
  }
  return failure == 0 ? std::string{} : unwritable_folder(folder, failure);
}

} // namespace linehunt
