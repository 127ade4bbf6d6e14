// SPDX-License-Identifier: Apache-2.0
// What operators and failures have changed about destinations since they were configured: status
// and resized capacities. Outlives snapshots: a status survives a reload where id, group and URI
// are the same; a resized capacity survives until the configuration says another one than before.
// What an operator has said outlives the destination as well, which may be missing by mistake: it
// holds again where id, group and URI come back. Where another group or URI has the id meanwhile,
// "disabled" does, and capacities go by id. A restart is as a reload. Knows nothing of workers.
#pragma once

#include "dataplane/destination_model.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

namespace linehunt {

struct destination_status {
  bool enabled = true;
  bool by_admin = false; // disabled by an admin: nothing but an admin enables it again
};

// What an operator has said about one destination, for the next run of the program.
struct operator_change {
  struct size {
    std::string resource;
    std::int32_t configured = 0; // what it was changed from
    std::int32_t capacity = 0;
    friend bool operator==(const size&, const size&) = default;
  };
  std::uint32_t id = 0, group = 0;
  std::string uri;
  bool disabled = false; // by an admin
  std::vector<size> sizes;
  bool gone = false; // not configured so at the end
  friend bool operator==(const operator_change&, const operator_change&) = default;
};

class operator_state {
 public:
  // Puts what has been changed over what is configured, and forgets what no longer applies.
  void apply(std::vector<destination_model>& configured);

  // Of destinations that apply() has seen.
  [[nodiscard]] bool knows(std::uint32_t id) const { return places_.contains(id); }
  [[nodiscard]] destination_status status(std::uint32_t id) const;
  // How many of them are not enabled.
  [[nodiscard]] std::size_t disabled() const noexcept { return disabled_; }
  void set_by_admin(std::uint32_t id, bool enabled);
  // By a failure or a probe; does nothing to what an admin has disabled.
  void set_usable(std::uint32_t id, bool enabled);
  [[nodiscard]] std::int32_t capacity(std::uint32_t id, const std::string& resource) const;
  // The same for whoever goes through all of them: by their places in what apply() was given, and
  // by those of their resources.
  [[nodiscard]] destination_status status_at(std::size_t place) const {
    return records_[place].status;
  }
  [[nodiscard]] std::int32_t capacity_at(std::size_t place, std::size_t resource) const {
    return records_[place].resources[resource].capacity;
  }
  void set_capacity(std::uint32_t id, const std::string& resource, std::int32_t capacity);
  // Of a resource that follows a heartbeat: stays as long as it follows the same one, and takes the
  // place of what an operator has said before.
  void set_by_heartbeat(std::uint32_t id, const std::string& resource, std::int32_t capacity);

  // Of how many destinations that are not configured as they were something is remembered. It takes
  // no more memory than this, whoever takes destinations out and puts others in; the lowest ids go
  // first, since most tables count upwards.
  static constexpr std::size_t most_remembered = 100'000;

  // Of the run before. Each holds from when its destination is first seen.
  void remember(const std::vector<operator_change>& changes);
  // What there is to remember, those of destinations that have not been seen among it.
  [[nodiscard]] std::vector<operator_change> changes() const;

 private:
  struct resized {
    std::string name;
    std::int32_t configured = 0;
    std::int32_t capacity = 0;
    bool changed = false; // by an operator
    std::optional<heartbeat_source> heartbeat;
    bool beaten = false; // the capacity is that of a heartbeat
  };
  struct record {
    std::uint32_t id = 0, group = 0;
    std::string uri;
    destination_status status;
    std::vector<resized> resources; // in the order of the configuration
    bool before_restart = false;    // remembered of the run before, and configured so at its end
  };
  [[nodiscard]] static resized* resource_of(record& r, const std::string& name);
  [[nodiscard]] static const resized* resource_of(const record& r, const std::string& name);
  [[nodiscard]] record* find(std::uint32_t id);
  [[nodiscard]] const record* find(std::uint32_t id) const;
  void set_status(record& r, destination_status status);
  [[nodiscard]] static bool by_operator(const record& r);
  using identity = std::tuple<std::uint32_t, std::uint32_t, std::string>; // id, group, URI
  [[nodiscard]] static identity identity_of(const record& r);
  [[nodiscard]] const record* remembered(const destination_model& model) const;
  [[nodiscard]] const record* whose_status(const destination_model& model) const;
  [[nodiscard]] const record* whose_sizes(const destination_model& model) const;
  void remember_gone(std::vector<record>&& before);

  std::vector<record> records_;                           // in the order of what apply() was given
  std::unordered_map<std::uint32_t, std::size_t> places_; // of them, by destination id
  std::size_t disabled_ = 0;                              // of them
  std::map<identity, record> remembered_; // not configured so, what operators said alone
};

} // namespace linehunt
