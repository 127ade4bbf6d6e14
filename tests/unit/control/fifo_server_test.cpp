// SPDX-License-Identifier: Apache-2.0
// The FIFO against clients that come and go, stall, lie about their reply FIFO, or never fetch.
#include "control/admin/fifo_server.h"

#include "served_view.h"

#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <thread>

namespace linehunt::admin::fifo_server_test {
namespace {

using linehunt::test::fifo_client;
using nlohmann::json;
using ::testing::EndsWith;
using ::testing::HasSubstr;

class served : public served_by<fifo_server> {
 public:
  explicit served(fifo_setup setup = {}) : served_by("fifo") {
    setup.reply_dir = folder.path;
    serve(setup);
  }
  fifo_client client(const std::string& name) { return {path(), folder.path, name}; }
};

constexpr std::string_view status_request =
    R"({"jsonrpc":"2.0","id":1,"method":"lb_status","params":[1]})";

std::string status(served& s) {
  fifo_client c = s.client("status");
  c.ask(status_request);
  const auto answer = c.read();
  return answer ? json::parse(*answer)["result"]["enable"].get<std::string>() : "(none)";
}

TEST(fifo_server, one_line_and_closed) {
  served s;
  fifo_client c = s.client("r1");
  ASSERT_TRUE(c.ask(status_request)); // without a newline, as opensips-cli does it
  const auto answer = c.read();
  ASSERT_TRUE(answer);
  EXPECT_THAT(*answer, EndsWith("}\n"));
  EXPECT_EQ(std::ranges::count(*answer, '\n'), 1);
  EXPECT_EQ(json::parse(*answer)["result"]["enable"], "yes");
  // Opened and closed without a word, before and after: nothing happens.
  EXPECT_TRUE(c.write(""));
  fifo_client d = s.client("r2");
  EXPECT_TRUE(d.write(":r2:" + std::string{status_request} + "\n"));
  EXPECT_TRUE(d.read());
  EXPECT_EQ(s.refused(), 0u);
}

TEST(fifo_server, is_for_its_owner) {
  served s;
  struct stat found {};
  ASSERT_EQ(::stat(s.path().c_str(), &found), 0);
  EXPECT_TRUE(S_ISFIFO(found.st_mode));
  EXPECT_EQ(found.st_mode & 0777, 0600u);
}

TEST(fifo_server, several_at_once) {
  served s;
  fifo_client a = s.client("a"), b = s.client("b");
  const std::string both =
      ":a:" + std::string{status_request} + ":b:" + std::string{status_request};
  EXPECT_TRUE(a.write(both));
  // Fetched in the other order.
  EXPECT_THAT(b.read().value_or(""), HasSubstr("yes"));
  EXPECT_THAT(a.read().value_or(""), HasSubstr("yes"));
}

TEST(fifo_server, answer_larger_than_a_pipe) {
  served s;
  s.in_loop([&] {
    for (std::uint32_t i = 0; i < 10'000; ++i)
      s.view.all.push_back({i + 10, 1, "sip:192.0.2.1", true, true, "", "", {{"pstn", 3, 1}}});
  });
  fifo_client c = s.client("large");
  c.ask(R"({"jsonrpc":"2.0","id":1,"method":"lb_list"})");
  const auto answer = c.read();
  ASSERT_TRUE(answer);
  EXPECT_GT(answer->size(), 500'000u);
  EXPECT_EQ(json::parse(*answer)["result"]["Destinations"].size(), 10'002u);
}

TEST(fifo_server, truncated_request) {
  served s;
  fifo_client c = s.client("cut");
  c.ask(status_request.substr(0, 30));
  EXPECT_EQ(json::parse(c.read().value_or("{}"))["error"]["code"], -32700);
  EXPECT_EQ(status(s), "yes");
}

TEST(fifo_server, huge_request) {
  fifo_setup setup;
  setup.max_request_bytes = 1000;
  served s(setup);
  fifo_client c = s.client("huge");
  c.ask(std::string(100'000, '['));
  EXPECT_THAT(c.read().value_or(""), HasSubstr("Request too large"));
  EXPECT_EQ(status(s), "yes");
}

TEST(fifo_server, names_that_lead_elsewhere_are_refused) {
  served s;
  const fifo_client c = s.client("fine");
  std::filesystem::create_directory(s.folder.path / "sub");
  ASSERT_EQ(::mkfifo((s.folder.path / "sub/r").c_str(), 0600), 0);
  const int outside = ::open((s.folder.path / "sub/r").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  for (const std::string name : {"sub/r", "../r", ".", "..", "a.b", "a\\b"})
    c.write(":" + name + ":" + std::string{status_request} + "\n");
  EXPECT_EQ(status(s), "yes");
  EXPECT_EQ(s.refused(), 6u);
  char byte = 0;
  EXPECT_EQ(::read(outside, &byte, 1), 0) << "nobody wrote to it";
  ::close(outside);
}

TEST(fifo_server, only_a_fifo_is_written_to) {
  served s;
  std::ofstream(s.folder.path / "precious") << "gold";
  std::filesystem::create_symlink(s.folder.path / "target", s.folder.path / "link");
  ASSERT_EQ(::mkfifo((s.folder.path / "target").c_str(), 0600), 0);
  const int target = ::open((s.folder.path / "target").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  const fifo_client c = s.client("fine");
  for (const std::string name : {"precious", "link", "absent"})
    c.write(":" + name + ":" + std::string{status_request} + "\n");
  EXPECT_EQ(status(s), "yes");
  EXPECT_EQ(s.dropped(), 3u);
  std::string gold;
  std::ifstream(s.folder.path / "precious") >> gold;
  EXPECT_EQ(gold, "gold");
  char byte = 0;
  EXPECT_EQ(::read(target, &byte, 1), 0);
  ::close(target);
}

TEST(fifo_server, answers_that_nobody_fetches_are_dropped) {
  fifo_setup setup;
  setup.max_replies = 4;
  setup.reply_deadline = std::chrono::milliseconds(100);
  served s(setup);
  std::vector<std::unique_ptr<fifo_client>> lazy;
  for (int i = 0; i < 6; ++i) {
    lazy.push_back(
        std::make_unique<fifo_client>(s.path(), s.folder.path, "lazy" + std::to_string(i)));
    lazy.back()->ask(status_request);
  }
  // Two were too many, and four wait for their deadline.
  while (s.dropped() < 6)
    std::this_thread::yield();
  EXPECT_EQ(status(s), "yes");
  EXPECT_EQ(s.dropped(), 6u);
}

TEST(fifo_server, client_that_stops_reading_or_goes_away_harms_itself_alone) {
  fifo_setup setup;
  setup.reply_deadline = std::chrono::milliseconds(200);
  served s(setup);
  s.in_loop([&] {
    for (std::uint32_t i = 0; i < 10'000; ++i)
      s.view.all.push_back({i + 10, 1, "sip:192.0.2.1", true, true, "", "", {{"pstn", 3, 1}}});
  });
  fifo_client deaf = s.client("deaf");
  deaf.open();
  deaf.ask(R"({"jsonrpc":"2.0","id":1,"method":"lb_list"})");
  while (s.dropped() < 1)
    std::this_thread::yield();
  {
    fifo_client leaving = s.client("leaving");
    leaving.open();
    leaving.ask(R"({"jsonrpc":"2.0","id":1,"method":"lb_list"})");
  } // closes with the answer half written; the write must not end us by SIGPIPE
  EXPECT_EQ(status(s), "yes");
}

TEST(fifo_server, stalled_writer_is_forgotten) {
  fifo_setup setup;
  setup.request_deadline = std::chrono::milliseconds(100);
  served s(setup);
  const int staller = ::open(s.path().c_str(), O_WRONLY | O_CLOEXEC);
  ASSERT_EQ(::write(staller, ":x:{\"a\":", 8), 8);
  while (s.refused() < 1)
    std::this_thread::yield();
  EXPECT_EQ(status(s), "yes"); // while the other still holds it open
  ::close(staller);
  EXPECT_EQ(status(s), "yes");
}

TEST(fifo_server, stale_one_is_replaced_live_one_is_not) {
  served s;
  boost::asio::io_context loop;
  fifo_setup second;
  second.path = s.path();
  second.reply_dir = s.folder.path;
  const auto refused = fifo_server::open(loop, second);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error(), HasSubstr("another linehunt answers on it"));
  second.path = s.folder.path / "stale";
  ASSERT_EQ(::mkfifo(second.path.c_str(), 0666), 0);
  EXPECT_TRUE(fifo_server::open(loop, second));
  EXPECT_FALSE(std::filesystem::exists(second.path)) << "removed when the server ends";
  std::ofstream(second.path) << "precious";
  const auto file = fifo_server::open(loop, second);
  ASSERT_FALSE(file);
  EXPECT_THAT(file.error(), HasSubstr("no FIFO"));
  second.reply_dir = s.folder.path / "absent";
  const auto folder = fifo_server::open(loop, second);
  ASSERT_FALSE(folder);
  EXPECT_THAT(folder.error(), HasSubstr("fifo_reply_dir"));
}

} // namespace
} // namespace linehunt::admin::fifo_server_test
