// SPDX-License-Identifier: Apache-2.0
// See dns_server.h.
#include "dns_server.h"

#include <arpa/inet.h>
#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdexcept>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace linehunt::test {
namespace {

constexpr const char* program = "/usr/sbin/dnsmasq";

sockaddr_in loopback(unsigned short port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

unsigned short free_port() {
  const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = loopback(0);
  socklen_t len = sizeof(address);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  const bool good = bind(socket, generic, len) == 0 && getsockname(socket, generic, &len) == 0;
  close(socket);
  if (!good) throw std::runtime_error("no port on loopback");
  return ntohs(address.sin_port);
}

} // namespace

dns_server::dns_server() : port_(free_port()) {
  if (access(program, X_OK) != 0)
    throw std::runtime_error(std::string{program} + " is not there; run tools/install");
}

dns_server::~dns_server() {
  stop();
}

std::string dns_server::address() const {
  return "127.0.0.1:" + std::to_string(port_);
}

void dns_server::start(const std::vector<std::string>& records) {
  std::vector<std::string> words{program,
                                 "--keep-in-foreground",
                                 "--conf-file=/dev/null",
                                 "--pid-file=",
                                 "--no-resolv",
                                 "--no-hosts",
                                 "--no-daemon",
                                 "--user=",
                                 "--group=",
                                 "--bind-interfaces",
                                 "--listen-address=127.0.0.1",
                                 "--port=" + std::to_string(port_),
                                 "--local=/test/",
                                 "--host-record=here.test,127.0.0.1"};
  words.insert(words.end(), records.begin(), records.end());
  std::vector<char*> arguments;
  for (std::string& word : words)
    arguments.push_back(word.data());
  arguments.push_back(nullptr);
  pid_ = fork();
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int nothing = open("/dev/null", O_RDWR);
    dup2(nothing, 1);
    dup2(nothing, 2);
    execv(program, arguments.data());
    _exit(127);
  }
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!answers()) {
    if (waitpid(pid_, nullptr, WNOHANG) == pid_) {
      pid_ = -1;
      throw std::runtime_error("dnsmasq ends at once; are its options right?");
    }
    if (std::chrono::steady_clock::now() > until) throw std::runtime_error("dnsmasq is silent");
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

void dns_server::stop() {
  if (pid_ < 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

// A question for here.test, type A, and whether anything comes back.
bool dns_server::answers() const {
  static constexpr unsigned char question[] = {7,   7,   1,   0,   0,   1,   0,   0,   0,
                                               0,   0,   0,   4,   'h', 'e', 'r', 'e', 4,
                                               't', 'e', 's', 't', 0,   0,   1,   0,   1};
  const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const timeval patience{0, 50'000};
  setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  const sockaddr_in address = loopback(port_);
  unsigned char answer[512];
  const bool good =
      connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 &&
      send(socket, question, sizeof(question), 0) == sizeof(question) &&
      recv(socket, answer, sizeof(answer), 0) > 12;
  close(socket);
  return good;
}

} // namespace linehunt::test
