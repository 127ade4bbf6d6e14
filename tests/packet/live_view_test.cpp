// SPDX-License-Identifier: Apache-2.0
// What the control thread makes of events that workers raised before it changed something itself.
#include "control/daemon/live_view.h"

#include "control/config/load_file.h"
#include "control/config/sip_target.h"
#include "dataplane/dpdk/eal.h"
#include "tests/unit/instruction_count.h"

#include <fstream>
#include <gtest/gtest.h>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <rte_ethdev.h>
#include <stdexcept>
#include <string>
#include <unistd.h>
#include <vector>

namespace linehunt::test {
namespace {

constexpr const char* head = R"([runtime]
mbufs = 2048
cores = [0]
[limits]
calls_per_worker = 1024
[[port]]
name = "lan"
device = "net_null0"
addresses = ["192.0.2.10/24"]
[[listen]]
address = "192.0.2.10"
[[rule]]
balance = 1
resources = "vm"
)";

std::string box(const std::string& last_byte, const std::string& resources) {
  return "[[destination]]\nid = 5\ngroup = 1\nuri = \"sip:192.0.2." + last_byte +
         "\"\nresources = \"" + resources + "\"\n";
}

config::device_check any_device() {
  return [](const auto&) { return std::nullopt; };
}

config::configuration load(const std::string& text) {
  config::diagnostics out("t.toml");
  auto whole = config::load_text(text, any_device(), out);
  if (!whole) throw std::logic_error(out.lines().front());
  return *whole;
}

dpdk::call_source no_calls() {
  return {};
}

// A daemon's view over one worker, without its loop: events come when the test says so.
class viewed {
 public:
  explicit viewed(const std::string& destinations, const dpdk::call_source& kept = no_calls())
      : file_(testing::TempDir() + "live_view_" + std::to_string(::getpid()) + ".toml"),
        first_(load(head + destinations)), source_(first_.runtime.limits), runtime_(start(kept)),
        reloading_(
            file_, first_, first_, any_device(), {},
            [this](auto next) { runtime_->publish(std::move(next)); }, source_,
            [this](const mail& m) { EXPECT_TRUE(told_to_workers_.owe(m)); }) {
    reloading_.on_published([this](const auto&) { view.on_reloaded(); });
    reloading_.on_status_set_back(
        [this](auto which, bool enabled) { view.on_status_set_back(which, enabled); });
  }

  ~viewed() { ::unlink(file_.c_str()); }
  viewed(const viewed&) = delete;
  viewed& operator=(const viewed&) = delete;

  void reload(const std::string& destinations) {
    std::ofstream(file_, std::ios::trunc) << head << destinations;
    reloading_.reload([](const reloader::outcome& how) { EXPECT_TRUE(how) << how.error(); });
  }
  void resolve_to(const std::string& address) {
    source_.resolve_by([address](const std::string&) {
      return dns::found_addresses{{*parse_endpoint(address, 5060)}, {{0, 1}}};
    });
    EXPECT_TRUE(reloading_.republish());
  }
  void set_enabled(bool enabled) {
    view.set_enabled(5, enabled, [](const auto& how) { EXPECT_TRUE(how); });
  }
  // As a worker raises it now; the test says when the control thread hears of it.
  [[nodiscard]] event raised(event_kind kind) const {
    event e;
    e.kind = kind;
    e.cause = 503;
    e.generation = static_cast<std::uint16_t>(runtime_->world().generation);
    e.destination = runtime_->world().destinations.front().index;
    e.subject = kind == event_kind::destination_paused ? 60 : 0;
    return e;
  }
  [[nodiscard]] admin::destination_state box() { return view.destinations().front(); }

  std::vector<std::string> told; // "STATUS CAUSE" of each event
  std::vector<mail> mails;       // to all workers

