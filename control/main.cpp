// SPDX-License-Identifier: Apache-2.0
// linehunt: run the balancer, or check a configuration. Exit status 0, 1 where the configuration is
// wrong, it cannot start or a device was lost, 2 usage.
#include "control/config/load_file.h"
#include "control/daemon/copy_check.h"
#include "control/daemon/daemon.h"
#include "control/daemon/privileges.h"
#include "control/daemon/state_check.h"
#include "control/standard_files.h"
#include "control/version.h"
#include "control/waiting_notice.h"
#include "dataplane/dpdk/device_check.h"
#include "dataplane/dpdk/eal.h"
#include "dataplane/dpdk/hugepage_check.h"

#include <CLI/CLI.hpp>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <fmt/format.h>
#include <memory>
#include <optional>
#include <pwd.h>
#include <string>
#include <unistd.h>
#include <utility>

namespace linehunt {
namespace {

constexpr int exit_wrong = 1;
constexpr int exit_usage = 2;

void warn_of_interfaces(const config::configuration& whole, config::diagnostics& out) {
  for (std::size_t i = 0; i < whole.runtime.ports.size(); ++i)
    for (const auto& wrong : {dpdk::check_queues(whole.runtime.ports[i]),
                              dpdk::check_kernel_addresses(whole.runtime.ports[i])})
      if (wrong) out.warning(whole.port_entries[i].at, "[[port]] " + wrong->message);
}

// A disk may hang. There is no log yet.
std::unique_ptr<waiting_notice> noticed(std::string line) {
  return std::make_unique<waiting_notice>(
      0, std::move(line), waiting_notice::usual,
      [](const std::string& said) { std::fprintf(stderr, "%s\n", said.c_str()); });
}

std::optional<config::configuration> read_file(config::diagnostics& out) {
  const auto slow = noticed(
      out.file() + ": reading it takes long; unless it has very many patterns, look at its disk");
  return config::load_file(dpdk::check_device, out);
}

// Who has written what a start finds.
::uid_t user_of(const config::service_settings& service) {
  const auto found =
      service.user.empty() ? std::nullopt : std::optional(account_named(service.user));
  return found && *found ? (*found)->user : ::geteuid();
}

// No error: it may be for another machine. Whoever checks, root starts it.
void warn_of_user(const std::string& user, const std::string& file) {
  if (user.empty() || ::getpwnam(user.c_str()) != nullptr) return;
  if (const auto found = account_named(user); !found)
    std::fprintf(stderr, "%s: warning: %s\n", file.c_str(), found.error().c_str());
}

// As a warning, since it may be for another machine.
void warn_of_state(const config::configuration& whole, const std::string& file) {
  if (whole.service.state_dir.empty()) return;
  const auto slow = noticed(fmt::format("{}: [service] state_dir {} takes long to look at; look at "
                                        "its disk",
                                        file, whole.service.state_dir));
  if (const std::string fault = state_fault(whole.service); !fault.empty())
    std::fprintf(stderr, "%s: warning: %s\n", file.c_str(), fault.c_str());
}

copy_verdict read_copy(const config::configuration& whole, const std::string& file) {
  const auto slow =
      whole.database.copy.empty()
          ? nullptr
          : noticed(fmt::format("{}: reading [database] copy {} takes long; look at its disk", file,
                                whole.database.copy));
  return check_copy(whole, file, user_of(whole.service));
}

int run(int argc, char** argv) {
  CLI::App app("SIP load balancer at packet level.", "linehunt");
  std::string file;
  CLI::Option* const config =
      app.add_option("-c,--config", file, "Configuration file")->type_name("FILE");
  app.set_version_flag("--version", fmt::format("linehunt {}", version));
  app.fallthrough();
  CLI::App* const check =
      app.add_subcommand("check", "Say every error of the configuration with its line, and end");
  check->add_option("FILE", file, "The same as -c FILE")->excludes(config);
  app.footer("linehunt -c FILE runs until SIGINT or SIGTERM; it prints \"ready\" once it serves.\n"
             "Exit status: 0; 1 wrong configuration, no start or a lost device; 2 usage.");
  try {
    app.parse(argc, argv);
    if (file.empty()) throw CLI::RequiredError("-c FILE");
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : exit_usage;
  }
  config::diagnostics out(file);
  const auto whole = read_file(out);
  if (whole) warn_of_interfaces(*whole, out);
  for (const std::string& line : out.lines())
    std::fprintf(stderr, "%s\n", line.c_str());
  if (!whole) return exit_wrong;
  if (!check->parsed()) return run_daemon(*whole, file);
  // No error: it may be for another machine.
  if (const auto cores = dpdk::worker_cores(whole->runtime)) {
    auto wrong = dpdk::check_cores(whole->runtime.control_core, *cores);
    if (!wrong) wrong = dpdk::check_all_hugepages(whole->runtime, *cores);
    if (wrong)
      std::fprintf(stderr, "%s: warning: [runtime] %s\n", file.c_str(), wrong->message.c_str());
  }
  warn_of_user(whole->service.user, file);
  warn_of_state(*whole, file);
  const copy_verdict copy = read_copy(*whole, file);
  for (const std::string& line : copy.lines)
    std::fprintf(stderr, "%s\n", line.c_str());
  if (copy.fails) return exit_wrong;
  fmt::print("{}: no errors, {} destinations, {}{} rules\n", file, whole->destinations.size(),
             copy.rows ? fmt::format("{} of the database's copy, ", *copy.rows) : "",
             whole->rules.size());
  return 0;
}

} // namespace
} // namespace linehunt

int main(int argc, char** argv) {
  linehunt::hold_standard_files();
  try {
    return linehunt::run(argc, argv);
  } catch (const std::exception& e) {
    // Out of memory or file descriptors, say; the destructors have stopped the workers.
    std::fprintf(stderr, "linehunt: %s\n", e.what());
    return linehunt::exit_wrong;
  }
}
