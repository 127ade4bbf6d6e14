// SPDX-License-Identifier: Apache-2.0
// DPDK's folder goes with the last process that uses it, and those of processes which crashed go as
// well; what is anybody else's stays.
#include "dataplane/dpdk/runtime_folder.h"

#include <array>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <optional>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

namespace linehunt::dpdk {
namespace {

namespace fs = std::filesystem;

// A process that does something, says so, and waits until it is ended.
class child {
 public:
  template <class Work>
  explicit child(const Work& work) {
    std::array<int, 2> pipes{};
    EXPECT_EQ(::pipe(pipes.data()), 0);
    id_ = ::fork();
    if (id_ == 0) {
      work();
      (void)!::write(pipes[1], "x", 1);
      for (;;)
        ::pause();
    }
    char done = 0;
    EXPECT_EQ(::read(pipes[0], &done, 1), 1);
    ::close(pipes[0]);
    ::close(pipes[1]);
  }
  ~child() { end(); }
  child(const child&) = delete;
  child& operator=(const child&) = delete;
  void end() {
    if (id_ <= 0) return;
    ::kill(id_, SIGKILL);
    ::waitpid(id_, nullptr, 0);
    id_ = 0;
  }

 private:
  pid_t id_ = 0;
};

void bind_socket(const fs::path& path, int kind) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strcpy(address.sun_path, path.c_str());
  const int socket = ::socket(AF_UNIX, kind, 0);
  if (::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) ::_exit(1);
  if (kind != SOCK_DGRAM && ::listen(socket, 1) != 0) ::_exit(1);
}

struct runtime_folder_test : testing::Test {
  runtime_folder_test() {
    std::string name = "/tmp/linehunt-run-XXXXXX";
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    base = name;
    own = made("own");
    other = made("other");
  }
  ~runtime_folder_test() override { fs::remove_all(base); }

  fs::path made(const char* name) const {
    const fs::path folder = base / name;
    fs::create_directories(folder);
    for (const char* file : {"config", "fbarray_memzone", "fbarray_memseg-2048k-0-0",
                             "hugepage_info", "mp_socket", "mp_socket_12_ab", "dpdk_telemetry.v2"})
      std::ofstream(folder / file) << "x";
    return folder;
  }
  static void mark(const fs::path& folder) { std::ofstream(folder / runtime_folder::mark_name); }

