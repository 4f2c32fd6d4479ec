// SPDX-License-Identifier: Apache-2.0
#include "sent_commands.hpp"

#include "visor/core/error.hpp"
#include "visor/core/json.hpp"
#include "visor/testing/fake_qmp_server.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <memory>

namespace visor::test {
namespace {

using Answers = std::map<std::string, std::string, std::less<>>;

/// What is answered where {} will not do.
const Answers& answers() {
  static const Answers texts = {
      {"add-fd", R"({"fdset-id":1,"fd":2})"},
      {"chardev-add", R"({"pty":"/dev/pts/0"})"},
      {"device-list-properties", "[]"},
      {"qom-list", "[]"},
      {"qom-list-types", "[]"},
      {"query-balloon", R"({"actual":1})"},
      {"query-cpus-fast", "[]"},
      {"query-dump", R"({"status":"completed","completed":1,"total":1})"},
      {"query-dump-guest-memory-capability", R"({"formats":[]})"},
      {"query-hotpluggable-cpus", "[]"},
      {"query-jobs", R"([{"id":"j","type":"create","status":"concluded","current-progress":1,"total-progress":1}])"},
      {"query-memory-devices", "[]"},
      {"query-memory-size-summary", R"({"base-memory":1})"},
      {"query-migrate-capabilities",
       R"([{"capability":"events","state":false},{"capability":"xbzrle","state":false}])"},
      {"query-qmp-schema", "[]"},
      {"query-status", R"({"status":"running","running":true})"},
      {"query-uuid", R"({"UUID":"00000000-0000-0000-0000-000000000000"})"},
      {"query-version", R"({"qemu":{"major":7,"minor":2,"micro":0},"package":""})"}};
  return texts;
}

/// A migration is over once it was begun.
struct Migration {
  bool begun = false;
  Value answer() const { return begun ? Value::map({{"status", "completed"}}) : Value::map(); }
};

testing::QmpScript::Handlers handlers_for(const sdk::qmp::Schema& schema) {
  testing::QmpScript::Handlers handlers;
  const auto migration = std::make_shared<Migration>();
  for (const auto& entry : schema.entries()) {
    if (entry.meta_type != "command") continue;
    const auto text = answers().find(entry.name);
    const auto answer = text == answers().end() ? Value::map() : parse_json(text->second);
    handlers[entry.name] = [answer](const Value&) { return answer; };
  }
  const auto begin = [migration](const Value&) {
    migration->begun = true;
    return Value::map();
  };
  handlers["migrate"] = begin;
  handlers["migrate-incoming"] = begin;
  handlers["query-migrate"] = [migration](const Value&) { return migration->answer(); };
  return handlers;
}

}  // namespace

std::vector<Sender> senders() {
  auto all = query_senders();
  const auto more = plug_senders();
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

std::vector<Value> record(const sdk::qmp::Schema& schema, const std::vector<Sender>& senders) {
  using namespace std::chrono_literals;
  std::vector<Value> commands;
  for (const auto& sender : senders) {
    testing::FakeQmpServer server{std::move(testing::QmpScript{}.greet().negotiate().serve(handlers_for(schema)))};
    try {
      const auto client = sdk::qmp::Client::connect(server.take_client(), {}, 20s);
      sender.send(*client);
    } catch (const Error& error) {
      ADD_FAILURE() << sender.name << ": " << error.what();
    }
    const auto received = server.received();
    EXPECT_GT(received.size(), 1U) << sender.name << " sends nothing";
    commands.insert(commands.end(), received.begin(), received.end());
  }
  return commands;
}

}  // namespace visor::test
