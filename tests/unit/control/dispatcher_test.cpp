// SPDX-License-Identifier: Apache-2.0
// Transcripts of the admin interface: every method, every shape, every row of errors.
#include "control/admin/dispatcher.h"

#include "endless_turn.h"
#include "fake_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace linehunt::admin::dispatcher_test {
namespace {

using nlohmann::json;

// What is answered before dispatch returns.
reply at_once(std::string_view request, daemon_view& view, bool can_follow = false,
              const batch_limits& limits = {.at_work = std::chrono::hours(1)}) {
  std::optional<reply> answer;
  turns alone = endless_turn();
  dispatch(
      request, view, alone, can_follow ? holding_events([](bool) {}) : nullptr,
      [&](reply r) { answer = std::move(r); }, limits);
  EXPECT_TRUE(answer) << request;
  return answer.value_or(reply{});
}

class dispatcher : public ::testing::Test {
 protected:
  // The answer to a method call with these parameters (JSON text; empty: none).
  json call(const std::string& method, const std::string& params = "") {
    const std::string request = R"({"jsonrpc":"2.0","id":5,"method":")" + method + '"' +
                                (params.empty() ? "" : ",\"params\":" + params) + "}";
    const auto answer = at_once(request, view).text;
    EXPECT_TRUE(answer) << request;
    if (!answer) return {};
    EXPECT_EQ(answer->find('\n'), std::string::npos);
    json parsed = json::parse(*answer);
    EXPECT_EQ(parsed.at("jsonrpc"), "2.0");
    EXPECT_EQ(parsed.at("id"), 5);
    EXPECT_NE(parsed.contains("result"), parsed.contains("error")) << *answer;
    return parsed;
  }
  json result(const std::string& method, const std::string& params = "") {
    return call(method, params).value("result", json{});
  }
  json error(const std::string& method, const std::string& params = "") {
    return call(method, params).value("error", json{});
  }

  fake_view view;
  turns alone = endless_turn();
};

json invalid(const std::string& data) {
  return {{"code", -32602}, {"message", "Invalid params"}, {"data", data}};
}
const json no_destination = {{"code", 404}, {"message", "Destination ID not found"}};

TEST_F(dispatcher, lb_list) {
  const json expected = json::parse(R"({"Destinations":[
    {"uri":"sip:127.0.0.1:25081","id":1,"group":1,"enabled":"yes","auto-reenable":"on",
     "Resources":[{"name":"pstn","max":3,"load":1},{"name":"vm/s","max":5,"load":0}],
     "attrs":"rack=a"},
    {"uri":"sip:127.0.0.1:25082","id":2,"group":2,"enabled":"yes","auto-reenable":"on",
     "Resources":[{"name":"vm","max":10,"load":10}]}]})");
  EXPECT_EQ(result("lb_list"), expected);
  EXPECT_EQ(result("load_balancer:list", "[]"), expected);
  EXPECT_EQ(result("lb_list", "{}"), expected);
  EXPECT_EQ(result("lb_list", "null"), expected);
}

TEST_F(dispatcher, lb_list_says_which_resource_drains) {
  view.all[1].resources.push_back({"conf", 0, 4, {}, true});
  const json resources = result("lb_list")["Destinations"][1]["Resources"];
  EXPECT_EQ(resources, json::parse(R"([{"name":"vm","max":10,"load":10},
    {"name":"conf","max":0,"load":4,"draining":true}])"));
}

// It is listed for what calls still hold, and can neither be set nor resized.
TEST_F(dispatcher, lb_status_knows_no_destination_that_drains) {
  view.all[1].enabled = false;
  view.all[1].draining = true;
  EXPECT_EQ(error("lb_status", "[2]"), no_destination);
  EXPECT_EQ(result("lb_status", "[1]")["enable"], "yes");
}

