// SPDX-License-Identifier: Apache-2.0
// See heartbeats.h.
#include "control/heartbeat/heartbeats.h"

#include <algorithm>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <utility>

namespace linehunt::heartbeat {

// A machine that is not configured any more, or whose rows were not read yet.
constexpr std::chrono::hours longest_unasked{24};

std::string_view word_for(status s) noexcept {
  switch (s) {
  case status::waiting:
    return "waiting";
  case status::fresh:
    return "fresh";
  case status::stale:
    break;
  }
  return "stale";
}

heartbeats::heartbeats(boost::asio::io_context& loop, resizing resize,
                       std::function<void(const report&)> tell)
    : loop_(loop), resize_(std::move(resize)), tell_(std::move(tell)),
      names_(
          loop, {true, true},
          [this] {
            on_addresses_changed();
            return dns::resolver::refusal{};
          },
          [](const dns::name_report& r) {
            spdlog::debug("event socket {}: {} {}", r.name, dns::word_for(r.status), r.cause);
          }) {}

heartbeats::~heartbeats() {
  for (auto& [which, s] : sources_)
    s.socket->stop();
}

heartbeats::key heartbeats::key_of(const heartbeat_source& s) {
  return fmt::format("{}\n{}\n{}\n{}", s.host, s.port, s.user, s.password);
}

void heartbeats::follow(const std::vector<destination_model>& destinations, const settings& wanted,
                        const dns::resolver_settings& names) {
  if (const auto done = names_.configure(names); !done) spdlog::error("{}", done.error());
  std::map<key, source> next;
  std::map<user, const source*> users;
  for (const destination_model& d : destinations) {
    for (const resource_model& r : d.resources) {
      if (!r.heartbeat) continue;
      source& s = next[key_of(*r.heartbeat)];
      s.where = *r.heartbeat;
      s.users.push_back({d.id, r.name});
      users[s.users.back()] = &s;
    }
  }
  const bool same = wanted == settings_;
  const bool were_zero = std::exchange(settings_, wanted).zero_when_stale;
  names_.begin_asking();
  for (auto& [which, s] : next) {
    const auto known = sources_.find(which);
    if (known == sources_.end()) {
      recall(s);
    } else {
      s.state = known->second.state;
      s.last = known->second.last;
      if (same) s.socket = std::exchange(known->second.socket, nullptr);
    }
    (void)addresses_of(s.where); // still in use, and soon to be asked for
  }
  names_.forget_unasked();
  for (auto& [which, s] : sources_)
    if (s.socket) s.socket->stop();
  sources_ = std::move(next); // whose places stay
  users.swap(users_);
  const auto is_new = [&](const user& u) { return !users.contains(u); };
  for (auto& [which, s] : sources_) {
    if (!s.socket) open(s);
    const bool stale = s.state.status == status::stale;
    if (stale) zero_if_wanted(s); // whoever is new, too
    if (!s.last || (stale && settings_.zero_when_stale)) continue;
    // Not 1000 until the next beat, where there was one already; nor none any more, where that is
    // what silence meant.
    for (const user& u : s.users)
      if ((stale && were_zero) || is_new(u)) size_by(s.last->what, u);
  }
}

void heartbeats::remember(const std::vector<known_beat>& before,
                          std::vector<dns::known_name> names) {
  for (const known_beat& one : before)
    before_.insert_or_assign({one.host, one.port}, one);
  names_.remember(std::move(names));
}

std::vector<known_beat> heartbeats::known() const {
  const auto now = std::chrono::steady_clock::now();
  std::map<machine, known_beat> all;
  for (const auto& [which, one] : before_)
    if (now - one.last.at < longest_unasked) all.emplace(which, one);
  for (const auto& [which, s] : sources_)
    if (s.last)
      all.insert_or_assign(
          {s.where.host, s.where.port},
          known_beat{s.where.host, s.where.port, *s.last, s.state.status == status::stale});
  std::vector<known_beat> list;
  list.reserve(all.size());
  for (auto& [which, one] : all)
    list.push_back(std::move(one));
  return list;
}

void heartbeats::recall(source& s) {
  const auto found = before_.find({s.where.host, s.where.port});
  if (found == before_.end()) return;
  const known_beat& one = found->second;
  const auto silent_for = std::chrono::steady_clock::now() - one.last.at;
  const bool over =
      silent_for > patience_with(interval_of(one.last.what, settings_.socket.interval));
  if (over && !one.stale && settings_.zero_when_stale) return;
  s.last = one.last;
  spdlog::info("event socket {}:{}: its heartbeat of {} s ago, before the start, counts until "
               "another comes",
               s.where.host, s.where.port,
               std::chrono::floor<std::chrono::seconds>(silent_for).count());
}

void heartbeats::size_by(const beat& b, const user& u) {
  if (!resize_(u.destination, u.resource, [&](std::int64_t load) { return capacity_of(b, load); }))
    spdlog::warn("destination {} {}: the workers did not hear of a heartbeat", u.destination,
                 u.resource);
}

void heartbeats::on_addresses_changed() {
  for (auto& [which, s] : sources_)
    s.socket->on_addresses_changed();
}

void heartbeats::zero_if_wanted(const source& s) {
  if (!settings_.zero_when_stale) return;
  for (const user& u : s.users)
    if (!resize_(u.destination, u.resource, [](std::int64_t) { return 0; }))
      spdlog::error("destination {} {}: the workers did not hear that its heartbeat is stale",
                    u.destination, u.resource);
}

void heartbeats::open(source& s) {
  const key which = key_of(s.where);
  const bool is_v6 = s.where.host.find(':') != std::string::npos;
  const std::string host = is_v6 ? '[' + s.where.host + ']' : s.where.host;
  const std::string name = fmt::format("{}:{}", host, s.where.port);
  s.state.socket = name;
  event_socket::listener tell;
  tell.addresses = [this, where = s.where] { return addresses_of(where); };
  tell.on_beat = [this, which](const beat& b) { on_beat(which, b); };
  tell.on_silence = [this, which](const std::string& cause) { on_silence(which, cause); };
  tell.on_failure = [this, which, name](const std::string& cause) {
    const auto found = sources_.find(which);
    if (found == sources_.end()) return;
    // Each cause once; a machine that is down is not to fill the log.
    if (std::exchange(found->second.state.cause, cause) != cause)
      spdlog::warn("event socket {}: {}", name, cause);
  };
  s.socket = std::make_shared<event_socket>(loop_, s.where, settings_.socket, std::move(tell));
  // Where none was heard yet, it is that of the run before.
  s.socket->start(s.state.status == status::waiting ? s.last : std::nullopt);
}

void heartbeats::on_beat(const key& which, const beat& b) {
  const auto found = sources_.find(which);
  if (found == sources_.end()) return;
  source& s = found->second;
  s.last = {b, std::chrono::steady_clock::now()};
  for (const user& u : s.users)
    size_by(b, u);
  s.state.cause.clear();
  if (std::exchange(s.state.status, status::fresh) == status::fresh) return;
  spdlog::info("event socket {} has a heartbeat", s.state.socket);
  tell_(s.state);
}

void heartbeats::on_silence(const key& which, const std::string& cause) {
  const auto found = sources_.find(which);
  if (found == sources_.end()) return;
  source& s = found->second;
  s.state.cause = cause;
  zero_if_wanted(s);
  if (std::exchange(s.state.status, status::stale) == status::stale) return;
  spdlog::warn("event socket {} is stale: {}", s.state.socket, cause);
  tell_(s.state);
}

std::vector<endpoint> heartbeats::addresses_of(const heartbeat_source& s) {
  if (const auto ip = parse_ip(s.host)) return {{*ip, s.port}};
  return names_.current({dns::lowered_name(s.host), s.port, true}).addresses;
}

std::optional<report> heartbeats::about(std::uint32_t destination,
                                        const std::string& resource) const {
  const auto found = users_.find({destination, resource});
  return found == users_.end() ? std::nullopt : std::optional(found->second->state);
}

} // namespace linehunt::heartbeat
