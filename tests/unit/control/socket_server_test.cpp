// SPDX-License-Identifier: Apache-2.0
// The admin socket against clients that are truncated, huge, slow, or too many.
#include "control/admin/socket_server.h"

#include "served_view.h"
#include "stream_client.h"

#include <array>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <optional>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <vector>

namespace linehunt::admin::socket_server_test {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

class client : public test::stream_client {
 public:
  explicit client(const std::string& path) : stream_client(AF_UNIX) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    connect(address);
  }
  // The next line; "" at the end.
  std::string line() {
    std::string one = up_to("\n");
    if (!one.empty()) one.pop_back();
    return one;
  }
};

constexpr const char* status_request =
    R"({"jsonrpc":"2.0","id":1,"method":"lb_status","params":[1]})";
constexpr const char* follow_request = R"({"jsonrpc":"2.0","id":1,"method":"events_follow"})";

std::string status_line(const std::string& path) {
  client c(path);
  c.send(std::string{status_request} + "\n");
  return c.line();
}

TEST(socket_server, answers_line_by_line) {
  served_view served;
  client c(served.path());
  ASSERT_TRUE(c.connected);
  // Several in one go, an empty line, a notification, CRLF.
  c.send(std::string{status_request} + "\n\n" +
         R"({"jsonrpc":"2.0","method":"lb_status","params":[1,0]})" + "\n" + status_request +
         "\r\nnonsense\n");
  EXPECT_EQ(json::parse(c.line())["result"]["enable"], "yes");
  EXPECT_EQ(json::parse(c.line())["result"]["enable"], "no");
  EXPECT_EQ(json::parse(c.line())["error"]["code"], -32700);
}