TEST_F(dispatcher, lb_status_says_and_sets) {
  EXPECT_EQ(result("lb_status", "[1]"), json::parse(R"({"enable":"yes","attrs":"rack=a"})"));
  EXPECT_EQ(result("lb_status", R"(["1"])"), json::parse(R"({"enable":"yes","attrs":"rack=a"})"));
  EXPECT_EQ(result("lb_status", R"({"destination_id":2})"), json::parse(R"({"enable":"yes"})"));
  EXPECT_EQ(result("lb_status", R"({"destination_id":"2","new_status":"0"})"), "OK");
  EXPECT_EQ(result("lb_status", "[2]"), json::parse(R"({"enable":"no"})"));
  EXPECT_EQ(result("lb_list")["Destinations"][1]["auto-reenable"], "off");
  EXPECT_EQ(result("load_balancer:status", "[2,1]"), "OK");
  EXPECT_EQ(result("lb_list")["Destinations"][1]["enabled"], "yes");
}

TEST_F(dispatcher, lb_status_looks_at_one_destination_alone) {
  view.listed = [] { ADD_FAILURE() << "all of them were listed"; };
  EXPECT_EQ(result("lb_status", "[2]")["enable"], "yes");
  EXPECT_EQ(error("lb_status", "[3]"), no_destination);
}

TEST_F(dispatcher, lb_status_errors) {
  EXPECT_EQ(error("lb_status", "[9]"), no_destination);
  EXPECT_EQ(error("lb_status", "[9,1]"), no_destination);
  EXPECT_EQ(error("lb_status", "[-1]"), no_destination);
  EXPECT_EQ(error("lb_status", "[4294967297]"), no_destination);
  EXPECT_EQ(error("lb_status"), invalid("Too few or too many parameters"));
  EXPECT_EQ(error("lb_status", "[]"), invalid("Too few or too many parameters"));
  EXPECT_EQ(error("lb_status", "[1,1,1]"), invalid("Too few or too many parameters"));
  EXPECT_EQ(error("lb_status", R"({"id":1})"), invalid("Named parameters do not match"));
  EXPECT_EQ(error("lb_status", R"({"destination_id":1,"status":1})"),
            invalid("Named parameters do not match"));
  for (const char* wrong : {R"(["x"])", R"(["1x"])", R"([""])", "[1.5]", "[true]", "[[1]]",
                            "[null]", R"([" 1"])", "[18446744073709551615]"})
    EXPECT_EQ(error("lb_status", wrong), invalid("Bad type for parameter 'destination_id'"))
        << wrong;
  EXPECT_EQ(error("lb_status", R"([1,"on"])"), invalid("Bad type for parameter 'new_status'"));
  view.busy = true;
  EXPECT_EQ(error("lb_status", "[1,0]")["code"], 503);
}

TEST_F(dispatcher, lb_resize) {
  EXPECT_EQ(result("lb_resize", R"([1,"pstn",30])"), "OK");
  EXPECT_EQ(result("lb_list")["Destinations"][0]["Resources"][0]["max"], 30);
  EXPECT_EQ(result("load_balancer:resize",
                   R"({"new_capacity":"0","destination_id":"1","res_name":"pstn"})"),
            "OK");
  EXPECT_EQ(result("lb_list")["Destinations"][0]["Resources"][0]["max"], 0);
  EXPECT_EQ(error("lb_resize", R"([7,"pstn",30])"), no_destination);
  EXPECT_EQ(error("lb_resize", R"([1,"conf",30])"),
            (json{{"code", 404}, {"message", "Destination has no such resource"}}));
  EXPECT_EQ(error("lb_resize", R"([1,"pstn"])"), invalid("Too few or too many parameters"));
  EXPECT_EQ(error("lb_resize", R"([1,"pstn","many"])"),
            invalid("Bad type for parameter 'new_capacity'"));
  EXPECT_EQ(error("lb_resize", R"([1,{},3])"), invalid("Bad type for parameter 'res_name'"));
  for (const char* wrong : {R"([1,"pstn",-1])", R"([1,"pstn",2147483648])"})
    EXPECT_EQ(error("lb_resize", wrong)["code"], -32602) << wrong;
  EXPECT_EQ(result("lb_list")["Destinations"][0]["Resources"][0]["max"], 0);
}

TEST_F(dispatcher, lb_reload) {
  EXPECT_EQ(result("lb_reload"), "OK");
  EXPECT_EQ(result("load_balancer:reload"), "OK");
  view.reload_fault = "linehunt.toml:3:1: [runtime] unknown key 'worker'";
  EXPECT_EQ(error("lb_reload"),
            (json{{"code", 500}, {"message", "Failed to reload"}, {"data", view.reload_fault}}));
}

