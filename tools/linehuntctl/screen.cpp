// SPDX-License-Identifier: Apache-2.0
// See screen.h.
#include "tools/linehuntctl/screen.h"

#include "tools/linehuntctl/commands.h"
#include "tools/linehuntctl/table.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <fmt/format.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <vector>

namespace linehunt::ctl {
namespace {

constexpr std::array<int, 3> ending_signals{SIGINT, SIGTERM, SIGHUP};
std::array<struct sigaction, ending_signals.size()> handled_before;
struct sigaction stopped_before;
volatile std::sig_atomic_t interrupted = 0;
bool keys_are_read = false; // by a screen: they come without a newline

void on_signal(int) {
  interrupted = 1;
}

// "\x1b[?1049h": a page of its own, which leaves the one before as it was. "?25l": no cursor.
constexpr const char* take_over = "\x1b[?1049h\x1b[?25l\x1b[H\x1b[2J";
constexpr const char* give_back = "\x1b[?25h\x1b[?1049l";

} // namespace

interruption::interruption() {
  interrupted = 0;
  struct sigaction ours {};
  ours.sa_handler = on_signal; // without SA_RESTART: a pause ends at once
  for (std::size_t i = 0; i < ending_signals.size(); ++i)
    ::sigaction(ending_signals[i], &ours, &handled_before[i]);
}

interruption::~interruption() {
  for (std::size_t i = 0; i < ending_signals.size(); ++i)
    ::sigaction(ending_signals[i], &handled_before[i], nullptr);
}

bool interruption::came() const noexcept {
  return interrupted != 0;
}

bool interruption::pause(double seconds) const {
  using clock = std::chrono::steady_clock;
  const auto end = clock::now() + std::chrono::duration_cast<clock::duration>(
                                      std::chrono::duration<double>(seconds));
  // In steps: a signal that comes between the question and the poll is felt after one of them.
  constexpr auto step = std::chrono::milliseconds(50);
  while (interrupted == 0) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - clock::now());
    if (left.count() <= 0) return true;
    pollfd keys{keys_are_read ? STDIN_FILENO : -1, POLLIN, 0};
    if (::poll(&keys, 1, static_cast<int>(std::min(left, step).count())) <= 0) continue;
    char key = 0;
    if (::read(STDIN_FILENO, &key, 1) <= 0) keys_are_read = false; // nobody is there any more
    if (key == 'q' || key == 'Q') return false;
  }
  return false;
}

screen::screen(bool on) : on_(on) {
  if (!on_) return;
  if (::tcgetattr(STDIN_FILENO, &before_) == 0) {
    termios without_echo = before_;
    without_echo.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    reads_keys_ = ::tcsetattr(STDIN_FILENO, TCSANOW, &without_echo) == 0;
    keys_are_read = reads_keys_;
  }
  // Stopped, it would leave the shell on its page and without a cursor.
  struct sigaction ignored {};
  ignored.sa_handler = SIG_IGN;
  ::sigaction(SIGTSTP, &ignored, &stopped_before);
  print(std::string{take_over});
}

screen::~screen() {
  if (!on_) return;
  print(std::string{give_back});
  keys_are_read = false;
  ::sigaction(SIGTSTP, &stopped_before, nullptr);
  if (reads_keys_) ::tcsetattr(STDIN_FILENO, TCSADRAIN, &before_);
}

void screen::draw(const std::string& picture) const {
  if (!on_) return print(picture);
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0 || size.ws_col == 0)
    size = {24, 80, 0, 0};
  print("\x1b[H" + fitted(picture, size.ws_col, size.ws_row) + "\x1b[J");
}

std::string fitted(const std::string& picture, std::size_t columns, std::size_t rows) {
  std::vector<std::string_view> lines;
  for (std::string_view rest = picture; !rest.empty();) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    lines.push_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  std::string note;
  if (lines.size() > rows && rows > 0) {
    note = fmt::format("... {} more lines", lines.size() - rows + 1);
    lines.resize(rows);
    lines.back() = note;
  }
  std::string out;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    // The rest of what stood there is cleared; no newline behind the last, which would scroll.
    out += clipped(lines[i], columns) + "\x1b[K";
    if (i + 1 < lines.size()) out += '\n';
  }
  return out;
}

} // namespace linehunt::ctl