 private:
  std::unique_ptr<dpdk::runtime> start(const dpdk::call_source& kept) {
    config::diagnostics out("t.toml");
    auto started = dpdk::runtime::start(first_.runtime, source_.build(first_, out), kept);
    if (!started) throw std::runtime_error(started.error().message);
    return std::move(*started);
  }
  void tell(std::string_view name, const nlohmann::json& what) {
    if (name == admin::status_event)
      told.push_back(what["status"].get<std::string>() + ' ' + what["cause"].get<std::string>());
  }

  std::string file_;
  config::configuration first_;
  world_source source_;
  std::unique_ptr<dpdk::runtime> runtime_;
  worker_mail told_to_workers_{[this](const mail& m) {
    mails.push_back(m);
    return runtime_->send_to_all(m);
  }};
  reloader reloading_;
  drainage draining_{{}};
  capture_session capturing_{"", {}, {}};

 public:
  live_view view{*runtime_,
                 told_to_workers_,
                 source_,
                 reloading_,
                 draining_,
                 capturing_,
                 [this](std::string_view name, const auto& what) { tell(name, what); }};
};

// DPDK starts once in a process; each runtime uses it.
class live_view_test : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    dpdk::runtime_setup setup = load(head).runtime;
    setup.memory_mb = 192;
    setup.file_prefix = "live_view_test_" + std::to_string(::getpid());
    setup.eal_arguments = {"--no-telemetry"};
    const auto started = dpdk::start_eal(setup);
    ASSERT_TRUE(started) << started.error().message;
  }
  static void TearDownTestSuite() { dpdk::stop_eal(); }
};

using lines = std::vector<std::string>;

TEST_F(live_view_test, a_pause_of_an_enabled_destination_is_told_and_shown) {
  viewed daemon(box("21", "vm=5"));
  daemon.view.on_paused(daemon.raised(event_kind::destination_paused));
  EXPECT_EQ(daemon.told, (lines{"paused Retry-After 60"}));
  EXPECT_EQ(daemon.box().paused_s, 60u);
}

TEST_F(live_view_test,
       a_pause_that_is_heard_of_after_an_admin_has_disabled_the_destination_is_none) {
  viewed daemon(box("21", "vm=5"));
  const event pause = daemon.raised(event_kind::destination_paused);
  daemon.set_enabled(false);
  daemon.view.on_paused(pause);
  EXPECT_EQ(daemon.told, (lines{"disabled admin"}));
  EXPECT_EQ(daemon.box().paused_s, 0u);
}

TEST_F(live_view_test, a_pause_that_is_heard_of_after_another_worker_has_disabled_it_is_none) {
  viewed daemon(box("21", "vm=5"));
  daemon.view.on_failed(daemon.raised(event_kind::destination_disabled));
  daemon.view.on_paused(daemon.raised(event_kind::destination_paused));
  EXPECT_EQ(daemon.told, (lines{"disabled failover 503"}));
  EXPECT_EQ(daemon.box().paused_s, 0u);
}

// While the link is down no failure counts, and workers that have disabled it are told so.
TEST_F(live_view_test, a_pause_outlives_a_failure_that_does_not_count) {
  viewed daemon(box("21", "vm=5"));
  daemon.view.on_paused(daemon.raised(event_kind::destination_paused));
  std::uint16_t port = 0;
  ASSERT_EQ(rte_eth_dev_get_port_by_name("net_null0", &port), 0);
  ASSERT_EQ(rte_eth_dev_stop(port), 0);
  event unheard = daemon.raised(event_kind::destination_disabled);
  unheard.cause = 408;
  daemon.mails.clear();
  daemon.view.on_failed(unheard);
  ASSERT_EQ(daemon.mails.size(), 2u);
  EXPECT_EQ(daemon.mails[0].kind, mail_kind::set_enabled);
  EXPECT_EQ(daemon.mails[0].value, 1);
  EXPECT_EQ(daemon.mails[1].kind, mail_kind::pause);
  EXPECT_GE(daemon.mails[1].value, 50);
  EXPECT_LE(daemon.mails[1].value, 60);
  EXPECT_EQ(daemon.told, (lines{"paused Retry-After 60"}));
}

