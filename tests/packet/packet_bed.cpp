// SPDX-License-Identifier: Apache-2.0
#include "packet_bed.h"

#include "dataplane/dpdk/eal.h"
#include "frame_bytes.h"

#include <cstring>
#include <gtest/gtest.h>
#include <stdexcept>
#include <unistd.h>

namespace linehunt::test {

namespace {

class eal_environment final : public testing::Environment {
 public:
  void SetUp() override { (void)pool(); }
  void TearDown() override { dpdk::stop_eal(); }
};
[[maybe_unused]] const auto* const registered =
    testing::AddGlobalTestEnvironment(new eal_environment); // owned by GoogleTest

} // namespace

rte_mempool& pool() {
  static rte_mempool* const the_pool = [] {
    dpdk::runtime_setup setup;
    setup.workers = 2;
    // Which processors this process may use is not the test's business.
    setup.control_core = 0;
    setup.cores = {0, 0};
    setup.memory_mb = 192;
    setup.file_prefix = "packet_test_" + std::to_string(getpid());
    if (!wants_telemetry) setup.eal_arguments = {"--no-telemetry"};
    if (const auto started = dpdk::start_eal(setup); !started)
      throw std::runtime_error(started.error().message);
    rte_mempool* const made =
        rte_pktmbuf_pool_create("packet_test", 12'288, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, 0);
    if (made == nullptr) throw std::runtime_error("no mempool");
    return made;
  }();
  return *the_pool;
}

dpdk::mbuf_ptr to_mbuf(std::string_view frame) {
  return to_chain(frame, 2048);
}

dpdk::mbuf_ptr to_chain(std::string_view frame, std::size_t segment_bytes) {
  dpdk::mbuf_ptr head;
  do {
    const std::string_view piece = frame.substr(0, segment_bytes);
    dpdk::mbuf_ptr m(rte_pktmbuf_alloc(&pool()));
    char* const to =
        m ? rte_pktmbuf_append(m.get(), static_cast<std::uint16_t>(piece.size())) : nullptr;
    if (to == nullptr) throw std::runtime_error("no mbuf");
    std::memcpy(to, piece.data(), piece.size());
    frame.remove_prefix(piece.size());
    if (!head)
      head = std::move(m);
    else if (rte_pktmbuf_chain(head.get(), m.release()) != 0)
      throw std::runtime_error("chain too long");
  } while (!frame.empty());
  return head;
}

std::string bytes_of(const rte_mbuf& m) {
  std::string out;
  for (const rte_mbuf* s = &m; s != nullptr; s = s->next)
    out.append(static_cast<const char*>(s->buf_addr) + s->data_off, s->data_len);
  return out;
}

std::uint64_t mbufs_out() {
  return rte_mempool_in_use_count(&pool());
}

dpdk::station our_station() {
  dpdk::station s;
  std::memcpy(s.mac.addr_bytes, our_mac.data(), our_mac.size());
  s.addresses = {{ip("192.0.2.1"), 24}, {ip("2001:db8::1"), 64}};
  s.gateway = {ip("192.0.2.254"), ip("2001:db8::254")};
  s.link_local = dpdk::link_local_of(s.mac);
  return s;
}

} // namespace linehunt::test
