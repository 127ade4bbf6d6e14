// SPDX-License-Identifier: Apache-2.0
// Reads an answer of a DNS server (RFC 1035 4.1): the records of the type asked for, behind any
// CNAMEs, and how long they hold. c-ares has readers of its own, but those of SRV and NAPTR leave
// out the TTL. Knows nothing of sockets.
#pragma once

#include "dataplane/address.h"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace linehunt::dns {

enum class dns_type : std::uint16_t { a = 1, aaaa = 28, srv = 33, naptr = 35 };

struct dns_record {
  ip_address ip;              // A, AAAA
  std::string target;         // SRV target, NAPTR replacement; no final dot, the root is empty
  std::uint16_t priority = 0; // SRV (RFC 2782); NAPTR order (RFC 3403)
  std::uint16_t weight = 0;   // SRV; NAPTR preference
  std::uint16_t port = 0;     // SRV
  std::string flags, service; // NAPTR, as written
};

struct dns_reply {
  enum class kind : std::uint8_t {
    records,
    none,   // the name is not there, or has nothing of this type
    failed, // nobody has said anything of use; `cause`
  };
  kind what = kind::failed;
  std::vector<dns_record> records;
  std::uint32_t ttl_s = 0; // of the records, the least; of `none`, as the SOA says (RFC 2308 5)
  std::string cause;       // also of `none` where it is another than that
};

// `asked` is the name of the question. An answer that is broken is a failure.
[[nodiscard]] dns_reply read_dns_answer(std::span<const unsigned char> bytes,
                                        std::string_view asked, dns_type type);

[[nodiscard]] std::string lowered_name(std::string_view name); // and without a final dot

} // namespace linehunt::dns
