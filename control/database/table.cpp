// SPDX-License-Identifier: Apache-2.0
// See table.h.
#include "control/database/table.h"

#include "control/database/kept_copy.h"
#include "control/database/url.h"
#include "dataplane/printable.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <set>
#include <soci/mysql/soci-mysql.h>
#include <soci/postgresql/soci-postgresql.h>
#include <soci/soci.h>
#include <soci/sqlite3/soci-sqlite3.h>
#include <stdexcept>
#include <string_view>
#include <unistd.h>

namespace linehunt::database {
namespace {

constexpr int table_version = 3; // of OpenSIPS' schema

// What is wrong with what the database holds, in words for an operator.
struct fault : std::runtime_error {
  using std::runtime_error::runtime_error;
};

const soci::backend_factory& backend_of(kind which) {
  switch (which) {
  case kind::mysql:
    return soci::mysql;
  case kind::postgresql:
    return soci::postgresql;
  case kind::sqlite:
    break;
  }
  return soci::sqlite3;
}

// Asked for by name and not by `select *`: what clients do with columns of kinds that they do not
// know differs.
std::set<std::string> columns_of(soci::session& sql, kind which, const std::string& table) {
  std::string query;
  switch (which) {
  case kind::sqlite:
    query = fmt::format("select name from pragma_table_info('{}')", table);
    break;
  case kind::mysql:
    query = fmt::format("select column_name from information_schema.columns where table_schema = "
                        "database() and table_name = '{}'",
                        table);
    break;
  case kind::postgresql:
    query = fmt::format("select column_name::text from information_schema.columns where "
                        "table_schema = any(current_schemas(false)) and table_name = lower('{}')",
                        table);
    break;
  }
  std::set<std::string> names;
  std::string name;
  soci::statement all = (sql.prepare << query, soci::into(name));
  for (all.execute(); all.fetch();) {
    std::ranges::transform(name, name.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    names.insert(name);
  }
  return names;
}

void make_table(soci::session& sql, const std::string& table) {
  soci::transaction all(sql);
  sql << "create table " << table
      << " (id integer primary key autoincrement not null, group_id integer not null default 0, "
         "dst_uri char(128) not null, resources char(255) not null, "
         "probe_mode integer not null default 0, attrs char(255), description char(128))";
  sql << "create table if not exists version (table_name char(32) not null primary key, "
         "table_version integer not null default 0)";
  sql << "insert or replace into version (table_name, table_version) values ('" << table << "', "
      << table_version << ")";
  all.commit();
}

void check_version(soci::session& sql, kind which, const std::string& table) {
  const auto columns = columns_of(sql, which, "version");
  if (!columns.contains("table_name") || !columns.contains("table_version")) return;
  int version = 0;
  sql << "select table_version from version where table_name = '" << table << "'",
      soci::into(version);
  if (sql.got_data() && version != table_version)
    throw fault(fmt::format("it has version {}, and linehunt reads version {}; migrate the "
                            "database to an OpenSIPS release with that version, or name another "
                            "table in [database]",
                            version, table_version));
}

// One row as text; every client gives numbers as text when asked to.
struct fields {
  static constexpr std::size_t count = 7;
  static constexpr std::array<std::string_view, count> names{
      "id", "group_id", "dst_uri", "resources", "probe_mode", "attrs", "description"};
  static constexpr std::size_t nullable_from = 5;
  std::array<std::string, count> text;
  std::array<soci::indicator, count> state{};

  // What is wrong with a value goes to `faults`, and the value is empty or 0. PostgreSQL fills a
  // CHAR(128) with spaces.
  [[nodiscard]] std::string trimmed(std::size_t which, std::vector<std::string>& faults) const {
    if (state[which] == soci::i_ok)
      return text[which].substr(0, text[which].find_last_not_of(" \t\r\n") + 1);
    if (which < nullable_from)
      faults.push_back(fmt::format("{} is NULL; give it a value", names[which]));
    return {};
  }
  [[nodiscard]] std::uint32_t number(std::size_t which, number_range valid,
                                     std::vector<std::string>& faults) const {
    const std::size_t before = faults.size();
    const std::string value = trimmed(which, faults);
    if (faults.size() != before) return 0;
    std::uint32_t number = 0;
    const char* end = value.data() + value.size();
    const auto read = std::from_chars(value.data(), end, number);
    if (read.ec == std::errc{} && read.ptr == end && valid.holds(number)) return number;
    faults.push_back(fmt::format("{} is '{}'; it must be a whole number from {} to {}",
                                 names[which], value, valid.least, valid.most));
    return 0;
  }
};

std::string select_from(const std::string& table, const std::set<std::string>& there) {
  std::string list;
  for (std::size_t i = 0; i < fields::count; ++i) {
    const std::string name{fields::names[i]};
    if (!there.contains(name) && i < fields::nullable_from)
      throw fault(fmt::format("it has no column {}; take the load_balancer table of OpenSIPS, "
                              "version {}",
                              name, table_version));
    list += (i == 0 ? "" : ", ") + (there.contains(name) ? name : std::string{"''"});
  }
  return "select " + list + " from " + table + " order by id";
}

std::vector<row> read_all(soci::session& sql, const std::string& query) {
  fields f;
  soci::statement all = (sql.prepare << query, soci::into(f.text[0], f.state[0]),
                         soci::into(f.text[1], f.state[1]), soci::into(f.text[2], f.state[2]),
                         soci::into(f.text[3], f.state[3]), soci::into(f.text[4], f.state[4]),
                         soci::into(f.text[5], f.state[5]), soci::into(f.text[6], f.state[6]));
  std::vector<row> rows;
  for (all.execute(); all.fetch();) {
    row one;
    one.id = f.number(0, valid_ids, one.faults);
    one.group = f.number(1, valid_groups, one.faults);
    one.uri = f.trimmed(2, one.faults);
    one.resources = f.trimmed(3, one.faults);
    one.probe_mode = static_cast<std::uint8_t>(f.number(4, valid_probe_modes, one.faults));
    one.attrs = f.trimmed(5, one.faults);
    one.description = f.trimmed(6, one.faults);
    if (one.id != 0 && !rows.empty() && rows.back().id == one.id)
      throw fault(fmt::format("row {} is there twice; give each its own id", one.id));
    rows.push_back(std::move(one));
  }
  return rows;
}

// A file and its table are made at the first use alone: later, they have lost their rows.
void must_be_new(std::string_view what, const settings& from) {
  const kept_rows before = kept_copy(from);
  std::string why;
  if (before && !before->empty())
    why = fmt::format("though it had {} rows", before->size());
  else if (!before && before.error().why == no_copy::reason::unusable)
    why = "and whether it had rows is not known: " + before.error().message;
  if (!why.empty())
    throw fault(fmt::format("{} is not there, {}; put it back, or to begin with none remove {} as "
                            "well",
                            what, why, from.copy));
}

// Resources may hold the passwords of event sockets, so the client would let too many read it. What
// goes wrong here it finds as well, and says it.
void make_file(const std::string& path) {
  constexpr int how = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  if (const int file = ::open(path.c_str(), how, 0640); file >= 0) ::close(file);
}

std::vector<row> read_from(const target& where, const settings& from) {
  if (where.kind == kind::sqlite && !std::filesystem::exists(where.file)) {
    must_be_new(where.file, from);
    if (const auto folder = std::filesystem::path(where.file).parent_path(); !folder.empty())
      std::filesystem::create_directories(folder);
    make_file(where.file);
  }
  soci::session sql(backend_of(where.kind), where.connection);
  if (where.kind == kind::postgresql)
    sql << fmt::format("set statement_timeout = '{}s'", from.timeout_s);
  auto columns = columns_of(sql, where.kind, from.table);
  if (columns.empty() && where.kind == kind::sqlite) {
    must_be_new("the table", from);
    make_table(sql, from.table);
    columns = columns_of(sql, where.kind, from.table);
  }
  if (columns.empty())
    throw fault("there is no such table, or this user may not see it; make it with opensips-cli "
                "(database create) or name another in [database] table");
  check_version(sql, where.kind, from.table);
  return read_all(sql, select_from(from.table, columns));
}

// What a client library says of an error may have several lines.
std::string one_line(std::string text) {
  std::ranges::replace_if(
      text, [](char c) { return c == '\n' || c == '\r' || c == '\t'; }, ' ');
  return printable(text.substr(0, text.find_last_not_of(" .") + 1));
}

} // namespace

rows read_rows(const settings& from) {
  const auto where = parse_url(from.url, from.timeout_s);
  if (!where) return tl::unexpected("[database] " + where.error());
  try {
    return read_from(*where, from);
  } catch (const fault& e) {
    return tl::unexpected(
        fmt::format("database {}, table {}: {}", where->shown, from.table, one_line(e.what())));
  } catch (const std::exception& e) {
    return tl::unexpected(fmt::format("database {}, table {} cannot be read: {}; see that it runs, "
                                      "or mend [database]",
                                      where->shown, from.table, one_line(e.what())));
  }
}

} // namespace linehunt::database
