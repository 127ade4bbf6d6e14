// SPDX-License-Identifier: Apache-2.0
// A socket_server over a fake_view, in a thread and a folder of its own.
#pragma once

#include "control/admin/dispatcher.h"
#include "control/admin/socket_server.h"
#include "fake_view.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <filesystem>
#include <functional>
#include <future>
#include <gtest/gtest.h>
#include <thread>

namespace linehunt::admin {

class served_view {
 public:
  explicit served_view(socket_setup setup = {}) : folder_(fresh_folder()) {
    setup.path = path();
    auto opened = socket_server::open(loop_, setup);
    EXPECT_TRUE(opened) << opened.error();
    if (!opened) return;
    server_ = std::move(*opened);
    server_->serve([this](std::string_view request, replying done) {
      dispatch(request, view, turns_, true, std::move(done));
    });
    thread_ = std::thread([this] { loop_.run(); });
  }
  ~served_view() {
    // In the loop's own thread, as the daemon does it.
    boost::asio::post(loop_, [this] {
      server_.reset();
      loop_.stop();
    });
    if (thread_.joinable()) thread_.join();
    std::filesystem::remove_all(folder_);
  }
  [[nodiscard]] std::string path() const { return folder_ / "s.sock"; }
  void publish(const std::string& line) {
    boost::asio::post(loop_, [this, line] { server_->publish(line); });
  }
  void reload_waits(bool waits) {
    boost::asio::post(loop_, [this, waits] {
      view.reload_waits = waits;
      view.finish_reloads();
    });
  }
  // In the loop's thread.
  void in_loop(std::function<void()> what) { boost::asio::post(loop_, std::move(what)); }
  [[nodiscard]] std::size_t clients() {
    return seen([](const socket_server& s) { return s.clients(); });
  }
  [[nodiscard]] std::uint64_t refused() {
    return seen([](const socket_server& s) { return s.refused(); });
  }
  [[nodiscard]] std::uint64_t dropped() {
    return seen([](const socket_server& s) { return s.dropped(); });
  }

  fake_view view; // of the loop's thread while it serves

 private:
  // What the loop's thread sees.
  [[nodiscard]] std::uint64_t seen(const auto& ask) {
    std::promise<std::uint64_t> count;
    boost::asio::post(loop_, [&] { count.set_value(ask(*server_)); });
    return count.get_future().get();
  }
  static std::filesystem::path fresh_folder() {
    std::string name = std::filesystem::temp_directory_path() / "linehunt-test-XXXXXX";
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    return name;
  }
  std::filesystem::path folder_;
  boost::asio::io_context loop_;
  turns turns_{[this](turns::work next) { boost::asio::post(loop_, std::move(next)); }};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{
      loop_.get_executor()};
  std::unique_ptr<socket_server> server_;
  std::thread thread_;
};

} // namespace linehunt::admin
