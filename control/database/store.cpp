// SPDX-License-Identifier: Apache-2.0
// See store.h.
#include "control/database/store.h"

#include "control/database/kept_copy.h"
#include "control/database/url.h"

#include <boost/asio/steady_timer.hpp>
#include <fmt/format.h>
#include <memory>
#include <spdlog/spdlog.h>
#include <utility>

namespace linehunt::database {

void store::read(const settings& from, std::function<void(rows)> done) {
  struct question {
    question(boost::asio::io_context& loop, std::function<void(rows)> d)
        : deadline(loop), done(std::move(d)) {}
    boost::asio::steady_timer deadline;
    std::function<void(rows)> done;
    void answer(rows what) {
      deadline.cancel();
      if (const auto call = std::exchange(done, nullptr)) call(std::move(what));
    }
  };
  auto asked = std::make_shared<question>(loop_, std::move(done));
  // Some client libraries wait for ever for a server that has stopped in the middle.
  asked->deadline.expires_after(std::chrono::seconds(2 * from.timeout_s + 1));
  asked->deadline.async_wait([asked, from](boost::system::error_code cancelled) {
    if (cancelled) return;
    const auto where = parse_url(from.url, from.timeout_s);
    asked->answer(tl::unexpected(fmt::format("database {} does not answer; see that it runs",
                                             where ? where->shown : std::string{})));
  });
  // The thread may outlive the loop, so no timer of the loop may be its to destroy.
  thread_.run([waiting = std::weak_ptr(asked), from]() -> std::function<void()> {
    return [waiting, found = read_rows(from)] {
      if (const auto still = waiting.lock()) still->answer(found);
    };
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
