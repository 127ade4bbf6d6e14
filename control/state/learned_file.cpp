// SPDX-License-Identifier: Apache-2.0
// See learned_file.h.
#include "control/state/learned_file.h"

#include "control/state/file_replacement.h"
#include "control/state/json_number.h"
#include "control/state/state_file.h"
#include "dataplane/address_turn.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace linehunt {
namespace {

using nlohmann::json;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr int learned_file_version = 1;
// As far as clocks of two starts of the machine may differ.
constexpr std::chrono::minutes clocks_differ{5};
// Nothing is used that is as old; and clocks can be reckoned with.
constexpr std::chrono::hours longest_age{24 * 365};

std::int64_t age_ms(steady_clock::time_point at, steady_clock::time_point now) {
  return std::max<std::int64_t>(std::chrono::floor<milliseconds>(now - at).count(), 0);
}

json written(const std::vector<dns::known_name>& names, steady_clock::time_point now) {
  json all = json::array();
  for (const dns::known_name& one : names) {
    json addresses = json::array();
    for (std::size_t i = 0; i < one.where.addresses.size(); ++i)
      addresses.push_back({{"address", std::string_view{to_text(one.where.addresses[i])}},
                           {"rank", one.where.turns[i].rank},
                           {"share", one.where.turns[i].share}});
    all.push_back({{"host", one.name.host},
                   {"port", one.name.port},
                   {"udp", one.name.names_udp},
                   {"age_ms", age_ms(one.answered_at, now)},
                   {"ttl_s", one.ttl.count()},
                   {"in_part", one.in_part},
                   {"addresses", std::move(addresses)}});
  }
  return all;
}

json written(const std::vector<heartbeat::known_beat>& beats, steady_clock::time_point now) {
  json all = json::array();
  for (const heartbeat::known_beat& one : beats)
    all.push_back({{"host", one.host},
                   {"port", one.port},
                   {"age_ms", age_ms(one.last.at, now)},
                   {"stale", one.stale},
                   {"sessions", one.last.what.sessions},
                   {"max_sessions", one.last.what.max_sessions},
                   {"idle_per_cent", one.last.what.idle_per_cent},
                   {"interval_s", one.last.what.interval_s}});
  return all;
}

// From here on json::exception is thrown where something is not what it should be.
steady_clock::time_point time_in(const json& item, steady_clock::time_point written_at) {
  return written_at - milliseconds(number_in<std::uint32_t>(item.at("age_ms")));
}

std::vector<dns::known_name> names_in(const json& all, steady_clock::time_point written_at) {
  std::vector<dns::known_name> names;
  for (const json& item : all) {
    dns::known_name one;
    item.at("host").get_to(one.name.host);
    one.name.port = number_in<std::uint16_t>(item.at("port"));
    item.at("udp").get_to(one.name.names_udp);
    one.answered_at = time_in(item, written_at);
    one.ttl = seconds(number_in<std::uint32_t>(item.at("ttl_s")));
    item.at("in_part").get_to(one.in_part);
    for (const json& place : item.at("addresses")) {
      const auto at = parse_endpoint(place.at("address").get_ref<const std::string&>(), 0);
      const auto rank = number_in<std::uint16_t>(place.at("rank"));
      const auto share = std::max(number_in<std::uint32_t>(place.at("share")), 1U);
      if (!at || at->port == 0 || (one.name.port != 0 && at->port != one.name.port)) continue;
      if (one.where.addresses.size() == max_addresses) break;
      one.where.addresses.push_back(*at);
      one.where.turns.push_back({rank, share});
    }
    if (!one.where.addresses.empty()) names.push_back(std::move(one));
  }
  return names;
}

std::vector<heartbeat::known_beat> beats_in(const json& all, steady_clock::time_point written_at) {
  std::vector<heartbeat::known_beat> beats;
  for (const json& item : all) {
    heartbeat::known_beat& one = beats.emplace_back();
    item.at("host").get_to(one.host);
    one.port = number_in<std::uint16_t>(item.at("port"));
    one.last.at = time_in(item, written_at);
    item.at("stale").get_to(one.stale);
    one.last.what.sessions = number_in<std::int32_t>(item.at("sessions"));
    one.last.what.max_sessions = number_in<std::int32_t>(item.at("max_sessions"));
    one.last.what.idle_per_cent =
        std::clamp(item.at("idle_per_cent").get<double>(), 0.0, 100.0); // JSON has no other
    one.last.what.interval_s = number_in<std::uint32_t>(item.at("interval_s"));
  }
  return beats;
}

} // namespace

std::string keep_learned(const std::string& path, const learned& what, const moment& now) {
  const auto at = steady_clock::now();
  json all = {{"linehunt_learned", learned_file_version},
              {"names", written(what.names, at)},
              {"socket_names", written(what.socket_names, at)},
              {"heartbeats", written(what.beats, at)}};
  put_moment(now, all);
  file_replacement file(path);
  file.write(all.dump(1, ' ', false, json::error_handler_t::replace) + "\n");
  file.hand_over();
  return file.put_in_place();
}

tl::expected<learned, std::string> kept_learned(const std::string& path, const moment& now,
                                                ::uid_t user) {
  learned what;
  const auto all = read_state_json(path, "linehunt_learned", learned_file_version, user);
  if (!all) return tl::unexpected(all.error());
  if (all->is_null()) return what;
  try {
    const microseconds age = age_of(moment_in(*all), now);
    if (age < -clocks_differ) return tl::unexpected(dated_ahead(path, age));
    const auto written_at =
        steady_clock::now() - std::clamp<microseconds>(age, microseconds{0}, longest_age);
    what.names = names_in(all->at("names"), written_at);
    what.socket_names = names_in(all->at("socket_names"), written_at);
    what.beats = beats_in(all->at("heartbeats"), written_at);
  } catch (const json::exception&) {
    return tl::unexpected(damaged(path));
  }
  return what;
}

} // namespace linehunt
