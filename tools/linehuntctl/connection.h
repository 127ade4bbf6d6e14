// SPDX-License-Identifier: Apache-2.0
// A conversation with the daemon over its admin socket: JSON-RPC requests and their answers.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace linehunt::ctl {

using json = nlohmann::json;

enum class fault_kind { refused, no_daemon };

struct fault {
  fault_kind kind = fault_kind::refused;
  std::string message; // for the operator
};

class connection {
 public:
  [[nodiscard]] static tl::expected<connection, fault> open(const std::string& path);
  connection(connection&& other) noexcept;
  connection& operator=(connection&&) = delete;
  ~connection();

  // The result of the method, or why the daemon refused it.
  [[nodiscard]] tl::expected<json, fault> call(std::string_view method,
                                               const json& params = json::array());

  // The next notification, after a call that asked for them; waits as long as it takes.
  [[nodiscard]] tl::expected<json, fault> next_event();

 private:
  connection(int socket, std::string path) : socket_(socket), path_(std::move(path)) {}
  [[nodiscard]] bool send(std::string_view bytes) const;
  [[nodiscard]] bool receive_line(std::string& line);

  int socket_ = -1;
  std::string path_;
  std::string received_; // behind the last answer
  int last_id_ = 0;
};

} // namespace linehunt::ctl
