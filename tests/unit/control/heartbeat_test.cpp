// SPDX-License-Identifier: Apache-2.0
// Heartbeats of a FreeSWITCH: the formula, the framing, and whole conversations over TCP on
// loopback with a peer that speaks its event socket, dies, comes back, refuses and sends rubbish.
#include "control/heartbeat/heartbeats.h"

#include "dns_server.h"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <random>

namespace linehunt::heartbeat::heartbeat_test {
namespace {

using namespace std::chrono_literals;
using boost::asio::ip::tcp;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using error_code = boost::system::error_code;

std::string event(int sessions, int most, const std::string& idle, const std::string& more = {}) {
  return "Event-Name: HEARTBEAT\nCore-UUID: 1-2\nEvent-Info: System%20Ready\n" + more +
         "Session-Count: " + std::to_string(sessions) + "\nMax-Sessions: " + std::to_string(most) +
         "\nIdle-CPU: " + idle + "\n\n";
}

TEST(beat, is_read_from_the_lines_of_an_event) {
  const auto b = read_beat(event(12, 1000, "87.500000", "Heartbeat-Interval: 20\n"));
  ASSERT_TRUE(b);
  EXPECT_EQ(b->sessions, 12);
  EXPECT_EQ(b->max_sessions, 1000);
  EXPECT_DOUBLE_EQ(b->idle_per_cent, 87.5);
  EXPECT_EQ(b->interval_s, 20u);
  EXPECT_EQ(read_beat(event(1, 2, "250"))->idle_per_cent, 100.0);
}

TEST(beat, anything_else_is_none) {
  EXPECT_FALSE(read_beat(""));
  EXPECT_FALSE(
      read_beat("Event-Name: RE_SCHEDULE\nSession-Count: 1\nMax-Sessions: 2\nIdle-CPU: 3"));
  EXPECT_FALSE(read_beat(event(-1, 2, "3")));
  EXPECT_FALSE(read_beat(event(1, -2, "3")));
  for (const char* idle : {"", "nan", "inf", "x", "1.2.3", "3 "})
    EXPECT_FALSE(read_beat(event(1, 2, idle))) << idle;
  EXPECT_FALSE(read_beat("Event-Name: HEARTBEAT\nSession-Count: 99999999999999999999\n"
                         "Max-Sessions: 1\nIdle-CPU: 1\n"));
  EXPECT_FALSE(
      read_beat("Event-Name: HEARTBEAT\n\nSession-Count: 1\nMax-Sessions: 1\nIdle-CPU: 1\n"))
      << "the figures stand in the body";
}

TEST(beat, capacity_is_what_others_leave_times_what_is_idle) {
  const auto capacity = [](std::int64_t sessions, std::int64_t most, double idle,
                           std::int64_t ours) {
    return capacity_of({sessions, most, idle, 0}, ours);
  };
  EXPECT_EQ(capacity(0, 1000, 100, 0), 1000);
  EXPECT_EQ(capacity(300, 1000, 100, 0), 700);
  EXPECT_EQ(capacity(300, 1000, 100, 300), 1000) << "all of them are ours";
  EXPECT_EQ(capacity(300, 1000, 50, 100), 400);
  EXPECT_EQ(capacity(1000, 1000, 80, 0), 800) << "others alone fill it: the other formula";
  EXPECT_EQ(capacity(5, 1000, 33.3, 5), 333);
  EXPECT_EQ(capacity(0, 2147483647, 100, 2147483647), 2147483647) << "bounded";
  EXPECT_EQ(capacity(7, 10, 0, 7), 0);
}

TEST(socket_reader, any_cut_gives_the_same_messages) {
  const std::string body = event(1, 2, "3");
  const std::string text = "Content-Type: auth/request\n\nContent-Type: command/reply\nReply-Text: "
                           "+OK accepted\n\nContent-Length: " +
                           std::to_string(body.size()) + "\nContent-Type: text/event-plain\n\n" +
                           body + "Content-Type: text/disconnect-notice\nContent-Length: 0\n\n";
  for (std::size_t step = 1; step < text.size(); ++step) {
    socket_reader reader;
    std::vector<std::string> types;
    std::string last_body;
    for (std::size_t at = 0; at < text.size(); at += step)
      ASSERT_TRUE(reader.feed(text.substr(at, step), [&](const socket_message& m) {
        types.push_back(m.content_type);
        if (!m.body.empty()) last_body = m.body;
      })) << reader.fault();
    EXPECT_THAT(types, ElementsAre("auth/request", "command/reply", "text/event-plain",
                                   "text/disconnect-notice"));
    EXPECT_EQ(last_body, body);
  }
}

TEST(socket_reader, limits) {
  const auto nothing = [](const socket_message&) {};
  for (const std::string& wrong :
       {std::string(5000, 'x'), std::string{"Content-Length: 65537\n\n"},
        std::string{"Content-Length: -1\n\n"}, std::string{"Content-Length: 9z\n\n"},
        std::string{"HTTP/1.1 400 Bad Request\n\n"},
        "Content-Type: a\n" + std::string(5000, 'y') + ": z\n\n"}) {
    socket_reader reader;
    EXPECT_FALSE(reader.feed(wrong, nothing)) << wrong.substr(0, 40);
    EXPECT_FALSE(reader.fault().empty());
    EXPECT_FALSE(reader.feed("Content-Type: auth/request\n\n", nothing)) << "it stays broken";
  }
  std::mt19937 random(9);
  for (int round = 0; round < 2000; ++round) {
    socket_reader reader;
    std::string noise;
    for (int i = 0; i < 200; ++i)
      noise += "\n: CT-\0\xff\r19"[random() % 12];
    (void)reader.feed(noise, nothing);
  }
}

// The other end: accepts one connection after the other and answers as a FreeSWITCH does.
class peer {
 public:
  explicit peer(boost::asio::io_context& loop, unsigned short port = 0,
                const char* ip = "127.0.0.1")
      : acceptor_(loop, tcp::endpoint(boost::asio::ip::make_address(ip), port)), socket_(loop) {
    accept();
  }
  [[nodiscard]] unsigned short port() const { return acceptor_.local_endpoint().port(); }
  void send(const std::string& text) {
    error_code ignored;
    boost::asio::write(socket_, boost::asio::buffer(text), ignored);
  }
  void beat(int sessions, int most, const std::string& idle) {
    const std::string body = event(sessions, most, idle, "Heartbeat-Interval: 0\n");
    send("Content-Length: " + std::to_string(body.size()) + "\nContent-Type: text/event-plain\n\n" +
         body);
  }
  void drop() {
    error_code ignored;
    socket_.close(ignored);
  }

