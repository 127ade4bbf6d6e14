// SPDX-License-Identifier: Apache-2.0
// The program linehuntctl against a real admin socket: what it prints and its exit status.
#include "linehuntctl_run.h"

#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <pty.h>
#include <sstream>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <thread>
#include <unistd.h>

namespace linehunt::admin::linehuntctl_test {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

TEST_F(linehuntctl, list_as_a_table) {
  const told t = run("list");
  EXPECT_EQ(t.status, 0);
  EXPECT_EQ(t.out, "ID  GROUP  STATUS   URI                  RESOURCE  LOAD  MAX  FREE\n"
                   " 1      1  enabled  sip:127.0.0.1:25081  pstn         1    3     2\n"
                   "                                         vm/s         0    5     5\n"
                   " 2      2  enabled  sip:127.0.0.1:25082  vm          10   10     0\n");
}

// A box that takes no call because of DNS or its heartbeat does not look like one that does.
TEST_F(linehuntctl, list_says_what_is_missing) {
  served.view.all[0].unresolved = "no such name";
  served.view.all[1].stale = "timeout";
  served.view.all[1].resources[0].heartbeat = "stale";
  EXPECT_EQ(run("list").out,
            "ID  GROUP  STATUS      URI                  RESOURCE  LOAD  MAX  FREE\n"
            " 1      1  unresolved  sip:127.0.0.1:25081  pstn         1    3     2\n"
            "                                            vm/s         0    5     5\n"
            " 2      2  enabled     sip:127.0.0.1:25082  vm          10   10     0\n"
            "1: no address: no such name\n"
            "2: addresses are older than DNS allows: timeout\n"
            "2: vm: its heartbeat is stale\n");
  served.view.all[0].enabled = false;
  EXPECT_THAT(run("list").out, HasSubstr("failed"));
  served.view.all[1].paused_s = 540;
  EXPECT_THAT(run("list").out,
              AllOf(HasSubstr(" 2      2  paused  sip:127.0.0.1:25082"),
                    HasSubstr("2: no new calls for 540 s, as it asked with Retry-After\n")));
}

TEST_F(linehuntctl, list_says_which_resource_drains) {
  served.view.all[1].resources.push_back({"conf", 0, 4, {}, true});
  EXPECT_THAT(run("list").out,
              AllOf(HasSubstr(" conf         4    0    -4\n"),
                    HasSubstr("\n2: conf: no longer offered, but calls still hold lines of it\n")));
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
  EXPECT_THAT(missing.err, HasSubstr("Destination ID not found; `linehuntctl list`"));
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
  EXPECT_THAT(all.out, HasSubstr("sip:alice@a.example     sip:4930@b.example\n"));
  EXPECT_THAT(all.out, Not(HasSubstr("\x1b"))) << "a Call-ID steers the terminal";
  EXPECT_THAT(run("calls a@host").out, Not(HasSubstr("b@host")));
  EXPECT_EQ(run("end a@host").status, 0);
  EXPECT_EQ(run("end c@host").status, 1);
}

// U+009B is "ESC [" to many terminals. What is not ASCII but harmless stays readable.
TEST_F(linehuntctl, control_characters_of_a_caller_are_escaped) {
  const std::string hostile = "sip:\xc2\x9b"
                              "31m\xc2\x80\xc2\x9f\x7f\x1b]0;x\x07@a.example";
  const std::string harmless =
      "sip:j\xc3\xb6rg\xc2\xa0\xc3\x9b\xe2\x82\xac\xf0\x9f\x98\x80@b.example";
  served.view.live[0].from_uri = hostile;
  served.view.live[0].to_uri = harmless;
  const std::string table = run("calls").out;
  EXPECT_THAT(table, HasSubstr("sip:\\u009b31m\\u0080\\u009f\\u007f\\x1b]0;x\\x07@a.example  "));
  EXPECT_THAT(table, HasSubstr(harmless));
  const std::string line = run("calls --json").out;
  for (const char* bad : {"\xc2\x9b", "\xc2\x80", "\xc2\x9f", "\x7f", "\x1b"})
    EXPECT_THAT(line, Not(HasSubstr(bad)));
  const json shown = json::parse(line)["Dialogs"][0];
  EXPECT_EQ(shown["from_uri"], hostile);
  EXPECT_EQ(shown["to_uri"], harmless);
}

// The daemon may quote what stands in a row. A list of errors stays one.
TEST_F(linehuntctl, control_characters_of_an_error_are_escaped) {
  served.view.reload_fault = "first\nrow 1: \xc2\x9b"
                             "31m\x1b[2J\x7f";
  const told refused = run("reload");
  EXPECT_EQ(refused.status, 1);
  EXPECT_THAT(refused.err, HasSubstr("first\nrow 1: \\u009b31m\\x1b[2J\\u007f\n"));
}

TEST_F(linehuntctl, calls_that_are_asked_for) {
  const auto shown = [&](const std::string& words) {
    const json answer = json::parse(run("calls --json " + words).out);
    std::string ids;
    for (const json& call : answer["Dialogs"])
      ids += call["ID"].get<std::string>() + " ";
    return ids;
  };
  EXPECT_EQ(shown(""), "0:7 1:9 ");
  EXPECT_EQ(shown("--destination 1"), "0:7 ");
  EXPECT_EQ(shown("--destination 7"), "");
  EXPECT_EQ(shown("--answered"), "0:7 ");
  EXPECT_EQ(shown("--unanswered"), "1:9 ");
  EXPECT_EQ(shown("--older 65"), "0:7 ");
  EXPECT_EQ(shown("--younger 65"), "1:9 ");
  EXPECT_EQ(shown("--older 2 --younger 66"), "0:7 1:9 ");
  EXPECT_EQ(shown("--unanswered --older 3"), "");
  EXPECT_EQ(shown("a@host --answered"), "0:7 ");
  EXPECT_EQ(shown("--party alice@"), "0:7 ");
  EXPECT_EQ(shown("--party VM_1"), "1:9 ");
  EXPECT_EQ(shown("--party example"), "0:7 1:9 ");
  EXPECT_THAT(run("calls --destination 1").out, Not(HasSubstr("b@host")));
}

TEST_F(linehuntctl, calls_are_fetched_in_pages) {
  served.view.at_once = 3;
  for (int i = 0; i < 20; ++i)
    served.view.live.push_back({"0:" + std::to_string(100 + i), std::to_string(i) + "-page@host",
                                "f", "t", 2, 0, true, i});
  const json all = json::parse(run("calls --json").out)["Dialogs"];
  ASSERT_EQ(all.size(), 22u);
  for (std::size_t i = 0; i < all.size(); ++i)
    EXPECT_EQ(all[i]["ID"], served.view.live[i].id);
}

TEST_F(linehuntctl, drain) {
  EXPECT_EQ(run("drain").out, "no new calls, 2 in progress\n");
  EXPECT_EQ(run("drain --json").out, "{\"calls\":2,\"draining\":true}\n");
  EXPECT_TRUE(served.view.draining);
  EXPECT_EQ(run("drain --undo").out, "new calls are taken again\n");
  EXPECT_FALSE(served.view.draining);
  served.view.ending = true;
  const told refused = run("drain --undo");
  EXPECT_EQ(refused.status, 1);
  EXPECT_THAT(refused.err, HasSubstr("Linehunt is ending"));
}

TEST_F(linehuntctl, a_command_that_there_is_not_is_named) {
  const told t = run("--json lst");
  EXPECT_EQ(t.status, 2);
  EXPECT_THAT(t.err, HasSubstr("there is no command or option 'lst'"));
}

TEST_F(linehuntctl, capture_goes_on_until_its_end) {
  served.view.capture_ends_after = 2;
  const told t = run("capture a.pcapng --match 4930 --port lan --seconds 5 --max-mb 2 --packets 9");
  EXPECT_EQ(t.status, 0) << t.err;
  EXPECT_EQ(t.out, "captures to /captures/a.pcapng\n"
                   "/captures/a.pcapng: 7 packets, 0.0 MB, 1 s, ended (after 5 s)\n");
  const capture_request& wanted = served.view.capturing.wanted;
  EXPECT_EQ(wanted.match, "4930");
  EXPECT_EQ(wanted.port, "lan");
  EXPECT_EQ(wanted.seconds, 5u);
  EXPECT_EQ(wanted.max_mb, 2u);
  EXPECT_EQ(wanted.packets, 9u);
  EXPECT_FALSE(wanted.overwrite);
  served.view.capture_ends_after = 1;
  const json shown = json::parse(run("capture --overwrite --json").out);
  EXPECT_EQ(shown["state"], "ended");
  EXPECT_EQ(shown["file"], "/captures/by-time");
  EXPECT_TRUE(served.view.capturing.wanted.overwrite);
}

TEST_F(linehuntctl, capture_that_fails_says_why) {
  served.view.capture_ends_after = 1;
  served.view.capture_refused = capture_fault{capture_fault::disk, "make room"};
  const told refused = run("capture");
  EXPECT_EQ(refused.status, 1);
  EXPECT_THAT(refused.err, HasSubstr("Cannot write the file: make room"));
  served.view.capture_refused.reset();
  std::thread disk([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    served.in_loop([&] {
      served.view.capturing.error = "/captures/a: No space left on device";
      served.view.capture_ends_after = 1;
    });
  });
  served.view.capture_ends_after = 0;
  const told full = run("capture");
  disk.join();
  EXPECT_EQ(full.status, 1);
  EXPECT_THAT(full.out, HasSubstr("7 packets"));
  EXPECT_THAT(full.err, HasSubstr("No space left on device"));
}

TEST_F(linehuntctl, capture_is_stopped_by_hand) {
  EXPECT_EQ(run("capture --stop").status, 1);
  EXPECT_EQ(run("capture --status").out, "no capture yet\n");
  std::thread other([&] {
    std::string status;
    for (int i = 0; i < 1'000 && status.find("goes on") == std::string::npos; ++i)
      status = run_with_errors_to("other", "capture --status").out;
    EXPECT_THAT(status, HasSubstr("goes on"));
    EXPECT_THAT(run_with_errors_to("other", "capture --stop").out, HasSubstr("ended (stopped)"));
  });
  EXPECT_THAT(run_with_errors_to("first", "capture a").out, HasSubstr("ended (stopped)"));
  other.join();
  // And by Ctrl-C.
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  const std::string socket = served.path();
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ::dup2(ends[1], STDOUT_FILENO);
    ::execl(LINEHUNTCTL, LINEHUNTCTL, "--socket", socket.c_str(), "capture", "b", nullptr);
    ::_exit(127);
  }
  ::close(ends[1]);
  std::string out;
  std::array<char, 4096> chunk;
  for (ssize_t n = 0; (n = ::read(ends[0], chunk.data(), chunk.size())) > 0;) {
    out.append(chunk.data(), static_cast<std::size_t>(n));
    if (out.ends_with("captures to /captures/b\n")) ::kill(child, SIGINT);
  }
  ::close(ends[0]);
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  EXPECT_THAT(out, HasSubstr("ended (stopped)"));
}

TEST_F(linehuntctl, reload) {
  EXPECT_EQ(run("reload").status, 0);
  served.view.reload_fault = "t.toml:3:1: unknown key";
  const told refused = run("reload");
  EXPECT_EQ(refused.status, 1);
  EXPECT_THAT(refused.err, HasSubstr("Failed to reload: t.toml:3:1: unknown key"));
}

// A database may keep it waiting for longer than any other answer takes.
TEST_F(linehuntctl, reload_waits_for_as_long_as_it_takes) {
  served.reload_waits(true);
  std::thread database([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(400));
    served.reload_waits(false);
  });
  const told t = run("--timeout 0.1 reload");
  EXPECT_EQ(t.status, 0) << t.err;
  database.join();
}

