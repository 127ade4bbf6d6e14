// SPDX-License-Identifier: Apache-2.0
// The datagram socket against senders that are bound or not, too long, or do not read.
#include "control/admin/datagram_server.h"

#include "served_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <thread>

namespace linehunt::admin::datagram_server_test {
namespace {

using linehunt::test::datagram_client;
using nlohmann::json;
using ::testing::HasSubstr;

class served : public served_by<datagram_server> {
 public:
  explicit served(const datagram_setup& setup = {}) : served_by("d.sock") { serve(setup); }
  [[nodiscard]] std::string own(const std::string& name = "me") const { return folder.path / name; }
};

constexpr std::string_view status_request =
    R"({"jsonrpc":"2.0","id":1,"method":"lb_status","params":[1]})";
constexpr std::string_view disable_notification =
    R"({"jsonrpc":"2.0","method":"lb_status","params":[1,0]})";

std::string status(served& s) {
  datagram_client c(s.path(), s.own("status"));
  c.send(status_request);
  const std::string answer = c.receive();
  std::filesystem::remove(s.own("status"));
  return answer.empty() ? answer : json::parse(answer)["result"]["enable"].get<std::string>();
}

TEST(datagram_server, one_request_one_answer) {
  served s;
  datagram_client c(s.path(), s.own());
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(c.send(status_request));
    EXPECT_EQ(json::parse(c.receive())["result"]["enable"], "yes");
  }
  c.send("nonsense");
  EXPECT_EQ(json::parse(c.receive())["error"]["code"], -32700);
  c.send("");
  EXPECT_EQ(json::parse(c.receive())["error"]["code"], -32700);
}

TEST(datagram_server, is_for_its_owner) {
  served s;
  struct stat found {};
  ASSERT_EQ(::stat(s.path().c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777, 0600u);
}

TEST(datagram_server, who_is_bound_to_nothing_only_notifies) {
  served s;
  datagram_client nameless(s.path(), "");
  EXPECT_TRUE(nameless.send(status_request)); // nowhere to answer to
  EXPECT_TRUE(nameless.send(disable_notification));
  EXPECT_EQ(status(s), "no");
  EXPECT_EQ(s.dropped(), 0u);
}

TEST(datagram_server, too_long_is_said) {
  datagram_setup setup;
  setup.max_request_bytes = 1000;
  served s(setup);
  datagram_client c(s.path(), s.own());
  c.send(std::string(1000, ' '));
  EXPECT_EQ(json::parse(c.receive())["error"]["code"], -32700) << "just within";
  c.send(std::string(1001, ' '));
  EXPECT_THAT(c.receive(), HasSubstr("Request too large"));
  EXPECT_EQ(status(s), "yes");
}

TEST(datagram_server, an_answer_that_no_datagram_holds) {
  served s;
  s.in_loop([&] {
    for (std::uint32_t i = 0; i < 5'000; ++i)
      s.view.all.push_back(
          {i + 10, 1, "sip:192.0.2.1", true, true, std::string(3000, 'x'), "", {{"pstn", 3, 1}}});
  });
  datagram_client c(s.path(), s.own());
  c.send(R"({"jsonrpc":"2.0","id":1,"method":"lb_list"})");
  EXPECT_THAT(c.receive(), HasSubstr("too large for a datagram"));
}

TEST(datagram_server, sender_that_does_not_read_or_is_gone_holds_up_nobody) {
  served s;
  datagram_client deaf(s.path(), s.own("deaf"));
  // More answers than any socket holds; the sender's own queue is ours to fill.
  for (int i = 0; i < 2000; ++i)
    ASSERT_TRUE(deaf.send(status_request));
  {
    datagram_client gone(s.path(), s.own("gone"));
    gone.send(status_request);
    std::filesystem::remove(s.own("gone"));
  }
  EXPECT_EQ(status(s), "yes");
  EXPECT_GT(s.dropped(), 0u);
}

TEST(datagram_server, others_are_answered_while_a_reload_takes_its_time) {
  datagram_setup setup;
  setup.max_open = 2;
  served s(setup);
  s.in_loop([&] { s.view.reload_waits = true; });
  datagram_client c(s.path(), s.own());
  constexpr std::string_view reload = R"({"jsonrpc":"2.0","id":1,"method":"lb_reload"})";
  c.send(reload);
  EXPECT_EQ(status(s), "yes");
  c.send(reload);
  c.send(reload);
  EXPECT_THAT(c.receive(), HasSubstr("Too many requests"));
  s.in_loop([&] { s.view.finish_reloads(); });
  EXPECT_THAT(c.receive(), HasSubstr("OK"));
  EXPECT_THAT(c.receive(), HasSubstr("OK"));
}

TEST(datagram_server, live_one_is_not_replaced) {
  served s;
  boost::asio::io_context loop;
  datagram_setup second;
  second.path = s.path();
  const auto refused = datagram_server::open(loop, second);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error(), HasSubstr("another linehunt answers on it"));
  EXPECT_EQ(status(s), "yes");
}

} // namespace
} // namespace linehunt::admin::datagram_server_test