TEST(socket_server, is_for_its_owner) {
  served_view served;
  struct stat found {};
  ASSERT_EQ(::stat(served.path().c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777, 0600u);
  EXPECT_EQ(found.st_uid, ::geteuid());
}

TEST(socket_server, request_in_pieces) {
  served_view served;
  client c(served.path());
  const std::string text = std::string{status_request} + "\n";
  for (char byte : text)
    ASSERT_TRUE(c.send({&byte, 1}));
  EXPECT_EQ(json::parse(c.line())["result"]["enable"], "yes");
}

TEST(socket_server, last_request_without_newline) {
  served_view served;
  client c(served.path());
  c.send(status_request);
  c.end_sending();
  EXPECT_EQ(json::parse(c.line())["result"]["enable"], "yes");
  EXPECT_EQ(c.line(), "");
}

TEST(socket_server, truncated_request) {
  served_view served;
  client c(served.path());
  c.send(std::string_view{status_request}.substr(0, 30));
  c.end_sending();
  EXPECT_EQ(json::parse(c.line())["error"]["code"], -32700);
  EXPECT_THAT(status_line(served.path()), HasSubstr("yes"));
}

// Takes all descriptors that there are, while it lives.
class no_descriptors {
 public:
  no_descriptors() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const rlimit few{256, before_.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &few);
    for (int file; (file = ::open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0;)
      taken_.push_back(file);
  }
  void give_one() {
    ::close(taken_.back());
    taken_.pop_back();
  }
  ~no_descriptors() {
    ::setrlimit(RLIMIT_NOFILE, &before_);
    for (const int file : taken_)
      ::close(file);
  }

 private:
  rlimit before_{};
  std::vector<int> taken_;
};

TEST(socket_server, without_file_descriptors_clients_are_served_one_at_a_time) {
  served_view served;
  EXPECT_EQ(served.had_reserve(), 0u);
  {
    no_descriptors now;
    now.give_one(); // the clients' own
    for (int i = 0; i < 3; ++i)
      EXPECT_THAT(status_line(served.path()), HasSubstr("yes"));
  }
  EXPECT_GE(served.had_reserve(), 1u);
}

TEST(socket_server, without_file_descriptors_nobody_is_waited_for_who_says_nothing) {
  socket_setup setup;
  setup.request_deadline = std::chrono::milliseconds(100);
  served_view served(setup);
  no_descriptors now;
  std::array<std::optional<client>, 3> clients;
  for (auto& c : clients)
    served.in_loop([&] { // so that nobody else takes it
      now.give_one();
      c.emplace(served.path());
    });
  auto& [silent, follower, last] = clients;
  follower->send(std::string{follow_request} + "\n");
  last->send(std::string{status_request} + "\n");
  EXPECT_EQ(silent->line(), ""); // hung up
  EXPECT_THAT(follower->line(), HasSubstr("result"));
  EXPECT_EQ(follower->line(), "");
  EXPECT_THAT(last->line(), HasSubstr("yes"));
}

TEST(socket_server, others_are_answered_while_a_reload_takes_its_time) {
  served_view served;
  served.reload_waits(true);
  client slow(served.path());
  slow.send(R"({"jsonrpc":"2.0","id":1,"method":"lb_reload"})"
            "\n" +
            std::string{status_request} + "\n");
  EXPECT_THAT(status_line(served.path()), HasSubstr("yes"));
  served.reload_waits(false);
  EXPECT_EQ(json::parse(slow.line())["result"], "OK");
  EXPECT_EQ(json::parse(slow.line())["result"]["enable"], "yes") << "answers in their order";
}

TEST(socket_server, huge_request_is_refused_and_hung_up_on) {
  socket_setup setup;
  setup.max_request_bytes = 1000;
  served_view served(setup);
  client c(served.path());
  c.send(std::string(5'000'000, 'x')); // may fail half way: the server hangs up
  EXPECT_THAT(c.line(), HasSubstr("Request too large"));
  EXPECT_EQ(c.line(), "");
  EXPECT_THAT(status_line(served.path()), HasSubstr("yes"));
}

TEST(socket_server, request_of_exactly_the_limit) {
  socket_setup setup;
  setup.max_request_bytes = 1000;
  served_view served(setup);
  client c(served.path());
  std::string text = status_request;
  text.resize(1000, ' ');
  c.send(text + "\n");
  EXPECT_THAT(c.line(), HasSubstr("yes"));
  text.resize(1001, ' ');
  c.send(text + "\n");
  EXPECT_THAT(c.line(), HasSubstr("Request too large"));
}

TEST(socket_server, half_a_request_is_not_waited_for_for_ever) {
  socket_setup setup;
  setup.request_deadline = std::chrono::milliseconds(50);
  served_view served(setup);
  client c(served.path());
  c.send("{");
  EXPECT_EQ(c.line(), ""); // hung up
  EXPECT_THAT(status_line(served.path()), HasSubstr("yes"));
}

TEST(socket_server, idle_client_may_stay) {
  socket_setup setup;
  setup.request_deadline = std::chrono::milliseconds(1);
  served_view served(setup);
  client c(served.path());
  // The deadline of another client passes meanwhile.
  client other(served.path());
  other.send("{");
  EXPECT_EQ(other.line(), "");
  c.send(std::string{status_request} + "\n");
  EXPECT_THAT(c.line(), HasSubstr("yes"));
}

// Asks again and again and never reads: the answers fill the socket's buffer, then nothing more is
// read from it, and in the end it is hung up on. Others are served all the time.
TEST(socket_server, slow_reader_harms_itself_alone) {
  socket_setup setup;
  setup.answer_deadline = std::chrono::milliseconds(300);
  served_view served(setup);
  client slow(served.path());
  const std::string list = R"({"jsonrpc":"2.0","id":1,"method":"lb_list"})"
                           "\n";
  std::string many;
  for (int i = 0; i < 1000; ++i)
    many += list;
  std::size_t sent = 0;
  while (sent < 200'000'000 && slow.send(many)) {
    sent += many.size();
    ASSERT_THAT(status_line(served.path()), HasSubstr("yes"));
  }
  EXPECT_LT(sent, 200'000'000u) << "the server kept reading";
  EXPECT_THAT(status_line(served.path()), HasSubstr("yes"));
}

TEST(socket_server, clients_beyond_the_limit_are_told) {
  socket_setup setup;
  setup.max_clients = 3;
  served_view served(setup);
  std::vector<std::unique_ptr<client>> all;
  for (int i = 0; i < 3; ++i) {
    all.push_back(std::make_unique<client>(served.path()));
    all.back()->send(std::string{status_request} + "\n");
    EXPECT_THAT(all.back()->line(), HasSubstr("yes"));
  }
  EXPECT_EQ(served.clients(), 3u);
  client late(served.path());
  EXPECT_THAT(late.line(), HasSubstr("Too many clients"));
  EXPECT_EQ(late.line(), "");
  EXPECT_EQ(served.refused(), 1u);
  all.pop_back();
  // Its place is free as soon as the server has seen it go.
  while (served.clients() == 3)
    std::this_thread::yield();
  EXPECT_THAT(status_line(served.path()), HasSubstr("yes"));
}

TEST(socket_server, hundred_clients_at_once) {
  socket_setup setup;
  setup.max_clients = 100;
  served_view served(setup);
  std::vector<std::unique_ptr<client>> all;
  for (int i = 0; i < 100; ++i)
    all.push_back(std::make_unique<client>(served.path()));
  for (auto& c : all)
    c->send(std::string{status_request} + "\n");
  for (auto& c : all)
    EXPECT_THAT(c->line(), HasSubstr("yes"));
}

TEST(socket_server, events_go_to_those_who_follow) {
  served_view served;
  client follower(served.path()), other(served.path());
  other.send(std::string{status_request} + "\n");
  EXPECT_THAT(other.line(), HasSubstr("yes"));
  follower.send(std::string{follow_request} + "\n");
  EXPECT_THAT(follower.line(), HasSubstr("OK"));
  served.publish(R"({"event":1})");
  served.publish(R"({"event":2})");
  EXPECT_EQ(follower.line(), R"({"event":1})");
  EXPECT_EQ(follower.line(), R"({"event":2})");
  // It may go on asking, and the other heard nothing.
  follower.send(std::string{status_request} + "\n");
  EXPECT_THAT(follower.line(), HasSubstr("yes"));
  other.send(std::string{status_request} + "\n");
  EXPECT_THAT(other.line(), HasSubstr("yes"));
}

TEST(socket_server, an_event_is_not_taken_for_an_answer_that_takes_its_time) {
  served_view served;
  client follower(served.path());
  follower.send(std::string{follow_request} + "\n");
  EXPECT_THAT(follower.line(), HasSubstr("OK"));
  served.reload_waits(true);
  follower.send(R"({"jsonrpc":"2.0","id":1,"method":"lb_reload"})"
                "\n" +
                std::string{status_request} + "\n");
  EXPECT_THAT(status_line(served.path()), HasSubstr("yes"));
  served.publish(R"({"event":1})");
  EXPECT_EQ(follower.line(), R"({"event":1})");
  EXPECT_THAT(status_line(served.path()), HasSubstr("yes"));
  served.reload_waits(false);
  EXPECT_EQ(json::parse(follower.line())["result"], "OK");
  EXPECT_EQ(json::parse(follower.line())["result"]["enable"], "yes") << "answers in their order";
}

// Else it would take what the list says for newer than the event.
TEST(socket_server, an_event_that_a_list_does_not_know_comes_behind_it) {
  served_view served;
  served.view.all.resize(1'000, served.view.all.front());
  served.view.listing_takes = std::chrono::milliseconds(60); // longer than a turn
  served.publish_within_lists(R"({"event":1})");
  client follower(served.path()), late(served.path());
  const std::string list = R"({"jsonrpc":"2.0","id":1,"method":"lb_list"})";
  follower.send(std::string{follow_request} + "\n" + list + "\n");
  EXPECT_THAT(follower.line(), HasSubstr("OK"));
  EXPECT_EQ(json::parse(follower.line())["result"]["Destinations"].size(), 1'000u);
  EXPECT_EQ(follower.line(), R"({"event":1})");
  // Of one batch, and without an answer.
  late.send("[" + std::string{follow_request} + "," + list + "]\n");
  EXPECT_EQ(json::parse(late.line()).size(), 2u);
  EXPECT_EQ(late.line(), R"({"event":1})");
  EXPECT_EQ(follower.line(), R"({"event":1})") << "of that list";
  late.send(R"({"jsonrpc":"2.0","method":"lb_list"})"
            "\n");
  EXPECT_EQ(late.line(), R"({"event":1})");
  EXPECT_EQ(follower.line(), R"({"event":1})");
  EXPECT_EQ(served.dropped(), 0u);
}

TEST(socket_server, follower_that_does_not_read_is_hung_up_on) {
  socket_setup setup;
  setup.max_waiting_bytes = 100'000;
  served_view served(setup);
  client follower(served.path());
  follower.send(std::string{follow_request} + "\n");
  EXPECT_THAT(follower.line(), HasSubstr("OK"));
  const std::string line(1000, 'x');
  // More than any socket buffer holds.
  for (int i = 0; i < 20'000 && served.clients() == 1; ++i)
    served.publish(line);
  EXPECT_EQ(served.clients(), 0u);
  EXPECT_EQ(served.dropped(), 1u);
  EXPECT_EQ(served.refused(), 0u);
  EXPECT_THAT(status_line(served.path()), HasSubstr("yes"));
}

// What it asked for itself does not count against it, however large.
TEST(socket_server, a_large_answer_is_not_taken_for_events_that_wait) {
  socket_setup setup;
  setup.max_waiting_bytes = 400'000;
  served_view served(setup);
  served.view.all.resize(7'000, served.view.all.front()); // some 1 MB as an answer
  client follower(served.path());
  follower.send(std::string{follow_request} + "\n");
  EXPECT_THAT(follower.line(), HasSubstr("OK"));
  // More than the socket holds, so that what comes later has to wait.
  const std::string first(390'000, 'x');
  served.publish(first);
  follower.send(R"({"jsonrpc":"2.0","id":1,"method":"lb_list"})"
                "\n");
  EXPECT_THAT(status_line(served.path()), HasSubstr("yes"));
  served.publish(R"({"event":2})");
  EXPECT_EQ(served.dropped(), 0u);
  EXPECT_EQ(follower.line(), first);
  const std::string second = follower.line(), third = follower.line();
  const bool in_order = second.size() > third.size();
  EXPECT_GT((in_order ? second : third).size(), setup.max_waiting_bytes);
  EXPECT_EQ(in_order ? third : second, R"({"event":2})");
}

TEST(socket_server, stale_file_is_replaced_live_one_is_not) {
  served_view served;
  boost::asio::io_context loop;
  socket_setup second;
  second.path = served.path();
  const auto refused = socket_server::open(loop, second);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error(), HasSubstr("another linehunt answers on it"));
  EXPECT_THAT(status_line(served.path()), HasSubstr("yes"));

  // A socket file whose owner died without removing it.
  const std::string stale = served.path() + ".stale";
  {
    const int dead = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    stale.copy(address.sun_path, sizeof address.sun_path - 1);
    const void* any = &address;
    ASSERT_EQ(::bind(dead, static_cast<const sockaddr*>(any), sizeof address), 0);
    ::close(dead);
  }
  second.path = stale;
  EXPECT_TRUE(socket_server::open(loop, second));
  EXPECT_FALSE(std::filesystem::exists(stale)) << "removed when the server ends";
}

TEST(socket_server, other_files_are_left_alone) {
  served_view served;
  const std::string path = served.path() + ".txt";
  std::ofstream(path) << "precious";
  boost::asio::io_context loop;
  socket_setup setup;
  setup.path = path;
  const auto refused = socket_server::open(loop, setup);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error(), HasSubstr("no socket"));
  EXPECT_TRUE(std::filesystem::exists(path));
}

} // namespace
} // namespace linehunt::admin::socket_server_test
