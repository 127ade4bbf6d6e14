// SPDX-License-Identifier: Apache-2.0
// The names that are in use, each with the addresses it has now: looked up again when the TTL runs
// out, kept for a while when the servers are silent, tried again after every failure. Belongs to
// the control thread; nothing here waits. Knows names, not destinations.
//
//   asked ──► waiting ──► looked up ──found──► good ──TTL──► looked up ...
//                ▲            │ none: nothing there any more, from now on
//                └─ backoff ──┤ failed: good becomes stale, and ends max_stale after its TTL
#pragma once

#include "control/resolver/lookup.h"
#include "control/resolver/sip_name.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

namespace linehunt::dns {

struct resolver_settings {
  dns_servers servers;
  std::chrono::milliseconds min_ttl{10'000};
  std::chrono::milliseconds max_stale{3'600'000};
  // Not for operators.
  std::chrono::milliseconds first_retry{1'000}, longest_retry{60'000};
  std::chrono::milliseconds longest_ttl{86'400'000}, longest_negative_ttl{60'000};
  std::chrono::milliseconds gather{100};    // after a change, for others that come with it
  std::chrono::milliseconds between{1'000}; // two tellings of changes
  std::size_t most_at_once = 64;            // look-ups
  friend bool operator==(const resolver_settings&, const resolver_settings&) = default;
};

enum class name_status : std::uint8_t {
  unresolved, // no address
  resolved,
  stale,   // addresses whose TTL is over, because nobody answers
  refused, // told of one whose new addresses were not put to use: what was in use stays so
};
[[nodiscard]] std::string_view word_for(name_status status) noexcept;

struct name_report {
  std::string name; // of the host
  name_status status = name_status::unresolved;
  std::string cause; // empty where it is resolved
  std::size_t addresses = 0;
};

// What is known of a name, for the next run of the program.
struct known_name {
  sip_name name;
  found_addresses where;
  bool in_part = false;
  std::chrono::steady_clock::time_point answered_at{};
  std::chrono::seconds ttl{};
  friend bool operator==(const known_name&, const known_name&) = default;
};

class resolver {
 public:
  // Why what current() gives was not put to use; empty: it is in use.
  using refusal = std::string;
  // `changed`: addresses differ from what current() has given; comes seldom, for many at once, and
  // again where they were refused.
  // `report`: a name's status has become another. Where its addresses have changed with it, that
  // comes behind `changed`, when they are in use, or once as refused.
  resolver(boost::asio::io_context& loop, address_families families,
           std::function<refusal()> changed, std::function<void(const name_report&)> report);

  ~resolver();
  resolver(const resolver&) = delete;
  resolver& operator=(const resolver&) = delete;

  // Settings may change while names are in use. The error says what c-ares thinks of the servers;
  // then all is as before.
  [[nodiscard]] tl::expected<void, std::string> configure(const resolver_settings& settings);

  // What is known of the name now. From the first time on it is looked up and kept up to date.
  [[nodiscard]] found_addresses current(const sip_name& name);
  [[nodiscard]] name_report about(const sip_name& name) const;
  // Of the run before, before anything is asked for: in use until a server answers, as they would
  // be here, and as long. Addresses that no listener of ours reaches are left out.
  void remember(std::vector<known_name> before);
  // What there is to remember, names that nobody has asked for yet among it.
  [[nodiscard]] std::vector<known_name> known() const;
  // Names that nobody has asked for between begin_asking and forget_unasked are forgotten.
  void begin_asking();
  void forget_unasked();
  // What current() has given is in use from now on.
  void tell_published();

  [[nodiscard]] std::size_t names() const noexcept { return entries_.size(); }
  [[nodiscard]] std::size_t stale_names() const noexcept { return stale_; }

 private:
  using clock = std::chrono::steady_clock;
  struct entry {
    entry(boost::asio::io_context& loop, sip_name what) : name(std::move(what)), timer(loop) {}
    sip_name name;
    boost::asio::steady_timer timer; // until it is looked up again
    found_addresses where;
    bool in_part = false, before_start = false; // `where`
    clock::time_point answered_at{};
    clock::duration ttl{};
    name_status status = name_status::unresolved;
    std::string cause = "not looked up yet";
    unsigned failures = 0; // in a row
    bool asked = true, waiting = false, under_way = false;
    bool unpublished = false;            // `where` has changed, and is not in use yet
    std::optional<name_status> reported; // the last that was
  };

  // The file that names the servers, as it was read; all 0 where there was none.
  struct file_stamp {
    std::uint64_t number = 0, bytes = 0;
    std::int64_t changed_ns = 0;
    friend bool operator==(const file_stamp&, const file_stamp&) = default;
  };
  [[nodiscard]] static file_stamp stamp_of(const dns_servers& servers);
  [[nodiscard]] clock::time_point stale_until(clock::time_point answered_at,
                                              clock::duration ttl) const;
  void begin_with(entry& of, known_name before);
  void follow_servers();
  void ask_again(); // those without a fresh answer
  void enqueue(const std::shared_ptr<entry>& which);
  void start_some();
  void finished(entry& of, lookup_result result);
  void take(entry& of, lookup_result result);
  void lose(entry& of, std::string cause);
  void look_again(entry& of, clock::duration after);
  void set_status(entry& of, name_status status, std::string cause);
  void put_status(entry& of, name_status status); // and counts
  void note_change(entry& of);
  void tell_changes_at(clock::time_point when);
  void tell_changes();
  void tell(entry& of);
  void tell_refused();
  // Of a number of failures in a row.
  [[nodiscard]] clock::duration pause_after(unsigned failures) const;
  [[nodiscard]] clock::duration backoff(const entry& of) const;

  boost::asio::io_context& loop_;
  address_families families_;
  std::function<refusal()> changed_;
  std::function<void(const name_report&)> report_;
  resolver_settings settings_;
  std::shared_ptr<dns_client> client_;
  file_stamp servers_read_;
  std::map<sip_name, std::shared_ptr<entry>> entries_;
  std::size_t stale_ = 0;                 // of them
  std::map<sip_name, known_name> before_; // of the run before, not asked for yet
  std::deque<std::weak_ptr<entry>> queue_;
  std::size_t under_way_ = 0;
  boost::asio::steady_timer telling_;
  bool to_tell_ = false;
  clock::time_point told_at_{};
  refusal refused_;                 // the last telling was, and is tried again
  unsigned refusals_ = 0;           // in a row
  std::shared_ptr<resolver*> self_; // for what comes back late: empty once this is gone
};

} // namespace linehunt::dns
