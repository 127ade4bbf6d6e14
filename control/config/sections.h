// SPDX-License-Identifier: Apache-2.0
// The sections of the configuration file, one function and one source file each. A section checks
// itself; what concerns several sections is in cross_check.cpp.
#pragma once

#include "control/config/configuration.h"
#include "control/config/devices.h"
#include "control/config/table_reader.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace linehunt::config {

void read_runtime(table_reader& root, configuration& into, diagnostics& out);
void read_limits(table_reader& root, configuration& into, diagnostics& out);
void read_ports(table_reader& root, configuration& into, const device_check& check,
                diagnostics& out);
void read_listeners(table_reader& root, configuration& into, diagnostics& out);
void read_timers(table_reader& root, configuration& into, diagnostics& out);
void read_probing(table_reader& root, configuration& into, diagnostics& out);
void read_admin(table_reader& root, configuration& into, diagnostics& out);
void read_service(table_reader& root, configuration& into, diagnostics& out);
void read_log(table_reader& root, configuration& into, diagnostics& out);
void read_database(table_reader& root, configuration& into, diagnostics& out);
void read_dns(table_reader& root, configuration& into, diagnostics& out);
void read_destinations(table_reader& root, configuration& into, diagnostics& out);
void read_heartbeat(table_reader& root, configuration& into, diagnostics& out);
void read_overload(table_reader& root, configuration& into, diagnostics& out);
void read_rules(table_reader& root, configuration& into, diagnostics& out);

// The [[port]] that a [[listen]] names; an empty name is the only port.
[[nodiscard]] std::optional<std::size_t> port_index(const configuration& whole,
                                                    const std::string& name);

// One that joins those with `ids` (and where each is): its id, and whether it can be reached.
void check_destination(const configuration& whole, const destination_entry& d,
                       std::map<std::uint32_t, std::string>& ids, diagnostics& out);

// Destinations alone: ids, whether they can be reached, whether there is room for them.
void check_destinations(const configuration& whole, diagnostics& out);

// Destinations from `first` on that have the address of one before them in their group. Only where
// nothing is wrong.
void check_places(const configuration& whole, std::size_t first, diagnostics& out);

// Destinations from which calls come that rules cannot count. Only where nothing is wrong, and
// where all destinations are known: before the rows of a database are there, nothing can be said.
void check_counted(const configuration& whole, diagnostics& out);

// Rules that a call may match one after the other, and that together ask for more than it can hold.
// Only where nothing is wrong.
void check_gathered(const configuration& whole, diagnostics& out);

// What no section sees alone: names that refer to others, duplicates, what cannot be reached.
void cross_check(const configuration& whole, diagnostics& out);

} // namespace linehunt::config
