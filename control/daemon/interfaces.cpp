// SPDX-License-Identifier: Apache-2.0
// See interfaces.h.
#include "control/daemon/interfaces.h"

#include "control/admin/over_http.h"

#include <boost/asio/post.hpp>
#include <fmt/format.h>
#include <utility>

namespace linehunt {
namespace {

admin::socket_setup socket_of(const config::admin_settings& settings) {
  admin::socket_setup setup;
  setup.path = settings.socket;
  setup.max_clients = settings.max_clients;
  setup.max_request_bytes = settings.max_request_bytes;
  return setup;
}

admin::datagram_setup datagram_of(const config::admin_settings& settings) {
  admin::datagram_setup setup;
  setup.path = settings.datagram;
  setup.max_request_bytes = settings.max_request_bytes;
  setup.max_open = settings.max_clients;
  return setup;
}

admin::fifo_setup fifo_of(const config::admin_settings& settings) {
  admin::fifo_setup setup;
  setup.path = settings.fifo;
  setup.reply_dir = settings.fifo_reply_dir;
  setup.max_request_bytes = settings.max_request_bytes;
  setup.max_replies = settings.max_clients;
  return setup;
}

http::http_setup http_of(const config::admin_settings& settings, const char* key,
                         const endpoint& at) {
  http::http_setup setup;
  setup.key = key;
  setup.address = std::string_view{to_text(at.ip)};
  setup.port = at.port;
  setup.max_clients = settings.max_clients;
  setup.max_body_bytes = settings.max_request_bytes;
  return setup;
}

} // namespace

interfaces::interfaces(boost::asio::io_context& loop)
    : turns_([&loop](admin::turns::work next) { boost::asio::post(loop, std::move(next)); }) {}

tl::expected<std::unique_ptr<interfaces>, std::string>
interfaces::open(boost::asio::io_context& loop, const config::admin_settings& settings) {
  std::unique_ptr<interfaces> all(new interfaces(loop));
  auto socket = admin::socket_server::open(loop, socket_of(settings));
  if (!socket) return tl::unexpected(socket.error());
  all->socket_ = std::move(*socket);
  all->description_ = "socket " + settings.socket;
  if (!settings.datagram.empty()) {
    auto datagram = admin::datagram_server::open(loop, datagram_of(settings));
    if (!datagram) return tl::unexpected(datagram.error());
    all->datagram_ = std::move(*datagram);
    all->description_ += ", datagram " + settings.datagram;
  }
  if (!settings.fifo.empty()) {
    auto fifo = admin::fifo_server::open(loop, fifo_of(settings));
    if (!fifo) return tl::unexpected(fifo.error());
    all->fifo_ = std::move(*fifo);
    all->description_ += ", fifo " + settings.fifo;
  }
  if (settings.http) {
    auto http = http::http_server::open(loop, http_of(settings, "http", *settings.http));
    if (!http) return tl::unexpected(http.error());
    all->http_ = std::move(*http);
    all->description_ += fmt::format(", http {}", std::string_view{to_text(*settings.http)});
  }
  if (settings.metrics) {
    auto metrics = http::http_server::open(loop, http_of(settings, "metrics", *settings.metrics));
    if (!metrics) return tl::unexpected(metrics.error());
    all->metrics_ = std::move(*metrics);
    all->description_ += fmt::format(", metrics {}", std::string_view{to_text(*settings.metrics)});
  }
  return all;
}

void interfaces::show_metrics(const http::answering& answer) {
  if (http_) http_->route("GET", "/metrics", answer);
  if (metrics_) metrics_->route("GET", "/metrics", answer);
}

void interfaces::serve(admin::daemon_view& daemon) {
  socket_->serve(
      [this, &daemon](std::string_view request, admin::holding_events hold, admin::replying done) {
        admin::dispatch(request, daemon, turns_, std::move(hold), std::move(done));
      });
  // Nobody can follow events where no connection stays.
  const auto answer = [this, &daemon](std::string_view request, admin::replying done) {
    admin::dispatch(request, daemon, turns_, {}, std::move(done));
  };
  if (datagram_) datagram_->serve(answer);
  if (fifo_) fifo_->serve(answer);
  if (metrics_) metrics_->serve();
  if (!http_) return;
  http_->route("POST", "/mi", [this, &daemon](const http::request& request, http::replying done) {
    admin::over_http(request, daemon, turns_, std::move(done));
  });
  http_->serve();
}

void interfaces::publish(std::string_view line) {
  socket_->publish(line);
}

std::vector<admin::statistic> interfaces::statistics() const {
  std::vector<admin::statistic> all{{"admin", "socket_clients_refused", socket_->refused()},
                                    {"admin", "socket_followers_dropped", socket_->dropped()},
                                    {"admin", "descriptors_missing",
                                     socket_->had_reserve() + (http_ ? http_->had_reserve() : 0) +
                                         (metrics_ ? metrics_->had_reserve() : 0)}};
  if (http_) all.push_back({"admin", "http_clients_refused", http_->refused()});
  if (metrics_) all.push_back({"admin", "metrics_clients_refused", metrics_->refused()});
  if (datagram_) all.push_back({"admin", "datagram_answers_dropped", datagram_->dropped()});
  if (!fifo_) return all;
  all.push_back({"admin", "fifo_requests_refused", fifo_->refused()});
  all.push_back({"admin", "fifo_answers_dropped", fifo_->dropped()});
  return all;
}

std::string interfaces::description() const {
  return description_;
}

} // namespace linehunt
