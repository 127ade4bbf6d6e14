// SPDX-License-Identifier: Apache-2.0
// Every transcript, over every way in: the same request gets the same answer.
#include "transcript.h"

#include "control/admin/methods.h"
#include "control/daemon/interfaces.h"
#include "fake_view.h"
#include "local_clients.h"
#include "tcp_client.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <filesystem>
#include <fstream>
#include <functional>
#include <gtest/gtest.h>
#include <iterator>
#include <memory>
#include <set>
#include <string_view>
#include <thread>
#include <utility>

namespace linehunt::transcript_test {
namespace {

using namespace linehunt::test;

// All ways in, over a daemon of its own.
class served_everywhere {
 public:
  explicit served_everywhere(const std::vector<std::string>& how) {
    for (const std::string& one : how) {
      if (one == "busy")
        view_.busy = true;
      else if (one == "reload fails")
        view_.reload_fault = "linehunt.toml:3:1: unknown key 'worker'";
      else if (one == "ending")
        view_.ending = true;
      else if (one == "lists one call")
        view_.at_once = 1;
      else
        ADD_FAILURE() << "view: " << one;
    }
    settings.socket = folder.path / "stream";
    settings.datagram = folder.path / "datagram";
    settings.fifo = folder.path / "fifo";
    settings.fifo_reply_dir = folder.path;
    settings.http->port = 0;
    auto opened = interfaces::open(loop_, settings);
    EXPECT_TRUE(opened) << opened.error();
    if (!opened) return;
    ways_in_ = std::move(*opened);
    http_port = ways_in_->http_port();
    ways_in_->serve(view_);
    thread_ = std::thread([this] { loop_.run(); });
  }
  ~served_everywhere() {
    // In the loop's own thread, as the daemon does it.
    boost::asio::post(loop_, [this] {
      ways_in_.reset();
      loop_.stop();
    });
    if (thread_.joinable()) thread_.join();
  }

  fresh_folder folder;
  config::admin_settings settings;
  std::uint16_t http_port = 0;

