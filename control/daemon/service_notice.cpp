// SPDX-License-Identifier: Apache-2.0
// See service_notice.h.
#include "control/daemon/service_notice.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdlib>
#include <sys/socket.h>
#include <sys/un.h>
#include <vector>

namespace linehunt {
namespace {

// What could not be sent yet, the oldest first.
std::vector<std::string>& unsent() {
  static std::vector<std::string> lines;
  return lines;
}

// Of lines with the same the last one counts. Where we are in our life is one thing.
std::string_view topic_of(std::string_view line) {
  const std::string_view key = line.substr(0, line.find('='));
  static constexpr std::array<std::string_view, 3> phases{"READY", "RELOADING", "STOPPING"};
  return std::ranges::find(phases, key) != phases.end() ? phases.front() : key;
}

void keep(std::string_view lines) {
  while (!lines.empty()) {
    const std::string_view line = lines.substr(0, lines.find('\n'));
    lines.remove_prefix(std::min(line.size() + 1, lines.size()));
    std::erase_if(unsent(),
                  [&](const std::string& old) { return topic_of(old) == topic_of(line); });
    unsent().emplace_back(line);
  }
}

// False: it is full, say; later it may not be.
bool send(const char* path, std::string_view text) {
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  const std::string_view name(path);
  if (name.size() < 2 || name.size() >= sizeof to.sun_path) return true;
  name.copy(to.sun_path, name.size());
  if (name.front() == '@') to.sun_path[0] = '\0'; // in the abstract name space
  const auto len = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
  // Kept open: where clients have all file descriptors, the watchdog would end us.
  static int from = -1;
  if (from < 0) from = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (from < 0) return false;
  const void* any = &to;
  return ::sendto(from, text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL,
                  static_cast<const sockaddr*>(any), len) >= 0;
}

} // namespace

void notify_service(std::string_view lines) {
  const char* const path = std::getenv("NOTIFY_SOCKET");
  if (path == nullptr) return;
  keep(lines);
  std::string text;
  for (const std::string& line : unsent())
    text += (text.empty() ? "" : "\n") + line;
  if (send(path, text)) return unsent().clear();
  // That we live is of this moment.
  std::erase_if(unsent(), [](const std::string& line) { return topic_of(line) == "WATCHDOG"; });
}

} // namespace linehunt
