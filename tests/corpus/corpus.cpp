// SPDX-License-Identifier: Apache-2.0
#include "tests/corpus/corpus.h"

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>

namespace linehunt::corpus {

namespace fs = std::filesystem;

std::optional<fs::path> rfc_folder() {
  const char* const named = std::getenv("LINEHUNT_CORPUS");
  const fs::path folder =
      named ? fs::path{named} : fs::path{LINEHUNT_SOURCE_ROOT} / "../shared/corpus";
  if (!fs::exists(folder / "INDEX.tsv")) return std::nullopt;
  return folder;
}

fs::path own_folder() {
  return fs::path{LINEHUNT_SOURCE_ROOT} / "tests/corpus/own";
}

std::vector<entry> read(const fs::path& folder) {
  std::ifstream index{folder / "INDEX.tsv"};
  std::vector<entry> entries;
  std::string line;
  std::getline(index, line); // the heading
  while (std::getline(index, line)) {
    std::istringstream columns{line};
    entry e;
    std::string length;
    std::getline(columns, e.name, '\t');
    std::getline(columns, length, '\t');
    std::getline(columns, e.expect, '\t');
    std::ifstream in{folder / e.name, std::ios::binary};
    if (!in) throw std::runtime_error{"corpus: cannot read " + (folder / e.name).string()};
    e.bytes.assign(std::istreambuf_iterator<char>{in}, {});
    if (std::to_string(e.bytes.size()) != length) {
      throw std::runtime_error{"corpus: " + e.name + " has not the length that the index says"};
    }
    entries.push_back(std::move(e));
  }
  return entries;
}

std::vector<entry> read_all() {
  auto entries = read(own_folder());
  if (const auto folder = rfc_folder()) {
    for (auto& e : read(*folder))
      entries.push_back(std::move(e));
  }
  return entries;
}

} // namespace linehunt::corpus
