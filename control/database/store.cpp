// SPDX-License-Identifier: Apache-2.0
// See store.h.
#include "control/database/store.h"

#include "control/database/kept_copy.h"
#include "control/database/url.h"

#include <chrono>
#include <fmt/format.h>
#include <memory>
#include <spdlog/spdlog.h>
#include <utility>

namespace linehunt::database {

void store::read(const settings& from, std::function<void(rows)> done) {
  const auto asked = std::make_shared<const std::function<void(rows)>>(std::move(done));
  // Some client libraries wait for ever for a server that has stopped in the middle.
  thread_.run_within(
      std::chrono::seconds(2 * from.timeout_s + 1),
      [asked, from]() -> std::function<void()> {
        return [asked, found = read_rows(from)] { (*asked)(found); };
      },
      [asked, from] {
        const auto where = parse_url(from.url, from.timeout_s);
        (*asked)(tl::unexpected(fmt::format("database {} does not answer; see that it runs",
                                            where ? where->shown : std::string{})));
      });
}

void store::keep(const settings& from, std::vector<row> good) {
  thread_.run([from, good = std::move(good)]() -> std::function<void()> {
    return [wrong = keep_copy(from, good)] {
      if (!wrong.empty()) spdlog::error("{}", wrong);
    };
  });
}

} // namespace linehunt::database