TEST_F(dispatcher, events_are_for_transports_that_can_follow_them) {
  const std::string request = R"({"jsonrpc":"2.0","id":5,"method":"events_follow"})";
  EXPECT_EQ(error("events_follow")["code"], -32601);
  EXPECT_FALSE(at_once(request, view, false).follows);
  const reply followed = at_once(request, view, true);
  EXPECT_TRUE(followed.follows);
  EXPECT_EQ(json::parse(*followed.text)["result"], "OK");
  EXPECT_FALSE(at_once(R"({"jsonrpc":"2.0","id":5,"method":"lb_list"})", view, true).follows);
}

TEST_F(dispatcher, which_lists_every_method_and_its_recipes) {
  const json names = result("which");
  for (const char* name : {"which", "ps", "version", "uptime", "get_statistics", "lb_list",
                           "load_balancer:list", "lb_status", "load_balancer:status", "lb_resize",
                           "load_balancer:resize", "dlg_list", "dlg_end_dlg"})
    EXPECT_THAT(names, ::testing::Contains(json(name)));
  // What it lists can be called: no answer is "Method not found".
  for (const json& name : names) {
    if (name == "events_follow") continue; // not for every transport
    EXPECT_NE(call(name.get<std::string>()).value("/error/code"_json_pointer, 0), -32601) << name;
  }
  EXPECT_EQ(result("which", R"({"command":"lb_status"})"),
            json::parse(R"([["destination_id"],["destination_id","new_status"]])"));
  EXPECT_EQ(result("which", R"(["load_balancer:resize"])"),
            json::parse(R"([["destination_id","res_name","new_capacity"]])"));
  EXPECT_EQ(result("which", R"(["lb_list"])"), json::parse("[[]]"));
  EXPECT_EQ(result("which", R"(["capture_start"])").size(), 8u);
  EXPECT_EQ(result("which", R"(["capture_start"])").back(),
            json::parse(R"(["name","match","port","seconds","max_mb","packets","overwrite"])"));
  EXPECT_EQ(error("which", R"(["nothing"])")["code"], 404);
}

TEST_F(dispatcher, capture_begins_and_ends) {
  EXPECT_EQ(result("capture_status"), json::parse(R"({"state":"none"})"));
  EXPECT_EQ(error("capture_stop")["code"], 404);
  const json running = json::parse(R"({"state":"running","file":"/captures/a.pcapng","packets":7,
    "bytes":3000,"missed":0,"elapsed_ms":1500,"seconds":60,"max_mb":100,"match":"4930"})");
  EXPECT_EQ(result("capture_start", R"({"name":"a.pcapng","match":4930,"seconds":"60"})"), running);
  EXPECT_EQ(result("capture_status"), running);
  EXPECT_EQ(error("capture_stop", R"({"file":"/captures/b.pcapng"})")["code"], 409);
  const json ended = result("linehunt:capture_stop", R"({"file":"/captures/a.pcapng"})");
  EXPECT_EQ(ended["state"], "ended");
  EXPECT_EQ(ended["reason"], "stopped");
  EXPECT_EQ(result("capture_start")["file"], "/captures/by-time");
  EXPECT_EQ(result("capture_start", R"(["b","x","lan",1,2,3,1])")["max_packets"], 3);
  EXPECT_EQ(view.capturing.wanted.port, "lan");
  EXPECT_TRUE(view.capturing.wanted.overwrite);
}

