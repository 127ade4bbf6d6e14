// SPDX-License-Identifier: Apache-2.0
// Start, stop, and what the control thread asks of the running workers.
#include "dataplane/dpdk/runtime.h"

#include "dataplane/dpdk/address_claim.h"
#include "dataplane/dpdk/control_block.h"
#include "dataplane/dpdk/eal.h"
#include "dataplane/dpdk/hugepage_check.h"
#include "dataplane/dpdk/mbuf_pools.h"
#include "dataplane/dpdk/port_capture.h"
#include "dataplane/dpdk/telemetry.h"
#include "dataplane/dpdk/worker.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <new>
#include <optional>
#include <rte_errno.h>
#include <rte_launch.h>
#include <sys/random.h>
#include <thread>
#include <utility>

namespace linehunt::dpdk {

namespace {

template <typename Value>
bool fill_random(Value& v) {
  return getrandom(&v, sizeof v, 0) == static_cast<ssize_t>(sizeof v);
}

void wait_a_little(std::chrono::microseconds time = std::chrono::microseconds(100)) {
  std::this_thread::sleep_for(time);
}

// As rte_eal_mp_wait_lcore, which spins while they fill their tables, maybe on the same core.
void wait_for_workers() {
  unsigned lcore = 0;
  RTE_LCORE_FOREACH_WORKER(lcore) {
    while (rte_eal_get_lcore_state(lcore) != WAIT)
      wait_a_little(std::chrono::milliseconds(1));
  }
  rte_eal_mp_wait_lcore();
}

// Between the workers while none of them runs: the mail of one is in the hands of the other at
// once.
class sink_at_rest final : public action_sink {
 public:
  sink_at_rest(std::vector<std::unique_ptr<worker>>& workers, time_us now)
      : workers_(workers), now_(now) {}
  void forward(const sip::edit_list&, const outbound&) override {}
  void send(std::string_view, const outbound&) override {}
  bool raise(const event&) override { return true; }
  bool mail(worker_id to, const linehunt::mail& what) override {
    workers_[to]->engine_at_rest().on_mail(what, now_, *this);
    mailed = true;
    return true;
  }
  bool mailed = false;

 private:
  std::vector<std::unique_ptr<worker>>& workers_;
  time_us now_;
};

struct making {
  control_block& shared;
  const worker_setup& setup;
  std::unique_ptr<worker> made; // none: no memory
};
int make_worker(void* argument) {
  auto& m = *static_cast<making*>(argument);
  try {
    m.made = std::make_unique<worker>(m.shared, m.setup);
  } catch (const std::bad_alloc&) { // whoever has asked for it sees that there is none
  }
  return 0;
}

struct preparation {
  worker* who = nullptr;
  std::string problem;
};
int prepare_worker(void* argument) {
  auto& p = *static_cast<preparation*>(argument);
  p.problem = p.who->prepare();
  return 0;
}
int run_worker(void* argument) {
  static_cast<worker*>(argument)->run();
  return 0;
}

void free_packets(spsc_ring<rte_mbuf*>& ring) {
  std::array<rte_mbuf*, burst> packets;
  for (auto left = ring.pop_burst(packets); !left.empty(); left = ring.pop_burst(packets))
    rte_pktmbuf_free_bulk(left.data(), static_cast<unsigned>(left.size()));
}

} // namespace

// Members are destroyed in reverse: workers, then rings and ports, then pools.
struct runtime::state {
  struct free_quiescence {
    void operator()(rte_rcu_qsbr* v) const noexcept { rte_free(v); }
  };
  bool owns_eal = false;
  address_claims claims; // until the ports are closed
  std::unique_ptr<const snapshot> world;
  std::optional<mbuf_pools> pools;
  control_block shared;
  std::unique_ptr<rte_rcu_qsbr, free_quiescence> quiescence;
  std::vector<std::unique_ptr<worker>> workers;
  std::vector<int> nodes; // of the workers
  bool running = false;
  std::uint64_t mbufs_at_start = 0;
  telemetry figures;

  state() = default;
  state(const state&) = delete;
  state& operator=(const state&) = delete;
  ~state();

