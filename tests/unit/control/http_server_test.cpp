// SPDX-License-Identifier: Apache-2.0
// The HTTP server against clients that are right, wrong, huge, slow, or too many.
#include "control/http/http_server.h"

#include "control/admin/over_http.h"
#include "fake_view.h"
#include "run_in_loop.h"
#include "tcp_client.h"

#include <atomic>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <future>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <memory>
#include <nlohmann/json.hpp>
#include <thread>
#include <vector>

namespace linehunt::http::http_server_test {
namespace {

using linehunt::test::tcp_client;
using nlohmann::json;
using ::testing::HasSubstr;

class served {
 public:
  explicit served(http_setup setup = {}) {
    setup.port = 0;
    auto opened = http_server::open(loop_, setup);
    EXPECT_TRUE(opened) << opened.error();
    if (!opened) return;
    server_ = std::move(*opened);
    port = server_->port();
    server_->route("POST", "/mi", [this](const request& r, replying done) {
      admin::over_http(r, view, turns_, std::move(done));
    });
    server_->route("GET", "/large", [](const request&, const replying& done) {
      done({200, "text/plain", std::string(32 << 20, 'x')});
    });
    server_->route("GET", "/shared", [this](const request&, const replying& done) {
      done({200, "text/plain", {}, shared});
    });
    server_->serve();
    thread_ = std::thread([this] { loop_.run(); });
  }
  ~served() {
    boost::asio::post(loop_, [this] {
      timer_.cancel();
      server_.reset();
    });
    if (thread_.joinable()) thread_.join();
  }
  std::size_t clients() {
    std::size_t count = 0;
    in_loop([&] { count = server_->clients(); });
    return count;
  }
  std::uint64_t refused() {
    std::uint64_t count = 0;
    in_loop([&] { count = server_->refused(); });
    return count;
  }
  void in_loop(const std::function<void()>& what) { linehunt::test::run_in_loop(loop_, what); }
  void reload_waits(bool waits) {
    boost::asio::post(loop_, [this, waits] {
      view.reload_waits = waits;
      view.finish_reloads();
    });
  }
  // Counts the rounds of the loop in which a timer had its turn.
  void count_rounds() {
    timer_.expires_after(std::chrono::milliseconds(1));
    timer_.async_wait([this](boost::system::error_code stopped) {
      if (stopped || !server_) return; // it may have run out just before it was cancelled
      ++rounds;
      count_rounds();
    });
  }
  std::atomic<unsigned> rounds = 0;
  std::uint16_t port = 0;
  admin::fake_view view;
  const std::shared_ptr<const std::string> shared =
      std::make_shared<const std::string>(8 << 20, 's');

