// SPDX-License-Identifier: Apache-2.0
// See moment.h.
#include "control/state/moment.h"

#include "control/state/json_number.h"

#include <ctime>
#include <fmt/format.h>
#include <fstream>

namespace linehunt {
namespace {

using nlohmann::json;
using std::chrono::duration_cast;
using std::chrono::microseconds;

constexpr const char *wall_key = "written_at_us", *start_key = "boot_id", *up_key = "boot_us";

} // namespace

moment moment::now() {
  moment at(wall_clock::now());
  ::timespec up{};
  if (::clock_gettime(CLOCK_BOOTTIME, &up) != 0) return at;
  std::ifstream("/proc/sys/kernel/random/boot_id") >> at.start;
  at.up = std::chrono::seconds{up.tv_sec} +
          duration_cast<microseconds>(std::chrono::nanoseconds{up.tv_nsec});
  return at;
}

microseconds age_of(const moment& then, const moment& now) {
  // It never goes back. Where it seems to, a container counts it from elsewhere.
  if (!now.start.empty() && then.start == now.start && then.up <= now.up) return now.up - then.up;
  return now.wall - then.wall;
}

std::string dated_ahead(const std::string& path, microseconds age) {
  return fmt::format("{} is dated {} s from now; was the clock set back, or is it wrong?", path,
                     duration_cast<std::chrono::seconds>(-age).count());
}

void put_moment(const moment& written, json& head) {
  head[wall_key] = written.wall.time_since_epoch().count();
  if (written.start.empty()) return;
  head[start_key] = written.start;
  head[up_key] = written.up.count();
}

moment moment_in(const json& head) {
  moment written;
  written.wall += microseconds{number_in<std::int64_t>(head.at(wall_key))};
  if (!head.contains(start_key)) return written;
  written.start = head.at(start_key).get_ref<const std::string&>();
  written.up = microseconds{number_in<std::int64_t>(head.at(up_key))};
  return written;
}

} // namespace linehunt
