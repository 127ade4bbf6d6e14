// SPDX-License-Identifier: Apache-2.0
// Files of a configuration that are none, or cannot be read.
#include "control/config/load_file.h"

#include <array>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

namespace linehunt::config::config_file_test {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

std::optional<dpdk::error> small_machine(const dpdk::port_setup&) {
  return std::nullopt;
}

TEST(config_file, that_is_not_there) {
  diagnostics out("/nonexistent/linehunt.toml");
  EXPECT_FALSE(load_file(small_machine, out));
  ASSERT_EQ(out.lines().size(), 1u);
  EXPECT_THAT(out.lines()[0],
              StartsWith("/nonexistent/linehunt.toml: cannot be read: No such file"));
}

TEST(config_file, a_directory_is_no_file) {
  diagnostics out("/tmp");
  EXPECT_FALSE(load_file(small_machine, out));
  ASSERT_EQ(out.lines().size(), 1u);
  EXPECT_THAT(out.lines()[0], StartsWith("/tmp: cannot be read: Is a directory"));
}

// As of "check -c <(...)".
TEST(config_file, a_pipe_is_read_to_its_end) {
  std::array<int, 2> pipe_ends{};
  ASSERT_EQ(::pipe(pipe_ends.data()), 0);
  const std::string text = "# " + std::string(40'000, 'x') + "\nwrong";
  std::thread writer([&] {
    EXPECT_EQ(::write(pipe_ends[1], text.data(), text.size()), static_cast<ssize_t>(text.size()));
    ::close(pipe_ends[1]);
  });
  diagnostics out("/dev/fd/" + std::to_string(pipe_ends[0]));
  EXPECT_FALSE(load_file(small_machine, out));
  writer.join();
  ::close(pipe_ends[0]);
  ASSERT_EQ(out.lines().size(), 1u);
  EXPECT_THAT(out.lines()[0], HasSubstr("not TOML")) << "the last line was read, too";
}

// It would be waited for, and whatever is read after it.
TEST(config_file, a_pipe_that_nobody_writes_into_is_told) {
  const std::string name = "/tmp/linehunt-config-test-" + std::to_string(::getpid());
  ASSERT_EQ(::mkfifo(name.c_str(), 0600), 0);
  diagnostics out(name);
  EXPECT_FALSE(load_file(small_machine, out));
  ::unlink(name.c_str());
  ASSERT_EQ(out.lines().size(), 1u);
  EXPECT_THAT(out.lines()[0], HasSubstr("nobody writes"));
}

// It may quote a row of a database, and goes to the log.
TEST(config_file, what_a_message_quotes_stays_in_its_line) {
  diagnostics out("t.toml");
  out.error({}, "'a\nb\xc2\x9b"
                "31m\x1b'");
  out.warning({}, "\x7f");
  out.note({}, "\r");
  EXPECT_EQ(out.lines(),
            (std::vector<std::string>{"t.toml: 'a\\x0ab\\u009b31m\\x1b'",
                                      "t.toml: warning: \\u007f", "t.toml: note: \\x0d"}));
}

} // namespace
} // namespace linehunt::config::config_file_test
