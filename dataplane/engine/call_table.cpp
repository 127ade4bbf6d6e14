// SPDX-License-Identifier: Apache-2.0
// Call records, their texts and their index.
#include "dataplane/engine/call_table.h"

#include "dataplane/siphash.h"

#include <algorithm>
#include <cstring>

namespace linehunt::calls {
namespace {

std::uint32_t overflow_blocks(const engine_limits& limits, std::uint32_t block_bytes) noexcept {
  const std::uint64_t bytes = std::uint64_t{limits.max_calls} * limits.call_text_bytes;
  // Never so few that one call with long texts cannot be kept.
  return static_cast<std::uint32_t>(std::max<std::uint64_t>(bytes / block_bytes, 1024));
}

// A secret is made at each start, and all workers share it.
std::uint64_t number_of_run(const node_secret& secret) noexcept {
  return (siphash24("run", secret.branch_key) % 0xffff + 1) << 48;
}

} // namespace

packed_endpoint pack_endpoint(const endpoint& e) noexcept {
  packed_endpoint out;
  out.len = e.ip.size_bytes();
  std::memcpy(out.bytes.data(), e.ip.bytes.data(), out.len);
  out.bytes[out.len++] = static_cast<char>(e.port >> 8);
  out.bytes[out.len++] = static_cast<char>(e.port & 0xff);
  return out;
}

endpoint unpack_endpoint(std::string_view bytes) noexcept {
  endpoint e;
  if (bytes.size() != 6 && bytes.size() != 18) return e;
  e.ip.is_v6 = bytes.size() == 18;
  std::memcpy(e.ip.bytes.data(), bytes.data(), bytes.size() - 2);
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  e.port = static_cast<std::uint16_t>(at(bytes.size() - 2) << 8 | at(bytes.size() - 1));
  return e;
}

call_table::call_table(const engine_limits& limits, const node_secret& secret,
                       memory_source& memory)
    : secret_(secret), run_(number_of_run(secret)), records_(limits.max_calls, memory),
      index_(limits.max_calls, memory),
      overflow_(overflow_blocks(limits, overflow_block_bytes), overflow_block_bytes, memory),
      scratch_(sip::max_message_bytes, memory), gather_(sip::max_message_bytes, memory) {
  for (std::uint32_t i = limits.max_calls; i-- > 0;) {
    records_[i].transaction = first_free_;
    first_free_ = i;
  }
}

std::uint32_t call_table::take(std::uint64_t hash, const call_texts& texts) {
  const std::uint32_t call = first_free_;
  if (call == no_call) return no_call;
  call_record& record = records_[call];
  const std::uint32_t next = record.transaction;
  const auto generation = static_cast<std::uint16_t>(record.generation + 1);
  record = call_record{};
  record.generation = generation;
  record.transaction = next;
  if (!set_texts(call, texts)) return no_call;
  if (!index_.insert(hash, call)) {
    overflow_.free(record.overflow);
    return no_call;
  }
  first_free_ = next;
  record.transaction = no_transaction;
  record.state = call_state::early;
  return call;
}

void call_table::give_back(std::uint32_t call) {
  call_record& record = records_[call];
  index_.erase(call_hash(text(call, call_text::call_id), secret_), call);
  overflow_.free(record.overflow);
  record.state = call_state::free;
  record.transaction = first_free_;
  first_free_ = call;
}

std::uint32_t call_table::find_handle(std::uint64_t handle) const noexcept {
  const auto call = static_cast<std::uint32_t>(handle);
  if (call >= records_.size()) return no_call;
  if (records_[call].state == call_state::free || handle_of(call) != handle) return no_call;
  return call;
}

bool call_table::same(std::uint32_t call, call_text which, std::string_view text_wanted) const {
  return records_[call].text_len[static_cast<std::size_t>(which)] == text_wanted.size() &&
         text(call, which) == text_wanted;
}

dialog_match call_table::match(std::uint32_t call, std::string_view call_id,
                               std::string_view from_tag, std::string_view to_tag) const {
  if (!same(call, call_text::call_id, call_id)) return {};
  const bool early = records_[call].state == call_state::early;
  if (same(call, call_text::from_tag, from_tag) && (early || same(call, call_text::to_tag, to_tag)))
    return {call, side::caller};
  if (same(call, call_text::from_tag, to_tag) && (early || same(call, call_text::to_tag, from_tag)))
    return {call, side::callee};
  return {};
}

dialog_match call_table::find_dialog(std::uint64_t hash, std::string_view call_id,
                                     std::string_view from_tag, std::string_view to_tag,
                                     std::uint64_t handle) {
  // Of another run nothing rings any more.
  bool early_too = !is_of_another_run(handle);
  if (const std::uint32_t call = find_handle(handle); call != no_call) {
    if (const auto found = match(call, call_id, from_tag, to_tag)) return found;
    early_too =
        records_[call].state == call_state::early || !same(call, call_text::call_id, call_id) ||
        !(same(call, call_text::from_tag, from_tag) || same(call, call_text::from_tag, to_tag));
  }
  // Should several carry these tags, one that lives comes before one that is over; and a ringing
  // one, which may get any tag yet, comes last. First of all one that had this handle before a
  // restart.
  const bool before = is_of_another_run(handle);
  const auto rank = [&](std::uint32_t call) {
    const call_state s = records_[call].state;
    if (before && first_handle_of(call) == handle) return 4;
    if (s == call_state::early) return early_too ? 1 : 0;
    return s == call_state::ended ? 2 : 3;
  };
  dialog_match found;
  int best = 0;
  (void)index_.find(hash, [&](std::uint32_t call) {
    const auto here = match(call, call_id, from_tag, to_tag);
    if (here && rank(call) > best) {
      found = here;
      best = rank(call);
    }
    return best == (before ? 4 : 3);
  });
  return found;
}

same_dialogs call_table::find_same_dialogs(std::uint64_t hash, std::string_view call_id,
                                           std::string_view from_tag, std::string_view to_tag,
                                           std::uint32_t but) {
  same_dialogs all;
  // Else whoever knows its tags would have a call of his own be the same.
  const auto spirals = [&](std::uint32_t call) {
    return (records_[call].origin & call_record::spirals) != 0;
  };
  if (!spirals(but)) return all;
  const auto rings = [&](const dialog_match& m) {
    return records_[m.call].state == call_state::early;
  };
  (void)index_.find(hash, [&](std::uint32_t call) {
    if (call == but || !spirals(call) || records_[call].state == call_state::ended) return false;
    const dialog_match here = match(call, call_id, from_tag, to_tag);
    if (!here) return false;
    if (all.count < all.found.size())
      all.found[all.count++] = here;
    else if (const auto one = std::ranges::find_if(all.found, rings);
             one != all.found.end() && !rings(here))
      *one = here;
    return false;
  });
  return all;
}

std::array<std::string_view, 3> call_table::gather(std::uint32_t of,
                                                   const std::array<call_text, 3>& which) {
  std::array<std::string_view, 3> copies; // not in scratch_, which comparisons use
  std::size_t used = 0;
  for (std::size_t i = 0; i < copies.size(); ++i) {
    const std::string_view piece = text(of, which[i]);
    std::ranges::copy(piece, &gather_[used]);
    copies[i] = {&gather_[used], piece.size()};
    used += piece.size();
  }
  return copies;
}

same_dialogs call_table::find_same_dialogs(std::uint32_t of) {
  const auto key =
      gather(of, std::array{call_text::call_id, call_text::from_tag, call_text::to_tag});
  return find_same_dialogs(call_hash(key[0], secret_), key[0], key[1], key[2], of);
}

std::uint32_t call_table::find_server_key(std::uint64_t hash, std::string_view call_id,
                                          std::uint64_t key) {
  return index_.find(hash, [&](std::uint32_t call) {
    return records_[call].server_key == key && same(call, call_text::call_id, call_id);
  });
}

std::uint32_t call_table::find_caller(std::uint64_t hash, std::string_view call_id,
                                      std::string_view from_tag) {
  return index_.find(hash, [&](std::uint32_t call) {
    return same(call, call_text::call_id, call_id) && same(call, call_text::from_tag, from_tag);
  });
}

std::size_t call_table::count_dialogs(std::uint64_t hash, std::string_view call_id) {
  std::size_t count = 0;
  (void)index_.find(hash, [&](std::uint32_t call) {
    if (same(call, call_text::call_id, call_id)) ++count;
    return false;
  });
  return count;
}

std::string_view call_table::text(std::uint32_t call, call_text which) const {
  const call_record& record = records_[call];
  std::size_t off = 0;
  for (std::size_t i = 0; i < static_cast<std::size_t>(which); ++i)
    off += record.text_len[i];
  const std::size_t len = record.text_len[static_cast<std::size_t>(which)];
  if (off + len <= call_record::inline_bytes) return {record.text.data() + off, len};
  return texts(call)[static_cast<std::size_t>(which)];
}

call_texts call_table::texts(std::uint32_t call) const {
  const call_record& record = records_[call];
  std::size_t total = 0;
  for (const auto len : record.text_len)
    total += len;
  const std::size_t here = std::min(total, call_record::inline_bytes);
  const char* base = record.text.data();
  if (total > here) {
    std::memcpy(&scratch_[0], record.text.data(), here);
    (void)overflow_.copy_out(record.overflow, {&scratch_[here], scratch_.size() - here});
    base = &scratch_[0];
  }
  call_texts out;
  std::size_t off = 0;
  for (std::size_t i = 0; i < call_text_count; ++i) {
    out[i] = {base + off, record.text_len[i]};
    off += record.text_len[i];
  }
  return out;
}

bool call_table::set_texts(std::uint32_t call, const call_texts& texts_wanted) {
  call_record& record = records_[call];
  std::array<std::uint16_t, call_text_count> lens{};
  std::size_t total = 0;
  std::size_t mandatory_bytes = 0;
  for (std::size_t i = 0; i < call_text_count; ++i) {
    const std::string_view piece = texts_wanted[i];
    if (total + piece.size() > gather_.size()) {
      if (i < mandatory_texts) return false;
      continue;
    }
    if (!piece.empty()) std::memcpy(&gather_[total], piece.data(), piece.size());
    lens[i] = static_cast<std::uint16_t>(piece.size());
    total += piece.size();
    if (i < mandatory_texts) mandatory_bytes = total;
  }

  // Where the pool has no room, the texts behind the mandatory ones go, the last ones first.
  const auto needed = [&](std::size_t bytes) {
    return bytes > call_record::inline_bytes
               ? overflow_.blocks_for(bytes - call_record::inline_bytes)
               : 0;
  };
  const std::size_t held = record.overflow.empty() ? 0 : overflow_.blocks_for(record.overflow.len);
  const std::size_t room = overflow_.free_blocks() + held;
  if (needed(mandatory_bytes) > room) return false;
  for (std::size_t i = call_text_count; needed(total) > room && i-- > mandatory_texts;) {
    total -= lens[i];
    lens[i] = 0;
  }

  overflow_.free(record.overflow);
  const std::size_t here = std::min(total, call_record::inline_bytes);
  std::memcpy(record.text.data(), &gather_[0], here);
  if (total > here) record.overflow = overflow_.store({&gather_[here], total - here});
  record.text_len = lens;
  return true;
}

std::uint32_t call_table::find_ended() {
  for (unsigned looked = 0; looked < 256 && looked < records_.size(); ++looked) {
    hand_ = hand_ + 1 < records_.size() ? hand_ + 1 : 0;
    if (records_[hand_].state == call_state::ended) return hand_;
  }
  return no_call;
}

} // namespace linehunt::calls