TEST_F(live_view_test, a_pause_that_a_reload_ends_is_told_to_have_ended) {
  viewed daemon(box("21", "vm=5"));
  daemon.view.on_paused(daemon.raised(event_kind::destination_paused));
  daemon.reload(box("21", "vm=6"));
  EXPECT_EQ(daemon.told, (lines{"paused Retry-After 60"})) << "it is the same machine";
  daemon.reload(box("22", "vm=6"));
  EXPECT_EQ(daemon.told, (lines{"paused Retry-After 60", "enabled reload"}));
  EXPECT_EQ(daemon.box().paused_s, 0u);
}

TEST_F(live_view_test, a_pause_of_a_destination_that_is_gone_ends_without_a_word) {
  viewed daemon(box("21", "vm=5"));
  daemon.view.on_paused(daemon.raised(event_kind::destination_paused));
  daemon.reload("[[destination]]\nid = 6\ngroup = 1\nuri = \"sip:192.0.2.21\"\n"
                "resources = \"vm=5\"\n");
  EXPECT_EQ(daemon.told, (lines{"paused Retry-After 60"}));
}

TEST_F(live_view_test, what_the_machine_before_a_reload_did_harms_the_one_after_it_not) {
  viewed daemon(box("21", "vm=5"));
  const event failure = daemon.raised(event_kind::destination_disabled);
  const event pause = daemon.raised(event_kind::destination_paused);
  daemon.reload(box("22", "vm=5"));
  daemon.view.on_failed(failure);
  daemon.view.on_paused(pause);
  EXPECT_EQ(daemon.told, lines{});
  EXPECT_TRUE(daemon.box().enabled);
  daemon.view.on_failed(daemon.raised(event_kind::destination_disabled));
  EXPECT_EQ(daemon.told, (lines{"disabled failover 503"}));
}

TEST_F(live_view_test, what_a_machine_did_before_a_reload_that_left_it_alone_counts) {
  viewed daemon(box("21", "vm=5"));
  const event failure = daemon.raised(event_kind::destination_disabled);
  daemon.reload(box("21", "vm=6"));
  daemon.view.on_failed(failure);
  EXPECT_EQ(daemon.told, (lines{"disabled failover 503"}));
  EXPECT_FALSE(daemon.box().enabled);
}

// One call that holds a line of each of the first so many resources.
dpdk::call_source one_call(std::uint8_t held) {
  return [held](const snapshot& world, const dpdk::restoring& restore) {
    const destination& d = world.destinations.front();
    kept_call call;
    call.handle = 1;
    call.call_id = "1@192.0.2.99";
    call.from_tag = "f";
    call.to_tag = "t";
    call.caller_target = call.from_uri = "sip:a@192.0.2.99";
    call.callee_target = call.to_uri = "sip:b@192.0.2.21";
    call.caller = {world.listeners.front().local.ip, 5070};
    call.callee = d.addresses.front();
    call.destination = d.index;
    for (std::uint8_t i = 0; i < held; ++i)
      call.resources[call.resource_count++] = d.resources[i].name;
    call.balanced = call.acked = true;
    EXPECT_TRUE(restore(call));
  };
}

TEST_F(live_view_test, a_resource_that_is_taken_out_is_listed_until_no_call_holds_it) {
  viewed daemon(box("21", "vm=50; pstn/s=32"), one_call(2));
  daemon.reload(box("21", "vm=50"));
  daemon.view.keep_house();
  auto held = daemon.box().resources;
  ASSERT_EQ(held.size(), 2u);
  EXPECT_FALSE(held[0].draining);
  EXPECT_EQ(held[1].name, "pstn/s");
  EXPECT_EQ(held[1].capacity, 0);
  EXPECT_EQ(held[1].load, 1);
  EXPECT_TRUE(held[1].draining);
  daemon.reload(box("21", "vm=50; pstn/s=32; conf=3"));
  held = daemon.box().resources;
  ASSERT_EQ(held.size(), 3u);
  EXPECT_EQ(held[1].load, 1);
  EXPECT_FALSE(held[1].draining);
  daemon.reload(box("21", "vm=50; pstn=32"));
  EXPECT_EQ(daemon.box().resources.size(), 2u) << "nothing holds a line of conf";
}

