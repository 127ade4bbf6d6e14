// SPDX-License-Identifier: Apache-2.0
// See capture_file.h.
#include "control/capture/capture_file.h"

#include "control/capture/pcapng.h"
#include "dataplane/printable.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include <utility>

namespace linehunt {
namespace {

constexpr std::size_t longest_name = 200;
constexpr mode_t mode = 0640;

using fault = capture_file::fault;

fault fault_of_folder(const std::string& folder, int failure) {
  return {false, fmt::format("folder {}: {}; make it with `install -d -m 750 -o USER {}` for the "
                             "user whom linehunt runs as, or name another one with capture_dir of "
                             "[admin]",
                             folder, std::strerror(failure), folder)};
}

// So much of the disk a capture leaves to others: linehunt's own state may lie on it.
std::uint64_t reserve_of(const struct statvfs& disk) noexcept {
  constexpr std::uint64_t most = 256'000'000;
  return std::min<std::uint64_t>(most, std::uint64_t{disk.f_blocks} * disk.f_frsize / 20);
}

// What is there may go only where it is a capture, or nothing at all.
bool is_capture(int folder, const std::string& name) {
  const int file = ::openat(folder, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (file < 0) return false;
  struct stat about {};
  std::array<char, pcapng::magic.size()> begin{};
  const bool regular = ::fstat(file, &about) == 0 && S_ISREG(about.st_mode);
  const ssize_t count = regular ? ::read(file, begin.data(), begin.size()) : -1;
  ::close(file);
  return count == 0 || (count == static_cast<ssize_t>(begin.size()) &&
                        std::string_view(begin.data(), begin.size()) == pcapng::magic);
}

fault fault_of_file(const std::string& path, int failure) {
  return {false, fmt::format("{}: {}; make its folder writable for the user whom linehunt runs as, "
                             "or make room",
                             path, std::strerror(failure))};
}

} // namespace

std::string fault_of_name(std::string_view name) {
  if (name.empty() || name.size() > longest_name)
    return fmt::format("a name has 1 to {} bytes", longest_name);
  if (name.find('/') != std::string_view::npos)
    return "a name has no '/'; all captures are in the folder that capture_dir of [admin] names";
  if (name.front() == '.' || name.front() == '-')
    return fmt::format("a name does not begin with '{}'", name.front());
  if (has_control_character(name)) return "a name has no control characters";
  return {};
}

// Through the folder itself, so that no link of somebody else's comes in between.
tl::expected<capture_file, fault> capture_file::create(const std::string& folder,
                                                       const std::string& name, bool overwrite,
                                                       std::uint64_t max_bytes) {
  capture_file made;
  made.name_ = name;
  made.path_ = folder + '/' + name;
  made.folder_ = ::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (made.folder_ < 0) return tl::unexpected(fault_of_folder(folder, errno));
  struct statvfs disk {};
  const bool known = ::fstatvfs(made.folder_, &disk) == 0;
  const std::uint64_t free_bytes = std::uint64_t{disk.f_bavail} * disk.f_frsize;
  if (known && free_bytes < max_bytes + reserve_of(disk))
    return tl::unexpected(fault{
        false, fmt::format("folder {} has {} MB free, of which {} MB stay so, and this capture "
                           "may take {} MB; make room, or ask for less with max_mb",
                           folder, free_bytes / 1'000'000, reserve_of(disk) / 1'000'000,
                           max_bytes / 1'000'000)});
  constexpr int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  made.file_ = ::openat(made.folder_, name.c_str(), flags, mode);
  if (made.file_ < 0 && errno == EEXIST) {
    if (!overwrite)
      return tl::unexpected(fault{
          true, fmt::format("{} is there already; take another name, or --overwrite", made.path_)});
    if (!is_capture(made.folder_, name))
      return tl::unexpected(
          fault{true, fmt::format("{} is no capture, so it stays; take another name", made.path_)});
    made.aside_ = '.' + name + ".new";                      // which no capture is called
    (void)::unlinkat(made.folder_, made.aside_.c_str(), 0); // of a run that has broken off
    made.file_ = ::openat(made.folder_, made.aside_.c_str(), flags, mode);
  }
  if (made.file_ < 0) return tl::unexpected(fault_of_file(made.path_, errno));
  return made;
}

capture_file::capture_file(capture_file&& other) noexcept
    : folder_(std::exchange(other.folder_, -1)), file_(std::exchange(other.file_, -1)),
      name_(std::move(other.name_)), path_(std::move(other.path_)), aside_(std::move(other.aside_)),
      exchanged_(other.exchanged_), kept_(other.kept_), bytes_(other.bytes_) {}

capture_file::~capture_file() {
  if (file_ >= 0 && !kept_) take_back();
  if (file_ >= 0) ::close(file_);
  if (folder_ >= 0) ::close(folder_);
}

tl::expected<void, std::string> capture_file::put_in_place() {
  if (aside_.empty()) return {}; // it was made there
  const char* const aside = aside_.c_str();
  exchanged_ = ::renameat2(folder_, aside, folder_, name_.c_str(), RENAME_EXCHANGE) == 0;
  if (exchanged_) return {};
  // Not every file system can, and the older one may be gone.
  if (::renameat(folder_, aside, folder_, name_.c_str()) != 0)
    return tl::unexpected(fault_of_file(path_, errno).message);
  aside_.clear();
  return {};
}

void capture_file::keep() noexcept {
  kept_ = true;
  if (exchanged_) (void)::unlinkat(folder_, aside_.c_str(), 0);
}

void capture_file::take_back() noexcept {
  if (exchanged_)
    (void)::renameat(folder_, aside_.c_str(), folder_, name_.c_str()); // over this one
  else
    (void)::unlinkat(folder_, (aside_.empty() ? name_ : aside_).c_str(), 0);
}

void capture_file::cut_to(std::uint64_t bytes) noexcept {
  (void)(::ftruncate(file_, static_cast<off_t>(bytes)) == 0 && ::lseek(file_, 0, SEEK_END) >= 0);
  bytes_ = bytes;
}

tl::expected<void, std::string> capture_file::write(std::string_view blocks) {
  struct statvfs disk {};
  if (::fstatvfs(file_, &disk) == 0 &&
      std::uint64_t{disk.f_bavail} * disk.f_frsize < blocks.size() + reserve_of(disk))
    return tl::unexpected(fmt::format(
        "{}: No space left but what stays free for others; the file ends there, make room", path_));
  for (std::string_view left = blocks; !left.empty();) {
    const ssize_t count = ::write(file_, left.data(), left.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) {
      const int failure = count < 0 ? errno : ENOSPC;
      cut_to(bytes_); // half a block would end what reads it
      return tl::unexpected(
          fmt::format("{}: {}; the file ends there, make room", path_, std::strerror(failure)));
    }
    left.remove_prefix(static_cast<std::size_t>(count));
  }
  bytes_ += blocks.size();
  return {};
}

} // namespace linehunt
