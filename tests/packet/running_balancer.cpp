// SPDX-License-Identifier: Apache-2.0
#include "running_balancer.h"

#include <stdexcept>

namespace linehunt::test {

namespace {

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
}

// ARP request or neighbour solicitation for `target`; nullopt for anything else.
std::optional<ip_address> question_in(std::string_view frame) {
  const std::size_t l3 = frame.substr(12, 2) == be16(0x8100) ? 18 : 14;
  ip_address target;
  if (ethertype_of(frame) == 0x0806 && frame.substr(l3 + 6, 2) == be16(1)) {
    if (frame.substr(l3 + 14, 4) == frame.substr(l3 + 24, 4)) return std::nullopt; // announcement
    for (std::size_t i = 0; i < 4; ++i)
      target.bytes[i] = static_cast<std::uint8_t>(frame[l3 + 24 + i]);
    return target;
  }
  if (ethertype_of(frame) == 0x86dd && frame[l3 + 6] == 58 &&
      static_cast<std::uint8_t>(frame[l3 + 40]) == 135) {
    target.is_v6 = true;
    for (std::size_t i = 0; i < 16; ++i)
      target.bytes[i] = static_cast<std::uint8_t>(frame[l3 + 48 + i]);
    return target;
  }
  return std::nullopt;
}

mac_bytes sender_of(std::string_view frame) {
  mac_bytes m{};
  for (std::size_t i = 0; i < 6; ++i)
    m[i] = static_cast<std::uint8_t>(frame[6 + i]);
  return m;
}

} // namespace

std::string in_family(std::string message, bool v6) {
  if (!v6) return message;
  const std::size_t head_end = message.find("\r\n\r\n");
  std::string head = message.substr(0, head_end);
  replace_all(head, "192.0.2.99", "[2001:db8::99]");
  replace_all(head, "198.51.100.7", "[2001:db8:1::7]");
  replace_all(head, "@192.0.2.1", "@[2001:db8::1]");
  return head + message.substr(head_end);
}

running_balancer::running_balancer(const bed_options& o)
    : options(o), link("balancer", o.queues, o.depth),
      us(endpoint_of(o.v6 ? "[2001:db8::1]:5060" : "192.0.2.1:5060")),
      caller(endpoint_of(o.v6 ? "[2001:db8:1::7]:5060" : "198.51.100.7:5060")), book_(64, 256) {
  dpdk::runtime_setup setup;
  dpdk::port_setup port;
  port.name = "lan";
  port.device = link.device();
  port.vlan = o.vlan;
  port.mtu_bytes = o.mtu_bytes;
  port.addresses = {{ip("192.0.2.1"), 24}, {ip("2001:db8::1"), 64}};
  port.gateways = {ip("192.0.2.254"), ip("2001:db8::254")};
  setup.ports = {port};
  setup.workers = o.workers;
  setup.cores.assign(o.workers, 0);
  setup.mbufs = 2048;
  setup.limits = engine_world::small();
  auto started = dpdk::runtime::start(setup, snapshot_of(1));
  if (!started) throw std::runtime_error(started.error().message);
  runtime = std::move(*started);
  // Its announcement tells the MAC.
  const auto announcement =
      link.take_one([](std::string_view f) { return ethertype_of(f) == 0x0806; });
  if (!announcement) throw std::runtime_error("no announcement");
  mac = sender_of(*announcement);
}

snapshot_model running_balancer::model_of(const bed_options& options) {
  snapshot_model model = study_case();
  model.workers = options.workers;
  model.rules.erase(model.rules.begin()); // calls from a destination play no part here
  if (!options.v6) return model;
  for (destination_model& d : model.destinations) {
    const std::string address = "[2001:db8::" + std::to_string(10 + d.id) + "]:5060";
    d.uri = "sip:" + address;
    d.addresses = {endpoint_of(address)};
  }
  model.listeners[0].local = endpoint_of("[2001:db8::1]:5060");
  model.listeners[0].sent_by.clear();
  model.routes[0].net.ip.is_v6 = true;
  return model;
}

std::unique_ptr<const snapshot> running_balancer::snapshot_of(std::uint64_t generation) {
  snapshot_model model = model_of(options);
  model.generation = generation;
  return built(model);
}

std::unique_ptr<const snapshot> running_balancer::without_destinations(std::uint64_t generation) {
  snapshot_model model = model_of(options);
  model.generation = generation;
  model.destinations.clear();
  return built(model);
}

std::unique_ptr<const snapshot> running_balancer::built(const snapshot_model& model) {
  std::vector<build_error> errors;
  auto made = build_snapshot(model, book_, errors);
  if (!made) throw std::logic_error(errors.front().message);
  return made;
}

