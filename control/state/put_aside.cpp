// SPDX-License-Identifier: Apache-2.0
// See put_aside.h.
#include "control/state/put_aside.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>

namespace linehunt {
namespace {

std::string name_of(const std::string& file, int age) {
  return age == 0 ? file + ".bad" : fmt::format("{}.bad.{}", file, age);
}

bool is_there(const std::string& file) {
  struct ::stat it {};
  return ::lstat(file.c_str(), &it) == 0;
}

// The oldest goes where there is no other.
bool make_room(const std::string& file) {
  int free = 0;
  while (free < most_put_aside - 1 && is_there(name_of(file, free)))
    ++free;
  for (int age = free; age > 0; --age)
    if (std::rename(name_of(file, age - 1).c_str(), name_of(file, age).c_str()) != 0) return false;
  return true;
}

std::string older_ones(const std::string& file) {
  std::string names;
  for (int age = 1; age < most_put_aside && is_there(name_of(file, age)); ++age)
    names += (names.empty() ? "" : " and ") + name_of(file, age);
  return names.empty() ? "" : ". Of before there are " + names;
}

} // namespace

bool put_aside(const std::string& file, std::string_view what_for) {
  if (!is_there(file)) return true;
  if (!make_room(file) || std::rename(file.c_str(), name_of(file, 0).c_str()) != 0) {
    spdlog::error(
        "{} cannot be renamed: {}; copy it elsewhere if it is wanted, since the next that "
        "is written takes its place",
        file, std::strerror(errno));
    return false;
  }
  spdlog::error("it is {} now{}{}", name_of(file, 0), what_for, older_ones(file));
  return true;
}

} // namespace linehunt