TEST_F(dispatcher, capture_says_what_is_wrong) {
  EXPECT_EQ(error("capture_start", R"({"seconds":0})"), invalid("seconds must be from 1 to 86400"));
  EXPECT_EQ(error("capture_start", R"({"max_mb":-1})"), invalid("max_mb must be from 1 to 10000"));
  EXPECT_EQ(error("capture_start", R"({"max_mb":10001})"),
            invalid("max_mb must be from 1 to 10000"));
  EXPECT_EQ(error("capture_start", R"({"packets":"many"})"),
            invalid("Bad type for parameter 'packets'"));
  EXPECT_EQ(error("capture_start", R"({"name":[]})"), invalid("Bad type for parameter 'name'"));
  EXPECT_EQ(error("capture_start", R"({"overwrite":2})"), invalid("overwrite must be from 0 to 1"));
  EXPECT_EQ(error("capture_start", "{\"match\":\"" + std::string(257, 'x') + "\"}"),
            invalid("match has 256 bytes at most"));
  EXPECT_EQ(error("capture_start", R"({"file":"a"})"),
            invalid("There is no parameter 'file'; there are: name, match, port, seconds, max_mb, "
                    "packets, overwrite"));
  EXPECT_EQ(error("capture_start", "[1,2,3,4,5,6,7,8]"), invalid("Too few or too many parameters"));
  EXPECT_EQ(view.capturing.phase, capture_phase::none);
  const std::pair<capture_fault::kind, int> faults[] = {
      {capture_fault::switched_off, 403}, {capture_fault::running, 409},
      {capture_fault::no_such_port, 404}, {capture_fault::bad_name, -32602},
      {capture_fault::exists, 409},       {capture_fault::disk, 507},
      {capture_fault::no_memory, 503}};
  for (const auto& one : faults) {
    view.capture_refused = capture_fault{one.first, "because"};
    const json told = error("capture_start");
    EXPECT_EQ(told["code"], one.second);
    EXPECT_THAT(told["data"].get<std::string>(), ::testing::HasSubstr("because"));
  }
}

TEST_F(dispatcher, drain_and_back) {
  EXPECT_EQ(result("drain"), "OK");
  EXPECT_TRUE(view.draining);
  EXPECT_EQ(result("linehunt:drain", R"({"on":0})"), "OK");
  EXPECT_FALSE(view.draining);
  EXPECT_EQ(result("drain", R"(["1"])"), "OK");
  EXPECT_TRUE(view.draining);
  EXPECT_EQ(error("drain", R"(["off"])")["data"], "Bad type for parameter 'on'");
  EXPECT_EQ(error("drain", R"([1,2])")["code"], -32602);
  view.ending = true;
  EXPECT_EQ(error("drain", R"([0])")["message"], "Linehunt is ending");
}

TEST_F(dispatcher, get_statistics) {
  const json all = result("get_statistics", R"(["all"])");
  EXPECT_EQ(all["load_balancer:calls_started"], 12);
  EXPECT_EQ(all["dialog:active_dialogs"], 2);
  EXPECT_EQ(result("get_statistics", R"({"statistics":["dialog:"]})"),
            json::parse(R"({"dialog:active_dialogs":2})"));
  EXPECT_EQ(result("get_statistics", R"({"statistics":"calls_failed"})"),
            json::parse(R"({"load_balancer:calls_failed":0})"));
  EXPECT_EQ(result("get_statistics", R"(["dialog:active_dialogs","calls_failed"])").size(), 2u);
  EXPECT_EQ(result("get_statistics", R"([["dialog:","load_balancer:"]])").size(), 3u);
  EXPECT_EQ(error("get_statistics", R"(["nothing:"])")["code"], 404);
  EXPECT_EQ(error("get_statistics"), invalid("Too few or too many parameters"));
  EXPECT_EQ(error("get_statistics", "[1]"), invalid("Bad type for parameter 'statistics'"));
}

TEST_F(dispatcher, version_uptime_ps) {
  EXPECT_THAT(result("version")["Server"], ::testing::StartsWith("linehunt ("));
  EXPECT_EQ(result("uptime")["Up time"], "90 [sec]");
  view.clock_set_by = std::chrono::hours(-2);
  EXPECT_EQ(result("uptime")["Up time"], "90 [sec]") << "whatever the clock on the wall says";
  EXPECT_EQ(result("ps")["Processes"][0], json::parse(R"({"ID":0,"PID":100,"Type":"control"})"));
  EXPECT_EQ(error("version", "[1]"), invalid("Too few or too many parameters"));
}

