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
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
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
    std::optional<beat> last;
  };
  using key = std::string;
  [[nodiscard]] static key key_of(const heartbeat_source& s);
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
  std::map<user, const source*> users_; // each of those of all sources
};

} // namespace linehunt::heartbeat
