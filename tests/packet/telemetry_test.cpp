// SPDX-License-Identifier: Apache-2.0
// The telemetry socket asked as dpdk-telemetry.py asks it, while calls are up.
#include "packet_bed.h"
#include "running_balancer.h"

#include <charconv>
#include <gtest/gtest.h>
#include <rte_eal.h>
#include <string>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace linehunt::test {
namespace {

[[maybe_unused]] const bool chosen = (wants_telemetry = true);

class asker {
 public:
  asker() : socket_(::socket(AF_UNIX, SOCK_SEQPACKET, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = std::string{rte_eal_get_runtime_dir()} + "/dpdk_telemetry.v2";
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    const timeval patience{20, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    const void* any = &address;
    connected = ::connect(socket_, static_cast<const sockaddr*>(any), sizeof address) == 0;
    (void)receive(); // its greeting
  }
  ~asker() { ::close(socket_); }
  asker(const asker&) = delete;
  asker& operator=(const asker&) = delete;
  std::string ask(const std::string& command) {
    (void)::send(socket_, command.data(), command.size(), MSG_NOSIGNAL);
    return receive();
  }
  bool connected = false;

 private:
  std::string receive() {
    std::vector<char> chunk(1 << 16);
    const ssize_t count = ::recv(socket_, chunk.data(), chunk.size(), 0);
    return count <= 0 ? std::string{} : std::string{chunk.data(), static_cast<std::size_t>(count)};
  }
  int socket_;
};

// The number of a member of the flat object that the socket gives; -1 where it has none.
std::int64_t member(const std::string& answer, const std::string& name) {
  const std::string key = "\"" + name + "\":";
  const auto at = answer.find(key);
  if (at == std::string::npos) return -1;
  const char* first = answer.data() + at + key.size();
  while (*first == ' ')
    ++first;
  std::int64_t number = -1;
  std::from_chars(first, answer.data() + answer.size(), number);
  return number;
}

call_parts numbered(int i) {
  call_parts p;
  p.call_id = std::to_string(i) + "-tel@caller.example";
  p.branch = "z9hG4bKtel" + std::to_string(i);
  return p;
}

TEST(telemetry, shows_workers_destinations_and_verdicts) {
  running_balancer lb({.workers = 2});
  asker socket;
  ASSERT_TRUE(socket.connected);
  EXPECT_EQ(socket.ask("/linehunt/workers"), R"({"/linehunt/workers":[0,1]})");
  for (int i = 0; i < 4; ++i)
    ASSERT_EQ(lb.whole_call(numbered(i)), "");
  ASSERT_TRUE(lb.settle());
  EXPECT_GT(member(socket.ask("/linehunt/workers,0"), "total_cycles"), 0);
  EXPECT_EQ(member(socket.ask("/linehunt/workers,0"), "rx_packets") +
                member(socket.ask("/linehunt/workers,1"), "rx_packets"),
            static_cast<std::int64_t>(lb.received()));
  EXPECT_EQ(member(socket.ask("/linehunt/verdicts"), "response_forwarded"),
            static_cast<std::int64_t>(lb.count_of(verdict::response_forwarded)));
  const std::string calls = socket.ask("/linehunt/calls");
  for (const char* four : {"started", "answered", "ended", "ended_bye"})
    EXPECT_EQ(member(calls, four), 4) << calls;
  for (const char* none : {"failed", "live", "failovers", "ended_max_duration"})
    EXPECT_EQ(member(calls, none), 0) << calls;
  std::int64_t rang = 0;
  for (const destination& d : lb.runtime->world().destinations) {
    const std::string id = std::to_string(d.id);
    EXPECT_NE(socket.ask("/linehunt/destinations").find(id), std::string::npos);
    const std::string one = socket.ask("/linehunt/destinations," + id);
    EXPECT_EQ(member(one, "enabled"), 1) << one;
    EXPECT_NE(one.find(d.uri), std::string::npos) << one;
    for (const resource& r : d.resources) {
      const std::string& name = lb.runtime->world().resource_names[r.name];
      EXPECT_EQ(member(one, "capacity_" + name), r.capacity) << one;
      EXPECT_EQ(member(one, "load_" + name), 0) << one;
    }
    rang += member(one, "post_dial_calls");
    std::int64_t in_buckets = member(one, "post_dial_above");
    for (const std::uint32_t bound : post_dial_bounds_ms)
      in_buckets += member(one, "post_dial_to_" + std::to_string(bound) + "_ms");
    EXPECT_EQ(in_buckets, member(one, "post_dial_calls")) << one;
    EXPECT_EQ(member(one, "failovers"), 0) << one;
    EXPECT_EQ(member(one, "probe_round_trip_us"), 0) << one;
  }
  EXPECT_EQ(rang, 4);
}

TEST(telemetry, shows_how_long_the_answer_to_a_probe_took) {
  running_balancer lb;
  lb.answer_questions();
  asker socket;
  const destination& d = lb.runtime->world().destinations.front();
  const std::string ask = "/linehunt/destinations," + std::to_string(d.id);
  mail probe;
  probe.from = max_workers;
  probe.kind = mail_kind::send_probe;
  probe.subject = d.index;
  probe.value = 7;
  ASSERT_TRUE(lb.runtime->send(0, probe));
  const auto options = lb.hear();
  ASSERT_TRUE(options);
  ASSERT_TRUE(options->payload.starts_with("OPTIONS ")) << options->payload;
  lb.say(options->to, response(options->payload, 200, "tag"));
  std::uint32_t took_us = 0;
  EXPECT_TRUE(eventually([&] {
    lb.runtime->poll_events([&](const event& e) { took_us = e.round_trip_us; });
    return took_us != 0;
  }));
  EXPECT_EQ(member(socket.ask(ask), "probe_round_trip_us"), took_us);
  lb.runtime->publish(lb.snapshot_of(2));
  EXPECT_EQ(member(socket.ask(ask), "probe_round_trip_us"), took_us) << "a reload forgets it";
}

TEST(telemetry, follows_what_operators_say) {
  running_balancer lb;
  asker socket;
  const destination& d = lb.runtime->world().destinations.front();
  const std::string ask = "/linehunt/destinations," + std::to_string(d.id);
  const std::string name = lb.runtime->world().resource_names[d.resources.front().name];
  mail m;
  m.from = max_workers;
  m.kind = mail_kind::set_enabled;
  m.subject = d.index;
  m.value = 0;
  EXPECT_TRUE(lb.runtime->send_to_all(m));
  EXPECT_EQ(member(socket.ask(ask), "enabled"), 0);
  m.kind = mail_kind::resize;
  m.slot = d.resources.front().slot;
  m.value = 7;
  EXPECT_TRUE(lb.runtime->send_to_all(m));
  EXPECT_EQ(member(socket.ask(ask), "capacity_" + name), 7);
  lb.runtime->publish(lb.snapshot_of(2));
  EXPECT_EQ(member(socket.ask(ask), "enabled"), 1);
}

TEST(telemetry, nonsense_is_answered_with_null) {
  running_balancer lb;
  asker socket;
  for (const char* const command :
       {"/linehunt/workers,9", "/linehunt/workers,x", "/linehunt/workers,-1",
        "/linehunt/destinations,4294967295", "/linehunt/destinations,1x",
        "/linehunt/destinations,99999999999999"})
    EXPECT_NE(socket.ask(command).find("null"), std::string::npos) << command;
}

// It asks while snapshots are freed and workers go.
TEST(telemetry, outlives_reloads_and_the_runtime) {
  asker socket;
  std::atomic<bool> stop{false};
  std::atomic<int> answers{0};
  std::thread asking([&] {
    while (!stop)
      for (const char* const command : {"/linehunt/destinations", "/linehunt/destinations,1",
                                        "/linehunt/verdicts", "/linehunt/calls"})
        if (!socket.ask(command).empty()) ++answers;
  });
  {
    running_balancer lb({.workers = 2});
    for (unsigned i = 2; i < 50; ++i)
      lb.runtime->publish(lb.snapshot_of(i));
  }
  const int before = answers;
  EXPECT_TRUE(eventually([&] { return answers > before + 3; }));
  stop = true;
  asking.join();
  EXPECT_NE(socket.ask("/linehunt/workers").find("null"), std::string::npos);
}

} // namespace
} // namespace linehunt::test
