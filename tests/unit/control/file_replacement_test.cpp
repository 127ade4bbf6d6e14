// SPDX-License-Identifier: Apache-2.0
// What has been brought to the disk once a file is in place. The test stands before the system's
// fsync and notes what it is called for.
#include "control/state/file_replacement.h"

#include "state_bed.h"

#include <array>
#include <cerrno>
#include <filesystem>
#include <gmock/gmock.h>
#include <string>
#include <sys/syscall.h>
#include <unistd.h>
#include <vector>

namespace {

std::vector<std::string> flushed;
int failure_of_folders = 0; // an errno

} // namespace

extern "C" int fsync(int file) {
  std::array<char, 4096> path{};
  const std::string link = "/proc/self/fd/" + std::to_string(file);
  const ssize_t length = ::readlink(link.c_str(), path.data(), path.size());
  flushed.emplace_back(path.data(), length < 0 ? 0 : static_cast<std::size_t>(length));
  if (failure_of_folders != 0 && std::filesystem::is_directory(flushed.back())) {
    errno = failure_of_folders;
    return -1;
  }
  return static_cast<int>(::syscall(SYS_fsync, file));
}

namespace linehunt::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class replacement : public state_bed {
 protected:
  replacement() {
    folder = std::filesystem::canonical(folder);
    flushed.clear();
    failure_of_folders = 0;
  }
};

TEST_F(replacement, the_file_and_then_its_name_are_on_the_disk) {
  EXPECT_THAT(replace_file(file("it"), "one"), IsEmpty());
  EXPECT_THAT(flushed, ElementsAre(file("it.new"), folder));
}

TEST_F(replacement, what_is_handed_over_waits_for_no_disk) {
  file_replacement it(file("it"));
  it.write("one");
  it.hand_over();
  EXPECT_THAT(it.put_in_place(), IsEmpty());
  EXPECT_THAT(flushed, IsEmpty());
}

TEST_F(replacement, a_name_that_is_not_on_the_disk_is_told) {
  failure_of_folders = EIO;
  EXPECT_THAT(replace_file(file("it"), "one"), HasSubstr("nput/output error"));
  failure_of_folders = EINVAL; // a file system that cannot
  EXPECT_THAT(replace_file(file("it"), "two"), IsEmpty());
  EXPECT_EQ(read(file("it")), "two");
}

} // namespace
} // namespace linehunt::test
