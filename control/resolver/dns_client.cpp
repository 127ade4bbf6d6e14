// SPDX-License-Identifier: Apache-2.0
// See dns_client.h.
#include "control/resolver/dns_client.h"

#include <boost/asio/post.hpp>
#include <chrono>
#include <fmt/format.h>

namespace linehunt::dns {

namespace {

using error_code = boost::system::error_code;

constexpr int class_internet = 1;
// What the DNS flag day of 2020 settled on: no fragments on the way.
constexpr int most_udp_bytes = 1232;

bool library_ready() {
  static const bool ready = ares_library_init(ARES_LIB_INIT_ALL) == ARES_SUCCESS;
  return ready;
}

} // namespace

struct dns_client::question {
  boost::asio::io_context& loop;
  std::string name;
  dns_type type;
  answered then;
};

tl::expected<std::shared_ptr<dns_client>, std::string>
dns_client::open(boost::asio::io_context& loop, const dns_servers& servers) {
  if (!library_ready()) return tl::unexpected(std::string{"c-ares does not start"});
  std::shared_ptr<dns_client> client(new dns_client(loop));
  ares_options options{};
  options.flags = ARES_FLAG_EDNS;
  options.ednspsz = most_udp_bytes;
  options.timeout = static_cast<int>(servers.timeout_ms);
  options.tries = static_cast<int>(servers.tries);
  options.sock_state_cb = &dns_client::on_socket;
  options.sock_state_cb_data = client.get();
  std::string file = servers.file;
  options.resolvconf_path = file.data();
  options.udp_port = options.tcp_port = servers.port;
  const int mask = ARES_OPT_RESOLVCONF | ARES_OPT_UDP_PORT | ARES_OPT_TCP_PORT | ARES_OPT_FLAGS |
                   ARES_OPT_EDNSPSZ | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB;
  if (const int status = ares_init_options(&client->channel_, &options, mask);
      status != ARES_SUCCESS)
    return tl::unexpected(fmt::format("DNS: {}", ares_strerror(status)));
  if (!servers.addresses.empty()) {
    std::string list;
    for (const std::string& address : servers.addresses)
      list += (list.empty() ? "" : ",") + address;
    if (const int status = ares_set_servers_ports_csv(client->channel_, list.c_str());
        status != ARES_SUCCESS)
      return tl::unexpected(fmt::format("DNS servers {}: {}", list, ares_strerror(status)));
  }
  return client;
}

dns_client::~dns_client() {
  if (channel_ != nullptr) ares_destroy(channel_);
  for (auto& [number, socket] : sockets_) { // c-ares has closed them all, and told us; to be sure
    socket->closed = true;
    socket->descriptor.release();
  }
}

void dns_client::ask(const std::string& name, dns_type type, answered then) {
  auto what = std::make_unique<question>(question{loop_, name, type, std::move(then)});
  ares_query(channel_, name.c_str(), class_internet, static_cast<int>(type), &dns_client::on_answer,
             what.release());
  set_timer();
}

void dns_client::cancel() {
  ares_cancel(channel_);
  timer_.cancel();
}

void dns_client::on_answer(void* raw, int status, int, unsigned char* bytes, int len) {
  std::unique_ptr<question> what(static_cast<question*>(raw));
  dns_reply reply;
  const bool negative = status == ARES_ENODATA || status == ARES_ENOTFOUND;
  if (status == ARES_SUCCESS || (negative && bytes != nullptr)) {
    reply = read_dns_answer({bytes, static_cast<std::size_t>(len)}, what->name, what->type);
    // The name behind an alias may be missing: NXDOMAIN with records in it.
    if (negative && reply.what == dns_reply::kind::records) reply.what = dns_reply::kind::none;
    if (reply.what == dns_reply::kind::none && reply.cause.empty())
      reply.cause = status == ARES_ENOTFOUND ? "no such name" : "no record of that type";
  } else {
    reply.cause = ares_strerror(status);
  }
  // Not from here: c-ares may be in the middle of ask().
  boost::asio::post(what->loop, [then = std::move(what->then), reply = std::move(reply)]() mutable {
    then(std::move(reply));
  });
}

void dns_client::on_socket(void* self, ares_socket_t socket, int to_read, int to_write) {
  static_cast<dns_client*>(self)->watch(socket, to_read != 0, to_write != 0);
}

void dns_client::watch(ares_socket_t number, bool to_read, bool to_write) {
  const auto known = sockets_.find(number);
  if (!to_read && !to_write) {
    // c-ares closes it as soon as this returns.
    if (known == sockets_.end()) return;
    known->second->closed = true;
    known->second->descriptor.release();
    sockets_.erase(known);
    return;
  }
  const auto socket =
      known != sockets_.end()
          ? known->second
          : sockets_.emplace(number, std::make_shared<watched>(loop_, number)).first->second;
  socket->to_read = to_read;
  socket->to_write = to_write;
  wait_for(socket);
}

void dns_client::wait_for(const std::shared_ptr<watched>& socket) {
  using boost::asio::posix::descriptor_base;
  // `this` outlives every socket that is not closed.
  if (socket->to_read && !socket->reading) {
    socket->reading = true;
    socket->descriptor.async_wait(descriptor_base::wait_read, [this, socket](error_code failure) {
      socket->reading = false;
      if (failure || socket->closed) return;
      process(socket->number, ARES_SOCKET_BAD);
      if (!socket->closed) wait_for(socket);
    });
  }
  if (socket->to_write && !socket->writing) {
    socket->writing = true;
    socket->descriptor.async_wait(descriptor_base::wait_write, [this, socket](error_code failure) {
      socket->writing = false;
      if (failure || socket->closed) return;
      process(ARES_SOCKET_BAD, socket->number);
      if (!socket->closed) wait_for(socket);
    });
  }
}

void dns_client::process(ares_socket_t to_read, ares_socket_t to_write) {
  ares_process_fd(channel_, to_read, to_write);
  set_timer();
}

void dns_client::set_timer() {
  timeval left{};
  if (ares_timeout(channel_, nullptr, &left) == nullptr) {
    timer_.cancel();
    return;
  }
  timer_.expires_after(std::chrono::seconds(left.tv_sec) + std::chrono::microseconds(left.tv_usec));
  timer_.async_wait([weak = weak_from_this()](error_code cancelled) {
    const auto self = weak.lock();
    if (!cancelled && self) self->process(ARES_SOCKET_BAD, ARES_SOCKET_BAD);
  });
}

} // namespace linehunt::dns