TEST_F(dispatcher, dlg_list) {
  const json all = result("dlg_list")["Dialogs"];
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0]["ID"], "0:7");
  EXPECT_EQ(all[0]["callid"], "a@host");
  EXPECT_EQ(all[0]["state"], 4);
  EXPECT_EQ(all[0]["destination"], 1);
  EXPECT_EQ(all[0]["timestart"], 1'700'000'000 + 90 - 65);
  EXPECT_EQ(all[0]["caller_tag"], "f1");
  EXPECT_EQ(all[0]["CALLEES"][0]["callee_tag"], "t1");
  EXPECT_EQ(all[0]["from_uri"], "sip:alice@a.example");
  EXPECT_EQ(all[0]["to_uri"], "sip:4930@b.example");
  EXPECT_EQ(all[0]["caller_address"], "198.51.100.7:5060");
  EXPECT_EQ(all[0]["CALLEES"][0]["callee_address"], "192.0.2.21:5060");
  EXPECT_FALSE(all[1].contains("caller_address"));
  EXPECT_EQ(all[1]["state"], 2);
  EXPECT_FALSE(all[1].contains("destination"));
  EXPECT_EQ(result("dlg_list", R"(["a@host"])")["Dialogs"].size(), 1u);
  EXPECT_EQ(result("dlg_list", R"({"callid":"a@host","from_tag":"f1"})")["Dialogs"].size(), 1u);
  EXPECT_EQ(error("dlg_list", R"({"callid":"a@host","from_tag":"f2"})")["code"], 404);
  const json page = result("dlg_list", R"({"index":1,"counter":5})");
  EXPECT_EQ(page["count"], 2);
  ASSERT_EQ(page["Dialogs"].size(), 1u);
  EXPECT_EQ(page["Dialogs"][0]["ID"], "1:9");
  EXPECT_EQ(result("dlg_list", R"({"index":9,"counter":9223372036854775807})")["Dialogs"].size(),
            0u);
  EXPECT_EQ(error("dlg_list", R"({"index":-1,"counter":1})")["code"], -32602);
}

// More than are listed at once: said so, and there in pages.
TEST_F(dispatcher, dlg_list_of_too_many) {
  view.at_once = 1;
  const json refused = error("dlg_list");
  EXPECT_EQ(refused["code"], 413);
  EXPECT_EQ(refused["message"], "Too many dialogs");
  EXPECT_EQ(refused["data"],
            "2 calls, and 1 are listed at once; ask with index and counter, or for "
            "one callid");
  for (int i = 0; i < 2; ++i) {
    const json page = result("dlg_list", json{{"index", i}, {"counter", 10}}.dump());
    EXPECT_EQ(page["count"], 2);
    ASSERT_EQ(page["Dialogs"].size(), 1u);
    EXPECT_EQ(page["Dialogs"][0]["ID"], i == 0 ? "0:7" : "1:9");
  }
  EXPECT_EQ(result("dlg_list", R"(["a@host"])").size(), 1u) << "another call is none too many";
}

TEST_F(dispatcher, dlg_end_dlg) {
  EXPECT_EQ(result("dlg_end_dlg", R"(["a@host"])"), "OK");
  EXPECT_EQ(result("dlg_end_dlg", R"({"dialog_id":"1:9"})"), "OK");
  EXPECT_EQ(view.ended, (std::vector<std::string>{"0:7", "1:9"}));
  EXPECT_EQ(error("dlg_end_dlg", R"(["c@host"])"),
            (json{{"code", 404}, {"message", "Requested Dialog not found"}}));
  EXPECT_EQ(error("dlg_end_dlg", R"([""])")["code"], 404) << "no name is not any name";
  view.busy = true;
  EXPECT_EQ(error("dlg_end_dlg", R"(["a@host"])")["code"], 503);
}

// What is not a call at all.
TEST_F(dispatcher, protocol_errors) {
  const json parse_error =
      json::parse(R"({"jsonrpc":"2.0","error":{"code":-32700,"message":"Parse error"},"id":null})");
  for (const char* text : {"{", "", "lb_list", "{\"jsonrpc\":\"2.0\",", "[1,", "\xff\xfe", "nul"})
    EXPECT_EQ(json::parse(*at_once(text, view).text), parse_error) << text;
  const json no_id = json::parse(
      R"({"jsonrpc":"2.0","error":{"code":-32600,"message":"Invalid Request"},"id":null})");
  for (const char* text :
       {"1", "\"lb_list\"", "null", "[]", R"({"method":"lb_list"})", "{}",
        R"({"jsonrpc":"2.0","method":"lb_list","id":{}})",
        R"({"jsonrpc":"1.0","method":"lb_list"})", R"({"jsonrpc":2.0,"method":"lb_list"})"})
    EXPECT_EQ(json::parse(*at_once(text, view).text), no_id) << text;
  json with_id = no_id;
  with_id["id"] = "x";
  for (const char* text :
       {R"({"method":"lb_list","id":"x"})", R"({"jsonrpc":"2.0","method":1,"id":"x"})",
        R"({"jsonrpc":"2.0","id":"x"})",
        R"({"jsonrpc":"2.0","method":"lb_list","params":1,"id":"x"})"})
    EXPECT_EQ(json::parse(*at_once(text, view).text), with_id) << text;
  EXPECT_EQ(error("lb_lst"), (json{{"code", -32601}, {"message", "Method not found"}}));
}