TEST_F(live_view_test, a_call_without_lines_stays_with_its_destination) {
  viewed daemon(box("21", "vm=50"), one_call(0));
  const auto where = [&] { return daemon.view.calls({}).calls.at(0).destination; };
  ASSERT_EQ(where(), 5u);
  const std::string other = "[[destination]]\nid = 6\ngroup = 1\nuri = \"sip:192.0.2.22\"\n"
                            "resources = \"vm=5\"\n";
  daemon.reload(other);
  daemon.view.keep_house();
  const auto listed = daemon.view.destinations();
  ASSERT_EQ(listed.size(), 2u);
  EXPECT_EQ(listed[1].id, 5u);
  EXPECT_TRUE(listed[1].draining);
  ASSERT_TRUE(daemon.view.destination_with(6));
  EXPECT_EQ(daemon.view.destination_with(6)->uri, listed[0].uri);
  EXPECT_EQ(daemon.view.destination_with(6)->resources.size(), 1u);
  EXPECT_FALSE(daemon.view.destination_with(5)) << "which drains";
  EXPECT_FALSE(daemon.view.destination_with(4));
  daemon.reload(other + "[[destination]]\nid = 7\ngroup = 1\nuri = \"sip:192.0.2.23\"\n"
                        "resources = \"vm=5\"\n");
  EXPECT_EQ(where(), 5u) << "which drains";
  daemon.reload(other + box("21", "vm=50"));
  EXPECT_EQ(where(), 5u) << "it has come back";
}

std::string boxes(unsigned count) {
  std::string all;
  for (unsigned id = 1; id <= count; ++id)
    all += "[[destination]]\nid = " + std::to_string(id) + "\ngroup = 1\nuri = \"sip:192.0.2." +
           std::to_string(30 + id) + ":5060\"\nresources = \"vm=5; pstn=7\"\n";
  return all;
}

TEST_F(live_view_test, figures_are_those_of_the_list) {
  viewed daemon(box("21", "vm=50; pstn/s=32") + "[[destination]]\nid = 4\ngroup = 2\n"
                                                "uri = \"sip:box.test\"\nresources = \"vm=3\"\n",
                one_call(2));
  daemon.view.report_names_by([](const auto&) { return dns::name_report{}; }, [] { return true; });
  daemon.view.measure_by([](std::uint32_t id) { return std::optional(1000 * id); });
  daemon.view.on_paused(daemon.raised(event_kind::destination_paused));
  daemon.set_enabled(false);
  daemon.view.resize(5, "vm", 20, [](const auto& how) { EXPECT_TRUE(how); });
  const metrics::node_figures now = daemon.view.figures();
  const auto listed = daemon.view.destinations();
  ASSERT_EQ(now.destinations.size(), 2u);
  auto resource = now.resources.begin();
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(now.destinations[i].id, listed[i].id);
    EXPECT_EQ(now.destinations[i].group, listed[i].group);
    EXPECT_EQ(now.destinations[i].uri, listed[i].uri);
    EXPECT_EQ(now.destinations[i].enabled, listed[i].enabled);
    EXPECT_EQ(now.destinations[i].resolved, listed[i].unresolved.empty());
    EXPECT_EQ(now.destinations[i].paused_s, listed[i].paused_s);
    EXPECT_EQ(now.destinations[i].probe_round_trip_us, listed[i].probe_round_trip_us);
    EXPECT_EQ(now.post_dial[i].destination, listed[i].id);
    for (const admin::resource_state& shown : listed[i].resources) {
      ASSERT_NE(resource, now.resources.end());
      EXPECT_EQ(resource->destination, listed[i].id);
      EXPECT_EQ(resource->name, shown.name);
      EXPECT_EQ(resource->capacity, shown.capacity);
      EXPECT_EQ(resource->load, shown.load);
      ++resource;
    }
  }
  EXPECT_EQ(resource, now.resources.end());
  EXPECT_FALSE(listed[0].enabled);
  EXPECT_EQ(listed[0].resources[0].capacity, 20);
  EXPECT_EQ(listed[0].resources[0].load, 1);
  EXPECT_FALSE(listed[1].unresolved.empty());
  EXPECT_EQ(now.node.destinations, 2u);
  EXPECT_EQ(now.node.destinations_disabled, 1u);
}

