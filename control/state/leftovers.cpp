// SPDX-License-Identifier: Apache-2.0
// See leftovers.h.
#include "control/state/leftovers.h"

#include "control/state/put_aside.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <spdlog/spdlog.h>
#include <unistd.h>

namespace linehunt {
namespace {

void told(int result, const std::string& file) {
  if (result != 0 && errno != ENOENT)
    spdlog::error("{} cannot be removed: {}; do so before the next start", file,
                  std::strerror(errno));
}

} // namespace

void put_calls_aside(const std::string& calls_file, const std::string& copy_file,
                     std::string_view what_for) {
  for (const std::string& file : {calls_file, copy_file})
    (void)put_aside(file, what_for);
}

void leftovers::put_away() const {
  if (calls_refused)
    put_calls_aside(
        calls_file, copy_file,
        "; they can be had back instead of those of now: mend the reason, stop linehunt, rename it "
        "over what the stop has written, and start; else remove it");
  for (const std::string& file : refused)
    (void)put_aside(file, ", for whoever can mend it");
  for (const std::string& file : of_another)
    (void)put_aside(file, ", since another linehunt has had the folder");
  if (calls_become_copy) {
    told(std::rename(calls_file.c_str(), copy_file.c_str()), calls_file);
  } else {
    told(::unlink(calls_file.c_str()), calls_file);
    told(::unlink(copy_file.c_str()), copy_file);
  }
  for (const std::string& file : {calls_file, copy_file}) // of a crash
    told(::unlink((file + ".new").c_str()), file + ".new");
  // Also those of other calls than these: this start has come to its end.
  told(::unlink(tries_file.c_str()), tries_file);
}

} // namespace linehunt