TEST_F(dispatcher, notifications_get_no_answer_but_act) {
  EXPECT_FALSE(at_once(R"({"jsonrpc":"2.0","method":"lb_status","params":[1,0]})", view).text);
  EXPECT_FALSE(view.all[0].enabled);
  EXPECT_FALSE(at_once(R"({"jsonrpc":"2.0","method":"no_such_method"})", view).text);
  EXPECT_FALSE(at_once(R"({"jsonrpc":"2.0","method":"lb_status","params":["x"]})", view).text);
}

TEST_F(dispatcher, batches) {
  const json answers =
      json::parse(*at_once(
                       R"([{"jsonrpc":"2.0","id":1,"method":"lb_status","params":[1]},
          {"jsonrpc":"2.0","method":"lb_status","params":[1,0]},
          7,
          {"jsonrpc":"2.0","id":2,"method":"lb_status","params":[1]}])",
                       view)
                       .text);
  ASSERT_EQ(answers.size(), 3u);
  EXPECT_EQ(answers[0]["result"]["enable"], "yes");
  EXPECT_EQ(answers[1]["error"]["code"], -32600);
  EXPECT_EQ(answers[2]["result"]["enable"], "no");
  EXPECT_FALSE(at_once(R"([{"jsonrpc":"2.0","method":"lb_list"}])", view).text);
}

// A reload may wait for a database; what came after it in the same batch waits with it.
TEST_F(dispatcher, an_answer_that_takes_its_time) {
  view.reload_waits = true;
  std::vector<reply> answers;
  dispatch(R"([{"jsonrpc":"2.0","id":1,"method":"lb_reload"},
               {"jsonrpc":"2.0","id":2,"method":"lb_status","params":[1,0]}])",
           view, alone, {}, [&](reply r) { answers.push_back(std::move(r)); });
  EXPECT_TRUE(answers.empty());
  EXPECT_TRUE(view.all[0].enabled) << "done before the reload";
  view.finish_reloads();
  ASSERT_EQ(answers.size(), 1u);
  const json parsed = json::parse(answers[0].text.value());
  EXPECT_EQ(parsed[0]["id"], 1);
  EXPECT_EQ(parsed[1]["id"], 2);
  EXPECT_FALSE(view.all[0].enabled);
}

// A disk may be slow.
TEST_F(dispatcher, the_end_of_a_capture_is_answered_when_its_file_is_closed) {
  view.capture_end_waits = true;
  std::vector<reply> answers;
  dispatch(R"([{"jsonrpc":"2.0","id":1,"method":"capture_start"},
               {"jsonrpc":"2.0","id":2,"method":"capture_stop"}])",
           view, alone, {}, [&](reply r) { answers.push_back(std::move(r)); });
  EXPECT_TRUE(answers.empty());
  EXPECT_EQ(result("capture_status")["state"], "running");
  view.finish_captures();
  ASSERT_EQ(answers.size(), 1u);
  const json parsed = json::parse(answers[0].text.value());
  EXPECT_EQ(parsed[0]["result"]["state"], "running");
  EXPECT_EQ(parsed[1]["result"]["state"], "ended");
}

