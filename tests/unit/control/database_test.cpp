// SPDX-License-Identifier: Apache-2.0
// The table of destinations in SQLite, URLs of all three kinds, and the kept copy. MariaDB and
// PostgreSQL are asked in the end-to-end suite.
#include "control/config/destination_text.h"
#include "control/config/load_file.h"
#include "control/daemon/first_rows.h"
#include "control/database/kept_copy.h"
#include "control/database/store.h"
#include "control/database/table.h"
#include "control/database/url.h"

#include <boost/asio/executor_work_guard.hpp>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <soci/soci.h>
#include <soci/sqlite3/soci-sqlite3.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace linehunt::database::database_test {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

class database_test : public ::testing::Test {
 protected:
  database_test() {
    std::string name = std::filesystem::temp_directory_path() / "linehunt-test-XXXXXX";
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    folder = name;
    from.url = "sqlite://" + file().string();
    from.copy = folder / "kept" / "copy.json";
  }
  ~database_test() override { std::filesystem::remove_all(folder); }

  [[nodiscard]] std::filesystem::path file() const { return folder / "deep" / "linehunt.db"; }
  void run(const std::string& statement) {
    soci::session sql(soci::sqlite3, "dbname=" + file().string());
    sql << statement;
  }
  // A table of the test's own in the place of the one that linehunt makes.
  void make(const std::string& columns) {
    std::filesystem::create_directories(file().parent_path());
    run("create table load_balancer (" + columns + ")");
  }
  void insert(const std::string& values) {
    run("insert into load_balancer (id, group_id, dst_uri, resources, probe_mode, attrs, "
        "description) values (" +
        values + ")");
  }
  [[nodiscard]] std::string fault() const {
    const rows found = read_rows(from);
    EXPECT_FALSE(found);
    return found ? "" : found.error();
  }

  std::filesystem::path folder;
  settings from;
};

TEST_F(database_test, file_and_table_are_made_on_first_use) {
  EXPECT_THAT(read_rows(from).value(), IsEmpty());
  EXPECT_TRUE(std::filesystem::exists(file()));
  insert("7, 2, 'sip:192.0.2.27:5061', 'pstn=32; vm=5', 1, 'rack=a', NULL");
  insert("3, 1, 'sip:192.0.2.23', 'vm=5', 0, NULL, 'the third'");
  EXPECT_THAT(read_rows(from).value(),
              ElementsAre(row{3, 1, "sip:192.0.2.23", "vm=5", 0, "", "the third"},
                          row{7, 2, "sip:192.0.2.27:5061", "pstn=32; vm=5", 1, "rack=a", ""}));
}

// A volume that is not mounted, say. It is no first use where rows are known from before.
TEST_F(database_test, a_file_that_has_gone_is_not_made_anew) {
  ASSERT_TRUE(read_rows(from));
  insert("3, 1, 'sip:192.0.2.23', 'vm=5', 0, NULL, 'the third'");
  ASSERT_THAT(keep_copy(from, read_rows(from).value()), IsEmpty());
  std::filesystem::remove_all(file().parent_path());
  EXPECT_THAT(fault(),
              AllOf(HasSubstr(file().string()), HasSubstr("is not there"), HasSubstr(from.copy)));
  EXPECT_FALSE(std::filesystem::exists(file()));
  std::filesystem::remove(from.copy);
  EXPECT_THAT(read_rows(from).value(), IsEmpty());
}

// A copy of a disk that was cut off, say.
TEST_F(database_test, a_table_that_has_gone_is_not_made_anew) {
  ASSERT_TRUE(read_rows(from));
  insert("3, 1, 'sip:192.0.2.23', 'vm=5', 0, NULL, 'the third'");
  ASSERT_THAT(keep_copy(from, read_rows(from).value()), IsEmpty());
  std::ofstream(file(), std::ios::trunc);
  EXPECT_THAT(fault(), AllOf(HasSubstr("table load_balancer"), HasSubstr("had 1 rows")));
  EXPECT_EQ(std::filesystem::file_size(file()), 0U);
}

