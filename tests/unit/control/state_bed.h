// SPDX-License-Identifier: Apache-2.0
// A folder for files of state, and worlds whose numbers differ, for the tests of both.
#pragma once

#include "control/state/call_file.h"
#include "dataplane/index_book.h"
#include "dataplane/snapshot_builder.h"
#include "tests/models/models.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace linehunt::test {

class state_bed : public ::testing::Test {
 protected:
  state_bed() {
    std::string name = ::testing::TempDir() + "linehunt-state-XXXXXX";
    folder = ::mkdtemp(name.data());
  }
  ~state_bed() override { std::filesystem::remove_all(folder); }
  [[nodiscard]] std::string file(const std::string& name) const { return folder + "/" + name; }
  [[nodiscard]] static std::string read(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path, std::ios::binary).rdbuf();
    return text.str();
  }
  static void write(const std::string& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary) << bytes;
  }
  std::string folder;
};

// Two destinations, in an order and with numbers that depend on what was there before.
class world {
 public:
  explicit world(const std::vector<destination_model>& destinations,
                 std::string_view other = "192.0.2.1") {
    snapshot_model model;
    model.destinations = destinations;
    model.listeners = {models::listening_at(std::string{other}), models::listening_at("192.0.2.2")};
    model.routes = {route{}};
    (void)book_.resource("taken");
    snapshot_ = models::build(model, book_);
  }
  [[nodiscard]] const snapshot& now() const { return *snapshot_; }
  [[nodiscard]] const destination& with(std::uint32_t id) const {
    return *std::ranges::find(snapshot_->destinations, id, &destination::id);
  }
  [[nodiscard]] resource_id name(std::string_view text) const {
    return static_cast<resource_id>(std::ranges::find(snapshot_->resource_names, text) -
                                    snapshot_->resource_names.begin());
  }

 private:
  index_book book_{64, 256};
  std::unique_ptr<const snapshot> snapshot_;
};

inline kept_call call_at(const world& w, std::uint32_t destination, std::string_view id) {
  kept_call call;
  call.call_id = id;
  call.from_tag = "a";
  call.to_tag = "b\xff\x01"; // bytes as they came, whatever they are
  call.caller_target = "sip:a@198.51.100.7";
  call.callee_target = "sip:b@192.0.2.11";
  call.caller_routes = "<sip:p1;lr>, <sip:p2;lr>";
  call.callee_routes = "<sip:p3;lr>";
  call.from_uri = "sip:a@x";
  call.to_uri = "sip:b@x";
  call.handle = 0x1234'0001'0000'0007;
  call.caller = models::at("198.51.100.7:5070");
  call.callee = models::at("[2001:db8::11]:5060");
  call.caller_listener = 1;
  call.callee_listener = 0;
  call.destination = w.with(destination).index;
  call.resources = {w.name("pstn"), w.name("vm")};
  call.resource_count = 2;
  call.age_us = 7'000'000;
  call.answered_after_ms = 1234;
  call.expires_after_s = 90;
  call.caller_cseq = 5;
  call.callee_cseq = 4'000'000'000;
  call.balanced = call.acked = call.ping_callee = true;
  return call;
}

inline const std::vector<destination_model> both{models::machine(1, "pstn=10; vm=5"),
                                                 models::machine(2, "vm=5; pstn=10")};

} // namespace linehunt::test