// Somebody listens there and never says a word. It is not missing, and shall not be started again.
TEST_F(linehuntctl, a_daemon_that_hangs_does_not_hang_the_operator) {
  const std::string path = served.path() + ".silent";
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  const int silent = ::socket(AF_UNIX, SOCK_STREAM, 0);
  const void* any = &address;
  ASSERT_EQ(::bind(silent, static_cast<const sockaddr*>(any), sizeof address), 0);
  ASSERT_EQ(::listen(silent, 0), 0);
  // Some are not even let in: those before them still wait.
  for (int times = 0; times < 3; ++times) {
    const told t = run_on(path, "list --timeout 0.1");
    EXPECT_EQ(t.status, 4);
    EXPECT_THAT(t.err, HasSubstr("has not answered within 0.1 s"));
    EXPECT_THAT(t.err, Not(HasSubstr("no daemon")));
  }
  ::close(silent);
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

TEST_F(linehuntctl, log) {
  EXPECT_EQ(run("log").out, "logs info and what is worse\n");
  EXPECT_EQ(run("log debug").out, "logs debug and what is worse, until the next reload\n");
  EXPECT_EQ(served.view.level, 4);
  for (const char* level : {"alert", "critical", "error", "warning", "info"}) {
    EXPECT_EQ(run("log " + std::string{level}).status, 0) << level;
    EXPECT_EQ(run("log").out, "logs " + std::string{level} + " and what is worse\n");
  }
  EXPECT_EQ(run("log --json").out.find("{\"Processes\""), 0u);
}

// What bash offers of what the daemon knows.
TEST_F(linehuntctl, completion_asks_the_daemon) {
  EXPECT_EQ(offered("status \"\""), "1 2\n");
  EXPECT_EQ(offered("calls --destination \"\""), "1 2\n");
  EXPECT_EQ(offered("resize 1 \"\""), "pstn vm/s\n");
  EXPECT_EQ(offered("resize 2 \"\""), "vm\n");
  EXPECT_EQ(offered("end a"), "a@host\n");
  EXPECT_EQ(offered("\"\""),
            "list top status resize stats calls end reload drain events capture log "
            "version\n");
  EXPECT_EQ(offered("end --"), "--help --socket --timeout --json\n");
  // Notes below the table are no destinations.
  served.view.all[1].stale = "timeout";
  EXPECT_EQ(offered("status \"\""), "1 2\n");
  EXPECT_EQ(offered("resize 2 \"\""), "vm\n");
}

// A caller may call his call what he likes.
TEST_F(linehuntctl, completion_carries_out_nothing) {
  const auto carried_out = std::filesystem::path(served.path()).parent_path() / "carried-out";
  for (const char* id :
       {"`touch FILE`@x", "a$(touch${IFS}FILE)", "a;touch", "--match", "~root", "a*"}) {
    admin::call_state call = served.view.live.front();
    call.call_id = id;
    if (const std::size_t at = call.call_id.find("FILE"); at != std::string::npos)
      call.call_id.replace(at, 4, carried_out.native());
    served.view.live.push_back(std::move(call));
  }
  EXPECT_EQ(offered("end \"\""), "a@host\n");
  EXPECT_FALSE(std::filesystem::exists(carried_out));
}

TEST_F(linehuntctl, version) {
  EXPECT_THAT(run("version").out, HasSubstr("up 90 [sec]"));
  EXPECT_EQ(run("--version").status, 0);
}

TEST_F(linehuntctl, usage) {
  for (const char* wrong : {"",
                            "lst",
                            "status",
                            "status x",
                            "status 1 off",
                            "resize 1 vm -1",
                            "resize 0x1 vm 1",
                            "list --watch nan",
                            "--timeout nan list",
                            "resize 1 vm",
                            "list --watch 0",
                            "end",
                            "--colour list",
                            "calls --older -1",
                            "calls --answered --unanswered",
                            "drain --undo --wait",
                            "top --frames 0",
                            "list --frames 3",
                            "log loud",
                            "capture a b",
                            "capture --stop a",
                            "capture --stop --status",
                            "capture --seconds 0",
                            "capture --max-mb 10001",
                            "capture --packets 0"})
    EXPECT_EQ(run(wrong).status, 2) << wrong;
  EXPECT_EQ(run("--help").status, 0);
  EXPECT_EQ(run("resize --help").status, 0);
}

TEST_F(linehuntctl, no_daemon) {
  const told t = run_on(served.path() + ".none", "list");
  EXPECT_EQ(t.status, 3);
  EXPECT_THAT(t.err, HasSubstr("no daemon answers on"));
}

TEST_F(linehuntctl, a_full_disk_is_no_success) {
  const auto begun = std::chrono::steady_clock::now();
  served.view.capture_ends_after = 2;
  for (const char* words :
       {"list", "list --json", "stats --all", "list --watch 0.5 --frames 40", "--help", "--version",
        "capture --seconds 1", "top --watch 0.5 --frames 40"}) {
    const told t = run(std::string{words} + " >/dev/full");
    EXPECT_EQ(t.status, 1) << words;
    EXPECT_EQ(t.err, "linehuntctl: cannot write to standard output: No space left on device; "
                     "what is there is not whole, make room or write it elsewhere\n")
        << words;
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(20))
      << "pictures that nobody sees";
  // What was asked for is done all the same, and a refusal stays the reason.
  EXPECT_EQ(run("status 1 disable >/dev/full").status, 1);
  EXPECT_THAT(run("status 1").out, HasSubstr("disabled"));
  EXPECT_THAT(run("status 77 >/dev/full").err, Not(HasSubstr("standard output")));
}

TEST_F(linehuntctl, an_output_that_is_closed_is_no_success_and_goes_to_no_socket_of_ours) {
  const told t = run("list <&- >&-");
  EXPECT_EQ(t.status, 1);
  EXPECT_THAT(t.err, HasSubstr("cannot write to standard output: Bad file descriptor"));
  EXPECT_EQ(run("list >&-").status, 1);
}

TEST_F(linehuntctl, events_end_where_nobody_can_have_them) {
  const std::string line = std::string{"timeout 20 "} + LINEHUNTCTL + " --socket " + served.path() +
                           " events >/dev/full 2>&1";
  auto follower = std::async(std::launch::async, [&] { return std::system(line.c_str()); });
  while (follower.wait_for(std::chrono::milliseconds(20)) != std::future_status::ready)
    served.publish(R"({"method":"E_LINEHUNT_RELOAD","params":{"result":"OK"}})");
  EXPECT_EQ(WEXITSTATUS(follower.get()), 1);
}

// Draws again until it is told to stop, and leaves with 0.
TEST_F(linehuntctl, watch) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  const std::string socket = served.path();
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ::dup2(ends[1], STDOUT_FILENO);
    ::execl(LINEHUNTCTL, LINEHUNTCTL, "--socket", socket.c_str(), "list", "--watch", "0.05",
            nullptr);
    ::_exit(127);
  }
  ::close(ends[1]);
  std::string out;
  std::array<char, 4096> chunk;
  for (ssize_t n = 0; (n = ::read(ends[0], chunk.data(), chunk.size())) > 0;) {
    out.append(chunk.data(), static_cast<std::size_t>(n));
    const auto first = out.find("ID  GROUP");
    if (first != std::string::npos && out.find("ID  GROUP", first + 1) != std::string::npos)
      ::kill(child, SIGINT);
  }
  ::close(ends[0]);
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_NE(out.find("ID  GROUP"), out.rfind("ID  GROUP")) << "drawn only once";
}

