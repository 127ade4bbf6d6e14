// SPDX-License-Identifier: Apache-2.0
// See source_index.h.
#include "dataplane/source_index.h"

#include "dataplane/siphash.h"

namespace linehunt {

std::size_t source_index::key_hash::operator()(const key& k) const noexcept {
  // The keys are the operator's, so the hash needs no secret.
  const std::uint64_t rest = std::uint64_t{k.group} << 32 | std::uint64_t{k.source.port} << 8 |
                             (k.source.ip.is_v6 ? 4u : 0u) | (k.any_group ? 2u : 0u) |
                             (k.any_port ? 1u : 0u);
  const auto* bytes = reinterpret_cast<const char*>(k.source.ip.bytes.data());
  return siphash24({bytes, k.source.ip.bytes.size()}, {rest, 0});
}

void source_index::add(const endpoint& source, std::uint32_t group, std::uint32_t position) {
  const endpoint portless{source.ip, 0};
  // emplace keeps what is there: the first position wins.
  first_.emplace(key{source, group, false, false}, position);
  first_.emplace(key{source, 0, true, false}, position);
  first_.emplace(key{portless, group, false, true}, position);
  first_.emplace(key{portless, 0, true, true}, position);
}

std::optional<std::uint32_t> source_index::find(const endpoint& source,
                                                std::optional<std::uint32_t> group) const noexcept {
  key asked{source, group.value_or(0), !group.has_value(), source.port == 0};
  std::optional<std::uint32_t> first;
  if (const auto it = first_.find(asked); it != first_.end()) first = it->second;
  if (source.port == 0) return first;
  asked.source.port = 0;
  if (const auto it = first_.find(asked); it != first_.end() && (!first || it->second < *first))
    first = it->second;
  return first;
}

} // namespace linehunt