TEST_F(dispatcher, a_change_is_answered_when_it_is_on_the_disk) {
  for (const char* request :
       {R"({"jsonrpc":"2.0","id":1,"method":"lb_status","params":[1,0]})",
        R"({"jsonrpc":"2.0","id":1,"method":"lb_resize","params":[1,"pstn",9]})"}) {
    view.saving_waits = true;
    std::vector<reply> answers;
    dispatch(request, view, alone, {}, [&](reply r) { answers.push_back(std::move(r)); });
    EXPECT_TRUE(answers.empty()) << request;
    view.finish_saving();
    ASSERT_EQ(answers.size(), 1u) << request;
    EXPECT_EQ(json::parse(answers[0].text.value())["result"], "OK");
  }
  EXPECT_FALSE(view.all[0].enabled);
  EXPECT_EQ(view.all[0].resources[0].capacity, 9);
}

TEST_F(dispatcher, a_batch_has_an_end) {
  std::string batch;
  for (int i = 0; i < 99; ++i)
    batch += R"({"jsonrpc":"2.0","method":"lb_status","params":[1,0]},)";
  EXPECT_EQ(json::parse(at_once("[" + batch + "7]", view).text.value()).size(), 1u);
  EXPECT_FALSE(view.all[0].enabled);
  view.all[0].enabled = true;
  const json refused = json::parse(at_once("[" + batch + "7,7]", view).text.value());
  EXPECT_EQ(refused["error"]["code"], -32600);
  EXPECT_TRUE(view.all[0].enabled) << "done all the same";
}

TEST_F(dispatcher, answers_of_a_batch_have_an_end) {
  view.all[0].attrs.assign(30 << 10, 'a');
  const batch_limits few{.answer_bytes = 64 << 10, .at_work = std::chrono::hours(1)};
  std::string batch;
  for (int i = 0; i < 5; ++i)
    batch += R"({"jsonrpc":"2.0","id":1,"method":"lb_status","params":[1]},)";
  const json answers = json::parse(
      at_once("[" + batch + R"({"jsonrpc":"2.0","id":2,"method":"lb_status","params":[1,0]}])",
              view, false, few)
          .text.value());
  ASSERT_EQ(answers.size(), 6u);
  EXPECT_TRUE(answers[2].contains("result"));
  EXPECT_EQ(answers[3]["error"]["code"], -32600);
  EXPECT_EQ(answers[5]["id"], 2);
  EXPECT_TRUE(view.all[0].enabled) << "done, although it says that it is not";
}

TEST_F(dispatcher, work_on_a_batch_has_an_end) {
  const std::string two = R"([{"jsonrpc":"2.0","id":1,"method":"lb_status","params":[1]},
                              {"jsonrpc":"2.0","id":2,"method":"lb_status","params":[1,0]}])";
  const batch_limits none{.at_work = std::chrono::milliseconds(-1)};
  const json refused = json::parse(at_once(two, view, false, none).text.value());
  EXPECT_EQ(refused[0]["error"]["code"], -32600);
  EXPECT_EQ(refused[1]["error"]["code"], -32600);
  EXPECT_TRUE(view.all[0].enabled);
  const json done = json::parse(at_once(two, view).text.value());
  EXPECT_TRUE(done[1].contains("result"));
  EXPECT_FALSE(view.all[0].enabled);
}

// A Call-ID is what the network says it is.
TEST_F(dispatcher, bytes_that_are_not_text_do_not_break_the_answer) {
  const auto answer = at_once(R"({"jsonrpc":"2.0","id":1,"method":"dlg_list"})", view).text;
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->find('\x1b'), std::string::npos);
  EXPECT_TRUE(json::accept(*answer));
}

TEST_F(dispatcher, deep_nesting_is_only_a_bad_request) {
  const std::string deep(200'000, '[');
  EXPECT_EQ(json::parse(*at_once(deep, view).text)["error"]["code"], -32600);
  const std::string closed = deep + std::string(200'000, ']');
  EXPECT_TRUE(at_once(closed, view).text);
  const std::string as_id = R"({"jsonrpc":"2.0","method":"which","id":)" + closed + "}";
  EXPECT_EQ(json::parse(*at_once(as_id, view).text)["error"]["code"], -32600);
  for (const char* method : {"which", "lb_status", "get_statistics"}) {
    const std::string as_parameter =
        R"({"jsonrpc":"2.0","id":1,"method":")" + std::string{method} + R"(","params":[)";
    EXPECT_EQ(json::parse(*at_once(as_parameter + closed + "]}", view).text)["error"]["code"],
              -32600);
  }
}

} // namespace
} // namespace linehunt::admin::dispatcher_test
