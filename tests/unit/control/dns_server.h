// SPDX-License-Identifier: Apache-2.0
// A real DNS server (dnsmasq) on a port of loopback, with the records that a test gives it; it can
// die and come back.
#pragma once

#include <string>
#include <sys/types.h>
#include <vector>

namespace linehunt::test {

class dns_server {
 public:
  dns_server(); // picks a port; nothing runs yet
  ~dns_server();
  dns_server(const dns_server&) = delete;
  dns_server& operator=(const dns_server&) = delete;

  // Options of dnsmasq, such as "--srv-host=_sip._udp.a.test,b.a.test,5070,1,10". Everything below
  // ".test" that they do not name does not exist. Returns when it answers.
  void start(const std::vector<std::string>& records);
  void stop();
  [[nodiscard]] std::string address() const; // "127.0.0.1:PORT"
  [[nodiscard]] unsigned short port() const noexcept { return port_; }

 private:
  [[nodiscard]] bool answers() const;
  unsigned short port_ = 0;
  pid_t pid_ = -1;
};

} // namespace linehunt::test