TEST_F(live_view_test, figures_have_what_calls_hold_of_what_is_not_configured_any_more) {
  viewed daemon(box("21", "vm=50; pstn=32"), one_call(2));
  daemon.reload(box("21", "vm=50"));
  metrics::node_figures now = daemon.view.figures();
  ASSERT_EQ(now.resources.size(), 2u);
  EXPECT_EQ(now.resources[1].name, "pstn");
  EXPECT_EQ(now.resources[1].capacity, 0);
  EXPECT_EQ(now.resources[1].load, 1);
  daemon.reload(boxes(1));
  now = daemon.view.figures();
  ASSERT_EQ(now.destinations.size(), 2u);
  EXPECT_EQ(now.destinations[1].id, 5u);
  EXPECT_TRUE(now.destinations[1].draining);
  ASSERT_EQ(now.resources.size(), 4u);
  EXPECT_EQ(now.resources[3].destination, 5u);
  EXPECT_EQ(now.resources[3].load, 1);
}

TEST_F(live_view_test, new_addresses_that_were_refused_are_told_beside_those_in_use) {
  viewed daemon(
      "[[destination]]\nid = 4\ngroup = 1\nuri = \"sip:box.test\"\nresources = \"vm=3\"\n");
  daemon.resolve_to("192.0.2.31");
  daemon.view.report_names_by(
      [](const auto&) {
        return dns::name_report{"box.test", dns::name_status::refused, "no room", 2};
      },
      [] { return false; });
  EXPECT_EQ(daemon.box().addresses, std::vector<std::string>{"192.0.2.31:5060"});
  EXPECT_EQ(daemon.box().stale, "no room");
  EXPECT_EQ(daemon.box().unresolved, "");
}

// The loop does nothing else meanwhile. Counted in instructions, which no neighbour changes.
TEST_F(live_view_test, what_all_destinations_cost_is_little) {
#ifdef LINEHUNT_SANITIZED
  GTEST_SKIP() << "a sanitizer's instructions are others";
#endif
  struct cost {
    std::uint64_t one_figure = 0, all_figures = 0, list = 0;
  };
  const auto cost_with = [](unsigned destinations) {
    viewed daemon(boxes(destinations));
    daemon.view.report_names_by(
        [](const std::string& uri) -> std::optional<dns::name_report> {
          if (config::name_to_look_up(uri)) return dns::name_report{};
          return std::nullopt;
        },
        [] { return false; });
    (void)daemon.view.figures(); // what is made at the first time
    (void)daemon.view.statistics();
    cost all;
    all.one_figure = instructions([&] { (void)daemon.view.statistics(); });
    all.all_figures = instructions([&] { (void)daemon.view.figures(); });
    all.list = instructions([&] { (void)daemon.view.destinations(); });
    return all;
  };
  const cost few = cost_with(2), many = cost_with(42);
  EXPECT_LT(many.one_figure, few.one_figure + few.one_figure / 20) << "it is the same for all";
  const std::uint64_t in_figures = many.all_figures - few.all_figures;
  const std::uint64_t in_list = many.list - few.list;
  RecordProperty("figures", static_cast<int>(in_figures / 40));
  RecordProperty("list", static_cast<int>(in_list / 40));
  EXPECT_LT(2 * in_figures, in_list) << "no texts but those that are shown, and no search";
}

} // namespace
} // namespace linehunt::test
