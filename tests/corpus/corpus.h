// SPDX-License-Identifier: Apache-2.0
// A corpus of messages on disk: a folder with an INDEX.tsv (file, bytes, expectation, note).
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace linehunt::corpus {

struct entry {
  std::string name; // as the index writes it
  std::string bytes;
  std::string expect;
};

// The folder of the RFC 4475 and 5118 messages: LINEHUNT_CORPUS, or ../shared/corpus beside the
// source root. Nothing where neither exists.
[[nodiscard]] std::optional<std::filesystem::path> rfc_folder();

// The messages of our own, always there.
[[nodiscard]] std::filesystem::path own_folder();

// Every message that the index names. Throws where a file is missing or has another length.
[[nodiscard]] std::vector<entry> read(const std::filesystem::path& folder);

// Both corpora; the first only where it is there.
[[nodiscard]] std::vector<entry> read_all();

} // namespace linehunt::corpus
