// SPDX-License-Identifier: Apache-2.0
// linehuntctl: the operator's command. Exit status 0, 1 refused or output lost, 2 usage, 3 no
// daemon, 4 no answer in time.
#include "control/standard_files.h"
#include "control/version.h"
#include "dataplane/printable.h"
#include "tools/linehuntctl/commands.h"
#include "tools/linehuntctl/table.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <sstream>
#include <unistd.h>

namespace linehunt::ctl {

namespace {
int output_error = 0; // of errno; what comes later would leave a gap, and is not written
}

void print(const std::string& text) {
  if (output_is_lost()) return;
  errno = 0;
  const bool whole = std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
  if (whole && std::fflush(stdout) == 0) return;
  // Whoever interrupts it has enough of it.
  if (errno != EINTR) output_error = errno != 0 ? errno : EIO;
}

bool output_is_lost() noexcept {
  return output_error != 0;
}

std::string line_of(const json& answer) {
  return printable(answer.dump(-1, ' ', false, json::error_handler_t::replace)) + '\n';
}

void print(const json& answer) {
  print(line_of(answer));
}

namespace {

constexpr int exit_refused = 1; // also where the answer could not be written
constexpr int exit_usage = 2;
constexpr int exit_no_daemon = 3;
constexpr int exit_no_answer = 4; // in time

int exit_status(fault_kind kind) noexcept {
  switch (kind) {
  case fault_kind::refused:
    return exit_refused;
  case fault_kind::no_answer:
    return exit_no_answer;
  case fault_kind::no_daemon:
    break;
  }
  return exit_no_daemon;
}

using command = std::function<outcome(connection&, const output_style&)>;

// Everything that the command line can hold.
struct arguments {
  std::string socket = "/run/linehunt/linehunt.sock";
  double patience_s = 10;
  output_style style;
  std::uint32_t id = 0;
  std::string new_status, resource, call_id, level;
  repetition again;
  call_filter filter;
  bool answered = false, unanswered = false;
  drain_wish drain;
  capture_wish capture;
  std::int32_t capacity = 0;
  std::vector<std::string> names;
  bool zeros = false;
  bool follow = false;
};

// Numbers as people write them. CLI11 reads 010 as 8, 0x10 as 16, and takes "nan" for one.
const CLI::Validator decimal(
    [](std::string& text) -> std::string {
      if (text.empty() || text.find_first_not_of("0123456789") != std::string::npos)
        return text + " is no number, which has the digits 0 to 9 alone";
      text.erase(0, std::min(text.find_first_not_of('0'), text.size() - 1));
      return {};
    },
    "");
const CLI::Validator seconds(
    [](std::string& text) -> std::string {
      const bool plain = text.find_first_not_of("0123456789.") == std::string::npos;
      const double value = plain ? std::atof(text.c_str()) : 0;
      return value >= 0.05 && value <= 3600 ? "" : text + " is not from 0.05 to 3600 seconds";
    },
    "");

CLI::Option* add_repetition(CLI::App& sub, arguments& given, const std::string& what) {
  CLI::Option* interval =
      sub.add_option("--watch", given.again.interval_s, what)->type_name("SECONDS")->check(seconds);
  sub.add_option("--frames", given.again.frames, "End after so many pictures")
      ->type_name("N")
      ->check(CLI::Range(1, 1'000'000))
      ->transform(decimal);
  return interval;
}

void add_list(CLI::App& app, arguments& given, command& chosen) {
  CLI::App* sub = app.add_subcommand("list", "Destinations with their loads");
  CLI::Option* again = add_repetition(*sub, given, "Show it again every SECONDS");
  sub->get_option("--frames")->needs(again); // without, one is all there is
  sub->callback([&given, &chosen, again] {
    chosen = [&given, repeat = again->count() > 0](connection& daemon, const output_style& style) {
      return repeat ? watch(daemon, style, given.again) : list(daemon, style);
    };
  });
}

void add_top(CLI::App& app, arguments& given, command& chosen) {
  CLI::App* sub = app.add_subcommand("top", "Live screen: loads, calls per second, workers");
  add_repetition(*sub, given, "Refresh every SECONDS (1)");
  sub->callback([&] {
    chosen = [&](connection& daemon, const output_style& style) {
      return top(daemon, style, given.again);
    };
  });
}

void add_status(CLI::App& app, arguments& given, command& chosen) {
  CLI::App* sub = app.add_subcommand("status", "Show, enable or disable a destination");
  sub->add_option("ID", given.id, "Number of the destination")->required()->transform(decimal);
  sub->add_option("STATUS", given.new_status, "enable or disable")
      ->check(CLI::IsMember({"enable", "disable"}));
  sub->callback([&] {
    chosen = [&](connection& daemon, const output_style& style) {
      const std::optional<bool> enable =
          given.new_status.empty() ? std::nullopt : std::optional{given.new_status == "enable"};
      return status(daemon, style, given.id, enable);
    };
  });
}

void add_resize(CLI::App& app, arguments& given, command& chosen) {
  CLI::App* sub = app.add_subcommand("resize", "Change the capacity of a resource");
  sub->add_option("ID", given.id, "Number of the destination")->required()->transform(decimal);
  sub->add_option("RESOURCE", given.resource, "Such as pstn")->required();
  sub->add_option("CAPACITY", given.capacity, "Calls it can take")->required()->transform(decimal);
  sub->callback([&] {
    chosen = [&](connection& daemon, const output_style& style) {
      return resize(daemon, style, given.id, given.resource, given.capacity);
    };
  });
}

void add_stats(CLI::App& app, arguments& given, command& chosen) {
  CLI::App* sub = app.add_subcommand("stats", "Counters; those that are 0 only by name or --all");
  sub->add_option("NAME", given.names, "group:name, group: or all");
  sub->add_flag("--all", given.zeros, "Also those that are 0");
  sub->callback([&] {
    chosen = [&](connection& daemon, const output_style& style) {
      return stats(daemon, style, given.names, given.zeros);
    };
  });
}

void add_calls(CLI::App& app, arguments& given, command& chosen) {
  CLI::App* sub = app.add_subcommand("calls", "Live calls");
  call_filter& filter = given.filter;
  sub->add_option("CALL-ID", filter.call_id, "Only this one");
  sub->add_option("--destination", filter.destination, "Only those on this destination")
      ->type_name("ID")
      ->transform(decimal);
  sub->add_option("--older", filter.older_s, "Only those that began so long ago, or longer")
      ->type_name("SECONDS")
      ->transform(decimal);
  sub->add_option("--younger", filter.younger_s, "Only those that began less than so long ago")
      ->type_name("SECONDS")
      ->transform(decimal);
  sub->add_option("--party", filter.party, "Only those with this in the URI of From or To")
      ->type_name("TEXT");
  CLI::Option* answered =
      sub->add_flag("--answered", given.answered, "Only those that are answered");
  sub->add_flag("--unanswered", given.unanswered, "Only those that are not yet")
      ->excludes(answered);
  sub->callback([&] {
    if (given.answered || given.unanswered) given.filter.answered = given.answered;
    chosen = [&](connection& daemon, const output_style& style) {
      return calls(daemon, style, given.filter);
    };
  });
}

void add_end(CLI::App& app, arguments& given, command& chosen) {
  CLI::App* sub = app.add_subcommand("end", "End a call with BYE to both sides");
  sub->add_option("CALL-ID", given.call_id, "As calls shows it")->required();
  sub->callback([&] {
    chosen = [&](connection& daemon, const output_style& style) {
      return end(daemon, style, given.call_id);
    };
  });
}

void add_drain(CLI::App& app, arguments& given, command& chosen) {
  CLI::App* sub = app.add_subcommand("drain", "No new calls; those in progress go on");
  CLI::Option* undo = sub->add_flag("--undo", given.drain.undo, "Take new calls again");
  sub->add_flag("--wait", given.drain.wait, "Until no call is in progress")->excludes(undo);
  sub->callback([&] {
    chosen = [&](connection& daemon, const output_style& style) {
      return drain(daemon, style, given.drain);
    };
  });
}

void add_capture(CLI::App& app, arguments& given, command& chosen) {
  CLI::App* sub = app.add_subcommand("capture", "Packets of the ports into a pcapng file");
  capture_wish& wish = given.capture;
  sub->add_option("NAME", wish.name, "Of the file, in capture_dir of [admin]; else by the time");
  sub->add_option("--match", wish.match, "Only frames with this in them, such as a Call-ID")
      ->type_name("TEXT");
  sub->add_option("--port", wish.port, "Only this port")->type_name("NAME");
  sub->add_option("--seconds", wish.seconds, "End after so long (600)")
      ->type_name("N")
      ->check(CLI::Range(1, 86'400))
      ->transform(decimal);
  sub->add_option("--max-mb", wish.max_mb, "End before the file is larger (100)")
      ->type_name("N")
      ->check(CLI::Range(1, 10'000))
      ->transform(decimal);
  sub->add_option("--packets", wish.packets, "End after so many packets")
      ->type_name("N")
      ->check(CLI::Range(1, 1'000'000'000))
      ->transform(decimal);
  sub->add_flag("--overwrite", wish.overwrite, "An older capture of that name goes");
  CLI::Option* stop = sub->add_flag("--stop", wish.stop, "End the one that runs");
  CLI::Option* status = sub->add_flag("--status", wish.status, "How the last one stands");
  for (CLI::Option* one : {stop, status})
    for (CLI::Option* other : sub->get_options())
      if (other != one && !other->get_name().ends_with("help")) one->excludes(other);
  sub->callback([&] {
    chosen = [&](connection& daemon, const output_style& style) {
      return capture(daemon, style, given.capture);
    };
  });
}

void add_reload(CLI::App& app, command& chosen) {
  app.add_subcommand("reload", "Read the configuration again: all of it or nothing")->callback([&] {
    chosen = [](connection& daemon, const output_style& style) { return reload(daemon, style); };
  });
}

void add_log(CLI::App& app, arguments& given, command& chosen) {
  CLI::App* sub = app.add_subcommand("log", "Show or set how much the daemon logs");
  sub->add_option("LEVEL", given.level, "alert, critical, error, warning, info or debug")
      ->check(CLI::IsMember({"alert", "critical", "error", "warning", "info", "debug"}));
  sub->callback([&] {
    chosen = [&](connection& daemon, const output_style& style) {
      return log(daemon, style, given.level);
    };
  });
}

void add_events(CLI::App& app, arguments& given, command& chosen) {
  CLI::App* sub = app.add_subcommand("events", "Changes of status, reloads, failovers, refusals");
  sub->add_flag("--follow", given.follow, "As they happen, until interrupted (the only way)");
  sub->callback([&] {
    chosen = [](connection& daemon, const output_style& style) { return events(daemon, style); };
  });
}

void add_version(CLI::App& app, command& chosen) {
  app.add_subcommand("version", "Version of the running daemon")->callback([&] {
    chosen = [](connection& daemon, const output_style& style) { return version(daemon, style); };
  });
}

int say_output_is_lost() {
  std::fprintf(stderr,
               "linehuntctl: cannot write to standard output: %s; what is there is not whole, make "
               "room or write it elsewhere\n",
               std::strerror(output_error));
  return exit_refused;
}

int run(int argc, char** argv) {
  CLI::App app("Watches and steers a running linehunt.", "linehuntctl");
  arguments given;
  command chosen;
  app.add_option("--socket", given.socket, "Admin socket of the daemon")
      ->envname("LINEHUNT_SOCKET")
      ->capture_default_str();
  app.add_option("--timeout", given.patience_s,
                 "How long the daemon may take; a reload and events as long as they take")
      ->type_name("SECONDS")
      ->check(seconds)
      ->capture_default_str();
  app.add_flag("--json", given.style.as_json, "The daemon's answer as JSON, one line");
  app.set_version_flag("--version", "linehuntctl " + std::string{linehunt::version});
  app.require_subcommand(1);
  app.fallthrough(); // --json and --socket may also stand behind the command
  add_list(app, given, chosen);
  add_top(app, given, chosen);
  add_status(app, given, chosen);
  add_resize(app, given, chosen);
  add_stats(app, given, chosen);
  add_calls(app, given, chosen);
  add_end(app, given, chosen);
  add_reload(app, chosen);
  add_drain(app, given, chosen);
  add_events(app, given, chosen);
  add_capture(app, given, chosen);
  add_log(app, given, chosen);
  add_version(app, chosen);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    const std::vector<std::string> left = app.remaining(true);
    if (e.get_name() == "RequiredError" && app.get_subcommands().empty() && !left.empty()) {
      std::fprintf(stderr,
                   "linehuntctl: there is no command or option '%s'; see linehuntctl --help\n",
                   printable(left.front()).c_str());
      return exit_usage;
    }
    std::ostringstream asked_for; // --help, --version
    if (app.exit(e, asked_for) != 0) return exit_usage;
    print(asked_for.str());
    return output_is_lost() ? say_output_is_lost() : 0;
  }
  given.style.terminal = ::isatty(STDOUT_FILENO) == 1;
  auto daemon = connection::open(given.socket, given.patience_s);
  const outcome done = daemon ? chosen(*daemon, given.style) : tl::unexpected(daemon.error());
  if (done) return output_is_lost() ? say_output_is_lost() : 0;
  // It may quote what strangers wrote; that of a reload has a line for each error.
  std::fprintf(stderr, "linehuntctl: %s\n", printable_lines(done.error().message).c_str());
  return exit_status(done.error().kind);
}

} // namespace
} // namespace linehunt::ctl

int main(int argc, char** argv) {
  linehunt::hold_standard_files();
  return linehunt::ctl::run(argc, argv);
}