 private:
  boost::asio::io_context loop_;
  admin::turns turns_{
      [this](admin::turns::work next) { boost::asio::post(loop_, std::move(next)); }};
  boost::asio::steady_timer timer_{loop_};
  std::unique_ptr<http_server> server_;
  std::thread thread_;
};

std::string post(std::string_view body, std::string_view more = {},
                 std::string_view target = "/mi") {
  return "POST " + std::string{target} + " HTTP/1.1\r\nHost: localhost\r\n" + std::string{more} +
         "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + std::string{body};
}
constexpr std::string_view status_request =
    R"({"jsonrpc":"2.0","id":1,"method":"lb_status","params":[1]})";

bool answers(const served& s) {
  tcp_client c(s.port);
  c.send(post(status_request));
  const auto a = c.next();
  return a.status == 200 && json::parse(a.body)["result"]["enable"] == "yes";
}

TEST(http_server, answers_a_post_and_keeps_the_connection) {
  served s;
  tcp_client c(s.port);
  ASSERT_TRUE(c.connected);
  // Two at once: they are answered one after the other.
  c.send(post(status_request) + post(status_request));
  for (int i = 0; i < 2; ++i) {
    const auto a = c.next();
    EXPECT_EQ(a.status, 200);
    EXPECT_THAT(a.header, HasSubstr("Content-Type: application/json\r\n"));
    EXPECT_EQ(json::parse(a.body)["result"]["enable"], "yes");
  }
}

TEST(http_server, errors_are_answers_too_and_notifications_are_202) {
  served s;
  tcp_client c(s.port);
  c.send(post("nonsense"));
  auto a = c.next();
  EXPECT_EQ(a.status, 200);
  EXPECT_EQ(json::parse(a.body)["error"]["code"], -32700);
  c.send(post(R"({"jsonrpc":"2.0","method":"lb_status","params":[1,0]})"));
  a = c.next();
  EXPECT_EQ(a.status, 202);
  EXPECT_EQ(a.body, "");
  c.send(post(status_request));
  EXPECT_EQ(json::parse(c.next().body)["result"]["enable"], "no");
}

TEST(http_server, request_in_pieces_and_in_chunks) {
  served s;
  tcp_client c(s.port);
  for (const char byte : post(status_request))
    ASSERT_TRUE(c.send({&byte, 1}));
  EXPECT_EQ(c.next().status, 200);
  c.send("POST /mi HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
  c.send("10\r\n" + std::string{status_request.substr(0, 16)} + "\r\n");
  const std::string rest{status_request.substr(16)};
  char size[16];
  std::snprintf(size, sizeof size, "%zx\r\n", rest.size());
  c.send(size + rest + "\r\n0\r\n\r\n");
  EXPECT_EQ(json::parse(c.next().body)["result"]["enable"], "yes");
}

TEST(http_server, waits_for_a_body_that_waits_for_it) {
  served s;
  tcp_client c(s.port);
  const std::string all = post(status_request, "Expect: 100-continue\r\n");
  c.send(all.substr(0, all.size() - status_request.size()));
  EXPECT_THAT(c.header(), HasSubstr("100 Continue"));
  c.send(status_request);
  EXPECT_EQ(c.next().status, 200);
}

TEST(http_server, other_targets_and_methods) {
  served s;
  tcp_client c(s.port);
  c.send(post("{}", {}, "/"));
  EXPECT_EQ(c.next().status, 404);
  c.send(post("{}", {}, "/mi/"));
  EXPECT_EQ(c.next().status, 404);
  c.send("GET /mi HTTP/1.1\r\nHost: h\r\n\r\n");
  const auto a = c.next();
  EXPECT_EQ(a.status, 405);
  EXPECT_THAT(a.header, HasSubstr("Allow: POST\r\n"));
  // Nobody reads a body behind HEAD: it would be taken for the next answer.
  c.send("HEAD /mi HTTP/1.1\r\nHost: h\r\n\r\nHEAD / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_THAT(c.header(), ::testing::StartsWith("HTTP/1.1 405"));
  EXPECT_THAT(c.header(), ::testing::StartsWith("HTTP/1.1 404"));
  c.send(post(status_request, {}, "/mi?from=me"));
  EXPECT_EQ(c.next().status, 200);
}

TEST(http_server, pages_of_other_sites_are_refused) {
  served s;
  tcp_client c(s.port);
  c.send(post(R"({"jsonrpc":"2.0","id":1,"method":"lb_status","params":[1,0]})",
              "Origin: https://example.com\r\n"));
  EXPECT_EQ(c.next().status, 403);
  EXPECT_TRUE(answers(s)) << "nothing was disabled";
}

TEST(http_server, huge_body_and_header) {
  http_setup setup;
  setup.max_body_bytes = 1000;
  setup.max_header_bytes = 1000;
  served s(setup);
  {
    tcp_client c(s.port);
    c.send(post(std::string(1001, ' ')));
    EXPECT_EQ(c.next().status, 413);
    EXPECT_TRUE(c.ends());
  }
  {
    tcp_client c(s.port); // it never says how long
    c.send("POST /mi HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 4; ++i)
      c.send("200\r\n" + std::string(0x200, ' ') + "\r\n");
    EXPECT_EQ(c.next().status, 413);
  }
  {
    tcp_client c(s.port);
    c.send(post("{}", "X-Long: " + std::string(2000, 'x') + "\r\n"));
    EXPECT_EQ(c.next().status, 431);
  }
  {
    tcp_client c(s.port); // a length that no body has
    c.send("POST /mi HTTP/1.1\r\nHost: h\r\nContent-Length: 18446744073709551615\r\n\r\n");
    EXPECT_THAT(c.next().status, ::testing::AnyOf(400, 413));
  }
  EXPECT_TRUE(answers(s));
}

TEST(http_server, what_is_no_http) {
  served s;
  for (const std::string& bytes :
       {std::string{"nonsense\r\n\r\n"}, std::string{"\0\1\2\3\r\n\r\n", 8},
        std::string{"GET / HTTP/9.9\r\n\r\n"}, std::string{"POST /mi HTTP/1.1\r\nbroken\r\n\r\n"},
        std::string{"POST /mi HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}"}}) {
    tcp_client c(s.port);
    c.send(bytes);
    EXPECT_EQ(c.next().status, 400) << bytes;
    EXPECT_TRUE(c.ends());
  }
  {
    tcp_client c(s.port);
    c.send(post(status_request).substr(0, 60));
    c.end_sending();
    EXPECT_TRUE(c.ends());
  }
  EXPECT_TRUE(answers(s));
}

TEST(http_server, slow_writer_is_hung_up_on) {
  http_setup setup;
  setup.request_deadline = std::chrono::milliseconds(100);
  served s(setup);
  tcp_client silent(s.port), begun(s.port);
  begun.send(post(status_request).substr(0, 20));
  EXPECT_TRUE(begun.ends());
  EXPECT_TRUE(silent.ends());
  EXPECT_TRUE(answers(s));
}

TEST(http_server, slow_reader_is_hung_up_on) {
  http_setup setup;
  setup.answer_deadline = std::chrono::milliseconds(100);
  served s(setup);
  tcp_client c(s.port, 4096);
  c.send("GET /large HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_THAT(c.header(), HasSubstr("200 OK")); // and no byte of the body
  while (s.clients() != 0)
    std::this_thread::yield();
  EXPECT_TRUE(answers(s));
}

// A body that is made for several clients is in memory once, however slowly they read.
TEST(http_server, clients_share_a_body) {
  served s;
  std::vector<std::unique_ptr<tcp_client>> all;
  for (int i = 0; i < 10; ++i) {
    all.push_back(std::make_unique<tcp_client>(s.port, 4096));
    all.back()->send("GET /shared HTTP/1.1\r\nHost: h\r\n\r\n");
  }
  for (const auto& client : all)
    EXPECT_THAT(client->header(), HasSubstr("200 OK"));
  EXPECT_EQ(s.shared.use_count(), 11);
  all.resize(1);
  while (s.clients() != 1)
    std::this_thread::yield();
  EXPECT_EQ(all.front()->body(s.shared->size()), *s.shared);
  while (s.shared.use_count() != 1)
    std::this_thread::yield();
  EXPECT_TRUE(answers(s));
}

TEST(http_server, clients_beyond_the_limit_are_told) {
  http_setup setup;
  setup.max_clients = 3;
  served s(setup);
  std::vector<std::unique_ptr<tcp_client>> all;
  for (int i = 0; i < 3; ++i) {
    all.push_back(std::make_unique<tcp_client>(s.port));
    all.back()->send(post(status_request));
    EXPECT_EQ(all.back()->next().status, 200);
  }
  tcp_client late(s.port);
  EXPECT_EQ(late.next().status, 503);
  EXPECT_EQ(s.refused(), 1u);
  all.pop_back();
  // Its place is free as soon as the server has seen it go.
  while (s.clients() == 3)
    std::this_thread::yield();
  EXPECT_TRUE(answers(s));
}

TEST(http_server, others_are_answered_while_a_reload_takes_its_time) {
  served s;
  s.reload_waits(true);
  tcp_client waiting(s.port);
  waiting.send(post(R"({"jsonrpc":"2.0","id":1,"method":"lb_reload"})"));
  {
    tcp_client leaving(s.port);
    leaving.send(post(R"({"jsonrpc":"2.0","id":1,"method":"lb_reload"})"));
    EXPECT_TRUE(answers(s));
  }
  s.reload_waits(false);
  EXPECT_EQ(json::parse(waiting.next().body)["result"], "OK");
  EXPECT_TRUE(answers(s));
}

// What watches over the daemon is a timer, too.
TEST(http_server, timers_run_while_batches_are_done) {
  served s;
  s.in_loop([&] {
    s.view.listing_takes = std::chrono::milliseconds(5);
    s.count_rounds();
  });
  std::string batch = R"({"jsonrpc":"2.0","id":1,"method":"lb_list"})";
  for (int i = 1; i < 40; ++i)
    batch += R"(,{"jsonrpc":"2.0","id":1,"method":"lb_list"})";
  std::vector<std::unique_ptr<tcp_client>> all;
  for (int i = 0; i < 4; ++i)
    all.push_back(std::make_unique<tcp_client>(s.port));
  s.in_loop([&] { // so that all of it is there when the loop looks
    for (const auto& client : all)
      client->send(post("[" + batch + "]"));
    s.rounds = 0;
  });
  for (const auto& client : all)
    EXPECT_EQ(json::parse(client->next().body).size(), 40u);
  // A timer that is set again between two slices runs out behind the second.
  EXPECT_GE(s.rounds, 5u) << "of 800 ms, of which 50 are a slice";
}

TEST(http_server, an_address_in_use_is_an_error) {
  served s;
  boost::asio::io_context loop;
  http_setup second;
  second.port = s.port;
  const auto refused = http_server::open(loop, second);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error(), HasSubstr("in use; name another address or port"));
  second.address = "203.0.113.7";
  EXPECT_FALSE(http_server::open(loop, second));
}

} // namespace
} // namespace linehunt::http::http_server_test
