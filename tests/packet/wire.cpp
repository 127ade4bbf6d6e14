// SPDX-License-Identifier: Apache-2.0
#include "wire.h"

#include <chrono>
#include <rte_bus_vdev.h>
#include <rte_eth_ring.h>
#include <stdexcept>
#include <thread>

namespace linehunt::test {

bool eventually(const std::function<bool()>& done) {
  using clock = std::chrono::steady_clock;
  const auto until = clock::now() + std::chrono::seconds(10); // a loaded machine, no more
  while (!done()) {
    if (clock::now() > until) return false;
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
  return true;
}

wire::wire(const std::string& name, unsigned queues, unsigned depth) : device_("net_ring_" + name) {
  (void)pool(); // EAL runs
  for (unsigned q = 0; q < queues; ++q) {
    const std::string suffix = name + std::to_string(q);
    to_port_.push_back(rte_ring_create(("in_" + suffix).c_str(), depth, 0, 0));
    from_port_.push_back(rte_ring_create(("out_" + suffix).c_str(), depth, 0, 0));
  }
  if (rte_eth_from_rings(name.c_str(), to_port_.data(), queues, from_port_.data(), queues, 0) < 0)
    throw std::runtime_error("no ring port " + name);
}

wire::~wire() {
  (void)take();
  for (rte_ring* const r : to_port_) {
    void* m = nullptr;
    while (rte_ring_dequeue(r, &m) == 0)
      rte_pktmbuf_free(static_cast<rte_mbuf*>(m));
  }
  (void)rte_vdev_uninit(device_.c_str());
  for (rte_ring* const r : to_port_)
    rte_ring_free(r);
  for (rte_ring* const r : from_port_)
    rte_ring_free(r);
}

void wire::put(dpdk::mbuf_ptr frame, unsigned queue) {
  if (rte_ring_enqueue(to_port_.at(queue), frame.get()) != 0)
    throw std::runtime_error("the wire is full");
  (void)frame.release();
  ++sent;
}

void wire::put(std::string_view frame, unsigned queue) {
  put(to_mbuf(frame), queue);
}

bool wire::offer(std::string_view frame, unsigned queue) {
  if (rte_ring_full(to_port_.at(queue)) != 0) return false;
  put(frame, queue);
  return true;
}

std::vector<std::string> wire::take() {
  std::vector<std::string> out = std::move(waiting_);
  waiting_.clear();
  for (rte_ring* const r : from_port_) {
    void* m = nullptr;
    while (rte_ring_dequeue(r, &m) == 0) {
      const dpdk::mbuf_ptr frame(static_cast<rte_mbuf*>(m));
      out.push_back(bytes_of(*frame));
    }
  }
  return out;
}

std::optional<std::string> wire::take_one(const std::function<bool(std::string_view)>& wanted) {
  std::optional<std::string> found;
  (void)eventually([&] {
    for (std::string& frame : take())
      if (!found && wanted(frame))
        found = std::move(frame);
      else if (found)
        waiting_.push_back(std::move(frame)); // came after it
    return found.has_value();
  });
  return found;
}

std::optional<seen_udp> wire::take_udp() {
  const auto frame = take_one([](std::string_view f) { return read_udp(f).has_value(); });
  return frame ? read_udp(*frame) : std::nullopt;
}

} // namespace linehunt::test
