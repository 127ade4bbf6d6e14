// SPDX-License-Identifier: Apache-2.0
// What `linehunt check` says of [service] state_dir.
#include "control/daemon/state_check.h"

#include "state_bed.h"

#include <filesystem>
#include <gmock/gmock.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

namespace linehunt::test::state_check_test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Nobody's, in a folder that everybody may enter.
struct state_checking : state_bed {
  state_checking() {
    ::chmod(folder.c_str(), 0755);
    service.user = "nobody";
    service.state_dir = file("state");
    if (const passwd* entry = ::getpwnam("nobody")) nobody = *entry;
  }
  void make(::mode_t mode) const {
    ASSERT_EQ(::mkdir(service.state_dir.c_str(), mode), 0);
    ASSERT_EQ(::chmod(service.state_dir.c_str(), mode), 0);
  }
  [[nodiscard]] auto is_told(const char* why) const {
    return AllOf(HasSubstr("state_dir " + service.state_dir + " cannot be written: " + why),
                 HasSubstr("give it to the user of [service]"));
  }
  config::service_settings service;
  passwd nobody{};
};

struct state_checking_as_root : state_checking {
  void SetUp() override {
    if (::geteuid() != 0 || nobody.pw_uid == 0) GTEST_SKIP() << "needs root, and a user nobody";
  }
};

TEST_F(state_checking_as_root, a_folder_that_a_start_makes_is_right_and_not_made) {
  service.state_dir += "/of/linehunt";
  EXPECT_THAT(state_fault(service), IsEmpty());
  EXPECT_TRUE(std::filesystem::is_empty(folder));
}

TEST_F(state_checking_as_root, one_of_another_user_is_told) {
  make(0755);
  EXPECT_THAT(state_fault(service), is_told("Permission denied"));
  ASSERT_EQ(::chown(service.state_dir.c_str(), nobody.pw_uid, nobody.pw_gid), 0);
  EXPECT_THAT(state_fault(service), IsEmpty());
  EXPECT_TRUE(std::filesystem::is_empty(service.state_dir));
  ASSERT_EQ(::chown(service.state_dir.c_str(), 0, 0), 0);
  service.user.clear();
  EXPECT_THAT(state_fault(service), IsEmpty()) << "root's own";
}

TEST_F(state_checking_as_root, one_that_its_user_cannot_come_to_is_told) {
  ASSERT_EQ(::chmod(folder.c_str(), 0700), 0);
  EXPECT_THAT(state_fault(service), is_told("Permission denied")) << "a start would make it";
  make(0777);
  EXPECT_THAT(state_fault(service), is_told("Permission denied"));
}

// As to a disk that is not there: a start cannot make a folder in its place.
TEST_F(state_checking_as_root, a_link_to_nowhere_is_told) {
  std::filesystem::create_symlink(folder + "/nowhere", service.state_dir);
  EXPECT_THAT(state_fault(service), is_told("No such file or directory"));
}

TEST_F(state_checking, a_file_in_the_way_is_told_to_everybody) {
  write(service.state_dir, "");
  EXPECT_THAT(state_fault(service), is_told("Not a directory"));
  service.state_dir += "/within";
  EXPECT_THAT(state_fault(service), is_told("Not a directory"));
}

TEST_F(state_checking, nothing_is_told_of_what_only_root_knows) {
  make(0700);
  // What may be done is asked for the real user, too. Whoever is not root has made it himself.
  const bool is_root = ::geteuid() == 0;
  if (is_root) {
    ASSERT_EQ(::setresuid(65533, 65533, 0), 0);
  }
  const std::string fault = state_fault(service);
  service.user.clear();
  const std::string fault_of_none = state_fault(service);
  if (is_root) {
    ASSERT_EQ(::setresuid(0, 0, 0), 0);
  }
  EXPECT_THAT(fault, IsEmpty());
  EXPECT_THAT(fault_of_none, IsEmpty());
}

TEST_F(state_checking, nothing_is_told_where_none_is_named) {
  service.state_dir.clear();
  EXPECT_THAT(state_fault(service), IsEmpty());
}

} // namespace
} // namespace linehunt::test::state_check_test
