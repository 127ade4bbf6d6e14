// SPDX-License-Identifier: Apache-2.0
// See srv_order.h.
#include "control/resolver/srv_order.h"

#include <algorithm>
#include <tuple>

namespace linehunt::dns {
namespace {

constexpr std::size_t most_names = 4;
// A weight of 0 beside weights above 0 gets this part of a weight of 1.
constexpr std::uint32_t shares_a_weight = 100;

bool same_word(std::string_view text, std::string_view lower) {
  return lowered_name(text) == lower;
}

} // namespace

std::vector<srv_target> in_order(std::vector<dns_record> srv) {
  std::ranges::sort(srv, {},
                    [](const dns_record& r) { return std::tie(r.priority, r.target, r.port); });
  std::vector<srv_target> all;
  std::uint16_t rank = 0;
  for (std::size_t begin = 0; begin < srv.size();) {
    std::size_t end = begin;
    bool weighted = false;
    for (; end < srv.size() && srv[end].priority == srv[begin].priority; ++end)
      weighted = weighted || srv[end].weight != 0;
    for (; begin < end; ++begin) {
      if (all.size() == most_targets) return all;
      const std::uint32_t share =
          !weighted ? 1 : std::max<std::uint32_t>(srv[begin].weight * shares_a_weight, 1);
      all.push_back({srv[begin].target, srv[begin].port, rank, share});
    }
    ++rank;
  }
  return all;
}

std::vector<std::string> srv_names(std::vector<dns_record> naptr, std::string_view host) {
  // RFC 3263 4.1: services that we do not speak are left out; with "s" the replacement has SRV.
  std::erase_if(naptr, [](const dns_record& r) {
    return !same_word(r.service, "sip+d2u") || !same_word(r.flags, "s") || r.target.empty();
  });
  std::ranges::stable_sort(naptr, {},
                           [](const dns_record& r) { return std::tie(r.priority, r.weight); });
  std::vector<std::string> names;
  for (dns_record& r : naptr) {
    if (names.size() + 1 < most_names && std::ranges::find(names, r.target) == names.end())
      names.push_back(std::move(r.target));
  }
  std::string plain = "_sip._udp." + std::string{host};
  if (std::ranges::find(names, plain) == names.end()) names.push_back(std::move(plain));
  return names;
}

} // namespace linehunt::dns
