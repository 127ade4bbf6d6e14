// SPDX-License-Identifier: Apache-2.0
// The generator with the real call engine as its device under test, in one thread and without
// frames: what the player sends goes into the engine, what the engine sends comes back.
#pragma once

#include "dataplane/engine.h"
#include "dataplane/snapshot_builder.h"
#include "tools/pktgen/call_player.h"

#include <deque>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace linehunt::pktgen {

inline scene two_kinds() {
  scene s;
  s.device = *parse_endpoint("192.0.2.1", 5060);
  s.callers = {*parse_endpoint("192.0.2.100", 5060), *parse_endpoint("192.0.2.101", 5060)};
  for (const char* kind : {"pstn=4930#######", "vm=VM_#######"})
    if (const auto wrong = add_kind(s, kind)) throw std::runtime_error(*wrong);
  for (const char* text : {"192.0.2.11:5060=pstn", "192.0.2.12:5060=pstn,vm", "192.0.2.13:5060=vm"})
    if (const auto wrong = add_destinations(s, text)) throw std::runtime_error(*wrong);
  return s;
}

class looped_device final : public outbox, public action_sink {
 public:
  struct message {
    std::string bytes;
    std::uint32_t station;
  };
  // Changes, repeats or drops (empties) a message on its way out of the device.
  using meddling = std::function<void(message&)>;

  explicit looped_device(const scene& of, std::int32_t lines = 1000) : scene_(of), stations_(of) {
    snapshot_model model;
    std::uint32_t id = 0;
    for (const destination& d : of.destinations) {
      destination_model m;
      m.id = ++id;
      m.group = 1;
      m.uri = "sip:" + d.text;
      m.addresses = {d.at};
      for (std::size_t k = 0; k < of.kinds.size(); ++k)
        if ((d.offers >> k & 1) != 0)
          m.resources.push_back({of.kinds[k].resource, of.kinds[k].resource, lines, {}});
      model.destinations.push_back(m);
    }
    listener l;
    l.local = of.device;
    model.listeners = {l};
    model.routes = {route{}};
    model.rules = {rule("^VM_", "vm"), rule("^[0-9]+$", "pstn")};
    std::vector<build_error> errors;
    world_ = build_snapshot(model, book_, errors);
    if (!world_) throw std::runtime_error(errors.at(0).message);
    engine_setup setup;
    setup.limits.max_calls = 4000;
    setup.limits.max_transactions = 4000;
    setup.secret = {{11, 12}, {13, 14}};
    engine_ = std::make_unique<engine>(setup, *world_);
  }

  // Carries messages to and fro until there are none.
  void run(traffic& who) {
    while (!out_.empty() || !back_.empty()) {
      if (!out_.empty()) {
        const message m = std::move(out_.front());
        out_.pop_front();
        at_hand_ = m.bytes;
        (void)engine_->on_datagram({at_hand_, scene_.station(m.station), 0}, now_us, *this);
      } else {
        message m = std::move(back_.front());
        back_.pop_front();
        if (meddle) meddle(m);
        if (!m.bytes.empty())
          who.receive(m.bytes, scene_.device, m.station, who.announce(m.bytes), now());
      }
      now_us += 5;
    }
  }
  void wait_ms(traffic& who, unsigned ms) {
    for (unsigned i = 0; i < ms; ++i) {
      now_us += 1000;
      engine_->advance(now_us, *this);
      who.advance(now());
      run(who);
    }
  }
  [[nodiscard]] time_ns now() const { return now_us * 1000; }
  [[nodiscard]] std::uint64_t engine_calls() const { return engine_->counters().calls_live; }

  // outbox
  [[nodiscard]] std::size_t room() const noexcept override { return places - out_.size(); }
  [[nodiscard]] char* begin() noexcept override { return room() == 0 ? nullptr : text_.data(); }
  void commit(std::size_t len, std::uint32_t station, stamp* sent_at) noexcept override {
    if (sent_at != nullptr) *sent_at = stamp_of(now());
    out_.push_back({std::string(text_.data(), len), station});
    if (on_sent) on_sent(out_.back().bytes);
    longest = std::max(longest, len);
    shortest = std::min(shortest, len);
  }

  // action_sink
  void forward(const sip::edit_list& edits, const outbound& where) override {
    std::string bytes(66'000, '\0');
    bytes.resize(edits.apply_to(at_hand_, bytes));
    deliver(bytes, where);
  }
  void send(std::string_view bytes, const outbound& where) override {
    deliver(std::string(bytes), where);
  }
  bool mail(worker_id, const linehunt::mail&) override { return true; }
  bool raise(const event&) override { return true; }

  std::size_t places = 10'000;
  meddling meddle;
  std::function<void(const std::string&)> on_sent; // by the generator
  std::size_t longest = 0, shortest = 10'000;
  time_us now_us = 1'000'000;

 private:
  void deliver(std::string bytes, const outbound& where) {
    const auto station = stations_.find(where.to);
    if (!station) throw std::runtime_error("to nobody: " + bytes);
    back_.push_back({std::move(bytes), *station});
  }
  static rule_model rule(std::string pattern, std::string resource) {
    rule_model r;
    rule_condition c;
    c.field = rule_field::ruri_user;
    c.pattern = std::move(pattern);
    r.conditions = {c};
    r.group = 1;
    r.resources = {std::move(resource)};
    return r;
  }

  const scene& scene_;
  station_index stations_;
  index_book book_{1024, 4096};
  std::unique_ptr<const snapshot> world_;
  std::unique_ptr<engine> engine_;
  std::vector<char> text_ = std::vector<char>(longest_message_bytes);
  std::string at_hand_;
  std::deque<message> out_, back_;
};

} // namespace linehunt::pktgen
