// SPDX-License-Identifier: Apache-2.0
// See file_replacement.h.
#include "control/state/file_replacement.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <unistd.h>
#include <utility>

namespace linehunt {

constexpr std::size_t flush_bytes = 1 << 20;

namespace {

std::string folder_of(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path();
  return folder.empty() ? "." : folder;
}

// Brings names in a folder to the disk. Some file systems know no such thing (EINVAL).
bool flush_folder(const std::string& folder) {
  const int opened = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (opened < 0) return false;
  const bool done = ::fsync(opened) == 0 || errno == EINVAL;
  const int failure = errno;
  ::close(opened);
  errno = failure;
  return done;
}

} // namespace

file_replacement::file_replacement(std::string path)
    : path_(std::move(path)), fresh_(path_ + ".new") {
  std::error_code failure;
  std::filesystem::create_directories(folder_of(path_), failure);
  // Ours for certain, and no link to elsewhere: the folder may be another user's.
  ::unlink(fresh_.c_str());
  file_ = ::open(fresh_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (file_ < 0) note_failure();
}

file_replacement::~file_replacement() {
  if (file_ < 0) return;
  ::close(file_);
  ::unlink(fresh_.c_str());
}

void file_replacement::note_failure() {
  if (failure_.empty()) failure_ = std::strerror(errno);
}

void file_replacement::write(std::string_view bytes) {
  waiting_ += bytes;
  if (waiting_.size() >= flush_bytes) flush();
}

void file_replacement::flush() {
  std::string_view left = waiting_;
  while (failure_.empty() && !left.empty()) {
    const ssize_t count = ::write(file_, left.data(), left.size());
    if (count > 0)
      left.remove_prefix(static_cast<std::size_t>(count));
    else if (count == 0 || errno != EINTR)
      note_failure();
  }
  waiting_.clear();
}

void file_replacement::hand_over() {
  flush();
  handed_over_ = true;
}

std::string file_replacement::put_in_place() {
  flush();
  if (failure_.empty() && !handed_over_ && ::fsync(file_) != 0) note_failure();
  if (failure_.empty() && ::rename(fresh_.c_str(), path_.c_str()) != 0) note_failure();
  if (!failure_.empty()) return failure_;
  ::close(std::exchange(file_, -1));
  // Without it a power cut brings the file of before back.
  if (!handed_over_ && !flush_folder(folder_of(path_))) note_failure();
  return failure_;
}

std::string replace_file(const std::string& path, std::string_view bytes) {
  file_replacement file(path);
  file.write(bytes);
  return file.put_in_place();
}

} // namespace linehunt