TEST_F(database_test, a_table_that_may_have_had_rows_is_not_made_anew) {
  std::filesystem::create_directories(folder / "kept");
  std::ofstream(from.copy) << "damaged";
  EXPECT_THAT(fault(), AllOf(HasSubstr("is not there, and whether it had rows is not known"),
                             HasSubstr("damaged"), HasSubstr("remove " + from.copy)));
  EXPECT_FALSE(std::filesystem::exists(file()));
  // What another one had says nothing.
  std::filesystem::remove(from.copy);
  settings other = from;
  other.table = "another";
  ASSERT_THAT(keep_copy(other, {{1, 1, "sip:192.0.2.1", "vm=1", 1, "", ""}}), IsEmpty());
  EXPECT_THAT(read_rows(from).value(), IsEmpty());
  EXPECT_TRUE(std::filesystem::exists(file()));
}

TEST_F(database_test, more_columns_and_missing_nullable_ones) {
  make("description_of_rack blob, id integer primary key, group_id integer, dst_uri char(128), "
       "resources char(255), probe_mode integer, site text");
  run("insert into load_balancer values (x'00ff', 1, 1, 'sip:192.0.2.21', 'vm=5', 2, 'north')");
  EXPECT_THAT(read_rows(from).value(), ElementsAre(row{1, 1, "sip:192.0.2.21", "vm=5", 2, "", ""}));
}

TEST_F(database_test, a_missing_column_is_named) {
  make("id integer primary key, group_id integer, resources text, probe_mode integer");
  EXPECT_THAT(fault(), AllOf(HasSubstr("load_balancer"), HasSubstr("no column dst_uri")));
}

TEST_F(database_test, another_version_is_refused) {
  (void)read_rows(from);
  run("update version set table_version = 2 where table_name = 'load_balancer'");
  EXPECT_THAT(fault(), AllOf(HasSubstr("has version 2"), HasSubstr("reads version 3")));
  run("delete from version");
  EXPECT_TRUE(read_rows(from)) << "no version is no error";
  run("drop table version");
  EXPECT_TRUE(read_rows(from)) << "nor is no table of versions";
}

TEST_F(database_test, wrong_values_are_told_with_their_row_and_leave_the_others_alone) {
  make("id, group_id, dst_uri, resources, probe_mode, attrs, description");
  struct wrong {
    const char* values;
    std::uint32_t id;
    const char* said;
  };
  for (const wrong& w : {wrong{"4, 1, 'sip:a', 'vm=5', 3, NULL, NULL", 4, "probe_mode is '3'"},
                         wrong{"4, -1, 'sip:a', 'vm=5', 0, NULL, NULL", 4, "group_id is '-1'"},
                         wrong{"4, 'x', 'sip:a', 'vm=5', 0, NULL, NULL", 4, "group_id is 'x'"},
                         wrong{"4, NULL, 'sip:a', 'vm=5', 0, NULL, NULL", 4, "group_id is NULL"},
                         wrong{"0, 1, 'sip:a', 'vm=5', 0, NULL, NULL", 0, "id is '0'"},
                         wrong{"99999999999, 1, 'sip:a', 'vm=5', 0, NULL, NULL", 0, "id is"},
                         wrong{"NULL, 1, 'sip:a', 'vm=5', 0, NULL, NULL", 0, "id is NULL"},
                         wrong{"4, 1, NULL, 'vm=5', 0, NULL, NULL", 4, "dst_uri is NULL"},
                         wrong{"4, 1, 'sip:a', NULL, 0, NULL, NULL", 4, "resources is NULL"}}) {
    run("delete from load_balancer");
    insert(w.values);
    insert("5, 1, 'sip:b', 'vm=5', 0, NULL, NULL");
    const rows found = read_rows(from);
    ASSERT_THAT(found.value(), SizeIs(2)) << w.values;
    const bool first = found->front().id == w.id;
    const row& bad = found->at(first ? 0 : 1);
    EXPECT_EQ(bad.id, w.id);
    EXPECT_THAT(bad.faults, ElementsAre(HasSubstr(w.said))) << w.values;
    EXPECT_EQ(found->at(first ? 1 : 0), (row{5, 1, "sip:b", "vm=5", 0, "", ""}));
  }
  run("delete from load_balancer");
  insert("4, 1, 'sip:a', 'vm=5', 0, NULL, NULL");
  insert("4, 2, 'sip:b', 'vm=5', 0, NULL, NULL");
  EXPECT_THAT(fault(), HasSubstr("row 4 is there twice"));
}

