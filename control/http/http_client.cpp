// SPDX-License-Identifier: Apache-2.0
// See http_client.h. The only file that sees Beast.
#include "control/http/http_client.h"

#include "control/version.h"

#include <array>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/span_body.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <optional>
#include <string_view>
#include <utility>

namespace linehunt::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace wire = boost::beast::http;
using tcp = asio::ip::tcp;
using error_code = boost::system::error_code;

std::string_view text_of(beast::string_view s) {
  return {s.data(), s.size()};
}

// What is said of a request that cannot be read; 0: the client has gone, there is nobody to tell.
unsigned status_of(const error_code& failure) {
  if (failure == wire::error::body_limit) return 413;
  if (failure == wire::error::header_limit || failure == wire::error::buffer_overflow) return 431;
  if (failure == beast::error::timeout) return 0;
  return failure.category() == wire::make_error_code(wire::error::bad_method).category() &&
                 failure != wire::error::end_of_stream && failure != wire::error::partial_message
             ? 400
             : 0;
}

class live_client final : public http_client, public std::enable_shared_from_this<live_client> {
 public:
  live_client(tcp::socket connection, const http_setup& setup,
              std::shared_ptr<const route_table> routes)
      : stream_(std::move(connection)), setup_(setup), routes_(std::move(routes)),
        received_(setup.max_header_bytes + chunk_bytes) {}

  void start() { read(); }

  void close() override {
    error_code ignored;
    stream_.cancel();
    stream_.socket().close(ignored);
  }

 private:
  using parser = wire::request_parser<wire::string_body>;
  static constexpr std::size_t chunk_bytes = 16384;

  void read() {
    parser_.emplace();
    parser_->header_limit(setup_.max_header_bytes);
    parser_->body_limit(setup_.max_body_bytes);
    // One deadline for all of the request, however many pieces it comes in.
    stream_.expires_after(setup_.request_deadline);
    wire::async_read_header(stream_, received_, *parser_,
                            [self = shared_from_this()](error_code failure, std::size_t) {
                              if (failure) return self->on_broken(failure);
                              self->on_header();
                            });
  }

  void on_header() {
    const auto expect = parser_->get().find(wire::field::expect);
    if (expect == parser_->get().end() || parser_->is_done() ||
        !beast::iequals(expect->value(), "100-continue"))
      return read_body();
    // RFC 9110 10.1.1: the client waits for this before it sends its body.
    static constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
    asio::async_write(stream_, asio::buffer(go_on),
                      [self = shared_from_this()](error_code failure, std::size_t) {
                        if (failure) return self->close();
                        self->read_body();
                      });
  }

  void read_body() {
    wire::async_read(stream_, received_, *parser_,
                     [self = shared_from_this()](error_code failure, std::size_t) {
                       if (failure) return self->on_broken(failure);
                       self->answer();
                     });
  }

  void on_broken(const error_code& failure) {
    const unsigned status = status_of(failure);
    if (status == 0) return close();
    const std::string_view why = status == 413   ? "the body is too large\n"
                                 : status == 431 ? "the header is too large\n"
                                                 : "this is not HTTP\n";
    write({status, "text/plain", std::string{why}}, 11, false, {});
  }

  void answer() {
    const auto& asked = parser_->get();
    const auto found = routes_->find(text_of(asked.method_string()), text_of(asked.target()));
    const bool keep = asked.keep_alive();
    if (found.allowed.empty())
      return write({404, "text/plain", "there is nothing here\n"}, asked.version(), keep, {});
    if (!found.answer)
      return write({405, "text/plain", "use " + found.allowed + "\n"}, asked.version(), keep,
                   found.allowed);
    // Browsers say for which site they ask. None of ours asks: another site would command us.
    if (asked.find(wire::field::origin) != asked.end())
      return write({403, "text/plain", "not for web pages of other sites\n"}, asked.version(), keep,
                   {});
    // Nothing is read meanwhile, and no deadline runs: the answer may take its time.
    stream_.expires_never();
    (*found.answer)({asked.body()},
                    [self = shared_from_this(), version = asked.version(), keep](response what) {
                      self->write(std::move(what), version, keep, {});
                    });
  }

  void write(response what, unsigned version, bool keep_alive, std::string_view allow) {
    answer_ = {};
    answer_.version(version);
    answer_.result(what.status);
    answer_.set(wire::field::server, std::string{"linehunt/"} + std::string{linehunt::version});
    answer_.set(wire::field::content_type,
                beast::string_view{what.content_type.data(), what.content_type.size()});
    answer_.set(wire::field::cache_control, "no-store");
    if (!allow.empty())
      answer_.set(wire::field::allow, beast::string_view{allow.data(), allow.size()});
    answer_.keep_alive(keep_alive);
    // RFC 9110 9.3.2: none behind HEAD.
    if (parser_->get().method() != wire::verb::head) {
      body_ = what.shared_body ? std::move(what.shared_body)
                               : std::make_shared<const std::string>(std::move(what.body));
      answer_.body() = {body_->data(), body_->size()};
    }
    answer_.prepare_payload();
    stream_.expires_after(setup_.answer_deadline);
    wire::async_write(stream_, answer_,
                      [self = shared_from_this()](error_code failure, std::size_t) {
                        self->body_.reset();
                        if (failure) return self->close();
                        if (self->answer_.keep_alive()) return self->read();
                        self->part();
                      });
  }

  // Closing with bytes unread would make the kernel take back the answer on its way (RFC 9112 9.6),
  // so the rest is read and thrown away for a moment.
  void part() {
    error_code ignored;
    stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
    stream_.expires_after(setup_.parting_deadline);
    discard();
  }

  void discard() {
    stream_.async_read_some(asio::buffer(waste_),
                            [self = shared_from_this()](error_code failure, std::size_t) {
                              if (failure) return self->close();
                              self->discard();
                            });
  }

  beast::tcp_stream stream_;
  const http_setup setup_;
  const std::shared_ptr<const route_table> routes_;
  beast::flat_buffer received_;
  std::optional<parser> parser_;
  std::shared_ptr<const std::string> body_; // what answer_ points to
  wire::response<wire::span_body<const char>> answer_;
  std::array<char, 4096> waste_;
};

} // namespace

std::shared_ptr<http_client> serve_client(tcp::socket connection, const http_setup& setup,
                                          std::shared_ptr<const route_table> routes) {
  auto client = std::make_shared<live_client>(std::move(connection), setup, std::move(routes));
  client->start();
  return client;
}

void refuse_client(tcp::socket connection) {
  static constexpr std::string_view busy =
      "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Type: text/plain\r\n"
      "Content-Length: 17\r\n\r\nToo many clients\n";
  error_code ignored;
  connection.non_blocking(true, ignored);
  connection.send(asio::buffer(busy), 0, ignored);
  connection.shutdown(tcp::socket::shutdown_send, ignored);
}

} // namespace linehunt::http
