// SPDX-License-Identifier: Apache-2.0
// See naming.h.
#include "control/daemon/naming.h"

#include "control/config/sip_target.h"

#include <algorithm>
#include <spdlog/spdlog.h>

namespace linehunt {
namespace {

dns::address_families families_of(const config::configuration& whole) {
  const auto has = [&](bool is_v6) {
    return std::ranges::any_of(whole.listeners, [&](const config::listen_entry& listen) {
      return listen.local.ip.is_v6 == is_v6;
    });
  };
  return {has(false), has(true)};
}

// No calls to nobody, to many, or to ourselves; a name may stand for anything.
bool is_usable(const endpoint& address, const std::vector<endpoint>& own,
               const std::vector<ip_prefix>& networks) {
  return address.ip.is_unicast() && address.port != 0 &&
         std::ranges::none_of(networks,
                              [&](const ip_prefix& net) { return net.is_broadcast(address.ip); }) &&
         std::ranges::find(own, address) == own.end();
}

} // namespace

naming::naming(boost::asio::io_context& loop, const config::configuration& whole)
    : resolver_(
          loop, families_of(whole),
          [this]() -> dns::resolver::refusal {
            if (!reloading_) return {};
            const auto done = reloading_->republish();
            return done ? std::string{} : done.error();
          },
          [this](const dns::name_report& report) { tell(report); }) {
  for (const config::listen_entry& listen : whole.listeners)
    own_.push_back(listen.local);
  for (const dpdk::port_setup& port : whole.runtime.ports)
    for (const dpdk::port_address& address : port.addresses)
      networks_.push_back({address.ip, address.prefix_bits});
  configure(whole.dns);
}

void naming::serve(world_source& source) {
  source.resolve_by([this](const std::string& uri) { return addresses_of(uri); });
}

void naming::start(reloader& reloading, admin::raising raise) {
  reloading_ = &reloading;
  raise_ = std::move(raise);
  resolver_.begin_asking();
  reloading.on_published([this](const config::configuration& running) {
    resolver_.forget_unasked();
    resolver_.tell_published();
    resolver_.begin_asking();
    unusable_.keep();
    configure(running.dns);
  });
}

void naming::configure(const dns::resolver_settings& settings) {
  if (const auto done = resolver_.configure(settings); !done) spdlog::error("{}", done.error());
}

dns::found_addresses naming::addresses_of(const std::string& uri) {
  const auto name = config::name_to_look_up(uri);
  if (!name) return {};
  const dns::found_addresses all = resolver_.current(*name);
  dns::found_addresses usable;
  for (std::size_t i = 0; i < all.addresses.size(); ++i) {
    if (!is_usable(all.addresses[i], own_, networks_)) {
      if (unusable_.add(name->host, all.addresses[i]))
        spdlog::warn("{} stands for {}, where no call can go", name->host,
                     std::string_view{to_text(all.addresses[i])});
      continue;
    }
    usable.addresses.push_back(all.addresses[i]);
    usable.turns.push_back(all.turns[i]);
  }
  return usable;
}

std::optional<dns::name_report> naming::about(const std::string& uri) const {
  const auto name = config::name_to_look_up(uri);
  if (!name) return std::nullopt;
  return resolver_.about(*name);
}

void naming::tell(const dns::name_report& report) {
  const std::string_view status = dns::word_for(report.status);
  if (report.status == dns::name_status::resolved)
    spdlog::info("{} is resolved to {} addresses", report.name, report.addresses);
  else if (report.status == dns::name_status::refused)
    spdlog::error("{} has {} addresses now, but they are not put to use until this is mended, and "
                  "what was in use stays so; it is tried again:\n{}",
                  report.name, report.addresses, report.cause);
  else
    spdlog::warn("{} is {}: {}", report.name, status, report.cause);
  if (raise_)
    raise_(admin::name_event, {{"name", report.name},
                               {"status", status},
                               {"cause", report.cause},
                               {"addresses", report.addresses}});
}

} // namespace linehunt