TEST_F(linehuntctl, top_is_one_picture_where_there_is_no_terminal) {
  const told t = run("top --watch 0.05");
  EXPECT_EQ(t.status, 0);
  EXPECT_THAT(t.out, HasSubstr("linehunt   serving, up 1:02:03"));
  EXPECT_THAT(t.out, HasSubstr("calls      2 in progress"));
  EXPECT_THAT(t.out, HasSubstr("worker 0   "));
  EXPECT_THAT(t.out, HasSubstr(" % busy"));
  EXPECT_THAT(t.out, HasSubstr("sip:127.0.0.1:25081"));
  EXPECT_THAT(t.out, Not(HasSubstr("\x1b")));
  EXPECT_EQ(t.out.find("ID  GROUP"), t.out.rfind("ID  GROUP"));
}

TEST_F(linehuntctl, top_ends_after_its_frames) {
  const told t = run("top --watch 0.05 --frames 3 --json");
  EXPECT_EQ(t.status, 0);
  std::istringstream lines(t.out);
  int frames = 0;
  for (std::string line; std::getline(lines, line); ++frames) {
    const json frame = json::parse(line);
    EXPECT_EQ(frame["Destinations"].size(), 2u);
    EXPECT_EQ(frame["statistics"]["linehunt:workers"], 1);
  }
  EXPECT_EQ(frames, 3);
}