TEST_F(database_test, a_file_that_is_no_database) {
  std::filesystem::create_directories(file().parent_path());
  std::ofstream(file()) << std::string(5000, 'x');
  EXPECT_THAT(fault(), AllOf(HasSubstr(file().string()), HasSubstr("cannot be read")));
}

TEST_F(database_test, ten_thousand_rows) {
  (void)read_rows(from);
  run("with recursive n(i) as (select 1 union all select i + 1 from n where i < 10000) insert into "
      "load_balancer select 10001 - i, 1, 'sip:192.0.2.1', 'vm=5', 2, null, null from n");
  const rows found = read_rows(from);
  ASSERT_THAT(found.value(), SizeIs(10'000));
  EXPECT_EQ(found->front().id, 1u);
  EXPECT_EQ(found->back().id, 10'000u);
}

TEST(database_url, connections_of_all_kinds) {
  const auto mysql = parse_url("mysql://linehunt:it%27s%20%5C@db.example:3307/opensips", 4);
  ASSERT_TRUE(mysql) << mysql.error();
  EXPECT_EQ(mysql->kind, kind::mysql);
  EXPECT_THAT(mysql->connection,
              AllOf(HasSubstr("host='db.example'"), HasSubstr("port=3307"),
                    HasSubstr("user='linehunt'"), HasSubstr(R"(password='it\'s \\')"),
                    HasSubstr("dbname='opensips'"), HasSubstr("connect_timeout=4")));
  EXPECT_EQ(mysql->shown, "mysql://linehunt@db.example:3307/opensips");
  const auto local = parse_url("mysql://u@localhost/o?socket=/run/m.sock", 4);
  EXPECT_THAT(local.value().connection, HasSubstr("unix_socket='/run/m.sock'"));
  EXPECT_THAT(parse_url("mysql://u@[2001:db8::5]/o", 4).value().connection,
              HasSubstr("host='2001:db8::5'"));
  const auto postgresql = parse_url("postgresql://u:secret@h:5433/o?sslmode=require", 4);
  ASSERT_TRUE(postgresql) << postgresql.error();
  EXPECT_THAT(postgresql->connection,
              AllOf(HasSubstr("postgresql://u:secret@h:5433/o?"), HasSubstr("sslmode=require"),
                    HasSubstr("connect_timeout=4"), HasSubstr("client_encoding=UTF8")));
  EXPECT_THAT(parse_url("postgresql://h/o?client_encoding=LATIN1", 4).value().connection,
              AllOf(HasSubstr("client_encoding=LATIN1"), Not(HasSubstr("UTF8"))));
  EXPECT_THAT(postgresql->shown, Not(HasSubstr("secret")));
  EXPECT_EQ(parse_url("sqlite:///a/b.db", 4).value().file, "/a/b.db");
}

TEST(database_url, what_is_wrong_is_said_without_the_password) {
  for (const char* url : {"", "nonsense", "oracle://u:hunter2@h/d", "mysql://u:hunter2@h",
                          "mysql://u:hunter2@h/d?x=1", "postgresql://u:hunter2@h", "sqlite://",
                          "sqlite://host/file", "sqlite:///a b", "mysql://u:hunter2@h:99999/d"}) {
    const auto where = parse_url(url, 5);
    ASSERT_FALSE(where) << url;
    EXPECT_THAT(where.error(), Not(HasSubstr("hunter2"))) << url;
    EXPECT_THAT(where.error(), Not(IsEmpty()));
  }
}

TEST_F(database_test, a_database_that_is_away) {
  from.url = "mysql://u:hunter2@127.0.0.1:1/d";
  EXPECT_THAT(fault(), AllOf(HasSubstr("mysql://u@127.0.0.1:1/d"), Not(HasSubstr("hunter2"))));
  from.url = "postgresql://u:hunter2@127.0.0.1:1/d";
  EXPECT_THAT(fault(), AllOf(HasSubstr("postgresql://u@127.0.0.1:1/d"), Not(HasSubstr("hunter2"))));
}

// Its rows may hold the passwords of event sockets.
TEST_F(database_test, a_file_that_linehunt_makes_is_not_for_everybody) {
  const auto usual = ::umask(0);
  EXPECT_TRUE(read_rows(from));
  ::umask(usual);
  struct stat found {};
  ASSERT_EQ(::stat(file().c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777, 0640u);
  ASSERT_EQ(::chmod(file().c_str(), 0664), 0); // by an operator, whose tool writes it
  EXPECT_TRUE(read_rows(from));
  ASSERT_EQ(::stat(file().c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777, 0664u);
}

TEST_F(database_test, copy_comes_back_as_it_was) {
  const std::vector<row> good{
      {1, 2, "sip:192.0.2.1", "vm=fs://:pw@192.0.2.1", 1, "rack \"a\"\n", ""},
      {9, 0, "sip:192.0.2.9", "pstn=1", 2, "", "d"}};
  EXPECT_THAT(keep_copy(from, good), IsEmpty());
  EXPECT_EQ(kept_copy(from).value(), good);
  struct stat found {};
  ASSERT_EQ(::stat(from.copy.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777, 0600u);
  EXPECT_THAT(keep_copy(from, {}), IsEmpty());
  EXPECT_THAT(kept_copy(from).value(), IsEmpty());
  EXPECT_FALSE(std::filesystem::exists(from.copy + ".new"));
}

TEST_F(database_test, damaged_copies_are_said_and_ignored) {
  ASSERT_THAT(keep_copy(from, {{1, 2, "sip:192.0.2.1", "vm=1", 1, "", ""}}), IsEmpty());
  std::string whole;
  std::getline(std::ifstream(from.copy), whole, '\0');
  for (std::size_t length = 0; length + 2 < whole.size(); ++length) {
    std::ofstream(from.copy, std::ios::trunc) << whole.substr(0, length);
    const kept_rows found = kept_copy(from);
    ASSERT_FALSE(found) << length;
    ASSERT_THAT(found.error().message, HasSubstr("damaged"));
    ASSERT_EQ(found.error().why, no_copy::reason::unusable);
  }
  for (const char* text : {"[]", "7", "{}", R"({"linehunt_copy":1,"of":7,"rows":[]})"}) {
    std::ofstream(from.copy, std::ios::trunc) << text;
    EXPECT_FALSE(kept_copy(from)) << text;
  }
  std::ofstream(from.copy, std::ios::trunc) << R"({"linehunt_copy":2})";
  EXPECT_THAT(kept_copy(from).error().message, HasSubstr("of version 2, of a later linehunt"));
}

// As strict as the reader of the table: no number is rounded or cut.
TEST_F(database_test, copies_with_numbers_that_no_row_has_are_damaged) {
  ASSERT_THAT(keep_copy(from, {{7, 8, "sip:192.0.2.1", "vm=1", 1, "", ""}}), IsEmpty());
  std::string whole;
  std::getline(std::ifstream(from.copy), whole, '\0');
  const auto with = [&](const std::string& key, const std::string& value) {
    std::string text = whole;
    const std::size_t at = text.find("\"" + key + "\": ") + key.size() + 4;
    text.replace(at, 1, value);
    std::ofstream(from.copy, std::ios::trunc) << text;
    return kept_copy(from);
  };
  for (const char* wrong :
       {"0", "4294967296", "-1", "1e300", "1.0", "1.5", "\"1\"", "null", "true"})
    EXPECT_FALSE(with("id", wrong)) << wrong;
  for (const char* wrong : {"4294967296", "-1", "1e300", "18446744073709551616", "\"1\""})
    EXPECT_FALSE(with("group_id", wrong)) << wrong;
  for (const char* wrong : {"3", "300", "258", "2.9", "-1", "null"}) {
    const kept_rows found = with("probe_mode", wrong);
    ASSERT_FALSE(found) << wrong;
    EXPECT_THAT(found.error().message, HasSubstr("damaged"));
    EXPECT_EQ(found.error().why, no_copy::reason::unusable);
  }
  EXPECT_EQ(with("id", "4294967295").value().at(0).id, 4294967295u);
  EXPECT_EQ(with("group_id", "0").value().at(0).group, 0u);
  EXPECT_EQ(with("probe_mode", "2").value().at(0).probe_mode, 2u);
}

// It was kept by a version that may have allowed more; the database may be away just now.
TEST_F(database_test, a_copy_with_a_wrong_row_serves_with_the_others) {
  config::configuration file_says;
  file_says.database = from;
  ASSERT_THAT(keep_copy(from, {{1, 1, "sip:192.0.2.1", "vm=1", 1, "", ""},
                               {2, 1, "sip:192.0.2.300", "vm=1", 1, "", ""}}),
              IsEmpty());
  const first_configuration some = with_copy(file_says, "t.toml");
  EXPECT_EQ(some.copied_rows, 1u) << some.copy_fault;
  EXPECT_EQ(some.running.destinations.size(), 1u);
  EXPECT_THAT(some.copy_said.lines(), ElementsAre(HasSubstr("'192.0.2.300' is no IPv4 address")));
  ASSERT_THAT(keep_copy(from, {{2, 1, "sip:192.0.2.300", "vm=1", 1, "", ""}}), IsEmpty());
  const first_configuration none = with_copy(file_says, "t.toml");
  EXPECT_FALSE(none.copied_rows);
  EXPECT_THAT(none.copy_fault, HasSubstr("'192.0.2.300' is no IPv4 address"));
}

TEST_F(database_test, why_rows_are_unknown_before_the_database_is_read) {
  config::configuration file_says;
  EXPECT_EQ(rows_unknown(with_copy(file_says, "t.toml")), "");
  file_says.database = from;
  EXPECT_THAT(rows_unknown(with_copy(file_says, "t.toml")), HasSubstr("cannot be read"));
  const row good{1, 1, "sip:192.0.2.1", "vm=1", 1, "", ""};
  row moved = good;
  moved.id = 2;
  ASSERT_THAT(keep_copy(from, {good, moved}), IsEmpty());
  EXPECT_EQ(rows_unknown(with_copy(file_says, "t.toml")), "");
  file_says.destinations.emplace_back().model.id = 2;
  const first_configuration some = with_copy(file_says, "t.toml");
  EXPECT_EQ(some.copied_rows, 1u) << some.copy_fault;
  EXPECT_THAT(rows_unknown(some),
              AllOf(HasSubstr("1 of the copy were left out"), HasSubstr("a second one with id 2")));
}

TEST_F(database_test, copy_that_others_may_write_is_not_taken) {
  ASSERT_THAT(keep_copy(from, {}), IsEmpty());
  ASSERT_TRUE(kept_copy(from));
  ASSERT_EQ(::chmod(from.copy.c_str(), 0620), 0);
  EXPECT_THAT(kept_copy(from).error().message, HasSubstr("only its owner may write"));
  std::filesystem::remove(from.copy);
  ASSERT_EQ(::mkfifo(from.copy.c_str(), 0600), 0);
  EXPECT_THAT(kept_copy(from).error().message, HasSubstr("is not read")) << "nor waited for";
}

TEST_F(database_test, copy_of_the_user_to_become_is_taken_in_a_folder_of_another) {
  if (::geteuid() != 0) GTEST_SKIP() << "ONLY ROOT CAN GIVE FILES TO ANOTHER USER";
  ASSERT_THAT(keep_copy(from, {{1, 1, "sip:192.0.2.1", "vm=1", 1, "", ""}}), IsEmpty());
  ASSERT_EQ(::chown(from.copy.c_str(), 4711, 4711), 0);
  EXPECT_THAT(kept_copy(from).error().message, HasSubstr("give it to that user"));
  EXPECT_THAT(kept_copy(from, 4711).value(), SizeIs(1));
  config::configuration file_says;
  file_says.database = from;
  EXPECT_EQ(with_copy(file_says, "t.toml", 4711).copied_rows, 1u);
}

TEST_F(database_test, copy_of_another_database_is_not_taken) {
  ASSERT_THAT(keep_copy(from, {}), IsEmpty());
  from.table = "another";
  EXPECT_THAT(kept_copy(from).error().message, HasSubstr("of another database"));
  from.copy.clear();
  EXPECT_EQ(kept_copy(from).error().why, no_copy::reason::absent);
  EXPECT_THAT(keep_copy(from, {}), IsEmpty()) << "none is wanted";
}

TEST_F(database_test, copy_is_of_a_database_whoever_has_read_it) {
  from.url = "mysql://u:secret@db.example/opensips";
  ASSERT_THAT(keep_copy(from, {}), IsEmpty());
  for (const char* same :
       {"mysql://other:new@db.example/opensips", "mysql://db.example/opensips"}) {
    from.url = same;
    EXPECT_TRUE(kept_copy(from)) << same;
  }
  for (const char* other : {"mysql://u@db2.example/opensips", "mysql://u@db.example/opensips2",
                            "postgresql://u@db.example/opensips"}) {
    from.url = other;
    EXPECT_EQ(kept_copy(from).error().why, no_copy::reason::of_another_database) << other;
  }
  from.url = "sqlite:///a@b/c";
  ASSERT_THAT(keep_copy(from, {}), IsEmpty());
  from.url = "sqlite:///b/c";
  EXPECT_FALSE(kept_copy(from));
}

TEST_F(database_test, copy_that_cannot_be_written_leaves_the_old_one) {
  from.copy = "/proc/linehunt/copy.json";
  EXPECT_THAT(keep_copy(from, {}), HasSubstr("cannot be written"));
}

TEST_F(database_test, the_loop_goes_on_while_the_database_is_asked) {
  boost::asio::io_context loop;
  store asked(loop, 0);
  bool answered = false;
  asked.read(from, [&](const rows& found) { answered = found.has_value(); });
  EXPECT_FALSE(answered);
  while (!answered && loop.run_one() != 0) {
  }
  EXPECT_TRUE(answered);
  asked.keep(from, {});
  asked.read(from, [&](const rows&) { loop.stop(); });
  loop.run();
  EXPECT_TRUE(kept_copy(from)) << "jobs go one after the other";
}

// Accepts no connection and says nothing, so that whoever connects waits.
class silent_server {
 public:
  silent_server() {
    const void* any = &address_;
    EXPECT_EQ(::bind(socket_, static_cast<const sockaddr*>(any), sizeof address_), 0);
    EXPECT_EQ(::listen(socket_, 5), 0);
    socklen_t len = sizeof address_;
    void* bound = &address_;
    EXPECT_EQ(::getsockname(socket_, static_cast<sockaddr*>(bound), &len), 0);
  }
  ~silent_server() { end(); }
  silent_server(const silent_server&) = delete;
  silent_server& operator=(const silent_server&) = delete;
  void end() {
    if (const int open = std::exchange(socket_, -1); open >= 0) ::close(open);
  }
  [[nodiscard]] std::string port() const { return std::to_string(ntohs(address_.sin_port)); }

 private:
  int socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address_{AF_INET, 0, {htonl(INADDR_LOOPBACK)}, {}};
};

TEST_F(database_test, who_has_given_up_has_asked_nothing) {
  boost::asio::io_context loop;
  const auto more_to_come = boost::asio::make_work_guard(loop);
  store asked(loop, 0);
  silent_server hanging;
  from.timeout_s = 0; // the client waits for ever, and we a second
  settings hangs = from, last = from;
  hangs.url = "postgresql://u@127.0.0.1:" + hanging.port() + "/d";
  last.url = "sqlite://" + (folder / "last.db").string();
  std::vector<std::string> answers;
  const auto note = [&](const rows& found) { answers.push_back(found ? "rows" : found.error()); };
  asked.read(hangs, note);
  asked.read(from, note);
  while (answers.size() < 2)
    loop.run_one();
  EXPECT_THAT(answers, ElementsAre(HasSubstr("does not answer"), HasSubstr("does not answer")));
  hanging.end();
  last.timeout_s = 60;
  asked.read(last, note);
  while (answers.size() < 3)
    loop.run_one();
  EXPECT_EQ(answers.back(), "rows");
  EXPECT_TRUE(std::filesystem::exists(folder / "last.db"));
  EXPECT_FALSE(std::filesystem::exists(file())) << "which a question would have made";
}

} // namespace
} // namespace linehunt::database::database_test
