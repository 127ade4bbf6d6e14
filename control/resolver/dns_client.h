// SPDX-License-Identifier: Apache-2.0
// Questions to DNS servers by c-ares, on the control thread's loop: c-ares says which sockets to
// watch, the loop says when they are ready. Nothing waits, and no answer comes before `ask` has
// returned. Knows single questions, not what they are asked for.
#pragma once

#include "control/resolver/dns_answer.h"

#include <ares.h>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <tl/expected.hpp>
#include <vector>

namespace linehunt::dns {

struct dns_servers {
  std::vector<std::string> addresses; // "192.0.2.53", "[2001:db8::53]:5353"; empty: of the file
  // Not for operators.
  std::string file = "/etc/resolv.conf";
  std::uint16_t port = 53;         // of those without one
  std::uint32_t timeout_ms = 2000; // of the first try; c-ares doubles it
  std::uint32_t tries = 3;         // of each server
  friend bool operator==(const dns_servers&, const dns_servers&) = default;
};

class dns_client : public std::enable_shared_from_this<dns_client> {
 public:
  using answered = std::function<void(dns_reply)>;

  [[nodiscard]] static tl::expected<std::shared_ptr<dns_client>, std::string>
  open(boost::asio::io_context& loop, const dns_servers& servers);
  ~dns_client(); // what is still open is answered by a failure
  dns_client(const dns_client&) = delete;
  dns_client& operator=(const dns_client&) = delete;

  // `name` is absolute: no search list, no hosts file.
  void ask(const std::string& name, dns_type type, answered then);
  // All that is open ends with a failure. Questions keep whoever asked them, and so this, alive.
  void cancel();

 private:
  struct watched {
    watched(boost::asio::io_context& loop, ares_socket_t socket)
        : number(socket), descriptor(loop, socket) {}
    ares_socket_t number;
    boost::asio::posix::stream_descriptor descriptor;
    bool closed = false;
    bool to_read = false, to_write = false; // what c-ares wants
    bool reading = false, writing = false;  // what the loop waits for
  };
  struct question;

  explicit dns_client(boost::asio::io_context& loop) : loop_(loop), timer_(loop) {}
  static void on_socket(void* self, ares_socket_t socket, int to_read, int to_write);
  static void on_answer(void* what, int status, int timeouts, unsigned char* bytes, int len);
  void watch(ares_socket_t socket, bool to_read, bool to_write);
  void wait_for(const std::shared_ptr<watched>& socket);
  void process(ares_socket_t to_read, ares_socket_t to_write);
  void set_timer();

  boost::asio::io_context& loop_;
  boost::asio::steady_timer timer_;
  ares_channel channel_ = nullptr;
  std::map<ares_socket_t, std::shared_ptr<watched>> sockets_;
};

} // namespace linehunt::dns