void running_balancer::say(const endpoint& from, std::string_view payload, unsigned queue) {
  link.put(frame_of(from, payload), queue);
}

std::string running_balancer::frame_of(const endpoint& from, std::string_view payload) const {
  return udp_frame(from, us, payload, {mac, peer_mac, options.vlan});
}

std::string running_balancer::answer_for(const ip_address& target) const {
  const link_parts back{mac, peer_mac, options.vlan};
  const ip_address asker = ip(target.is_v6 ? "2001:db8::1" : "192.0.2.1");
  return target.is_v6 ? neighbour_frame(136, 0x60000000, target, asker, target, peer_mac, back)
                      : arp_frame(2, peer_mac, target, mac, asker, back);
}

std::optional<seen_udp> running_balancer::hear() {
  for (;;) {
    const auto frame = link.take_one(
        [](std::string_view f) { return question_in(f).has_value() || read_udp(f).has_value(); });
    if (!frame) return std::nullopt;
    const auto target = question_in(*frame);
    if (!target) return read_udp(*frame);
    link.put(answer_for(*target));
  }
}

void running_balancer::answer_questions() {
  for (const destination& d : runtime->world().destinations)
    link.put(answer_for(d.addresses.front().ip));
}

std::uint64_t running_balancer::count_of(verdict v) const {
  std::uint64_t sum = 0;
  for (worker_id w = 0; w < options.workers; ++w)
    sum += runtime->report(w).verdicts[static_cast<std::size_t>(v)];
  return sum;
}

std::uint64_t running_balancer::received() const {
  std::uint64_t sum = 0;
  for (worker_id w = 0; w < options.workers; ++w)
    sum += runtime->report(w).rx_packets;
  return sum;
}

std::uint64_t running_balancer::judged() const {
  std::uint64_t sum = 0;
  for (std::size_t v = 0; v < verdict_count; ++v)
    sum += count_of(static_cast<verdict>(v));
  return sum;
}

std::uint64_t running_balancer::tx_dropped() const {
  std::uint64_t sum = 0;
  for (worker_id w = 0; w < options.workers; ++w)
    sum += runtime->report(w).tx_dropped;
  return sum;
}

std::int64_t running_balancer::load() const {
  std::int64_t sum = 0;
  for (worker_id w = 0; w < options.workers; ++w)
    for (const destination& d : runtime->world().destinations)
      for (const resource& r : d.resources)
        sum += runtime->report(w).used[r.slot];
  return sum;
}

bool running_balancer::settle() {
  return eventually([&] { return received() == link.sent && judged() == link.sent; });
}

std::string running_balancer::whole_call(const call_parts& parts, unsigned queue) {
  const auto family = [&](std::string text) { return in_family(std::move(text), options.v6); };
  const auto expect = [&](std::string_view start, std::string& into, endpoint* to = nullptr) {
    const auto heard = hear();
    if (!heard) return "no " + std::string(start) + " came";
    if (!heard->payload.starts_with(start))
      return "for " + std::string(start) + " came " + first_line(heard->payload);
    if (heard->from != us || heard->link.from != mac || heard->link.to != peer_mac ||
        heard->link.vlan != options.vlan)
      return "wrong sender or station of " + std::string(start);
    if (to == nullptr && heard->to != caller) return std::string(start) + " to a stranger";
    if (to != nullptr) *to = heard->to;
    into = heard->payload;
    return std::string();
  };
  std::string text, at_callee, ok;
  endpoint callee;

  say(caller, family(invite(parts)), queue);
  if (auto e = expect("SIP/2.0 100", text); !e.empty()) return e;
  if (auto e = expect("INVITE ", at_callee, &callee); !e.empty()) return e;
  say(callee, family(response(at_callee, 180, "to-1")), queue);
  if (auto e = expect("SIP/2.0 180", text); !e.empty()) return e;
  say(callee, family(response(at_callee, 200, "to-1")), queue);
  if (auto e = expect("SIP/2.0 200", ok); !e.empty()) return e;

  dialog_request ack;
  ack.method = "ACK";
  ack.cseq = parts.cseq;
  endpoint contact;
  say(caller, family(within(ok, ack)), queue);
  if (auto e = expect("ACK ", text, &contact); !e.empty()) return e;
  if (load() == 0) return "the call holds no line";

  dialog_request bye;
  say(caller, family(within(ok, bye)), queue);
  if (auto e = expect("BYE ", text, &contact); !e.empty()) return e;
  say(contact, family(response(text, 200, "")), queue);
  if (auto e = expect("SIP/2.0 200", text); !e.empty()) return e;
  return {};
}

} // namespace linehunt::test
