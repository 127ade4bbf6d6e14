// SPDX-License-Identifier: Apache-2.0
// Records of INVITE transactions, their index and their lists by age.
#include "dataplane/engine/transaction_table.h"

#include <algorithm>

namespace linehunt::calls {
namespace {

constexpr std::uint32_t text_block_bytes = 512;

std::uint32_t text_blocks(const engine_limits& limits) noexcept {
  const std::uint64_t bytes =
      std::uint64_t{limits.max_transactions} * limits.transaction_text_bytes;
  // Never so few that two of the longest messages do not fit.
  return static_cast<std::uint32_t>(std::max<std::uint64_t>(bytes / text_block_bytes, 320));
}

} // namespace

transaction_table::transaction_table(const engine_limits& limits, memory_source& memory)
    : records_(limits.max_transactions, memory), index_(limits.max_transactions, memory),
      texts_(text_blocks(limits), text_block_bytes, memory) {
  for (std::uint32_t i = limits.max_transactions; i-- > 0;) {
    records_[i].next_free = first_free_;
    first_free_ = i;
  }
}

std::uint32_t transaction_table::take(std::uint64_t server_key) {
  const std::uint32_t transaction = first_free_;
  if (transaction == no_transaction || !index_.insert(server_key, transaction))
    return no_transaction;
  invite_transaction& t = records_[transaction];
  const std::uint32_t generation = t.generation + 1;
  first_free_ = t.next_free;
  static_cast<invite_progress&>(t) = {};
  t.generation = generation;
  t.server_key = server_key;
  t.server = server_state::proceeding;
  append(transaction_list::unanswered, transaction);
  ++in_use_;
  return transaction;
}

void transaction_table::give_back(std::uint32_t transaction) {
  invite_transaction& t = records_[transaction];
  remove(transaction);
  index_.erase(t.server_key, transaction);
  texts_.free(t.invite);
  texts_.free(t.reply);
  texts_.free(t.reason);
  t.server = server_state::free;
  t.next_free = first_free_;
  first_free_ = transaction;
  --in_use_;
}

std::uint32_t transaction_table::find(std::uint64_t server_key) const {
  return index_.find(server_key, [&](std::uint32_t transaction) {
    return records_[transaction].server_key == server_key;
  });
}

std::uint32_t transaction_table::find(std::uint32_t transaction,
                                      std::uint32_t generation) const noexcept {
  if (transaction >= records_.size()) return no_transaction;
  const invite_transaction& t = records_[transaction];
  if (t.server == server_state::free || (t.generation & 0xffffffu) != generation)
    return no_transaction;
  return transaction;
}

void transaction_table::move_to(transaction_list to, std::uint32_t transaction) {
  remove(transaction);
  append(to, transaction);
}

void transaction_table::append(transaction_list to, std::uint32_t transaction) noexcept {
  age_list& list = lists_[static_cast<std::size_t>(to)];
  invite_transaction& t = records_[transaction];
  t.list = to;
  t.older = list.newest;
  t.newer = no_transaction;
  if (list.newest != no_transaction) records_[list.newest].newer = transaction;
  list.newest = transaction;
  if (list.oldest == no_transaction) list.oldest = transaction;
}

void transaction_table::remove(std::uint32_t transaction) noexcept {
  invite_transaction& t = records_[transaction];
  age_list& list = lists_[static_cast<std::size_t>(t.list)];
  (t.older == no_transaction ? list.oldest : records_[t.older].newer) = t.newer;
  (t.newer == no_transaction ? list.newest : records_[t.newer].older) = t.older;
}

} // namespace linehunt::calls
