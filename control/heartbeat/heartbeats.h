// SPDX-License-Identifier: Apache-2.0
// The resources whose capacity follows a FreeSWITCH, and the event sockets behind them: one
// connection for each socket, however many destinations it stands for. Belongs to the control
// thread. Changes capacities by a function that it is given; knows no workers.
#pragma once

#include "control/heartbeat/event_socket.h"
#include "control/resolver/resolver.h"
#include "dataplane/destination_model.h"

#include <boost/asio/io_context.hpp>
#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace linehunt::heartbeat {

struct settings {
  socket_settings socket;
  bool zero_when_stale = false; // else the last capacity stays
  friend bool operator==(const settings&, const settings&) = default;
};

enum class status : std::uint8_t { waiting, fresh, stale };
[[nodiscard]] std::string_view word_for(status s) noexcept;

struct report {
  std::string socket; // "host:port", without the login
  heartbeat::status status = heartbeat::status::waiting;
  std::string cause;
};

// What is known of a machine, for the next run of the program; no login, since it is the same for
// all of them.
struct known_beat {
  std::string host;
  std::uint16_t port = 0;
  heard_beat last;
  bool stale = false; // it was listened to, and in vain
  friend bool operator==(const known_beat&, const known_beat&) = default;
};

class heartbeats {
 public:
  // Lines for one resource, computed from the load it has.
  using sizing = std::function<std::int32_t(std::int64_t load)>;
  // False: the workers did not all hear of it; it is tried again with the next beat.
  using resizing =
      std::function<bool(std::uint32_t destination, const std::string& resource, const sizing&)>;

  heartbeats(boost::asio::io_context& loop, resizing resize,
             std::function<void(const report&)> tell);
  ~heartbeats();
  heartbeats(const heartbeats&) = delete;
  heartbeats& operator=(const heartbeats&) = delete;

  // The destinations of the last snapshot; sockets that nobody follows any more are closed.
  void follow(const std::vector<destination_model>& destinations, const settings& wanted,
              const dns::resolver_settings& names);
  // Of the run before, before any destinations are followed: what counts until a beat comes, as it
  // would here. Where silence means no lines, one that is over because nobody listened is left out.
  void remember(const std::vector<known_beat>& before, std::vector<dns::known_name> names);
  // What there is to remember, of machines that nobody has followed yet among it.
  [[nodiscard]] std::vector<known_beat> known() const;
  [[nodiscard]] std::vector<dns::known_name> known_names() const { return names_.known(); }
  // nullopt where that resource does not follow a socket.
  [[nodiscard]] std::optional<report> about(std::uint32_t destination,
                                            const std::string& resource) const;

 private:
  struct user {
    std::uint32_t destination = 0;
    std::string resource;
    friend auto operator<=>(const user&, const user&) = default;
  };
  struct source {
    heartbeat_source where;
    std::shared_ptr<event_socket> socket;
    std::vector<user> users;
    report state;
    std::optional<heard_beat> last;
  };
  using key = std::string;
  [[nodiscard]] static key key_of(const heartbeat_source& s);
  using machine = std::pair<std::string, std::uint16_t>; // host and port
  void recall(source& s);
  void open(source& s);
  void on_beat(const key& which, const beat& b);
  void on_silence(const key& which, const std::string& cause);
  void on_addresses_changed();
  void zero_if_wanted(const source& s);
  void size_by(const beat& b, const user& u);
  [[nodiscard]] std::vector<endpoint> addresses_of(const heartbeat_source& s);

  boost::asio::io_context& loop_;
  resizing resize_;
  std::function<void(const report&)> tell_;
  settings settings_;
  dns::resolver names_;
  std::map<key, source> sources_;
  std::map<user, const source*> users_;  // each of those of all sources
  std::map<machine, known_beat> before_; // of the run before
};

} // namespace linehunt::heartbeat
