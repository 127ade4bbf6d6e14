// SPDX-License-Identifier: Apache-2.0
// See resolver.h.
#include "control/resolver/resolver.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <sys/stat.h>
#include <utility>

namespace linehunt::dns {

using error_code = boost::system::error_code;

std::string_view word_for(name_status status) noexcept {
  switch (status) {
  case name_status::unresolved:
    return "unresolved";
  case name_status::resolved:
    return "resolved";
  case name_status::refused:
    return "refused";
  case name_status::stale:
    break;
  }
  return "stale";
}

resolver::resolver(boost::asio::io_context& loop, address_families families,
                   std::function<refusal()> changed, std::function<void(const name_report&)> report)
    : loop_(loop), families_(families), changed_(std::move(changed)), report_(std::move(report)),
      telling_(loop), self_(std::make_shared<resolver*>(this)) {}

resolver::~resolver() {
  if (client_) client_->cancel();
}

tl::expected<void, std::string> resolver::configure(const resolver_settings& settings) {
  if (!client_ || settings.servers != settings_.servers) {
    const file_stamp read = stamp_of(settings.servers);
    auto client = dns_client::open(loop_, settings.servers);
    if (!client) return tl::unexpected(client.error());
    if (client_) client_->cancel(); // look-ups under way are tried again
    client_ = std::move(*client);
    servers_read_ = read;
    ask_again();
  }
  settings_ = settings;
  start_some();
  return {};
}

resolver::file_stamp resolver::stamp_of(const dns_servers& servers) {
  struct stat it {};
  if (!servers.addresses.empty() || ::stat(servers.file.c_str(), &it) != 0) return {};
  return {it.st_ino, static_cast<std::uint64_t>(it.st_size),
          it.st_mtim.tv_sec * 1'000'000'000 + it.st_mtim.tv_nsec};
}

// c-ares reads the file once. At boot it may be written after our start, and later DHCP or an
// operator may name other servers. Look-ups under way end with the old ones.
void resolver::follow_servers() {
  const file_stamp now = stamp_of(settings_.servers);
  if (now == servers_read_) return;
  auto client = dns_client::open(loop_, settings_.servers);
  if (!client) return; // the next look-up tries again
  client_ = std::move(*client);
  servers_read_ = now;
  ask_again();
}

// What the servers of before did not know, or left without an answer, those of now may. What is
// under way is asked again as after a first failure.
void resolver::ask_again() {
  for (const auto& [name, e] : entries_) {
    if (e->status == name_status::resolved) continue;
    e->failures = 0;
    if (e->under_way) continue;
    e->timer.cancel();
    enqueue(e);
  }
}

found_addresses resolver::current(const sip_name& name) {
  const auto known = entries_.find(name);
  if (known != entries_.end()) {
    known->second->asked = true;
    return known->second->where;
  }
  const auto fresh = std::make_shared<entry>(loop_, name);
  entries_.emplace(name, fresh);
  if (auto before = before_.extract(name)) begin_with(*fresh, std::move(before.mapped()));
  enqueue(fresh);
  return fresh->where;
}

void resolver::remember(std::vector<known_name> before) {
  for (known_name& one : before) {
    one.ttl = std::min(one.ttl, std::chrono::floor<std::chrono::seconds>(settings_.longest_ttl));
    before_.insert_or_assign(one.name, std::move(one));
  }
}

// The listeners may be others than they were.
void resolver::begin_with(entry& of, known_name before) {
  if (clock::now() >= stale_until(before.answered_at, before.ttl)) return;
  for (std::size_t i = 0; i < before.where.addresses.size(); ++i) {
    const endpoint& at = before.where.addresses[i];
    if (!(at.ip.is_v6 ? families_.v6 : families_.v4)) continue;
    of.where.addresses.push_back(at);
    of.where.turns.push_back(before.where.turns[i]);
  }
  if (of.where.addresses.empty()) return;
  of.before_start = true;
  of.in_part = before.in_part;
  of.answered_at = before.answered_at;
  of.ttl = before.ttl;
  put_status(of, name_status::stale);
  of.cause = "not looked up yet, the addresses are those of before the start";
}

std::vector<known_name> resolver::known() const {
  std::vector<known_name> all;
  for (const auto& [name, e] : entries_)
    if (!e->where.addresses.empty())
      all.push_back({name, e->where, e->in_part, e->answered_at,
                     std::chrono::ceil<std::chrono::seconds>(e->ttl)});
  for (const auto& [name, one] : before_)
    if (clock::now() < stale_until(one.answered_at, one.ttl)) all.push_back(one);
  return all;
}

resolver::clock::time_point resolver::stale_until(clock::time_point answered_at,
                                                  clock::duration ttl) const {
  return answered_at + ttl + settings_.max_stale;
}

name_report resolver::about(const sip_name& name) const {
  const auto known = entries_.find(name);
  if (known == entries_.end()) return {name.host, name_status::unresolved, "not looked up yet", 0};
  const entry& e = *known->second;
  if (e.unpublished && !refused_.empty())
    return {e.name.host, name_status::refused, refused_, e.where.addresses.size()};
  return {e.name.host, e.status, e.cause, e.where.addresses.size()};
}

void resolver::begin_asking() {
  for (auto& [name, e] : entries_)
    e->asked = false;
}

void resolver::forget_unasked() {
  std::erase_if(entries_, [this](const auto& item) {
    if (item.second->asked) return false;
    put_status(*item.second, name_status::unresolved);
    return true;
  });
}

void resolver::enqueue(const std::shared_ptr<entry>& which) {
  if (which->waiting || which->under_way) return;
  which->waiting = true;
  queue_.push_back(which);
  // Later: whoever asks is in the middle of building something.
  boost::asio::post(loop_, [weak = std::weak_ptr(self_)] {
    if (const auto self = weak.lock()) (*self)->start_some();
  });
}

void resolver::start_some() {
  if (client_ && !queue_.empty()) follow_servers();
  while (client_ && under_way_ < settings_.most_at_once && !queue_.empty()) {
    const auto which = queue_.front().lock();
    queue_.pop_front();
    if (!which) continue;
    which->waiting = false;
    which->under_way = true;
    ++under_way_;
    look_up(client_, which->name, families_,
            [weak_self = std::weak_ptr(self_), weak = std::weak_ptr(which)](lookup_result result) {
              const auto self = weak_self.lock();
              if (!self) return;
              --(*self)->under_way_;
              if (const auto of = weak.lock()) (*self)->finished(*of, std::move(result));
              (*self)->start_some();
            });
  }
}

void resolver::finished(entry& of, lookup_result result) {
  of.under_way = false;
  const auto now = clock::now();
  const bool have = !of.where.addresses.empty();
  const auto until = stale_until(of.answered_at, of.ttl);
  const bool fresh_enough = have && now < until;
  switch (result.what) {
  case lookup_result::kind::found:
    // Half an answer is no reason to give up a whole one.
    if (result.in_part && !of.in_part && fresh_enough) break;
    return take(of, std::move(result));
  case lookup_result::kind::none: {
    of.failures = 0;
    lose(of, std::move(result.cause));
    const auto ttl = std::chrono::seconds(result.ttl_s);
    return look_again(
        of, std::max<clock::duration>(
                settings_.min_ttl, std::min<clock::duration>(ttl, settings_.longest_negative_ttl)));
  }
  case lookup_result::kind::failed:
    break;
  }
  ++of.failures;
  clock::duration next = backoff(of);
  if (fresh_enough) {
    if (of.before_start) result.cause += "; the addresses are those of before the start";
    set_status(of, name_status::stale, std::move(result.cause));
    next = std::min(next, until - now);
  } else {
    lose(of, std::move(result.cause));
  }
  look_again(of, next);
}

void resolver::take(entry& of, lookup_result result) {
  of.failures = result.in_part ? of.failures + 1 : 0;
  of.in_part = result.in_part;
  of.before_start = false;
  auto ttl = std::clamp<clock::duration>(std::chrono::seconds(result.ttl_s), settings_.min_ttl,
                                         settings_.longest_ttl);
  if (result.in_part)
    ttl = std::min(ttl, std::max<clock::duration>(backoff(of), settings_.min_ttl));
  of.answered_at = clock::now();
  of.ttl = ttl;
  if (result.where != of.where) {
    of.where = std::move(result.where);
    note_change(of);
  }
  set_status(of, name_status::resolved, {});
  look_again(of, ttl);
}

void resolver::lose(entry& of, std::string cause) {
  if (!of.where.addresses.empty()) {
    of.where = {};
    note_change(of);
  }
  set_status(of, name_status::unresolved, std::move(cause));
}

void resolver::look_again(entry& of, clock::duration after) {
  const auto known = entries_.find(of.name);
  if (known == entries_.end() || known->second.get() != &of) return; // forgotten meanwhile
  of.timer.expires_after(after);
  of.timer.async_wait([weak_self = std::weak_ptr(self_),
                       weak = std::weak_ptr(known->second)](error_code cancelled) {
    const auto self = weak_self.lock();
    const auto which = weak.lock();
    if (!cancelled && self && which) (*self)->enqueue(which);
  });
}

resolver::clock::duration resolver::backoff(const entry& of) const {
  return pause_after(of.failures);
}

resolver::clock::duration resolver::pause_after(unsigned failures) const {
  const unsigned doublings = std::min(failures > 0 ? failures - 1 : 0, 16U);
  return std::min<clock::duration>(settings_.first_retry * (1U << doublings),
                                   settings_.longest_retry);
}

void resolver::set_status(entry& of, name_status status, std::string cause) {
  put_status(of, status);
  of.cause = std::move(cause);
  if (!of.unpublished) tell(of);
}

// The first failure is news too, though nothing has got worse.
void resolver::tell(entry& of) {
  if (of.reported == of.status) return;
  of.reported = of.status;
  report_({of.name.host, of.status, of.cause, of.where.addresses.size()});
}

// Once, however often it is tried again.
void resolver::tell_refused() {
  std::vector<std::shared_ptr<entry>> due;
  for (const auto& [name, e] : entries_)
    if (e->unpublished && std::exchange(e->reported, name_status::refused) != name_status::refused)
      due.push_back(e);
  for (const auto& e : due)
    report_({e->name.host, name_status::refused, refused_, e->where.addresses.size()});
}

void resolver::tell_published() {
  if (!std::exchange(refused_, {}).empty() && !to_tell_) telling_.cancel(); // no more to try again
  refusals_ = 0;
  std::vector<std::shared_ptr<entry>> due; // who is told may ask for others
  for (const auto& [name, e] : entries_)
    if (std::exchange(e->unpublished, false)) due.push_back(e);
  for (const auto& e : due)
    tell(*e);
}

void resolver::put_status(entry& of, name_status status) {
  stale_ -= of.status == name_status::stale ? 1 : 0;
  stale_ += status == name_status::stale ? 1 : 0;
  of.status = status;
}

// A thousand names that resolve in one second are one or two changes to those who are told.
void resolver::note_change(entry& of) {
  of.unpublished = true;
  if (std::exchange(to_tell_, true)) return;
  const auto now = clock::now();
  const auto earliest =
      told_at_ == clock::time_point{} ? now : told_at_ + clock::duration(settings_.between);
  tell_changes_at(std::max(earliest, now + clock::duration(settings_.gather)));
}

void resolver::tell_changes_at(clock::time_point when) {
  telling_.expires_at(when);
  telling_.async_wait([weak = std::weak_ptr(self_)](error_code cancelled) {
    const auto self = weak.lock();
    if (!cancelled && self) (*self)->tell_changes();
  });
}

// What was refused may go once a name has other addresses, or a reload has made room for it.
void resolver::tell_changes() {
  to_tell_ = false;
  told_at_ = clock::now();
  refusal refused = changed_();
  if (refused.empty()) return tell_published();
  refused_ = std::move(refused);
  tell_refused();
  ++refusals_;
  if (!to_tell_) tell_changes_at(told_at_ + pause_after(refusals_));
}

} // namespace linehunt::dns