  fs::path base, own, other;
};

TEST_F(runtime_folder_test, is_removed_with_the_files_of_dpdk) {
  {
    const runtime_folder ours(own);
    EXPECT_TRUE(fs::exists(own / "config"));
  }
  EXPECT_FALSE(fs::exists(own));
  EXPECT_TRUE(fs::exists(other / "config")) << "bears no mark, and is not ours to remove";
  const runtime_folder nothing(base / "never");
}

TEST_F(runtime_folder_test, stays_with_what_is_not_of_dpdk) {
  std::ofstream(own / "notes") << "x";
  fs::create_directory(own / "config.old");
  std::optional<runtime_folder> ours(std::in_place, own);
  ours.reset();
  EXPECT_TRUE(fs::exists(own / "notes"));
  EXPECT_TRUE(fs::exists(own / "config.old"));
  EXPECT_FALSE(fs::exists(own / "config"));
  EXPECT_FALSE(fs::exists(own / runtime_folder::mark_name));
}

TEST_F(runtime_folder_test, stays_while_another_of_ours_has_the_same) {
  child second([&] { new runtime_folder(own); });
  std::optional<runtime_folder> ours(std::in_place, own);
  ours.reset();
  EXPECT_TRUE(fs::exists(own / "config"));
  second.end();
  ours.emplace(other);
  EXPECT_FALSE(fs::exists(own)) << "the second one has crashed";
  ours.reset();
  EXPECT_FALSE(fs::exists(other));
}

TEST_F(runtime_folder_test, of_a_crashed_process_goes_and_of_a_living_one_stays) {
  const fs::path living = made("living");
  child one([&] { new runtime_folder(living); });
  {
    child two([&] { new runtime_folder(other); });
  }
  EXPECT_TRUE(fs::exists(other));
  const runtime_folder ours(own);
  EXPECT_FALSE(fs::exists(other));
  EXPECT_TRUE(fs::exists(living / "config"));
}

TEST_F(runtime_folder_test, stays_while_any_program_uses_it) {
  const auto use = [&](const auto& work) {
    made("other");
    mark(other);
    fs::remove(other / "mp_socket");
    child user(work);
    { const runtime_folder ours(own); }
    EXPECT_TRUE(fs::exists(other / "config"));
    user.end();
    made("own");
    { const runtime_folder ours(own); }
    EXPECT_FALSE(fs::exists(other));
    made("own");
  };
  use([&] { bind_socket(other / "mp_socket", SOCK_DGRAM); });
  use([&] { bind_socket(other / "mp_socket", SOCK_SEQPACKET); });
  use([&] { (void)::flock(::open((other / "fbarray_memzone").c_str(), O_RDWR), LOCK_SH); });
  use([&] {
    struct flock lock = {};
    lock.l_type = F_WRLCK;
    (void)::fcntl(::open((other / "config").c_str(), O_RDWR), F_SETLK, &lock);
  });
}

TEST_F(runtime_folder_test, stays_while_its_next_user_starts) {
  const fs::path dpdk = base / "dpdk";
  fs::create_directories(dpdk / "beside");
  fs::rename(other, dpdk / "crashed");
  mark(dpdk / "crashed");
  const char* const before = ::getenv("XDG_RUNTIME_DIR");
  const std::string kept = before != nullptr ? before : "";
  ::setenv("XDG_RUNTIME_DIR", base.c_str(), 1);
  {
    std::optional<runtime_folder_hold> hold(std::in_place, "crashed");
    { const runtime_folder starts(dpdk / "beside"); }
    EXPECT_TRUE(fs::exists(dpdk / "crashed" / "config"));
    hold.reset();
    fs::create_directories(dpdk / "beside");
    { const runtime_folder starts(dpdk / "beside"); }
    EXPECT_FALSE(fs::exists(dpdk / "crashed"));
    hold.emplace("crashed"); // nothing to hold
  }
  if (before != nullptr)
    ::setenv("XDG_RUNTIME_DIR", kept.c_str(), 1);
  else
    ::unsetenv("XDG_RUNTIME_DIR");
}

TEST_F(runtime_folder_test, that_cannot_be_made_is_told) {
  const char* const before = ::getenv("RUNTIME_DIRECTORY");
  const std::string kept = before != nullptr ? before : "";
  ::setenv("RUNTIME_DIRECTORY", base.c_str(), 1);
  EXPECT_EQ(forbidden_place("prefix"), "");
  ::setenv("RUNTIME_DIRECTORY", (base / "nowhere").c_str(), 1);
  EXPECT_EQ(forbidden_place("prefix"), base / "nowhere");
  ::setenv("RUNTIME_DIRECTORY", base.c_str(), 1);
  std::ofstream(base / "dpdk") << "no folder";
  EXPECT_EQ(forbidden_place("prefix"), base / "dpdk" / "prefix");
  if (before != nullptr)
    ::setenv("RUNTIME_DIRECTORY", kept.c_str(), 1);
  else
    ::unsetenv("RUNTIME_DIRECTORY");
}

// DPDK's thread for telemetry goes on after the clean-up.
TEST_F(runtime_folder_test, goes_though_a_socket_in_it_is_our_own) {
  fs::remove(own / "dpdk_telemetry.v2");
  bind_socket(own / "dpdk_telemetry.v2", SOCK_SEQPACKET);
  { const runtime_folder ours(own); }
  EXPECT_FALSE(fs::exists(own));
}

} // namespace
} // namespace linehunt::dpdk
