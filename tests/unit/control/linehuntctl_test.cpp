// SPDX-License-Identifier: Apache-2.0
// The program linehuntctl against a real admin socket: what it prints and its exit status.
#include "served_view.h"

#include <array>
#include <atomic>
#include <cstdio>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sstream>
#include <sys/wait.h>

namespace linehunt::admin {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

struct told {
  int status = -1;
  std::string out, err;
};

class linehuntctl : public ::testing::Test {
 protected:
  told run(const std::string& words) { return run_on(served.path(), words); }

  told run_on(const std::string& path, const std::string& words) {
    const std::string err_file = served.path() + ".err";
    const std::string line =
        std::string{LINEHUNTCTL} + " --socket " + path + " " + words + " 2>" + err_file;
    told t;
    FILE* pipe = ::popen(line.c_str(), "r");
    std::array<char, 4096> chunk;
    for (std::size_t n = 0; (n = std::fread(chunk.data(), 1, chunk.size(), pipe)) > 0;)
      t.out.append(chunk.data(), n);
    const int status = ::pclose(pipe);
    t.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    std::stringstream text;
    text << std::ifstream(err_file).rdbuf();
    t.err = text.str();
    return t;
  }

  served_view served;
};

TEST_F(linehuntctl, list_as_a_table) {
  const told t = run("list");
  EXPECT_EQ(t.status, 0);
  EXPECT_EQ(t.out, "ID  GROUP  STATUS   URI                  RESOURCE  LOAD  MAX  FREE\n"
                   " 1      1  enabled  sip:127.0.0.1:25081  pstn         1    3     2\n"
                   "                                         vm/s         0    5     5\n"
                   " 2      2  enabled  sip:127.0.0.1:25082  vm          10   10     0\n");
}

TEST_F(linehuntctl, list_as_json) {
  const told t = run("list --json");
  EXPECT_EQ(t.status, 0);
  EXPECT_EQ(json::parse(t.out)["Destinations"][0]["Resources"][0]["load"], 1);
  EXPECT_EQ(run("--json list").out, t.out);
}

TEST_F(linehuntctl, status) {
  EXPECT_EQ(run("status 1").out, "destination 1 is enabled, rack=a\n");
  EXPECT_EQ(run("status 1 disable").out, "destination 1 is disabled\n");
  EXPECT_THAT(run("list").out, HasSubstr("disabled"));
  EXPECT_EQ(run("status 1 enable --json").out, "\"OK\"\n");
  const told missing = run("status 9");
  EXPECT_EQ(missing.status, 1);
  EXPECT_EQ(missing.out, "");
  EXPECT_THAT(missing.err, HasSubstr("Destination ID not found"));
}

TEST_F(linehuntctl, resize) {
  EXPECT_EQ(run("resize 1 pstn 40").status, 0);
  EXPECT_THAT(run("list").out, HasSubstr("40"));
  const told refused = run("resize 1 conf 40");
  EXPECT_EQ(refused.status, 1);
  EXPECT_THAT(refused.err, HasSubstr("Destination has no such resource"));
}

TEST_F(linehuntctl, stats) {
  const told some = run("stats");
  EXPECT_EQ(some.status, 0);
  EXPECT_THAT(some.out, HasSubstr("load_balancer:calls_started     12"));
  EXPECT_THAT(some.out, HasSubstr("UDP port nobody listens on"));
  EXPECT_THAT(some.out, Not(HasSubstr("calls_failed")));
  EXPECT_THAT(run("stats --all").out, HasSubstr("calls_failed"));
  EXPECT_THAT(run("stats load_balancer:calls_failed").out, HasSubstr("calls_failed"));
  EXPECT_EQ(json::parse(run("stats dialog: --json").out),
            json::parse(R"({"dialog:active_dialogs":2})"));
  EXPECT_EQ(run("stats nothing:").status, 1);
}

TEST_F(linehuntctl, calls_and_end) {
  const told all = run("calls");
  EXPECT_EQ(all.status, 0);
  EXPECT_THAT(all.out, HasSubstr("a@host"));
  EXPECT_THAT(all.out, HasSubstr("0:01:05"));
  EXPECT_THAT(all.out, Not(HasSubstr("\x1b"))) << "a Call-ID steers the terminal";
  EXPECT_THAT(run("calls a@host").out, Not(HasSubstr("b@host")));
  EXPECT_EQ(run("end a@host").status, 0);
  EXPECT_EQ(run("end c@host").status, 1);
}

TEST_F(linehuntctl, reload) {
  EXPECT_EQ(run("reload").status, 0);
  served.view.reload_fault = "t.toml:3:1: unknown key";
  const told refused = run("reload");
  EXPECT_EQ(refused.status, 1);
  EXPECT_THAT(refused.err, HasSubstr("Failed to reload: t.toml:3:1: unknown key"));
}

// Ends with the daemon's hanging up, which is no success.
TEST_F(linehuntctl, events) {
  std::atomic<bool> read = false;
  std::thread publisher([&] {
    // Until somebody follows, an event reaches nobody.
    for (int i = 0; i < 20'000 && !read; ++i) {
      served.publish(R"({"method":"E_LINEHUNT_RELOAD","params":{"result":"OK"}})");
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  });
  const std::string line =
      std::string{LINEHUNTCTL} + " --socket " + served.path() + " events --follow | head -n 2";
  FILE* pipe = ::popen(line.c_str(), "r");
  char text[256] = {};
  EXPECT_NE(std::fgets(text, sizeof text, pipe), nullptr);
  EXPECT_STREQ(text, "E_LINEHUNT_RELOAD result=OK\n");
  ::pclose(pipe);
  read = true;
  publisher.join();
}

TEST_F(linehuntctl, version) {
  EXPECT_THAT(run("version").out, HasSubstr("up 90 [sec]"));
  EXPECT_EQ(run("--version").status, 0);
}

TEST_F(linehuntctl, usage) {
  for (const char* wrong : {"", "lst", "status", "status x", "status 1 off", "resize 1 vm -1",
                            "resize 1 vm", "list --watch 0", "end", "--colour list"})
    EXPECT_EQ(run(wrong).status, 2) << wrong;
  EXPECT_EQ(run("--help").status, 0);
  EXPECT_EQ(run("resize --help").status, 0);
}

TEST_F(linehuntctl, no_daemon) {
  const told t = run_on(served.path() + ".none", "list");
  EXPECT_EQ(t.status, 3);
  EXPECT_THAT(t.err, HasSubstr("no daemon answers on"));
}

// Draws again until it is told to stop, and leaves with 0.
TEST_F(linehuntctl, watch) {
  const std::string line = std::string{"timeout --preserve-status -s INT 1 "} + LINEHUNTCTL +
                           " --socket " + served.path() + " list --watch 0.05";
  FILE* pipe = ::popen(line.c_str(), "r");
  std::string out;
  std::array<char, 4096> chunk;
  for (std::size_t n = 0; (n = std::fread(chunk.data(), 1, chunk.size(), pipe)) > 0;)
    out.append(chunk.data(), n);
  EXPECT_EQ(WEXITSTATUS(::pclose(pipe)), 0);
  const auto first = out.find("ID  GROUP");
  ASSERT_NE(first, std::string::npos);
  EXPECT_NE(out.find("ID  GROUP", first + 1), std::string::npos) << "drawn only once";
}

} // namespace
} // namespace linehunt::admin
