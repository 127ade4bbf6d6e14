// SPDX-License-Identifier: Apache-2.0
// What a configuration file says, as values with their places. Built by load_file only where
// everything in it is right. Knows nothing of the running system.
#pragma once

#include "control/config/diagnostics.h"
#include "control/database/settings.h"
#include "control/heartbeat/heartbeats.h"
#include "control/resolver/resolver.h"
#include "dataplane/address.h"
#include "dataplane/destination_model.h"
#include "dataplane/dpdk/runtime.h"
#include "dataplane/rules.h"
#include "dataplane/snapshot.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace linehunt::config {

// What a [[port]] says besides its set-up.
struct port_entry {
  place at;            // where the device is named
  bool broken = false; // has an error of its own, but for a device that is not there
};

struct listen_entry {
  endpoint local;
  std::string port; // name of a [[port]]; empty: the only one
  std::optional<endpoint> advertise;
  std::vector<std::string> names; // in lower case
  place at, address_at, port_at;
};

struct destination_entry {
  destination_model model;
  place at, uri_at;                       // of a row of a database: none
  std::string origin = "[[destination]]"; // for messages
};

struct rule_entry {
  rule_model model;
  place at;                        // the [[rule]] itself
  place group_at, target_at;       // balance; forward
  std::vector<place> condition_at; // beside model.conditions
  std::vector<place> resource_at;  // beside model.resources
  place from_group_at;
  place no_invite_at;  // methods that a rule matches, where INVITE is none of them
  bool broken = false; // has an error of its own; what follows from it need not be said
};

struct admin_settings {
  std::string socket = "/run/linehunt/linehunt.sock";
  std::string datagram, fifo;          // paths; empty: none
  std::string fifo_reply_dir = "/tmp"; // where OpenSIPS' clients make their reply FIFOs
  std::optional<endpoint> http = endpoint{{{127, 0, 0, 1}, false}, 8888};
  std::optional<endpoint> metrics;                        // GET /metrics alone, besides
  place http_at, metrics_at;                              // in the file
  std::string capture_dir = "/var/lib/linehunt/captures"; // empty: no captures
  std::uint32_t max_clients = 64;
  std::uint32_t max_request_bytes = 1 << 20;
};

struct service_settings {
  std::string user; // whom it becomes once its ports are open; empty: it stays who it is
  std::uint32_t drain_limit_s = 30; // how long SIGTERM waits for the calls
  std::string state_dir; // keeps calls and operators' changes over a restart; empty: they are lost
  std::uint32_t calls_valid_s = 300; // calls that were kept longer ago are over; 0: none are kept
  std::uint32_t calls_copied_every_s = 10; // for a crash; 0: never
};

struct log_settings {
  std::string file; // empty: the journal where standard error leads there, else standard error
};

// Of destinations, by requests that a worker sends.
struct probing_settings {
  std::uint32_t interval_s = 30;   // 0: nobody is probed
  std::uint32_t timeout_ms = 5000; // without an answer for so long: a failure
  std::string method = "OPTIONS";
  std::string from = "sip:prober@localhost";
  std::vector<unsigned> reply_codes;                              // good ones besides 200
  std::uint32_t failures_to_disable = 1, successes_to_enable = 1; // in a row
};

// Kinds of sections of which some have an error of their own: what is missing elsewhere may be what
// those were to say.
struct broken_sections {
  bool ports = false, listeners = false, destinations = false, rules = false;
};

struct configuration {
  dpdk::runtime_setup runtime;          // with its ports
  std::vector<port_entry> port_entries; // beside runtime.ports
  broken_sections broken;
  std::string kernel = "auto"; // of the scanner
  std::vector<listen_entry> listeners;
  linehunt::timers timers;
  std::string user_agent; // empty: no Server header
  admin_settings admin;
  service_settings service;
  log_settings log;
  probing_settings probing;
  database::settings database;
  dns::resolver_settings dns;
  heartbeat::settings heartbeat;
  overload_settings overload;
  std::string log_level = "info";
  std::vector<destination_entry> destinations; // in the order of the file
  std::vector<rule_entry> rules;
  // Of the rules, from when they were checked: what is built later does not compile them again.
  std::shared_ptr<const compiled_patterns> patterns;
};

} // namespace linehunt::config
