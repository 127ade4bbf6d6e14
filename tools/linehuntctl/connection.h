// SPDX-License-Identifier: Apache-2.0
// A conversation with the daemon over its admin socket: JSON-RPC requests and their answers.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace linehunt::ctl {

using json = nlohmann::json;

enum class fault_kind { refused, no_daemon, no_answer };

struct fault {
  fault_kind kind = fault_kind::refused;
  std::string message; // for the operator
};

class connection {
 public:
  // A daemon that is alive answers most calls at once; one that hangs shall not hang the operator
  // for longer than `patience_s`.
  [[nodiscard]] static tl::expected<connection, fault> open(const std::string& path,
                                                            double patience_s);
  connection(connection&& other) noexcept;
  connection& operator=(connection&&) = delete;
  ~connection();

  // The result of the method, or why the daemon refused it.
  [[nodiscard]] tl::expected<json, fault> call(std::string_view method,
                                               const json& params = json::array());
  // From here on it may take as long as it takes.
  void be_patient();

  // The next notification, after a call that asked for them.
  [[nodiscard]] tl::expected<json, fault> next_event();

 private:
  connection(int socket, std::string path, double patience_s)
      : socket_(socket), path_(std::move(path)), patience_s_(patience_s) {}
  [[nodiscard]] bool send(std::string_view bytes) const;
  enum class receipt { line, closed, too_late };
  [[nodiscard]] receipt receive_line(std::string& line);
  [[nodiscard]] fault late() const;

  int socket_ = -1;
  std::string path_;
  double patience_s_ = 0;
  std::string received_; // behind the last answer
  int last_id_ = 0;
};

} // namespace linehunt::ctl