  std::string login = "auth ClueCon", greeting = "Content-Type: auth/request\n\n";
  std::vector<std::string> heard;
  int connections = 0;
  bool subscribed = false;

 private:
  void accept() {
    acceptor_.async_accept([this](error_code failure, tcp::socket socket) {
      if (failure) return;
      socket_ = std::move(socket);
      buffer_ = std::make_shared<std::string>();
      subscribed = false;
      ++connections;
      send(greeting);
      read();
      accept();
    });
  }
  void read() {
    boost::asio::async_read_until(
        socket_, boost::asio::dynamic_buffer(*buffer_), "\n\n",
        [this, buffer = buffer_](error_code failure, std::size_t count) {
          if (failure) return;
          const std::string line = buffer->substr(0, count - 2);
          buffer->erase(0, count);
          heard.push_back(line);
          if (line == login) {
            send("Content-Type: command/reply\nReply-Text: +OK accepted\n\n");
          } else if (line == "event plain HEARTBEAT") {
            send("Content-Type: command/reply\nReply-Text: +OK event listener enabled plain\n\n");
            subscribed = true;
          } else {
            send("Content-Type: command/reply\nReply-Text: -ERR invalid\n\n");
            send("Content-Type: text/disconnect-notice\nContent-Length: 0\n\n");
          }
          read();
        });
  }
  tcp::acceptor acceptor_;
  tcp::socket socket_;
  // Asio still looks at it in a read that the death of the peer has ended.
  std::shared_ptr<std::string> buffer_ = std::make_shared<std::string>();
};

class heartbeats_test : public ::testing::Test {
 protected:
  heartbeats_test() {
    wanted.socket.interval = 10s;
    wanted.socket.first_retry = 5ms;
    wanted.socket.longest_retry = 20ms;
    wanted.socket.login = 2s;
    wanted.socket.least_gap = 0ms;
    names.servers.addresses = {"127.0.0.1:9"};
    names.min_ttl = 20ms;
    names.first_retry = 20ms;
    names.gather = names.between = 5ms;
  }
  template <class Condition>
  [[nodiscard]] bool until(Condition holds) {
    const auto limit = std::chrono::steady_clock::now() + 60s;
    while (!holds()) {
      if (std::chrono::steady_clock::now() > limit) return false;
      loop.restart();
      loop.run_for(2ms);
    }
    return true;
  }
  void follow(unsigned short port, const std::string& login = ":ClueCon",
              const std::vector<std::uint32_t>& ids = {5}) {
    std::vector<std::string> errors;
    std::vector<destination_model> destinations;
    for (const std::uint32_t id : ids) {
      destination_model& d = destinations.emplace_back();
      d.id = id;
      d.resources = parse_resources(
          "vm=7; chan=fs://" + login + "@" + host + ":" + std::to_string(port), errors);
    }
    EXPECT_THAT(errors, IsEmpty());
    all.follow(destinations, wanted, names);
  }
  void follow_a_beat_of(peer& machine) {
    follow(machine.port());
    ASSERT_TRUE(until([&] { return machine.subscribed; }));
    machine.beat(0, 500, "100");
  }

