// SPDX-License-Identifier: Apache-2.0
// See unchangeable.h.
#include "control/config/unchangeable.h"

#include <algorithm>
#include <fmt/format.h>
#include <string_view>
#include <tuple>

namespace linehunt::config {
namespace {

bool same_addresses(const dpdk::port_setup& a, const dpdk::port_setup& b) {
  return std::ranges::equal(a.addresses, b.addresses, [](const auto& x, const auto& y) {
    return x.ip == y.ip && x.prefix_bits == y.prefix_bits;
  });
}

bool same_port(const dpdk::port_setup& a, const dpdk::port_setup& b) {
  const auto rest = [](const dpdk::port_setup& p) {
    return std::tie(p.name, p.device, p.mtu_bytes, p.vlan, p.checksum, p.gateways, p.check_source,
                    p.rx_descriptors, p.tx_descriptors);
  };
  return rest(a) == rest(b) && same_addresses(a, b);
}

bool same_listener(const listen_entry& a, const listen_entry& b) {
  return a.local == b.local && a.port == b.port && a.advertise == b.advertise && a.names == b.names;
}

bool same_limits(const engine_limits& a, const engine_limits& b) {
  const auto all = [](const engine_limits& l) {
    return std::tie(l.max_calls, l.max_transactions, l.max_slots, l.max_destinations, l.max_parked,
                    l.parked_deadline_ms, l.call_text_bytes, l.transaction_text_bytes);
  };
  return all(a) == all(b);
}

} // namespace

void refuse_unchangeable(const configuration& running, const configuration& next,
                         diagnostics& out) {
  const auto refuse_if = [&](bool differs, std::string_view what) {
    if (differs)
      out.error({}, fmt::format("{} cannot change while linehunt runs; restart linehunt, or take "
                                "the change back",
                                what));
  };
  const dpdk::runtime_setup& was = running.runtime;
  const dpdk::runtime_setup& is = next.runtime;
  refuse_if(was.workers != is.workers, "[runtime] workers");
  refuse_if(was.cores != is.cores, "[runtime] cores");
  refuse_if(was.control_core != is.control_core, "[runtime] control_core");
  refuse_if(was.hugepages != is.hugepages, "[runtime] hugepages");
  refuse_if(was.memory_mb != is.memory_mb, "[runtime] memory_mb");
  refuse_if(was.mbufs != is.mbufs, "[runtime] mbufs");
  refuse_if(was.file_prefix != is.file_prefix, "[runtime] file_prefix");
  refuse_if(was.eal_arguments != is.eal_arguments, "[runtime] eal_arguments");
  refuse_if(was.yield_when_idle != is.yield_when_idle, "[runtime] yield_when_idle");
  refuse_if(running.kernel != next.kernel, "[runtime] kernel");
  refuse_if(!same_limits(was.limits, is.limits), "[limits]");
  refuse_if(!std::ranges::equal(was.ports, is.ports, same_port), "[[port]]");
  refuse_if(!std::ranges::equal(running.listeners, next.listeners, same_listener), "[[listen]]");
  const auto admin = [](const configuration& c) {
    return std::tie(c.admin.socket, c.admin.datagram, c.admin.fifo, c.admin.fifo_reply_dir,
                    c.admin.http, c.admin.metrics, c.admin.max_clients, c.admin.max_request_bytes,
                    c.admin.capture_dir);
  };
  refuse_if(admin(running) != admin(next), "[admin]");
  refuse_if(running.service.user != next.service.user, "[service] user");
  refuse_if(running.service.state_dir != next.service.state_dir, "[service] state_dir");
  refuse_if(running.service.calls_valid_s != next.service.calls_valid_s, "[service] calls_valid_s");
  refuse_if(running.service.calls_copied_every_s != next.service.calls_copied_every_s,
            "[service] calls_copied_every_s");
  refuse_if(running.log.file != next.log.file, "[log] file");
}

} // namespace linehunt::config
