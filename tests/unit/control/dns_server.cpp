// SPDX-License-Identifier: Apache-2.0
// See dns_server.h.
#include "dns_server.h"

#include <arpa/inet.h>
#include <chrono>
#include <csignal>
#include <netinet/in.h>
#include <random>
#include <stdexcept>
#include <sys/mman.h>
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

bool is_free(unsigned short port, int type) {
  const int socket = ::socket(AF_INET, type | SOCK_CLOEXEC, 0);
  const sockaddr_in address = loopback(port);
  const bool good = bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  close(socket);
  return good;
}

// Below what the kernel gives to sockets without a port of their own (32768 and up by default): one
// of those, of any process, would take it while the server is dead.
unsigned short free_port() {
  std::random_device random;
  for (int i = 0; i < 100; ++i) {
    const auto port = static_cast<unsigned short>(20'000 + random() % 12'000);
    if (is_free(port, SOCK_DGRAM) && is_free(port, SOCK_STREAM)) return port;
  }
  throw std::runtime_error("no free port on loopback from 20000 to 31999");
}

std::string all_of(int file) {
  std::string text(4096, '\0');
  const ssize_t len = pread(file, text.data(), text.size(), 0);
  text.resize(len > 0 ? static_cast<std::size_t>(len) : 0);
  return text;
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
  const int said = memfd_create("dnsmasq", MFD_CLOEXEC);
  pid_ = fork();
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(said, 1);
    dup2(said, 2);
    execv(program, arguments.data());
    _exit(127);
  }
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  std::string failure;
  while (failure.empty() && !answers()) {
    if (waitpid(pid_, nullptr, WNOHANG) == pid_) {
      pid_ = -1;
      failure = "dnsmasq ends at once: ";
    } else if (std::chrono::steady_clock::now() > until) {
      failure = "dnsmasq does not answer: ";
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  if (!failure.empty()) failure += all_of(said);
  close(said);
  if (!failure.empty()) throw std::runtime_error(failure);
}

void dns_server::stop() {
  if (pid_ < 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

// A question for here.test, type A, and whether an answer comes back.
bool dns_server::answers() const {
  static constexpr unsigned char is_response = 0x80; // RFC 1035 4.1.1, QR
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
      recv(socket, answer, sizeof(answer), 0) > 12 && (answer[2] & is_response) != 0;
  close(socket);
  return good;
}

} // namespace linehunt::test
