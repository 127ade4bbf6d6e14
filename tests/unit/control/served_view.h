// SPDX-License-Identifier: Apache-2.0
// A server of admin requests over a fake_view, in a thread and a folder of its own.
#pragma once

#include "control/admin/dispatcher.h"
#include "control/admin/socket_server.h"
#include "fake_view.h"
#include "local_clients.h"
#include "run_in_loop.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <functional>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <utility>

namespace linehunt::admin {

template <class Server>
class served_by {
 public:
  explicit served_by(std::string name) : name_(std::move(name)) {}
  ~served_by() {
    boost::asio::post(loop_, [this] {
      server_.reset();
      work_.reset(); // the loop ends where the server has left nothing in it
    });
    if (thread_.joinable()) thread_.join();
  }
  served_by(const served_by&) = delete;
  served_by& operator=(const served_by&) = delete;

  [[nodiscard]] std::string path() const { return folder.path / name_; }
  // In the loop's thread; returns when it is done.
  void in_loop(const std::function<void()>& what) { test::run_in_loop(loop_, what); }
  void reload_waits(bool waits) {
    in_loop([this, waits] {
      view.reload_waits = waits;
      view.finish_reloads();
    });
  }
  std::uint64_t refused() {
    return seen([](const Server& s) { return s.refused(); });
  }
  std::uint64_t dropped() {
    return seen([](const Server& s) { return s.dropped(); });
  }
  [[nodiscard]] std::uint64_t had_reserve() {
    return seen([](const socket_server& s) { return s.had_reserve(); });
  }

  test::fresh_folder folder;
  fake_view view; // of the loop's thread while it serves

 protected:
  // Once, from the constructor of what derives from this.
  template <class Setup>
  void serve(Setup setup) {
    setup.path = path();
    auto opened = Server::open(loop_, setup);
    EXPECT_TRUE(opened) << opened.error();
    if (!opened) return;
    server_ = std::move(*opened);
    if constexpr (std::is_same_v<Server, socket_server>)
      server_->serve([this](std::string_view request, holding_events hold, replying done) {
        dispatch(request, view, turns_, std::move(hold), std::move(done));
      });
    else
      server_->serve([this](std::string_view request, replying done) {
        dispatch(request, view, turns_, {}, std::move(done));
      });
    thread_ = std::thread([this] { loop_.run(); });
  }
  // What the loop's thread sees.
  std::uint64_t seen(const auto& ask) {
    std::uint64_t count = 0;
    in_loop([&] { count = ask(*server_); });
    return count;
  }
  [[nodiscard]] Server& server() noexcept { return *server_; }
  void post(std::function<void()> what) { boost::asio::post(loop_, std::move(what)); }

 private:
  using work = boost::asio::executor_work_guard<boost::asio::io_context::executor_type>;
  const std::string name_;
  boost::asio::io_context loop_;
  turns turns_{[this](turns::work next) { boost::asio::post(loop_, std::move(next)); }};
  work work_{loop_.get_executor()};
  std::unique_ptr<Server> server_;
  std::thread thread_;
};

class served_view : public served_by<socket_server> {
 public:
  explicit served_view(socket_setup setup = {}) : served_by("s.sock") { serve(setup); }
  void publish(const std::string& line) {
    in_loop([&] { server().publish(line); });
  }
  // While a list is written, after it was seen what is in it.
  void publish_within_lists(const std::string& line) {
    in_loop(
        [&] { view.listed = [this, line] { post([this, line] { server().publish(line); }); }; });
  }
  std::size_t clients() {
    return seen([](const socket_server& s) { return s.clients(); });
  }
};

} // namespace linehunt::admin