  tl::expected<void, error> start(const runtime_setup& setup, const call_source& kept);
  tl::expected<void, error> make_rings(const runtime_setup& setup);
  tl::expected<void, error> prepare_workers(const runtime_setup& setup,
                                            const std::vector<unsigned>& cores);
  void restore(const call_source& kept);
  void run_workers();
  void stop();
  void wait_for_quiescence() const;
};

runtime::state::~state() {
  figures.close(); // it reads workers and snapshot
  stop();
  workers.clear();
  quiescence.reset();
  shared.tx_crossings.clear();
  shared.mesh.reset();
  shared.ports.clear();
  pools.reset();
  if (owns_eal) stop_eal();
}

tl::expected<void, error> runtime::state::start(const runtime_setup& setup,
                                                const call_source& kept) {
  if (setup.ports.empty()) return tl::unexpected(error{"no port is configured"});
  if (setup.ports.size() > 255) return tl::unexpected(error{"more than 255 ports"});
  const auto cores = worker_cores(setup);
  if (!cores) return tl::unexpected(cores.error());
  if (!eal_is_running()) {
    if (auto started = start_eal(setup); !started) return started;
    owns_eal = true;
  }
  for (worker_id w = 0; w < setup.workers; ++w)
    if (rte_lcore_is_enabled(lcore_of(w)) == 0)
      return tl::unexpected(error{"DPDK runs with fewer cores than workers"});

  for (const unsigned core : *cores)
    nodes.push_back(numa_node_of(core));
  shared.workers = setup.workers;
  shared.clock.start();
  shared.world.store(world.get(), std::memory_order_release);
  if (!fill_random(shared.secret))
    return tl::unexpected(error{"the kernel gives no random numbers"});

  // Before the first of them is opened: closing one of af_xdp again ends whose it is.
  auto claimed = address_claims::make(setup.ports);
  if (!claimed) return tl::unexpected(claimed.error());
  claims = std::move(*claimed);
  for (const port_setup& p : setup.ports) {
    auto opened = port::probe(p, setup.workers);
    if (!opened) return tl::unexpected(opened.error());
    shared.ports.push_back(std::move(*opened));
  }
  std::size_t in_queues = 0;
  for (const port& p : shared.ports)
    in_queues += p.mbufs_kept();
  auto made = mbuf_pools::make(setup, mbufs_for(setup, in_queues), nodes);
  if (!made) return tl::unexpected(made.error());
  pools = std::move(*made);
  std::vector<rte_mempool*> pool_of_worker;
  pool_of_worker.reserve(nodes.size());
  for (const int node : nodes)
    pool_of_worker.push_back(pools->of(node));
  for (port& p : shared.ports)
    if (auto started = p.start(pool_of_worker, setup.yield_when_idle); !started) return started;
  for (port& p : shared.ports)
    for (const port& other : shared.ports)
      if (&other != &p) p.know_of(other);
  for (const port& p : shared.ports)
    shared.stations.push_back(&p.us());
  mbufs_at_start = pools->in_use();

  if (auto rings = make_rings(setup); !rings) return rings;
  if (auto prepared = prepare_workers(setup, *cores); !prepared) return prepared;
  if (kept) restore(kept);
  run_workers();
  return {};
}

tl::expected<void, error> runtime::state::make_rings(const runtime_setup& setup) {
  try {
    shared.mesh = std::make_unique<worker_mesh>(nodes);
    for (const port& p : shared.ports) {
      auto& crossings = shared.tx_crossings.emplace_back(setup.workers);
      for (worker_id w = p.tx_queues(); w < setup.workers; ++w)
        crossings[w] = std::make_unique<spsc_ring<rte_mbuf*>>(1024, nodes[p.tx_owner(w)]);
    }
  } catch (const std::bad_alloc&) {
    return tl::unexpected(error{"no memory for the rings between the workers; " +
                                how_to_get_more(setup.hugepages, -1)});
  }
  const std::size_t size = rte_rcu_qsbr_get_memsize(setup.workers);
  quiescence.reset(static_cast<rte_rcu_qsbr*>(rte_zmalloc("qsbr", size, RTE_CACHE_LINE_SIZE)));
  if (quiescence == nullptr || rte_rcu_qsbr_init(quiescence.get(), setup.workers) != 0)
    return tl::unexpected(error{"no memory; " + how_to_get_more(setup.hugepages, -1)});
  shared.quiescence = quiescence.get();
  return {};
}

tl::expected<void, error> runtime::state::prepare_workers(const runtime_setup& setup,
                                                          const std::vector<unsigned>& cores) {
  for (worker_id w = 0; w < setup.workers; ++w) {
    worker_setup ws;
    ws.self = w;
    ws.core = cores[w];
    ws.numa_node = nodes[w];
    ws.hugepages = setup.hugepages;
    ws.yield_when_idle = setup.yield_when_idle;
    ws.limits = setup.limits;
    ws.pool = pools->of(nodes[w]);
    if (!fill_random(ws.random_seed))
      return tl::unexpected(error{"the kernel gives no random numbers"});
    making m{shared, ws, nullptr};
    if (rte_eal_remote_launch(make_worker, &m, lcore_of(w)) != 0)
      return tl::unexpected(error{"worker " + std::to_string(w) + ": cannot be started"});
    wait_for_workers(); // one after the other, else two would share what is enough for one
    if (m.made == nullptr)
      return tl::unexpected(error{"no memory for worker " + std::to_string(w) + "; " +
                                  how_to_get_more(setup.hugepages, nodes[w])});
    workers.push_back(std::move(m.made));
  }
  // Here, where nothing returns before all of them are done with what they write to.
  std::vector<preparation> preparations(setup.workers);
  for (worker_id w = 0; w < setup.workers; ++w) {
    preparations[w].who = workers[w].get();
    if (rte_eal_remote_launch(prepare_worker, &preparations[w], lcore_of(w)) != 0)
      preparations[w].problem = "cannot be started";
  }
  wait_for_workers();
  for (worker_id w = 0; w < setup.workers; ++w)
    if (!preparations[w].problem.empty())
      return tl::unexpected(error{"worker " + std::to_string(w) + ": " + preparations[w].problem});
  return {};
}

void runtime::state::restore(const call_source& kept) {
  const time_us now = shared.clock.at(rte_get_tsc_cycles());
  kept(*world, [&](const kept_call& call) {
    const worker_id owner = owner_of(call_hash(call.call_id, shared.secret), shared.workers);
    return workers[owner]->engine_at_rest().restore(call, now);
  });
  // Lines that were taken without a lease have to be known at their homes.
  sink_at_rest between(workers, now);
  do {
    between.mailed = false;
    for (auto& w : workers)
      w->engine_at_rest().tell_loads(between);
  } while (between.mailed);
}

void runtime::state::run_workers() {
  // Registered from here, so that a publish right after the start waits for them already.
  for (worker_id w = 0; w < shared.workers; ++w) {
    (void)rte_rcu_qsbr_thread_register(shared.quiescence, w);
    rte_rcu_qsbr_thread_online(shared.quiescence, w);
  }
  for (worker_id w = 0; w < shared.workers; ++w)
    (void)rte_eal_remote_launch(run_worker, workers[w].get(), lcore_of(w)); // idle as of just now
  running = true;
}

void runtime::state::stop() {
  shared.stopping.store(true, std::memory_order_relaxed);
  if (eal_is_running()) wait_for_workers();
  if (!std::exchange(running, false)) return;
  for (worker_id to = 0; to < shared.workers; ++to)
    for (worker_id from = 0; from < shared.workers; ++from)
      free_packets(shared.mesh->packets(from, to));
  for (auto& of_port : shared.tx_crossings)
    for (auto& ring : of_port)
      if (ring) free_packets(*ring);
}

// Twice: after the first every worker has seen the new pointer, after the second every worker has
// also left the loop in which it adopted it.
void runtime::state::wait_for_quiescence() const {
  for (int round = 0; round < 2; ++round) {
    const std::uint64_t token = rte_rcu_qsbr_start(shared.quiescence);
    while (rte_rcu_qsbr_check(shared.quiescence, token, false) == 0)
      wait_a_little();
  }
}

runtime::runtime(std::unique_ptr<state> s) : state_(std::move(s)) {}
runtime::~runtime() = default;

tl::expected<std::unique_ptr<runtime>, error> runtime::start(const runtime_setup& setup,
                                                             std::unique_ptr<const snapshot> world,
                                                             const call_source& kept) {
  auto s = std::make_unique<state>();
  s->world = std::move(world);
  if (auto started = s->start(setup, kept); !started) return tl::unexpected(started.error());
  s->figures.open(
      setup.workers, [&workers = s->workers](worker_id w) { return workers[w]->report(); },
      setup.limits, *s->world);
  return std::unique_ptr<runtime>(new runtime(std::move(s)));
}

void runtime::end(const std::function<void(const kept_call&)>& visit) {
  state_->stop();
  for (auto& w : state_->workers)
    w->engine_at_rest().for_each_kept(now(), visit);
}

void runtime::publish(std::unique_ptr<const snapshot> world) {
  state_->shared.world.store(world.get(), std::memory_order_release);
  state_->wait_for_quiescence();
  state_->figures.adopt(*world);
  state_->world = std::move(world); // frees the old one
}

const snapshot& runtime::world() const noexcept {
  return *state_->world;
}

bool runtime::send(worker_id to, const mail& what) {
  return to < state_->workers.size() && state_->workers[to]->post(what);
}

bool runtime::send_to_all(const mail& what) {
  // Nobody else puts anything into these rings: room that is there stays until it is used.
  if (!std::ranges::all_of(state_->workers, [](const auto& w) { return w->has_room(); }))
    return false;
  for (auto& w : state_->workers)
    (void)w->post(what);
  state_->figures.note(what);
  return true;
}

void runtime::poll_events(const std::function<void(const event&)>& each) {
  state_->claims.let_askers_go();
  std::array<event, 64> events;
  for (auto& w : state_->workers)
    for (auto some = w->events().pop_burst(events); !some.empty();
         some = w->events().pop_burst(events))
      for (const event& e : some) {
        state_->figures.note(e);
        each(e);
      }
}

void runtime::for_each_call(const std::function<void(worker_id, const call_info&)>& visit) {
  for (auto& w : state_->workers) {
    visit_request request;
    request.visit = &visit;
    w->request(request);
    while (!request.done.load(std::memory_order_acquire))
      wait_a_little();
  }
}

bool runtime::copy_calls(call_place& at, const std::function<bool(const kept_call&)>& take) {
  constexpr std::uint32_t places_at_a_time = 100'000; // some 30 ms of a busy worker's loops
  if (at.worker >= state_->workers.size()) return false;
  copy_request request;
  request.take = &take;
  request.next = at.next;
  request.until = at.next + places_at_a_time;
  state_->workers[at.worker]->request(request);
  while (!request.done.load(std::memory_order_acquire))
    wait_a_little();
  at.next = request.next;
  if (!request.ended) return true;
  at = {static_cast<worker_id>(at.worker + 1), 0};
  return at.worker < state_->workers.size();
}

// Mail that was under way while they answered for the first time has come by the second.
std::vector<slot_index> runtime::settled(std::vector<slot_index> slots) {
  for (const std::size_t loops_before : {std::size_t{0}, loops_for_all_mail}) {
    if (slots.empty()) break;
    std::vector<settled_request> asked(state_->workers.size());
    for (std::size_t w = 0; w < asked.size(); ++w) {
      asked[w].slots = slots;
      asked[w].settled.resize(slots.size());
      asked[w].loops_before = loops_before;
      state_->workers[w]->request(asked[w]);
    }
    for (const settled_request& r : asked)
      while (!r.done.load(std::memory_order_acquire))
        wait_a_little();
    std::vector<slot_index> by_all;
    for (std::size_t i = 0; i < slots.size(); ++i)
      if (std::ranges::all_of(asked, [i](const settled_request& r) { return r.settled[i] != 0; }))
        by_all.push_back(slots[i]);
    slots = std::move(by_all);
  }
  return slots;
}

void runtime::drain(bool on) {
  state_->shared.draining.store(on, std::memory_order_relaxed);
}

time_us runtime::now() const noexcept {
  return state_->shared.clock.at(rte_get_tsc_cycles());
}

worker_id runtime::workers() const noexcept {
  return state_->shared.workers;
}

worker_report runtime::report(worker_id worker) const {
  return state_->workers[worker]->report();
}

std::vector<port_report> runtime::ports() const {
  std::vector<port_report> all;
  for (const port& p : state_->shared.ports)
    all.push_back(p.report());
  return all;
}

const std::vector<std::string>& runtime::warnings() const noexcept {
  return state_->claims.unguarded();
}

void runtime::announce() {
  state_->shared.announcements.fetch_add(1, std::memory_order_relaxed);
}

tl::expected<std::unique_ptr<capture>, error> runtime::begin_capture(const capture_filter& what,
                                                                     std::size_t ring_cells) {
  auto begun =
      std::make_unique<port_capture>(state_->shared, [this] { state_->wait_for_quiescence(); });
  const std::size_t cells =
      ring_cells != 0 ? ring_cells : port_capture::usual_cells(state_->shared.workers);
  if (const auto done = begun->begin(what, state_->nodes, cells); !done)
    return tl::unexpected(done.error());
  return begun;
}

std::uint64_t runtime::mbufs_in_use() const noexcept {
  const std::uint64_t now = state_->pools->in_use();
  return now > state_->mbufs_at_start ? now - state_->mbufs_at_start : 0;
}

} // namespace linehunt::dpdk
