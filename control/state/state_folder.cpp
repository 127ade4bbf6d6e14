// SPDX-License-Identifier: Apache-2.0
// See state_folder.h.
#include "control/state/state_folder.h"

#include "control/disk_failure.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <fstream>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

namespace linehunt {
namespace {

constexpr mode_t folder_mode = 0750, lock_mode = 0600;

// Whoever can open the file can lock it, and keep us from starting. Anything but a file of its own
// is left alone: the folder may be another user's.
tl::expected<open_file, std::string> open_lock(const std::string& path, ::uid_t user) {
  constexpr int how = O_RDONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
  const int file = ::open(path.c_str(), how, lock_mode);
  if (file < 0) return tl::unexpected(std::string{std::strerror(errno)});
  open_file lock(::fdopen(file, "r"));
  struct ::stat it {};
  if (!lock || ::fstat(file, &it) != 0) return tl::unexpected(std::string{std::strerror(errno)});
  if (!S_ISREG(it.st_mode) || it.st_nlink != 1) return tl::unexpected(std::string{"no plain file"});
  // One of a version before has another mode. Where it is not ours, its owner has seen to that.
  (void)::fchmod(file, lock_mode);
  // Root makes it at the first start; the next may be the user's.
  if (::geteuid() == 0 && it.st_uid == 0 && user != 0) (void)::fchown(file, user, ~::gid_t{0});
  return lock;
}

// ", process 4711"; empty where that cannot be known. "1: FLOCK  ADVISORY  WRITE 4711 fe:01:123 0
// EOF" is a line of /proc/locks, with the device in hexadecimal digits; 0 is a process of which we
// see nothing, in another container say.
std::string holder_of(int file) {
  struct ::stat it {};
  if (::fstat(file, &it) != 0) return {};
  const std::string wanted =
      fmt::format("{:02x}:{:02x}:{}", ::major(it.st_dev), ::minor(it.st_dev), it.st_ino);
  std::ifstream locks("/proc/locks");
  std::string number, kind, strictness, access, process, what, bytes;
  while (locks >> number >> kind) {
    if (kind == "->") locks >> kind; // who waits for it
    locks >> strictness >> access >> process >> what;
    std::getline(locks, bytes);
    if (kind == "FLOCK" && what == wanted && process != "0") return ", process " + process;
  }
  return {};
}

} // namespace

made_folders make_folders(const std::filesystem::path& wanted) {
  made_folders result;
  for (std::filesystem::path at; const std::filesystem::path& part : wanted) {
    at /= part;
    if (::mkdir(at.c_str(), folder_mode) == 0)
      result.made.push_back(at);
    else if (errno != EEXIST && result.failure == 0)
      result.failure = errno;
  }
  return result;
}

// Read it must be as well, to be flushed to the disk.
int unwritable(const std::string& folder) {
  const std::string inside = folder + "/."; // a file in its place is no folder
  return ::access(inside.c_str(), R_OK | W_OK | X_OK) == 0 ? 0 : errno;
}

std::string unwritable_folder(const std::string& folder, int failure) {
  return fmt::format(
      "[service] state_dir {} cannot be written: {}; {}", folder, std::strerror(failure),
      is_disk_failure(failure)
          ? "linehunt serves, but a restart or crash forgets calls and changes until "
            "it can. Mend the disk, or name the folder in ReadWritePaths= of the unit"
          : "give it to the user of [service], or name another");
}

tl::expected<open_file, std::string> lock_folder(const std::string& folder, ::uid_t user) {
  auto lock = open_lock(folder + "/lock", user);
  if (!lock)
    return tl::unexpected(fmt::format(
        "[service] state_dir: {}/lock cannot be opened: {}; make room, remove what is there while "
        "no linehunt runs, and give each linehunt a folder of its own, which its user may write",
        folder, lock.error()));
  const int file = ::fileno(lock->get());
  if (::flock(file, LOCK_EX | LOCK_NB) == 0) return lock;
  if (errno == EWOULDBLOCK)
    return tl::unexpected(
        fmt::format("[service] state_dir {} is in use by another linehunt{}; give "
                    "each its own, or end whatever else has locked {}/lock",
                    folder, holder_of(file), folder));
  return tl::unexpected(fmt::format("[service] state_dir: {}/lock cannot be locked: {}; name a "
                                    "folder on a local disk",
                                    folder, std::strerror(errno)));
}

} // namespace linehunt
