// SPDX-License-Identifier: Apache-2.0
// Manual pages and completion say what the programs and the example configuration have, all of it;
// the pages are rendered without a warning.
#include "found_names.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <iterator>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <sys/wait.h>

namespace linehunt::manual_test {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

using test::found;
using test::names;

// Standard output of a command that must end with that status.
std::string told(const std::string& command, int status = 0) {
  FILE* pipe = ::popen(command.c_str(), "r");
  std::string out;
  std::array<char, 4096> chunk;
  for (std::size_t n = 0; (n = std::fread(chunk.data(), 1, chunk.size(), pipe)) > 0;)
    out.append(chunk.data(), n);
  EXPECT_EQ(WEXITSTATUS(::pclose(pipe)), status) << command;
  return out;
}

std::string text_of(const char* file) {
  std::ifstream stream(file);
  return {std::istreambuf_iterator<char>(stream), {}};
}

// Long options of a program or one of its commands, as --help lists them.
names options_of(const std::string& command) {
  const std::string help = told(command + " --help");
  return found(help.substr(0, help.find("Subcommands:")), R"(^  .*?(--[a-z-]+))");
}

names commands_of(const std::string& program) {
  const std::string help = told(program + " --help");
  const auto list = help.find("Subcommands:");
  EXPECT_NE(list, std::string::npos);
  return found(help.substr(list), R"(^  ([a-z]+) )");
}

// Plain text of a page, as wide as possible so that nothing is broken into two lines.
std::string page(const std::string& name) {
  return told("LC_ALL=C.UTF-8 MANWIDTH=1000 MAN_KEEP_FORMATTING= man -l " LINEHUNT_MANUAL "/" +
              name + " | sed 's/.\x08//g'");
}

// ---- manual pages

TEST(manual, pages_are_rendered_without_a_warning) {
  for (const char* name : {"linehunt.8", "linehuntctl.1", "linehunt.toml.5"}) {
    EXPECT_EQ(told("LC_ALL=C.UTF-8 man --warnings -l " LINEHUNT_MANUAL "/" + std::string{name} +
                   " 2>&1 >/dev/null"),
              "")
        << name;
    EXPECT_THAT(page(name), HasSubstr("SEE ALSO")) << name;
  }
}

TEST(manual, linehuntctl_has_every_command_and_option) {
  const std::string text = page("linehuntctl.1");
  for (const std::string& command : commands_of(LINEHUNTCTL)) {
    EXPECT_THAT(text, HasSubstr("\n       " + command)) << "no paragraph for " << command;
    for (const std::string& option : options_of(LINEHUNTCTL " " + command))
      EXPECT_THAT(text, HasSubstr(option)) << command;
  }
  for (const std::string& option : options_of(LINEHUNTCTL))
    EXPECT_THAT(text, HasSubstr(option));
}

TEST(manual, linehuntctl_has_every_event) {
  const names events = found(text_of(LINEHUNT_EVENTS), R"--("(E_[A-Z_]+)")--");
  EXPECT_GE(events.size(), 7u);
  const std::string text = page("linehuntctl.1");
  for (const std::string& event : events)
    EXPECT_THAT(text, HasSubstr(event));
}

TEST(manual, linehunt_checks_the_file_in_either_way_and_not_in_both) {
  const std::string text = page("linehunt.8");
  for (const char* way : {" -c ", " "}) {
    EXPECT_THAT(text, HasSubstr(std::string{"\n       linehunt check"} + way + "FILE\n"));
    EXPECT_THAT(
        told(LINEHUNT_DAEMON " check" + std::string{way} + LINEHUNT_EXAMPLE + " 2>/dev/null"),
        HasSubstr("no errors"));
  }
  EXPECT_THAT(told(LINEHUNT_DAEMON " check -c a b 2>&1", 2), HasSubstr("excludes"));
}

TEST(manual, linehunt_opens_no_file_in_the_place_of_an_output_that_is_closed) {
  EXPECT_THAT(told(LINEHUNT_DAEMON " check /dev/fd/1 2>&1 >&-", 1), Not(HasSubstr("No such file")))
      << "fd 1 is free";
}

TEST(manual, linehunt_has_every_command_and_option) {
  const std::string text = page("linehunt.8");
  for (const std::string& command : commands_of(LINEHUNT_DAEMON))
    EXPECT_THAT(text, HasSubstr("linehunt " + command));
  for (const std::string& option : options_of(LINEHUNT_DAEMON))
    EXPECT_THAT(text, HasSubstr(option));
}

// Keys of the example by section, those in comments too: "# key = value" and "# [section]".
std::map<std::string, names> example_keys() {
  std::ifstream file(LINEHUNT_EXAMPLE);
  std::map<std::string, names> all;
  std::string section;
  const std::regex head(R"(^(?:# )?\[\[?([a-z_]+)\]\]?)"), key(R"(^(?:# )?([a-z_0-9]+) = )");
  for (std::string line; std::getline(file, line);) {
    std::smatch match;
    if (std::regex_search(line, match, head))
      section = match[1];
    else if (std::regex_search(line, match, key))
      all[section].insert(match[1]);
  }
  return all;
}

TEST(manual, configuration_page_has_every_key_in_its_section) {
  const std::string text = page("linehunt.toml.5");
  const auto sections = example_keys();
  EXPECT_GE(sections.size(), 9u);
  EXPECT_THAT(sections.at("runtime"), Contains("workers")) << "the example is not read rightly";
  EXPECT_THAT(sections.at("service"), Contains("drain_limit_s"));
  for (const auto& [section, keys] : sections) {
    // "   [runtime] (restart)" until the next line that is so little indented.
    const std::regex head("\n   \\[\\[?" + section + "\\]\\]?[^\n]*\n");
    std::smatch match;
    if (!std::regex_search(text, match, head)) {
      ADD_FAILURE() << "section [" << section << "] is not in tools/man/linehunt.toml.5.scd";
      continue;
    }
    std::string rest = match.suffix();
    rest = rest.substr(0, rest.find("\n   ["));
    for (const std::string& key : keys)
      EXPECT_TRUE(std::regex_search(rest, std::regex("\\b" + key + "\\b")))
          << "key '" << key << "' of [" << section << "] is not in tools/man/linehunt.toml.5.scd";
  }
}

// Keys that a reload refuses to change, as "section key": of the page, by "(restart)" behind a key
// or a section, and of the program, by its messages.
names restart_by_page(const std::map<std::string, names>& sections) {
  names all;
  std::istringstream manual(page("linehunt.toml.5"));
  const std::regex head(R"(^ {3}\[\[?([a-z]+)\]\]?(.*)$)"),
      key(R"(^ {7}([a-z_0-9]+) = .*\(restart\))");
  std::string section;
  std::smatch match;
  for (std::string line; std::getline(manual, line);) {
    if (std::regex_search(line, match, key)) all.insert(section + ' ' + match[1].str());
    if (!std::regex_search(line, match, head)) continue;
    section = match[1];
    const std::string mark = match[2];
    const auto keys = sections.find(section);
    if (keys == sections.end() || !mark.starts_with(" (restart")) continue;
    for (const std::string& one : keys->second)
      if (!std::regex_search(mark, std::regex("\\b" + one + "\\b")))
        all.insert(section + ' ' + one);
  }
  return all;
}

TEST(manual, configuration_page_marks_what_a_reload_cannot_change) {
  const auto sections = example_keys();
  const auto source = std::filesystem::path(LINEHUNT_EVENTS).parent_path().parent_path() /
                      "config/unchangeable.cpp";
  names refused;
  const std::regex message(R"re("\[\[?([a-z]+)\]\]? ?([a-z_]*)")re");
  const std::string code = text_of(source.c_str());
  for (std::sregex_iterator each(code.begin(), code.end(), message), end; each != end; ++each) {
    const std::string section = (*each)[1], key = (*each)[2];
    for (const std::string& one : key.empty() ? sections.at(section) : names{key})
      refused.insert(section + ' ' + one);
  }
  EXPECT_GE(refused.size(), 40u);
  EXPECT_EQ(restart_by_page(sections), refused);
}

// example_test holds them against the program.
TEST(manual, configuration_page_has_the_defaults_that_comments_of_the_example_show) {
  std::map<std::string, std::string> shown;
  std::istringstream example(text_of(LINEHUNT_EXAMPLE)), manual(page("linehunt.toml.5"));
  std::string section;
  std::smatch match;
  const std::regex in_comment(R"(^# ([a-z_0-9]+) = ("[^"]*"|\S+))");
  for (std::string line; std::getline(example, line);) {
    if (std::regex_search(line, match, std::regex(R"(^(?:# )?\[\[?([a-z]+)\]\]?)")))
      section = match[1];
    else if (std::regex_search(line, match, in_comment))
      shown.try_emplace(section + ' ' + match[1].str(), match[2]);
  }
  const std::regex told(R"((?:^ {7}|, )([a-z_0-9]+) = ("[^"]*"|[^\s,]+))");
  int compared = 0;
  for (std::string line; std::getline(manual, line);) {
    if (std::regex_search(line, match, std::regex(R"(^ {3}\[\[?([a-z]+)\]\]?)")))
      section = match[1];
    if (section == "destination" || !std::regex_search(line, std::regex("^ {7}[a-z_0-9]+ = ")))
      continue; // which, and rules, are examples there
    for (std::sregex_iterator each(line.begin(), line.end(), told), end; each != end; ++each) {
      const auto of_example = shown.find(section + ' ' + (*each)[1].str());
      if (of_example == shown.end() || (*each)[1] == "cores" || (*each)[1] == "names") continue;
      EXPECT_EQ((*each)[2], of_example->second) << of_example->first;
      ++compared;
    }
    if (section == "overload") break;
  }
  EXPECT_GE(compared, 60);
}

TEST(manual, says_where_the_service_may_write_and_what_is_there_by_default) {
  const names folders = found(text_of(LINEHUNT_UNIT), R"(-(/[a-z/]+/linehunt)\b)");
  EXPECT_EQ(folders.size(), 3u);
  const std::string text = page("linehunt.8");
  for (const std::string& folder : folders)
    EXPECT_THAT(text.substr(text.find("ProtectSystem=strict")), HasSubstr(folder));
  for (const std::string& said : {text, text_of(LINEHUNT_OPENSIPS)}) {
    EXPECT_THAT(said, HasSubstr("systemctl edit linehunt"));
    EXPECT_THAT(said, HasSubstr("ReadWritePaths="));
  }
  const std::string example = text_of(LINEHUNT_EXAMPLE);
  for (const char* key : {"socket", "capture_dir", "copy"}) {
    const std::string line = "^(?:# )?" + std::string{key} + R"( = "(/[a-z/]*/linehunt)[/"])";
    const names paths = found(example, line.c_str());
    EXPECT_EQ(paths.size(), 1u) << key;
    EXPECT_TRUE(std::ranges::includes(folders, paths)) << key;
  }
}

TEST(manual, coming_from_opensips_names_keys_and_commands_that_exist) {
  const std::string text = text_of(LINEHUNT_OPENSIPS);
  const auto sections = example_keys();
  const std::regex key(R"(`\[\[?([a-z]+)\]\]? ([a-z_]+)`)");
  std::size_t keys = 0;
  for (std::sregex_iterator each(text.begin(), text.end(), key), end; each != end; ++each, ++keys) {
    ASSERT_TRUE(sections.contains((*each)[1])) << each->str();
    EXPECT_THAT(sections.at((*each)[1]), Contains((*each)[2].str())) << each->str();
  }
  EXPECT_GE(keys, 25u);
  const names commands = commands_of(LINEHUNTCTL);
  for (const std::string& command : found(text, "`linehuntctl ([a-z]+)"))
    EXPECT_THAT(commands, Contains(command));
}

// ---- completion

// What bash offers behind these words, of which the last may be unfinished.
names offered(const std::string& words, const std::string& program = "linehuntctl") {
  const std::string script = "source " LINEHUNT_COMPLETION "/" + program + "; COMP_WORDS=(" +
                             program + ' ' + words + "); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _" +
                             program + "; printf \"%s\\n\" \"${COMPREPLY[@]}\"";
  return found(told("bash -c '" + script + "'"), R"(^(\S+)$)");
}

TEST(completion, offers_every_command) {
  EXPECT_EQ(offered("\"\""), commands_of(LINEHUNTCTL));
  EXPECT_THAT(offered("sta"), ::testing::ElementsAre("stats", "status"));
}

TEST(completion, offers_every_option_of_each_command_and_no_other) {
  const names common = options_of(LINEHUNTCTL);
  EXPECT_EQ(offered("--"), common);
  for (const std::string& command : commands_of(LINEHUNTCTL)) {
    names expected = options_of(LINEHUNTCTL " " + command);
    expected.insert({"--socket", "--timeout", "--json"}); // fall through to the program
    EXPECT_EQ(offered(command + " --"), expected) << command;
  }
}

TEST(completion, knows_where_an_argument_stands) {
  EXPECT_THAT(offered("status 1 \"\""), ::testing::ElementsAre("disable", "enable"));
  EXPECT_THAT(offered("log w"), ::testing::ElementsAre("warning"));
  EXPECT_THAT(offered("--timeout 3 log d"), ::testing::ElementsAre("debug"));
  EXPECT_THAT(offered("--socket /nowhere status 1 e"), ::testing::ElementsAre("enable"));
  EXPECT_THAT(offered("--socket /nowhere status \"\""), IsEmpty()) << "no daemon, no numbers";
}

TEST(completion, offers_what_linehunt_takes) {
  EXPECT_EQ(offered("\"\"", "linehunt"), commands_of(LINEHUNT_DAEMON));
  EXPECT_EQ(offered("--", "linehunt"), options_of(LINEHUNT_DAEMON));
  const std::string part = std::string{LINEHUNT_EXAMPLE}.substr(0, sizeof LINEHUNT_EXAMPLE - 4);
  for (const char* words : {"-c ", "--config ", "check ", "check -c ", "-c FILE check -c "})
    EXPECT_THAT(offered(words + part, "linehunt"), ::testing::ElementsAre(LINEHUNT_EXAMPLE))
        << words;
  for (const char* words : {"", "-c FILE check ", "check FILE "})
    EXPECT_THAT(offered(words + part, "linehunt"), IsEmpty()) << "a second file: " << words;
}

} // namespace
} // namespace linehunt::manual_test