  boost::asio::io_context loop;
  settings wanted;
  dns::resolver_settings names;
  std::string host = "127.0.0.1";
  std::int64_t load = 0;
  std::vector<std::uint32_t> sized; // destinations, beside sizes
  std::vector<std::int32_t> sizes;
  std::vector<report> reports;
  heartbeats all{loop,
                 [this](std::uint32_t id, const std::string& resource, const auto& size) {
                   EXPECT_EQ(resource, "chan");
                   sized.push_back(id);
                   sizes.push_back(size(load));
                   return true;
                 },
                 [this](const report& r) { reports.push_back(r); }};
};

TEST_F(heartbeats_test, logs_in_and_follows) {
  peer machine(loop);
  follow(machine.port());
  EXPECT_EQ(all.about(5, "chan")->status, status::waiting);
  EXPECT_FALSE(all.about(5, "vm"));
  ASSERT_TRUE(until([&] { return machine.subscribed; }));
  EXPECT_THAT(machine.heard, ElementsAre("auth ClueCon", "event plain HEARTBEAT"));
  EXPECT_THAT(sizes, IsEmpty());
  machine.beat(100, 1000, "50.0");
  ASSERT_TRUE(until([&] { return sizes.size() == 1; }));
  load = 100;
  machine.beat(100, 1000, "50.0");
  ASSERT_TRUE(until([&] { return sizes.size() == 2; }));
  EXPECT_THAT(sizes, ElementsAre(450, 500));
  EXPECT_EQ(all.about(5, "chan")->status, status::fresh);
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_THAT(reports[0].socket, HasSubstr("127.0.0.1:"));
  EXPECT_EQ(reports[0].socket.find("ClueCon"), std::string::npos);
}

TEST_F(heartbeats_test, ipv6_is_named_as_it_is_written) {
  peer machine(loop, 0, "::1");
  host = "[::1]";
  follow(machine.port());
  ASSERT_TRUE(until([&] { return machine.subscribed; }));
  EXPECT_EQ(all.about(5, "chan")->socket, "[::1]:" + std::to_string(machine.port()));
}

TEST_F(heartbeats_test, user_with_a_password) {
  peer machine(loop);
  machine.login = "userauth lh@pbx:secret@1";
  follow(machine.port(), "lh@pbx:secret@1");
  ASSERT_TRUE(until([&] { return machine.subscribed; }));
}

TEST_F(heartbeats_test, death_and_return) {
  auto machine = std::make_unique<peer>(loop);
  const unsigned short port = machine->port();
  follow(port);
  ASSERT_TRUE(until([&] { return machine->subscribed; }));
  machine->beat(0, 500, "100");
  ASSERT_TRUE(until([&] { return sizes.size() == 1; }));
  machine.reset();
  ASSERT_TRUE(until([&] { return !all.about(5, "chan")->cause.empty(); }));
  EXPECT_EQ(all.about(5, "chan")->status, status::fresh) << "not three beats ago";
  machine = std::make_unique<peer>(loop, port);
  ASSERT_TRUE(until([&] { return machine->subscribed; }));
  machine->beat(0, 400, "100");
  ASSERT_TRUE(until([&] { return sizes.size() == 2; }));
  EXPECT_THAT(sizes, ElementsAre(500, 400));
  EXPECT_EQ(all.about(5, "chan")->cause, "");
  machine->drop();
  ASSERT_TRUE(until([&] { return machine->connections == 2 && machine->subscribed; }));
}

TEST_F(heartbeats_test, silence_is_stale_and_the_capacity_stays) {
  wanted.socket.interval = 20ms;
  peer machine(loop);
  ASSERT_NO_FATAL_FAILURE(follow_a_beat_of(machine));
  ASSERT_TRUE(until([&] { return reports.size() == 2; }));
  EXPECT_EQ(reports[1].status, status::stale);
  EXPECT_FALSE(reports[1].cause.empty());
  EXPECT_THAT(sizes, ElementsAre(500));
  // A connection that is silent may be half open: it is made anew, and a beat mends all.
  ASSERT_TRUE(until([&] { return machine.connections >= 2 && machine.subscribed; }));
  machine.beat(0, 300, "100");
  ASSERT_TRUE(until([&] { return sizes.size() == 2; }));
  EXPECT_EQ(sizes.back(), 300);
}

TEST_F(heartbeats_test, stale_may_mean_none) {
  wanted.socket.interval = 20ms;
  wanted.zero_when_stale = true;
  peer machine(loop);
  ASSERT_NO_FATAL_FAILURE(follow_a_beat_of(machine));
  ASSERT_TRUE(until([&] { return sizes.size() >= 2; }));
  EXPECT_EQ(sizes[1], 0);
}

TEST_F(heartbeats_test, whoever_is_new_to_a_stale_one_has_none_either) {
  wanted.socket.interval = 20ms;
  wanted.zero_when_stale = true;
  auto machine = std::make_unique<peer>(loop);
  const unsigned short port = machine->port();
  machine.reset();
  follow(port);
  ASSERT_TRUE(until([&] { return sizes.size() == 1; }));
  follow(port); // what a reload does, whatever it adds
  EXPECT_THAT(sizes, ElementsAre(0, 0));
}

TEST_F(heartbeats_test, whoever_is_new_to_a_fresh_one_has_what_its_last_beat_leaves) {
  peer machine(loop);
  follow(machine.port());
  ASSERT_TRUE(until([&] { return machine.subscribed; }));
  follow(machine.port(), ":ClueCon", {5, 6});
  EXPECT_THAT(sizes, IsEmpty()) << "there was none yet";
  machine.beat(30, 50, "100");
  ASSERT_TRUE(until([&] { return sizes.size() == 2; }));
  follow(machine.port(), ":ClueCon", {5, 6, 7});
  EXPECT_THAT(sized, ElementsAre(5, 6, 7)) << "who had it before has it still";
  EXPECT_THAT(sizes, ElementsAre(20, 20, 20));
  EXPECT_EQ(all.about(7, "chan")->status, status::fresh);
}

TEST_F(heartbeats_test, stale_may_mean_none_no_more) {
  wanted.socket.interval = 20ms;
  wanted.zero_when_stale = true;
  peer machine(loop);
  ASSERT_NO_FATAL_FAILURE(follow_a_beat_of(machine));
  ASSERT_TRUE(until([&] { return sizes.size() >= 2 && sizes.back() == 0; }));
  wanted.zero_when_stale = false;
  sizes.clear();
  follow(machine.port());
  EXPECT_THAT(sizes, ElementsAre(500)) << "the last one counts";
  follow(machine.port());
  EXPECT_THAT(sizes, ElementsAre(500)) << "what an operator has said since stays";
}

TEST_F(heartbeats_test, beats_that_lack_a_figure_are_the_cause_of_its_staleness) {
  wanted.socket.interval = 40ms;
  peer machine(loop);
  follow(machine.port());
  ASSERT_TRUE(until([&] { return machine.subscribed; }));
  const std::string body = "Event-Name: HEARTBEAT\nSession-Count: 1\nMax-Sessions: 9\n\n";
  machine.send("Content-Length: " + std::to_string(body.size()) +
               "\nContent-Type: text/event-plain\n\n" + body);
  ASSERT_TRUE(until([&] { return reports.size() == 1; }));
  EXPECT_EQ(reports[0].status, status::stale);
  EXPECT_THAT(reports[0].cause, HasSubstr("figure"));
  EXPECT_THAT(sizes, IsEmpty());
}

// The name moves to another machine while the first one goes on beating: calls go to the other.
TEST_F(heartbeats_test, name_that_moves_takes_the_capacity_with_it) {
  test::dns_server server;
  names.servers.addresses = {server.address()};
  host = "pbx.test";
  // The second try comes long after the first answer of DNS.
  wanted.socket.first_retry = wanted.socket.longest_retry = 400ms;
  peer one(loop), other(loop, one.port(), "127.0.0.2");
  server.start({"--host-record=pbx.test,127.0.0.1,1"});
  follow(one.port());
  ASSERT_TRUE(until([&] { return one.subscribed; }));
  EXPECT_EQ(all.about(5, "chan")->cause, "") << "that it was not looked up yet is no news";
  one.beat(0, 500, "100");
  ASSERT_TRUE(until([&] { return sizes.size() == 1; }));
  server.stop();
  server.start({"--host-record=pbx.test,127.0.0.2,1"});
  ASSERT_TRUE(until([&] { return other.subscribed; }));
  one.beat(0, 500, "100");
  other.beat(0, 40, "100");
  ASSERT_TRUE(until([&] { return sizes.size() == 2; }));
  EXPECT_THAT(sizes, ElementsAre(500, 40));
}

TEST_F(heartbeats_test, never_there_is_stale_too) {
  wanted.socket.interval = 20ms;
  auto machine = std::make_unique<peer>(loop);
  const unsigned short port = machine->port();
  machine.reset();
  follow(port);
  ASSERT_TRUE(until([&] { return reports.size() == 1; }));
  EXPECT_EQ(reports[0].status, status::stale);
  EXPECT_THAT(sizes, IsEmpty()) << "what is configured stays";
}

TEST_F(heartbeats_test, wrong_password) {
  peer machine(loop);
  follow(machine.port(), ":wrong");
  ASSERT_TRUE(until([&] { return machine.connections == 3; }));
  EXPECT_THAT(all.about(5, "chan")->cause, HasSubstr("password"));
  EXPECT_FALSE(machine.subscribed);
  EXPECT_THAT(sizes, IsEmpty());
  follow(machine.port()); // the operator mends it
  ASSERT_TRUE(until([&] { return machine.subscribed; }));
}

TEST_F(heartbeats_test, rubbish_and_floods_end_the_connection) {
  peer machine(loop);
  for (const std::string& rubbish :
       {std::string(100'000, 'x'), std::string{"220 mail.example ESMTP\n\n"},
        std::string{"Content-Type: text/rude-rejection\nContent-Length: 0\n\n"},
        std::string{"Content-Type: auth/request\nContent-Length: 9999999\n\n"}}) {
    machine.greeting = rubbish;
    const int before = machine.connections;
    follow(machine.port());
    ASSERT_TRUE(until([&] { return machine.connections >= before + 2; })) << rubbish.substr(0, 30);
  }
  EXPECT_THAT(sizes, IsEmpty());
  machine.greeting = "Content-Type: auth/request\n\n";
  ASSERT_TRUE(until([&] { return machine.subscribed; }));
}

TEST_F(heartbeats_test, login_that_is_asked_for_twice_is_given_once) {
  peer machine(loop);
  machine.greeting += machine.greeting;
  follow(machine.port());
  ASSERT_TRUE(until([&] { return machine.subscribed; }));
  machine.beat(0, 20, "100");
  ASSERT_TRUE(until([&] { return !sizes.empty(); }));
  EXPECT_THAT(machine.heard, ElementsAre("auth ClueCon", "event plain HEARTBEAT"));
}

TEST_F(heartbeats_test, peer_that_says_nothing_is_left_again) {
  wanted.socket.login = 50ms;
  peer machine(loop);
  machine.greeting = "";
  follow(machine.port());
  ASSERT_TRUE(until([&] { return machine.connections == 2; }));
}

TEST_F(heartbeats_test, beats_before_the_login_and_other_events_are_ignored) {
  peer machine(loop);
  const std::string body = event(0, 10, "100");
  machine.greeting = "Content-Length: " + std::to_string(body.size()) +
                     "\nContent-Type: text/event-plain\n\n" + body +
                     "Content-Type: auth/request\n\n";
  follow(machine.port());
  ASSERT_TRUE(until([&] { return machine.subscribed; }));
  machine.send("Content-Length: 22\nContent-Type: text/event-plain\n\nEvent-Name: SHUTDOWN\n\n");
  machine.beat(0, 20, "100");
  ASSERT_TRUE(until([&] { return !sizes.empty(); }));
  EXPECT_THAT(sizes, ElementsAre(20));
}

TEST_F(heartbeats_test, what_nobody_follows_is_closed) {
  peer machine(loop);
  follow(machine.port());
  ASSERT_TRUE(until([&] { return machine.subscribed; }));
  follow(machine.port());
  const auto limit = std::chrono::steady_clock::now() + 50ms;
  (void)until([&] { return std::chrono::steady_clock::now() > limit; });
  EXPECT_EQ(machine.connections, 1) << "the same again is no reason to connect anew";
  all.follow({}, wanted, {});
  EXPECT_FALSE(all.about(5, "chan"));
  machine.beat(0, 20, "100");
  const auto later = std::chrono::steady_clock::now() + 50ms;
  (void)until([&] { return std::chrono::steady_clock::now() > later; });
  EXPECT_THAT(sizes, IsEmpty());
}

// A start, with what the run before has heard of a machine that is silent now.
class heartbeats_start : public heartbeats_test {
 protected:
  void start(std::chrono::seconds silent_for, bool stale) {
    const auto at = std::chrono::steady_clock::now() - silent_for;
    all.remember({{"127.0.0.1", port, {{30, 50, 50.0, 20}, at}, stale}}, {});
    follow(port, ":another login");
  }
  unsigned short port = std::make_unique<peer>(loop)->port(); // where nobody is any more
};

TEST_F(heartbeats_start, last_beat_counts_until_another_comes) {
  load = 10;
  start(5s, false);
  EXPECT_THAT(sizes, ElementsAre(15)) << "half of what 20 sessions of others leave of 50";
  EXPECT_EQ(all.about(5, "chan")->status, status::waiting);
  ASSERT_EQ(all.known().size(), 1u);
  EXPECT_EQ(all.known()[0].last.what.sessions, 30) << "for another start";
  follow(port, ":another login");
  EXPECT_EQ(sizes.size(), 1u) << "what an operator has said since stays";
  peer machine(loop, port);
  machine.login = "auth another login";
  ASSERT_TRUE(until([&] { return machine.subscribed; }));
  load = 0;
  machine.beat(0, 40, "100");
  ASSERT_TRUE(until([&] { return sizes.size() == 2; }));
  EXPECT_EQ(sizes[1], 40);
  EXPECT_EQ(all.known()[0].last.what.max_sessions, 40);
  EXPECT_FALSE(all.known()[0].stale);
}

TEST_F(heartbeats_start, silence_counts_from_the_last_beat_on) {
  start(69s, false); // of 70, whatever is configured: the machine has said 20 between two
  EXPECT_THAT(sizes, ElementsAre(10));
  ASSERT_TRUE(until([&] { return !reports.empty(); }));
  EXPECT_EQ(reports[0].status, status::stale);
  EXPECT_EQ(sizes.size(), 1u) << "the capacity stays";
  EXPECT_TRUE(all.known()[0].stale);
}

TEST_F(heartbeats_start, one_that_is_over_stays_where_silence_means_that) {
  start(2h, false);
  EXPECT_THAT(sizes, ElementsAre(10));
  ASSERT_TRUE(until([&] { return !reports.empty(); }));
  EXPECT_EQ(reports[0].status, status::stale);
}

TEST_F(heartbeats_start, machine_that_was_silent_before_has_no_lines_where_silence_means_that) {
  wanted.zero_when_stale = true;
  start(2h, true);
  ASSERT_TRUE(until([&] { return !reports.empty(); }));
  EXPECT_EQ(sizes.back(), 0);
}

TEST_F(heartbeats_start, what_nobody_listened_to_is_no_silence) {
  wanted.zero_when_stale = true;
  start(2h, false);
  EXPECT_THAT(sizes, IsEmpty()) << "as at the first start";
  const auto limit = std::chrono::steady_clock::now() + 50ms;
  (void)until([&] { return std::chrono::steady_clock::now() > limit; });
  EXPECT_THAT(sizes, IsEmpty());
  EXPECT_EQ(all.about(5, "chan")->status, status::waiting);
}

TEST_F(heartbeats_start, another_port_is_another_machine) {
  all.remember({{"127.0.0.1", 1, {{30, 50, 50.0, 20}, std::chrono::steady_clock::now()}, false}},
               {});
  follow(port);
  EXPECT_THAT(sizes, IsEmpty());
  EXPECT_EQ(all.known().size(), 1u) << "it may be followed yet";
}

TEST_F(heartbeats_start, address_of_before_is_connected_to) {
  peer machine(loop);
  host = "pbx.test";
  dns::known_name before;
  before.name = {"pbx.test", machine.port(), true};
  before.where.addresses = {endpoint{*parse_ip("127.0.0.1"), machine.port()}};
  before.where.turns = {{}};
  before.ttl = 60s;
  before.answered_at = std::chrono::steady_clock::now();
  all.remember({}, {before});
  follow(machine.port());
  ASSERT_TRUE(until([&] { return machine.subscribed; }));
  ASSERT_EQ(all.known_names().size(), 1u);
}

} // namespace
} // namespace linehunt::heartbeat::heartbeat_test
