// SPDX-License-Identifier: Apache-2.0
#include "tools/pktgen/port.h"

#include "dataplane/dpdk/runtime_folder.h"
#include "dataplane/dpdk/umem.h"
#include "tools/pktgen/messages.h"

#include <algorithm>
#include <cstring>
#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_mempool.h>
#include <rte_prefetch.h>
#include <unistd.h>

namespace linehunt::pktgen {

namespace {

constexpr std::size_t longest_headers = 14 + 40 + 8; // Ethernet, IPv6, UDP
static_assert(RTE_PKTMBUF_HEADROOM + longest_headers + longest_message_bytes <=
              RTE_MBUF_DEFAULT_BUF_SIZE);

__extension__ using wide = unsigned __int128;

bool is_pci(const std::string& device) {
  return device.find(':') != std::string::npos && !device.starts_with("net_");
}

tl::expected<void, std::string> start_eal(const port_settings& s) {
  static std::vector<std::string> words; // EAL keeps pointers into them
  words = {"linehunt-pktgen", "-l", std::to_string(s.core),      "--file-prefix",
           s.file_prefix,     "-m", std::to_string(s.memory_mb), "--log-level=*:warning"};
  // memif wants the channel between processes, which is part of the shared configuration.
  if (!s.hugepages) words.emplace_back("--no-huge");
  if (!s.hugepages && !s.device.starts_with("net_memif")) words.emplace_back("--no-shconf");
  if (is_pci(s.device))
    words.insert(words.end(), {"-a", s.device});
  else if (!s.device.empty())
    words.insert(words.end(), {"--no-pci", "--vdev", s.device});
  words.insert(words.end(), s.eal.begin(), s.eal.end());
  std::vector<char*> argv;
  argv.reserve(words.size() + 1);
  for (std::string& w : words)
    argv.push_back(w.data());
  argv.push_back(nullptr);
  const dpdk::runtime_folder_hold hold(s.file_prefix);
  if (rte_eal_init(static_cast<int>(argv.size() - 1), argv.data()) >= 0) return {};
  std::string line;
  for (const std::string& w : words)
    line += " " + w;
  return tl::unexpected(
      "DPDK cannot start: " + std::string(rte_strerror(rte_errno)) +
      (s.hugepages
           ? "; are there free hugepages (grep Huge /proc/meminfo), and is the device right?"
           : "; is the device right, and do you have the rights?") +
      " Arguments:" + line);
}

} // namespace

tsc_clock::tsc_clock()
    : begin_(rte_rdtsc()),
      per_tick_(static_cast<std::uint64_t>(
          1e9 * 4294967296.0 / static_cast<double>(std::max<std::uint64_t>(rte_get_tsc_hz(), 1)))) {
}

time_ns tsc_clock::now() const noexcept {
  return static_cast<time_ns>(static_cast<wide>(rte_rdtsc() - begin_) * per_tick_ >> 32) + 1;
}

tl::expected<std::unique_ptr<port>, std::string> port::open(const port_settings& settings) {
  if (auto eal = start_eal(settings); !eal) return tl::unexpected(eal.error());
  std::unique_ptr<port> p(new port);
  // What a secondary process shares with others is not ours.
  if (rte_eal_process_type() == RTE_PROC_PRIMARY) p->folder_.emplace(rte_eal_get_runtime_dir());
  if (auto started = p->start(settings); !started) return tl::unexpected(started.error());
  return p;
}

tl::expected<void, std::string> port::start(const port_settings& settings) {
  clock_ = tsc_clock();
  drop_when_full_ = settings.drop_when_full;
  if (rte_eth_dev_count_avail() == 0)
    return tl::unexpected(settings.device.empty()
                              ? std::string("there is no port; name one with --device, or give EAL "
                                            "one behind --")
                              : "DPDK made no port of '" + settings.device +
                                    "'; does what it names exist here, and free?");
  id_ = static_cast<std::uint16_t>(rte_eth_find_next(0));
  const auto failed = [&](const char* what, int code) {
    return tl::unexpected(settings.device + ": " + what + ": " + rte_strerror(-code));
  };
  constexpr unsigned cache = 256;
  const auto here = static_cast<int>(rte_socket_id());
  pool_ =
      dpdk::is_af_xdp(settings.device)
          ? dpdk::create_umem_pool("pktgen", settings.mbufs, cache, RTE_MBUF_DEFAULT_BUF_SIZE, here)
          : rte_pktmbuf_pool_create("pktgen", settings.mbufs, cache, 0, RTE_MBUF_DEFAULT_BUF_SIZE,
                                    here);
  if (pool_ == nullptr)
    return tl::unexpected("no memory for " + std::to_string(settings.mbufs) +
                          " mbufs; raise --memory-mb or lower --mbufs");
  rte_eth_dev_info info{};
  if (const int rc = rte_eth_dev_info_get(id_, &info); rc != 0)
    return failed("cannot read its capabilities", rc);
  rte_eth_conf conf{};
  if (const int rc = rte_eth_dev_configure(id_, 1, 1, &conf); rc != 0)
    return failed("cannot be configured", rc);
  auto rx = static_cast<std::uint16_t>(settings.descriptors), tx = rx;
  if (const int rc = rte_eth_dev_adjust_nb_rx_tx_desc(id_, &rx, &tx); rc != 0)
    return failed("does not take so many --descriptors", rc);
  const auto node = static_cast<unsigned>(rte_eth_dev_socket_id(id_));
  if (const int rc = rte_eth_rx_queue_setup(id_, 0, rx, node, nullptr, pool_); rc != 0)
    return failed("rx queue cannot be set up", rc);
  if (const int rc = rte_eth_tx_queue_setup(id_, 0, tx, node, nullptr); rc != 0)
    return failed("tx queue cannot be set up", rc);
  if (const int rc = rte_eth_dev_start(id_); rc != 0)
    return failed(settings.device.starts_with("net_memif")
                      ? "cannot be started; does the peer with the other role run?"
                      : "cannot be started",
                  rc);
  running_ = true;
  (void)rte_eth_allmulticast_enable(id_);
  rte_ether_addr mac{};
  if (const int rc = rte_eth_macaddr_get(id_, &mac); rc != 0) return failed("has no MAC", rc);
  std::copy(std::begin(mac.addr_bytes), std::end(mac.addr_bytes), mac_.begin());
  if (rte_is_zero_ether_addr(&mac) != 0) mac_ = {0x02, 0x70, 0x6b, 0x74, 0x67, 0x6e};
  return {};
}

port::~port() {
  release();
  if (running_) {
    rte_eth_dev_stop(id_);
    rte_eth_dev_close(id_);
  }
  (void)rte_eal_cleanup();
  folder_.reset();
}

std::string port::driver() const {
  rte_eth_dev_info info{};
  return rte_eth_dev_info_get(id_, &info) == 0 ? info.driver_name : "";
}

void port::free_received() noexcept {
  rte_pktmbuf_free_bulk(received_.data(), static_cast<unsigned>(received_count_));
  received_count_ = 0;
}

std::span<rte_mbuf* const> port::receive() noexcept {
  free_received();
  received_count_ = rte_eth_rx_burst(id_, 0, received_.data(), burst);
  for (std::size_t i = 0; i < received_count_; ++i)
    rte_prefetch0(rte_pktmbuf_mtod(received_[i], void*));
  return {received_.data(), received_count_};
}

rte_mbuf* port::take_mbuf() noexcept {
  if (fresh_count_ == 0) {
    if (rte_pktmbuf_alloc_bulk(pool_, fresh_.data(), burst) != 0) return nullptr;
    fresh_count_ = burst;
  }
  return fresh_[--fresh_count_];
}

char* port::begin() noexcept {
  if (count_ == capacity) return nullptr;
  if (open_ == nullptr) open_ = take_mbuf();
  if (open_ == nullptr) return nullptr;
  return rte_pktmbuf_mtod(open_, char*) + frames_->header_bytes();
}

void port::commit(std::size_t len, std::uint32_t station, stamp* sent_at) noexcept {
  const std::size_t size = frames_->write(rte_pktmbuf_mtod(open_, std::uint8_t*), station, len);
  open_->data_len = static_cast<std::uint16_t>(size);
  open_->pkt_len = static_cast<std::uint32_t>(size);
  waiting_[count_++] = open_;
  if (sent_at != nullptr) *sent_at = stamp_of(clock_.now());
  open_ = nullptr;
}

std::size_t port::flush() noexcept {
  std::size_t sent = 0;
  while (sent < count_) {
    const std::size_t n = std::min(count_ - sent, burst);
    const std::size_t took =
        rte_eth_tx_burst(id_, 0, &waiting_[sent], static_cast<std::uint16_t>(n));
    sent += took;
    if (took < n) {
      ++full_turns_;
      break;
    }
  }
  if (drop_when_full_ && sent < count_) {
    rte_pktmbuf_free_bulk(&waiting_[sent], static_cast<unsigned>(count_ - sent));
    dropped_ += count_ - sent;
    count_ = sent;
  }
  if (sent != 0 && sent < count_) std::copy(&waiting_[sent], &waiting_[count_], &waiting_[0]);
  count_ -= sent;
  return sent;
}

void port::send_back(rte_mbuf& frame, std::size_t len) noexcept {
  rte_mbuf* answer = take_mbuf();
  if (answer == nullptr) return;
  std::memcpy(rte_pktmbuf_mtod(answer, void*), rte_pktmbuf_mtod(&frame, void*), len);
  answer->data_len = static_cast<std::uint16_t>(len);
  answer->pkt_len = static_cast<std::uint32_t>(len);
  if (rte_eth_tx_burst(id_, 0, &answer, 1) == 0) rte_pktmbuf_free(answer);
}

tl::expected<void, std::string> port::wait_for_link(double patience_s) {
  const time_ns begin = clock_.now();
  while (true) {
    rte_eth_link link{};
    (void)rte_eth_link_get_nowait(id_, &link);
    if (link.link_status == RTE_ETH_LINK_UP) return {};
    if (static_cast<double>(clock_.now() - begin) > patience_s * 1e9)
      return tl::unexpected(std::string("the port has no link; is the peer there (for memif: the "
                                        "other role, the same socket)?"));
    usleep(200);
  }
}

tl::expected<mac_address, std::string> port::find_device(neighbourhood& around, double patience_s) {
  const time_ns begin = clock_.now();
  time_ns asked = 0;
  const auto ask = [&](std::size_t from) {
    rte_mbuf* m = take_mbuf();
    if (m == nullptr) return;
    const std::size_t len = around.ask(rte_pktmbuf_mtod(m, std::uint8_t*), from);
    m->data_len = static_cast<std::uint16_t>(len);
    m->pkt_len = static_cast<std::uint32_t>(len);
    if (rte_eth_tx_burst(id_, 0, &m, 1) == 0) rte_pktmbuf_free(m);
  };
  const auto listen = [&] {
    for (rte_mbuf* const m : receive()) {
      const std::span<std::uint8_t> bytes(rte_pktmbuf_mtod(m, std::uint8_t*), m->data_len);
      const frame_kind kind = parse_frame(bytes, true).kind;
      if (kind != frame_kind::arp && kind != frame_kind::neighbour_discovery) continue;
      if (const std::size_t len = around.take(bytes, bytes.size()); len != 0) send_back(*m, len);
    }
  };
  while (!around.device()) {
    const time_ns now = clock_.now();
    if (static_cast<double>(now - begin) > patience_s * 1e9)
      return tl::unexpected(
          std::string("the device under test does not answer for its address (ARP or neighbour "
                      "discovery); is it running, is --target its address, and are ours in its "
                      "network?"));
    if (asked == 0 || now - asked > 200'000'000) {
      ask(0);
      asked = now;
    }
    listen();
    if (received_count_ == 0) usleep(200);
  }
  for (std::size_t from = 1; from < around.addresses(); ++from) {
    ask(from);
    usleep(20); // there may be thousands of them
    listen();
  }
  return *around.device();
}

unsigned port::mbufs_in_use() const noexcept {
  return rte_mempool_in_use_count(pool_);
}

void port::release() noexcept {
  free_received();
  rte_pktmbuf_free_bulk(waiting_.data(), static_cast<unsigned>(count_));
  count_ = 0;
  rte_pktmbuf_free_bulk(fresh_.data(), static_cast<unsigned>(fresh_count_));
  fresh_count_ = 0;
  rte_pktmbuf_free(open_);
  open_ = nullptr;
}

} // namespace linehunt::pktgen
