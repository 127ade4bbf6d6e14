// SPDX-License-Identifier: Apache-2.0
// See runtime_folder.h. The mark is a file that every process of ours in that folder has locked
// (flock), so the kernel takes the lock away from one that crashes.
#include "dataplane/dpdk/runtime_folder.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <string_view>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>
#include <utility>

namespace linehunt::dpdk {

namespace {

namespace fs = std::filesystem;

// Closed when it goes.
class descriptor {
 public:
  explicit descriptor(int number) noexcept : number_(number) {}
  ~descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  [[nodiscard]] int get() const noexcept { return number_; }
  [[nodiscard]] int release() noexcept { return std::exchange(number_, -1); }

 private:
  int number_;
};

// DPDK's lib/eal/common/eal_filesystem.h and lib/telemetry; most names go on with a number.
bool is_of_dpdk(std::string_view name) noexcept {
  constexpr std::array<std::string_view, 5> beginnings{"config", "fbarray_", "hugepage_",
                                                       "mp_socket", "dpdk_telemetry."};
  return std::any_of(beginnings.begin(), beginnings.end(),
                     [&](std::string_view begin) { return name.starts_with(begin); });
}

// Whether another process has bound that socket. Its kind is not known, so both are tried.
bool is_answered(const fs::path& socket) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket.native().size() >= sizeof address.sun_path) return true; // cannot be told
  std::memcpy(address.sun_path, socket.c_str(), socket.native().size());
  for (const int kind : {SOCK_SEQPACKET, SOCK_DGRAM, SOCK_STREAM}) {
    const descriptor client(::socket(AF_UNIX, kind | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (client.get() < 0) return true;
    const auto* const to = reinterpret_cast<const sockaddr*>(&address);
    if (::connect(client.get(), to, sizeof address) == 0) {
      // DPDK's thread for telemetry outlives its clean-up, so this may be our own.
      ucred peer{};
      socklen_t len = sizeof peer;
      const bool known =
          ::getsockopt(client.get(), SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 && peer.pid != 0;
      return !known || peer.pid != ::getpid();
    }
    if (errno != EPROTOTYPE) return errno != ECONNREFUSED && errno != ENOENT;
  }
  return true;
}

enum class whose : bool { own, other };

// Whether another process has locked that file. DPDK takes locks of both kinds, and keeps some
// after its clean-up; of flock's nobody can tell whether it is our own.
bool is_locked(const fs::path& file, whose folder) {
  const descriptor opened(::open(file.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
  if (opened.get() < 0) return errno != ENOENT;
  struct flock lock = {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  if (::fcntl(opened.get(), F_GETLK, &lock) != 0 || lock.l_type != F_UNLCK) return true;
  return folder == whose::other && ::flock(opened.get(), LOCK_EX | LOCK_NB) != 0;
}

bool is_in_use(const fs::path& folder, whose it_is) {
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    if (!is_of_dpdk(entry.path().filename().native())) continue;
    const fs::file_type type = entry.symlink_status().type();
    if (type == fs::file_type::socket && is_answered(entry.path())) return true;
    if (type == fs::file_type::regular && is_locked(entry.path(), it_is)) return true;
  }
  return false;
}

// The mark of that folder, locked shared, or -1. One that its remover has just unlinked is no mark,
// and a remover does not take long.
int locked_mark(const fs::path& folder, int flags) {
  const fs::path file = folder / runtime_folder::mark_name;
  for (int most = 50; most > 0; --most) {
    descriptor mark(::open(file.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | flags, 0600));
    if (mark.get() < 0) return -1;
    if (::flock(mark.get(), LOCK_SH | LOCK_NB) != 0) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      continue;
    }
    struct stat ours = {};
    struct stat there = {};
    if (::fstat(mark.get(), &ours) == 0 && ::stat(file.c_str(), &there) == 0 &&
        ours.st_ino == there.st_ino && ours.st_dev == there.st_dev)
      return mark.release();
  }
  return -1;
}

void remove_unless_used(const fs::path& folder, int mark, whose it_is) {
  if (::flock(mark, LOCK_EX | LOCK_NB) != 0 || is_in_use(folder, it_is)) return;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder))
    if (is_of_dpdk(entry.path().filename().native()) && !entry.is_directory())
      fs::remove(entry.path());
  fs::remove(folder / runtime_folder::mark_name);
  std::error_code not_empty;
  fs::remove(folder, not_empty);
}

void remove_abandoned(const fs::path& own) {
  for (const fs::directory_entry& entry : fs::directory_iterator(own.parent_path())) {
    struct stat about = {};
    if (entry.path() == own || ::lstat(entry.path().c_str(), &about) != 0 ||
        !S_ISDIR(about.st_mode) || about.st_uid != ::geteuid())
      continue;
    const descriptor mark(locked_mark(entry.path(), 0));
    if (mark.get() >= 0) remove_unless_used(entry.path(), mark.get(), whose::other);
  }
}

// What goes wrong here is only untidy.
template <class Work>
void try_to(const Work& work) noexcept {
  try {
    work();
  } catch (const fs::filesystem_error&) {
    return;
  } catch (const std::bad_alloc&) {
    return;
  }
}

} // namespace

std::string forbidden_place(const std::string& prefix) {
  const char* of_user = ::getenv("XDG_RUNTIME_DIR");
  const char* place = ::getenv("RUNTIME_DIRECTORY");
  if (place == nullptr)
    place = ::getuid() == 0 ? "/var/run" : of_user != nullptr ? of_user : "/tmp";
  const fs::path outermost = place, middle = outermost / "dpdk";
  for (const fs::path& folder : {middle / prefix, middle, outermost}) {
    if (::access(folder.c_str(), W_OK | X_OK) == 0) return {};
    if (errno != ENOENT) return folder;
  }
  return outermost;
}

runtime_folder_hold::runtime_folder_hold(const std::string& prefix) noexcept {
  try_to([&] {
    const std::array<const char*, 4> places{::getenv("RUNTIME_DIRECTORY"), "/var/run",
                                            ::getenv("XDG_RUNTIME_DIR"), "/tmp"};
    for (std::size_t i = 0; i < places.size(); ++i)
      if (places[i] != nullptr) marks_[i] = locked_mark(fs::path(places[i]) / "dpdk" / prefix, 0);
  });
}

runtime_folder_hold::~runtime_folder_hold() {
  for (const int mark : marks_)
    if (mark >= 0) ::close(mark);
}

runtime_folder::runtime_folder(std::string path) noexcept : path_(std::move(path)) {
  try_to([&] {
    mark_ = locked_mark(path_, O_CREAT);
    remove_abandoned(path_);
  });
}

runtime_folder::~runtime_folder() {
  if (mark_ < 0) return;
  try_to([&] { remove_unless_used(path_, mark_, whose::own); });
  ::close(mark_);
}

} // namespace linehunt::dpdk