 private:
  admin::fake_view view_;
  boost::asio::io_context loop_;
  std::unique_ptr<interfaces> ways_in_;
  std::thread thread_;
};

// Answers in their order; a request without an answer adds none. What follows the last request is
// `marker`, so that nothing is waited for that does not come.
constexpr std::string_view marker = R"({"jsonrpc":"2.0","id":"marker","method":"no_such_method"})";

using asking = std::function<std::vector<std::string>(served_everywhere&, const std::string&)>;

std::vector<std::string> over_stream(served_everywhere& s, const std::string& request) {
  const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  s.settings.socket.copy(address.sun_path, sizeof address.sun_path - 1);
  const void* any = &address;
  EXPECT_EQ(::connect(socket, static_cast<const sockaddr*>(any), sizeof address), 0);
  const std::string text = request + "\n" + std::string{marker} + "\n";
  EXPECT_EQ(::send(socket, text.data(), text.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(text.size()));
  ::shutdown(socket, SHUT_WR);
  std::string all;
  char chunk[4096];
  for (ssize_t count = 1; (count = ::recv(socket, chunk, sizeof chunk, 0)) > 0;)
    all.append(chunk, static_cast<std::size_t>(count));
  ::close(socket);
  std::vector<std::string> answers;
  for (std::size_t at = 0, end = 0; (end = all.find('\n', at)) != std::string::npos; at = end + 1)
    answers.push_back(all.substr(at, end - at));
  return answers;
}

std::vector<std::string> over_datagram(served_everywhere& s, const std::string& request) {
  const std::string own = s.folder.path / "own";
  std::filesystem::remove(own);
  datagram_client c(s.settings.datagram, own);
  c.send(request);
  c.send(marker);
  std::vector<std::string> answers;
  do
    answers.push_back(c.receive());
  while (!answers.back().empty() && answers.back().find("\"marker\"") == std::string::npos);
  return answers;
}

std::vector<std::string> over_fifo(served_everywhere& s, const std::string& request) {
  fifo_client first(s.settings.fifo, s.folder.path, "first");
  fifo_client last(s.settings.fifo, s.folder.path, "last");
  first.open(); // what comes is there as soon as the marker is answered
  EXPECT_TRUE(first.ask(request));
  EXPECT_TRUE(last.ask(marker));
  std::vector<std::string> answers;
  const auto end = last.read();
  // An answer that needs several writes is still on its way; none is not.
  if (const auto answer = first.read(0)) answers.push_back(*answer);
  answers.push_back(end.value_or(""));
  return answers;
}

std::vector<std::string> over_http(served_everywhere& s, const std::string& request) {
  tcp_client c(s.http_port);
  std::vector<std::string> answers;
  for (const std::string& body : {request, std::string{marker}}) {
    c.send("POST /mi HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
           "Content-Length: " +
           std::to_string(body.size()) + "\r\n\r\n" + body);
    const auto answer = c.next();
    if (answer.status == 202 && answer.body.empty()) continue;
    EXPECT_EQ(answer.status, 200) << body;
    answers.push_back(answer.body);
  }
  return answers;
}

struct way {
  const char* name;
  asking ask;
};
const way ways[] = {
    {"stream", over_stream}, {"datagram", over_datagram}, {"fifo", over_fifo}, {"http", over_http}};

std::vector<std::string> transcript_names() {
  std::set<std::string> all;
  for (const auto& entry : std::filesystem::directory_iterator(LINEHUNT_TRANSCRIPTS))
    if (entry.path().extension() == ".txt") all.insert(entry.path().stem());
  return {all.begin(), all.end()};
}

std::string file_of(const std::string& name) {
  return std::string{LINEHUNT_TRANSCRIPTS} + "/" + name + ".txt";
}

using over_one_way = std::pair<std::string, way>;

std::vector<over_one_way> all_of_them() {
  std::vector<over_one_way> all;
  for (const std::string& name : transcript_names()) {
    const std::string only = read_transcript(file_of(name)).only;
    for (const way& over : ways)
      if (only.empty() || only.find(over.name) != std::string::npos) all.emplace_back(name, over);
  }
  return all;
}

class transcripts : public ::testing::TestWithParam<over_one_way> {};

TEST_P(transcripts, are_kept_to) {
  const auto& [name, over] = GetParam();
  const std::string file = file_of(name);
  const transcript wanted = read_transcript(file);
  ASSERT_FALSE(wanted.exchanges.empty());
  served_everywhere served(wanted.view);
  for (const exchange& one : wanted.exchanges) {
    const auto answers = over.ask(served, one.request);
    ASSERT_EQ(answers.size(), one.answered ? 2u : 1u) << file << ':' << one.line;
    EXPECT_EQ(json::parse(answers.back(), nullptr, false).value("id", json{}), "marker");
    if (!one.answered) continue;
    const json answer = json::parse(answers.front(), nullptr, false);
    EXPECT_TRUE(same(one.answer, answer, one.part)) << file << ':' << one.line << '\n'
                                                    << one.request << '\n'
                                                    << answers.front();
  }
}

INSTANTIATE_TEST_SUITE_P(all, transcripts, ::testing::ValuesIn(all_of_them()), [](const auto& one) {
  return one.param.first + "_over_" + one.param.second.name;
});

// A file that lost its place would silently test nothing.
TEST(transcript_files, are_all_there) {
  EXPECT_GE(transcript_names().size(), 12u);
  EXPECT_GE(all_of_them().size(), 44u);
  // Every method that there is, under each of its names, is in one of them.
  std::string text;
  for (const std::string& name : transcript_names()) {
    std::ifstream in(file_of(name));
    text.append(std::istreambuf_iterator<char>(in), {});
  }
  for (const admin::method& m : admin::all_methods())
    for (const std::string_view name : {m.name, m.module_name})
      EXPECT_TRUE(name.empty() ||
                  text.find("\"method\":\"" + std::string{name} + "\"") != std::string::npos)
          << name << " is in no transcript";
  // The comparison can fail.
  EXPECT_FALSE(same(json::parse(R"({"a":[1]})"), json::parse(R"({"a":[1,2]})"), false));
  EXPECT_FALSE(same(json::parse(R"({"a":[3]})"), json::parse(R"({"a":[1,2]})"), true));
  EXPECT_TRUE(same(json::parse(R"({"a":["*"]})"), json::parse(R"({"a":[1],"b":2})"), true));
}

} // namespace
} // namespace linehunt::transcript_test
