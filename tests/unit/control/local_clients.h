// SPDX-License-Identifier: Apache-2.0
// Plain clients of the datagram socket and of the FIFO, as management programs write them. What
// they wait for comes within seconds, or the test has failed.
#pragma once

#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <gtest/gtest.h>
#include <optional>
#include <poll.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>
#include <vector>

namespace linehunt::test {

inline constexpr int patience_ms = 20'000;

// A folder of its own, removed with all that is in it.
class fresh_folder {
 public:
  fresh_folder() {
    std::string name = std::filesystem::temp_directory_path() / "linehunt-test-XXXXXX";
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    path = name;
  }
  ~fresh_folder() { std::filesystem::remove_all(path); }
  fresh_folder(const fresh_folder&) = delete;
  fresh_folder& operator=(const fresh_folder&) = delete;
  std::filesystem::path path;
};

class datagram_client {
 public:
  // Bound to `own`, or to nothing where that is empty.
  datagram_client(const std::string& server, const std::string& own)
      : socket_(::socket(AF_UNIX, SOCK_DGRAM, 0)), server_(address_of(server)) {
    const timeval patience{patience_ms / 1000, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    constexpr int plenty = 4 << 20;
    ::setsockopt(socket_, SOL_SOCKET, SO_SNDBUF, &plenty, sizeof plenty);
    if (own.empty()) return;
    const sockaddr_un mine = address_of(own);
    const void* any = &mine;
    EXPECT_EQ(::bind(socket_, static_cast<const sockaddr*>(any), sizeof mine), 0);
  }
  ~datagram_client() { ::close(socket_); }
  datagram_client(const datagram_client&) = delete;
  datagram_client& operator=(const datagram_client&) = delete;

  bool send(std::string_view bytes) {
    const void* any = &server_;
    return ::sendto(socket_, bytes.data(), bytes.size(), 0, static_cast<const sockaddr*>(any),
                    sizeof server_) == static_cast<ssize_t>(bytes.size());
  }
  std::string receive() {
    std::vector<char> chunk(1 << 20);
    const ssize_t count = ::recv(socket_, chunk.data(), chunk.size(), 0);
    return count < 0 ? std::string{} : std::string{chunk.data(), static_cast<std::size_t>(count)};
  }

 private:
  static sockaddr_un address_of(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    return address;
  }
  int socket_;
  sockaddr_un server_;
};

// One request over the FIFO: its own reply FIFO, opened only after the request was written.
class fifo_client {
 public:
  fifo_client(std::filesystem::path request_fifo, const std::filesystem::path& reply_dir,
              std::string name)
      : request_fifo_(std::move(request_fifo)), name_(std::move(name)), reply_(reply_dir / name_) {
    EXPECT_EQ(::mkfifo(reply_.c_str(), 0600), 0);
  }
  ~fifo_client() {
    if (file_ >= 0) ::close(file_);
    ::unlink(reply_.c_str());
  }
  fifo_client(const fifo_client&) = delete;
  fifo_client& operator=(const fifo_client&) = delete;

  [[nodiscard]] const std::string& name() const { return name_; }
  // The bytes as they are; opened and closed as a shell or a script does it.
  bool write(std::string_view bytes) const {
    const int file = ::open(request_fifo_.c_str(), O_WRONLY | O_CLOEXEC);
    if (file < 0) return false;
    bool good = true;
    while (good && !bytes.empty()) {
      const ssize_t count = ::write(file, bytes.data(), bytes.size());
      good = count > 0;
      if (good) bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    ::close(file);
    return good;
  }
  bool ask(std::string_view body) const { return write(":" + name_ + ":" + std::string{body}); }
  void open() {
    if (file_ < 0) file_ = ::open(reply_.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  }
  // What came until the server closed; nothing where nobody ever opened the other end in time.
  std::optional<std::string> read(int wait_ms = patience_ms) {
    open();
    std::string all;
    for (;;) {
      pollfd wanted{file_, POLLIN, 0};
      if (::poll(&wanted, 1, wait_ms) <= 0) return std::nullopt;
      char chunk[4096];
      const ssize_t count = ::read(file_, chunk, sizeof chunk);
      if (count == 0) return all;
      if (count < 0 && errno != EAGAIN) return std::nullopt;
      if (count > 0) all.append(chunk, static_cast<std::size_t>(count));
    }
  }

 private:
  std::filesystem::path request_fifo_;
  std::string name_;
  std::filesystem::path reply_;
  int file_ = -1;
};

} // namespace linehunt::test
