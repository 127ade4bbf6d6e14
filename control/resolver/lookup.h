// SPDX-License-Identifier: Apache-2.0
// One name to addresses, as RFC 3263 4 has it for UDP: NAPTR (SIP+D2U), SRV, A and AAAA. Asks once
// and answers once; how long an answer is good for is the resolver's matter.
#pragma once

#include "control/resolver/dns_client.h"
#include "control/resolver/sip_name.h"
#include "dataplane/address.h"
#include "dataplane/address_turn.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace linehunt::dns {

struct address_families {
  bool v4 = true, v6 = true; // those that a listener of ours can reach
  friend bool operator==(const address_families&, const address_families&) = default;
};

struct found_addresses {
  // By rank, then by name; the same records give the same order whoever sends them.
  std::vector<endpoint> addresses;
  std::vector<address_turn> turns; // beside them
  friend bool operator==(const found_addresses&, const found_addresses&) = default;
};

struct lookup_result {
  enum class kind : std::uint8_t {
    found,
    none,   // the servers say that there is nothing to be had
    failed, // they say nothing, or nothing of use
  };
  kind what = kind::failed;
  found_addresses where;
  bool in_part = false; // found, but some question stayed open; there may be more
  std::uint32_t ttl_s = 0;
  std::string cause;
};

// `then` is called once, later, and keeps nothing alive but itself.
void look_up(std::shared_ptr<dns_client> client, const sip_name& name, address_families families,
             std::function<void(lookup_result)> then);

} // namespace linehunt::dns