// On a terminal of the test's own: a page of its own, bars, and the terminal as it was afterwards.
class linehuntctl_screen : public linehuntctl {
 protected:
  void start(const std::vector<std::string>& words, unsigned short rows = 24) {
    winsize size{rows, 100, 0, 0};
    child = ::forkpty(&terminal, nullptr, nullptr, &size);
    ASSERT_GE(child, 0);
    if (child == 0) {
      std::vector<const char*> line{LINEHUNTCTL, "--socket", path.c_str()};
      for (const std::string& word : words)
        line.push_back(word.c_str());
      line.push_back(nullptr);
      ::execv(LINEHUNTCTL, const_cast<char**>(line.data()));
      ::_exit(127);
    }
    ASSERT_EQ(::tcgetattr(terminal, &before), 0);
  }
  void read_until(const std::string& word) {
    std::array<char, 4096> chunk;
    while (shown.find(word) == std::string::npos) {
      const ssize_t n = ::read(terminal, chunk.data(), chunk.size());
      if (n <= 0) break; // it has ended
      shown.append(chunk.data(), static_cast<std::size_t>(n));
    }
  }
  void expect_end() {
    read_until("never shown");
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 0);
    termios after{};
    ASSERT_EQ(::tcgetattr(terminal, &after), 0);
    EXPECT_EQ(after.c_lflag, before.c_lflag) << "keys are not echoed any more";
    EXPECT_NE(after.c_lflag & ECHO, 0u);
    const auto left = shown.find("\x1b[?25h\x1b[?1049l");
    ASSERT_NE(left, std::string::npos) << "no cursor, or not the page from before";
    EXPECT_THAT(shown.substr(left), HasSubstr("sip:127.0.0.1:25081")) << "the last picture is gone";
    ::close(terminal);
  }
  std::string path = served.path();
  std::string shown;
  termios before{};
  int terminal = -1;
  pid_t child = -1;
};

