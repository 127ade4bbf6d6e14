// SPDX-License-Identifier: Apache-2.0
// capture_start, capture_stop, capture_status: packets into a pcapng file.
#include "control/admin/methods.h"

#include <fmt/format.h>

namespace linehunt::admin {
namespace {

json shown(const capture_state& state) {
  if (state.phase == capture_phase::none) return {{"state", "none"}};
  const bool ended = state.phase == capture_phase::ended;
  json out = {{"state", ended ? "ended" : "running"},
              {"file", state.file},
              {"packets", state.packets},
              {"bytes", state.bytes},
              {"missed", state.missed},
              {"elapsed_ms", state.elapsed.count()},
              {"seconds", state.wanted.seconds},
              {"max_mb", state.wanted.max_mb}};
  if (state.wanted.packets != 0) out["max_packets"] = state.wanted.packets;
  if (!state.wanted.match.empty()) out["match"] = state.wanted.match;
  if (!state.wanted.port.empty()) out["port"] = state.wanted.port;
  if (ended) out["reason"] = word_for(state.why);
  if (!state.error.empty()) out["error"] = state.error;
  return out;
}

rpc_error refusal_of(const capture_fault& fault) {
  switch (fault.why) {
  case capture_fault::switched_off:
    return {403, "Captures are switched off", fault.message};
  case capture_fault::running:
    return {409, "A capture is running", fault.message};
  case capture_fault::none_running:
    return {404, "No capture", fault.message};
  case capture_fault::no_such_port:
    return {404, "Port not found", fault.message};
  case capture_fault::bad_name:
    return invalid_params("name: " + fault.message);
  case capture_fault::exists:
    return {409, "The file exists", fault.message};
  case capture_fault::disk:
    return {507, "Cannot write the file", fault.message};
  case capture_fault::no_memory:
    return {503, "Cannot capture", fault.message};
  }
  return {500, "Cannot capture", fault.message};
}

rpc_answer answer_of(const capture_outcome& done) {
  if (!done) return tl::unexpected(refusal_of(done.error()));
  return shown(*done);
}

// Each takes the parameter where it is given; the error says what it may be.
using parameter_check = tl::expected<void, rpc_error>;

parameter_check read_parameter(const parameters& given, std::string_view name, std::string& into) {
  if (!given.has(name)) return {};
  auto text = given.text(name);
  if (!text) return tl::unexpected(text.error());
  into = std::move(*text);
  return {};
}

parameter_check read_parameter(const parameters& given, std::string_view name, std::uint64_t& into,
                               std::uint64_t least, std::uint64_t most) {
  if (!given.has(name)) return {};
  const auto number = given.integer(name);
  if (!number) return tl::unexpected(number.error());
  if (*number < 0 || static_cast<std::uint64_t>(*number) < least ||
      static_cast<std::uint64_t>(*number) > most)
    return tl::unexpected(
        invalid_params(fmt::format("{} must be from {} to {}", name, least, most)));
  into = static_cast<std::uint64_t>(*number);
  return {};
}

tl::expected<capture_request, rpc_error> request_in(const parameters& given) {
  capture_request wanted;
  std::uint64_t overwrite = 0;
  for (const parameter_check& one :
       {read_parameter(given, "name", wanted.name), read_parameter(given, "match", wanted.match),
        read_parameter(given, "port", wanted.port),
        read_parameter(given, "seconds", wanted.seconds, 1, max_capture_seconds),
        read_parameter(given, "max_mb", wanted.max_mb, 1, max_capture_mb),
        read_parameter(given, "packets", wanted.packets, 0, max_capture_packets),
        read_parameter(given, "overwrite", overwrite, 0, 1)})
    if (!one) return tl::unexpected(one.error());
  if (wanted.match.size() > max_capture_match_bytes)
    return tl::unexpected(
        invalid_params(fmt::format("match has {} bytes at most", max_capture_match_bytes)));
  wanted.overwrite = overwrite != 0;
  return wanted;
}

using answering = std::function<void(rpc_answer)>;

void start_capture(const parameters& given, daemon_view& daemon, answering done) {
  const auto wanted = request_in(given);
  if (!wanted) return done(tl::unexpected(wanted.error()));
  daemon.start_capture(
      *wanted, [done = std::move(done)](const capture_outcome& how) { done(answer_of(how)); });
}

void stop_capture(const parameters& given, daemon_view& daemon, answering done) {
  std::string file;
  if (const auto read = read_parameter(given, "file", file); !read)
    return done(tl::unexpected(read.error()));
  daemon.stop_capture(
      file, [done = std::move(done)](const capture_outcome& how) { done(answer_of(how)); });
}

rpc_answer capture_status(const parameters&, daemon_view& daemon) {
  return shown(daemon.capture_status());
}

} // namespace

std::vector<method> capture_methods() {
  method starting{"capture_start", "linehunt:capture_start", {{}}, false, nullptr, false,
                  start_capture};
  starting.optional_names = true;
  recipe names;
  for (const std::string_view name :
       {"name", "match", "port", "seconds", "max_mb", "packets", "overwrite"}) {
    names.push_back(name);
    starting.recipes.push_back(names);
  }
  return {std::move(starting),
          {"capture_stop",
           "linehunt:capture_stop",
           {{}, {"file"}},
           false,
           nullptr,
           false,
           stop_capture},
          {"capture_status", "linehunt:capture_status", {{}}, false, capture_status}};
}

} // namespace linehunt::admin
