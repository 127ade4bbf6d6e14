// SPDX-License-Identifier: Apache-2.0
// A new configuration into the running daemon: read the file and the database, validate all of it,
// build, publish. A failure at any step leaves everything as it was.
#pragma once

#include "control/config/configuration.h"
#include "control/config/devices.h"
#include "control/daemon/world_source.h"
#include "control/database/kept_copy.h"
#include "control/database/table.h"
#include "dataplane/dpdk/runtime.h"

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <tl/expected.hpp>
#include <vector>

namespace linehunt {

// Says to every worker what a snapshot alone would not tell it, if not now then later.
using telling = std::function<void(const mail& what)>;

// Lets every worker work with a snapshot from here on; returns once all do.
using publishing = std::function<void(std::unique_ptr<const snapshot> world)>;

// Where the rows of a database come from, and where those that were good go.
struct row_source {
  // `done` is called once, at once or later.
  std::function<void(const database::settings&, std::function<void(database::rows)> done)> read;
  std::function<void(const database::settings&, std::vector<database::row> good)> keep;
  // The copy of those that were good; the error says why there is none.
  std::function<database::kept_rows(const database::settings&)> kept;
};

class reloader {
 public:
  using outcome = tl::expected<void, std::string>;
  using reporting = std::function<void(const outcome&)>;

  // `file_says` and `running` differ in the rows of a database.
  reloader(std::string file, config::configuration file_says, config::configuration running,
           config::device_check check, row_source rows, publishing publish_world,
           world_source& source, telling tell_all)
      : file_(std::move(file)), file_says_(std::move(file_says)), running_(std::move(running)),
        check_(std::move(check)), rows_(std::move(rows)), publish_(std::move(publish_world)),
        source_(source), tell_all_(std::move(tell_all)) {}

  // Reads file and database again. The error holds every line that `linehunt check` would print.
  // `done` is called once, at once or later; who asks while a reload is under way gets the outcome
  // of the next one.
  void reload(reporting done);
  // Reads the database again, and the file not.
  void reread_rows(reporting done);

  // Builds and publishes what runs once more, without reading anything again: for those who have
  // found out something new, such as the addresses behind a name.
  [[nodiscard]] outcome republish();

  // Called after each snapshot that was published, with the configuration that it was built from.
  void on_published(std::function<void(const config::configuration& running)> call) {
    on_published_.push_back(std::move(call));
  }
  // Called for each destination whose status is no longer what operators or failures made it, after
  // the snapshot that says so was published.
  void on_status_set_back(std::function<void(destination_index which, bool enabled)> call) {
    on_status_set_back_ = std::move(call);
  }
  // Where the file is read and its patterns are compiled, so that the loop goes on meanwhile; what
  // the job returns is for the loop, unless it takes longer than `reading_limit`: `late` then, and
  // what comes after it is dropped. Without one it all happens in reload().
  using job = std::function<std::function<void()>()>;
  void read_aside(std::function<void(job what, std::function<void()> late)> run) {
    read_aside_ = std::move(run);
  }
  // A disk that hangs does so for ever; a hundred thousand patterns take a minute to compile.
  static constexpr std::chrono::seconds reading_limit{120};
  // What is in force.
  [[nodiscard]] const config::configuration& running() const noexcept { return running_; }
  // The database has been read since the daemon started, or there is none.
  [[nodiscard]] bool rows_are_read() const noexcept {
    return rows_are_read_ || file_says_.database.url.empty();
  }
  [[nodiscard]] const config::configuration& file_says() const noexcept { return file_says_; }

 private:
  struct request {
    bool file = true;
    reporting done;
  };
  void ask(request r);
  void begin();
  void finish(const outcome& how);
  void read_file();
  void go_on(tl::expected<config::configuration, std::string> next);
  // Why a table without rows is not taken at its word; empty: it is.
  [[nodiscard]] std::string fault_of_no_rows(const config::configuration& file_says) const;
  // Whether rows that are in force are not among those.
  [[nodiscard]] bool loses_some(const config::configuration& next) const;
  [[nodiscard]] outcome take_rows(const config::configuration& file_says,
                                  const std::vector<database::row>& rows);
  [[nodiscard]] outcome take_file(const config::configuration& file_says,
                                  config::configuration next);
  [[nodiscard]] outcome publish(config::configuration next);

  std::string file_;
  config::configuration file_says_, running_;
  config::device_check check_;
  row_source rows_;
  publishing publish_;
  world_source& source_;
  telling tell_all_;
  std::vector<std::function<void(const config::configuration&)>> on_published_;
  std::function<void(destination_index which, bool enabled)> on_status_set_back_;
  std::function<void(job what, std::function<void()> late)> read_aside_;
  std::vector<request> waiting_, asked_;
  bool under_way_ = false;
  bool rows_are_read_ = false;
};

// The mails that bring workers from what operators last said to what `world` says: a status or a
// capacity that was changed by mail since the previous snapshot is not in any of the two.
[[nodiscard]] std::vector<mail> corrections(const operator_state& before, const snapshot& world);

} // namespace linehunt
