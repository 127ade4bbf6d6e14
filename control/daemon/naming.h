// SPDX-License-Identifier: Apache-2.0
// Host names in the configuration, kept resolved while linehunt runs: gives each new snapshot its
// addresses, and asks for a new one when they change. Belongs to the control thread.
#pragma once

#include "control/admin/events.h"
#include "control/config/configuration.h"
#include "control/daemon/reload.h"
#include "control/daemon/unusable_addresses.h"
#include "control/daemon/world_source.h"
#include "control/resolver/resolver.h"

#include <boost/asio/io_context.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace linehunt {

class naming {
 public:
  naming(boost::asio::io_context& loop, const config::configuration& whole);

  // Of the run before, before the first snapshot is built; see resolver.
  void remember(std::vector<dns::known_name> before) { resolver_.remember(std::move(before)); }
  [[nodiscard]] std::vector<dns::known_name> known() const { return resolver_.known(); }
  // Before the first snapshot is built; nothing is asked before the loop runs.
  void serve(world_source& source);
  // From now on changes are published and told.
  void start(reloader& reloading, admin::raising raise);

  [[nodiscard]] std::optional<dns::name_report> about(const std::string& uri) const;
  // A name has addresses whose TTL is over, because nobody answers.
  [[nodiscard]] bool any_stale() const noexcept { return resolver_.stale_names() != 0; }

 private:
  [[nodiscard]] dns::found_addresses addresses_of(const std::string& uri);
  void configure(const dns::resolver_settings& settings);
  void tell(const dns::name_report& report);

  std::vector<endpoint> own_; // an address of ours behind a name would be a loop
  std::vector<ip_prefix> networks_;
  unusable_addresses unusable_;
  reloader* reloading_ = nullptr;
  admin::raising raise_;
  dns::resolver resolver_;
};

} // namespace linehunt
