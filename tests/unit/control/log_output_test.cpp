// SPDX-License-Identifier: Apache-2.0
// A log in a file, and the same file again after somebody moved it away.
#include "control/daemon/log_output.h"

#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <memory>
#include <spdlog/spdlog.h>
#include <sstream>
#include <sys/stat.h>
#include <unistd.h>

namespace linehunt::log_output_test {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::string text_of(const fs::path& file) {
  std::stringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

class log_output_test : public ::testing::Test {
 protected:
  log_output_test() {
    std::string name = fs::temp_directory_path() / "linehunt-log-XXXXXX";
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    folder = name;
  }
  ~log_output_test() override {
    spdlog::set_default_logger(usual); // lets go of the file
    spdlog::set_level(usual_level);
    fs::remove_all(folder);
  }
  log_output started(const fs::path& file, const std::string& level = "info") {
    log_output log({file}, level, 0);
    const auto opened = log.open();
    EXPECT_TRUE(opened) << opened.error();
    return log;
  }
  const std::shared_ptr<spdlog::logger> usual = spdlog::default_logger();
  const spdlog::level::level_enum usual_level = spdlog::get_level();
  fs::path folder;
};

TEST_F(log_output_test, lines_and_levels) {
  (void)started(folder / "l.log", "warn");
  spdlog::info("unwanted");
  spdlog::warn("wanted");
  EXPECT_THAT(text_of(folder / "l.log"), HasSubstr("warning wanted"));
  EXPECT_THAT(text_of(folder / "l.log"), Not(HasSubstr("unwanted")));
  spdlog::set_level(spdlog::level::info);
  spdlog::info("now wanted");
  EXPECT_THAT(text_of(folder / "l.log"), HasSubstr("now wanted"));
}

TEST_F(log_output_test, what_strangers_say_does_not_steer_a_terminal) {
  (void)started(folder / "l.log");
  spdlog::warn("first\nsecond {}", "\x1b[2J\xc2\x9b\x9b\r\x7f\xc3\xa4");
  EXPECT_THAT(text_of(folder / "l.log"),
              HasSubstr("first\nsecond \\x1b[2J\\u009b\\x9b\\x0d\\u007f\xc3\xa4\n"));
}

TEST_F(log_output_test, a_file_that_was_moved_is_opened_again_by_its_name) {
  log_output log = started(folder / "l.log");
  spdlog::info("one");
  fs::rename(folder / "l.log", folder / "l.log.1");
  spdlog::info("two");
  log.reopen();
  spdlog::info("three");
  EXPECT_THAT(text_of(folder / "l.log.1"), HasSubstr("two"));
  EXPECT_THAT(text_of(folder / "l.log"), HasSubstr("three"));
  EXPECT_THAT(text_of(folder / "l.log"), Not(HasSubstr("two")));
}

TEST_F(log_output_test, where_it_cannot_be_opened_again_the_old_one_goes_on) {
  log_output log = started(folder / "l.log");
  fs::rename(folder / "l.log", folder / "l.log.1");
  fs::create_directory(folder / "l.log");
  log.reopen();
  spdlog::info("after");
  EXPECT_THAT(text_of(folder / "l.log.1"), HasSubstr("cannot be opened"));
  EXPECT_THAT(text_of(folder / "l.log.1"), HasSubstr("after"));
}

TEST_F(log_output_test, a_file_that_cannot_be_opened_is_an_error_that_names_it) {
  log_output log({folder}, "info", 0);
  const auto opened = log.open();
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error(), HasSubstr(folder.string()));
  EXPECT_THAT(opened.error(), HasSubstr("name another file"));
}

// A FIFO that nobody reads is opened as a file on a disk that hangs is: not before somebody helps.
TEST_F(log_output_test, a_file_that_does_not_open_at_once_holds_up_nobody) {
  const std::string file = folder / "l.log";
  ASSERT_EQ(::mkfifo(file.c_str(), 0600), 0);
  ::testing::internal::CaptureStderr();
  log_output log = started(file);
  EXPECT_TRUE(log.unwritten());
  log.reopen(); // as whoever rotates it asks for
  spdlog::info("meanwhile");
  EXPECT_THAT(::testing::internal::GetCapturedStderr(),
              AllOf(HasSubstr(file + " cannot be opened yet, since its disk does not answer"),
                    HasSubstr("meanwhile")));
  std::fstream reader(file); // a writer as well, so that there is no end
  std::string line;
  ASSERT_TRUE(std::getline(reader, line));
  EXPECT_THAT(line, HasSubstr("is open now"));
  EXPECT_FALSE(log.unwritten());
  spdlog::info("afterwards");
  ASSERT_TRUE(std::getline(reader, line));
  EXPECT_THAT(line, HasSubstr("afterwards"));
}

// Whatever the umask: it names callers and called.
TEST_F(log_output_test, a_file_is_for_its_owner_and_group) {
  const mode_t usual_mask = ::umask(0);
  (void)started(folder / "l.log");
  ::umask(usual_mask);
  struct stat made {};
  ASSERT_EQ(::stat((folder / "l.log").c_str(), &made), 0);
  EXPECT_EQ(made.st_mode & 0777, 0640u);
}

TEST_F(log_output_test, what_a_full_disk_does_not_take_goes_to_standard_error) {
  ::testing::internal::CaptureStderr();
  const log_output log = started("/dev/full");
  spdlog::info("anything");
  EXPECT_TRUE(log.unwritten());
  EXPECT_THAT(::testing::internal::GetCapturedStderr(),
              AllOf(HasSubstr("No space left"), HasSubstr("anything")));
}

TEST_F(log_output_test, a_file_that_takes_nothing_more_does_not_keep_the_process_from_its_end) {
  const fs::path pipe = folder / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const int reader = ::open(pipe.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC); // and reads nothing
  ASSERT_GE(reader, 0);
  EXPECT_EXIT(
      {
        ::alarm(20);
        (void)started(pipe);
        for (int i = 0; i < 100; ++i) // more than a pipe takes
          spdlog::info(std::string(1000, 'x'));
        std::exit(0);
      },
      ::testing::ExitedWithCode(0), "");
  ::close(reader);
}

TEST_F(log_output_test, the_journal_is_where_standard_error_is_the_stream_that_it_named) {
  struct stat ours {};
  ASSERT_EQ(::fstat(STDERR_FILENO, &ours), 0);
  const std::string stream = std::to_string(ours.st_dev) + ":" + std::to_string(ours.st_ino);
  ::setenv("JOURNAL_STREAM", stream.c_str(), 1);
  EXPECT_TRUE(stderr_is_journal());
  for (const char* other : {"", "1:", "x", "8:1x"}) {
    ::setenv("JOURNAL_STREAM", other, 1);
    EXPECT_FALSE(stderr_is_journal()) << other;
  }
  ::unsetenv("JOURNAL_STREAM");
  EXPECT_FALSE(stderr_is_journal());
}

} // namespace
} // namespace linehunt::log_output_test