TEST_F(linehuntctl_screen, control_c_gives_the_terminal_back) {
  start({"top", "--watch", "0.05"});
  read_until("vm/s");
  EXPECT_THAT(shown, HasSubstr("\x1b[?1049h\x1b[?25l"));
  EXPECT_THAT(shown, HasSubstr("█")) << "no bar";
  ASSERT_EQ(::write(terminal, "\x03", 1), 1);
  expect_end();
}

TEST_F(linehuntctl_screen, q_ends_it) {
  start({"top", "--watch", "600"});
  read_until("vm/s");
  ASSERT_EQ(::write(terminal, "q", 1), 1);
  expect_end();
}

TEST_F(linehuntctl_screen, so_does_a_signal) {
  start({"top", "--watch", "600"});
  read_until("vm/s");
  ASSERT_EQ(::kill(child, SIGTERM), 0);
  expect_end();
}

TEST_F(linehuntctl_screen, what_does_not_fit_is_left_out) {
  start({"top", "--frames", "1"}, 6);
  expect_end();
  const std::string page = shown.substr(0, shown.find("\x1b[?1049l"));
  EXPECT_THAT(page, HasSubstr("... 5 more lines"));
  EXPECT_EQ(std::ranges::count(page, '\n'), 5) << "the page scrolls";
}

} // namespace
} // namespace linehunt::admin::linehuntctl_test
