// SPDX-License-Identifier: Apache-2.0
// Runs the program linehuntctl against a served_view.
#pragma once

#include "served_view.h"

#include <array>
#include <cstdio>
#include <fstream>
#include <gtest/gtest.h>
#include <sstream>
#include <string>
#include <sys/wait.h>

namespace linehunt::admin {

struct told {
  int status = -1;
  std::string out, err;
};

class linehuntctl : public ::testing::Test {
 protected:
  told run(const std::string& words) { return run_on(served.path(), words); }
  // What bash offers after TAB.
  std::string offered(const std::string& words) {
    const std::string line =
        std::string{"PATH=$(dirname "} + LINEHUNTCTL + "):$PATH bash -c 'source " +
        LINEHUNT_COMPLETION + "/linehuntctl; COMP_WORDS=(linehuntctl --socket " + served.path() +
        " " + words +
        "); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _linehuntctl; echo \"${COMPREPLY[*]}\"'";
    FILE* pipe = ::popen(line.c_str(), "r");
    std::array<char, 4096> text{};
    EXPECT_NE(std::fgets(text.data(), text.size(), pipe), nullptr) << words;
    ::pclose(pipe);
    return std::string{text.data()};
  }

  // For two at the same time.
  told run_with_errors_to(const std::string& name, const std::string& words) {
    return run_on(served.path(), words, '.' + name);
  }

  told run_on(const std::string& path, const std::string& words, const std::string& name = "") {
    const std::string err_file = served.path() + name + ".err";
    const std::string line =
        std::string{LINEHUNTCTL} + " --socket " + path + " " + words + " 2>" + err_file;
    told t;
    FILE* pipe = ::popen(line.c_str(), "r");
    std::array<char, 4096> chunk;
    for (std::size_t n = 0; (n = std::fread(chunk.data(), 1, chunk.size(), pipe)) > 0;)
      t.out.append(chunk.data(), n);
    const int status = ::pclose(pipe);
    t.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    std::stringstream text;
    text << std::ifstream(err_file).rdbuf();
    t.err = text.str();
    return t;
  }

  served_view served;
};

} // namespace linehunt::admin
