// SPDX-License-Identifier: Apache-2.0
// What the SDK sends and listens to, against what each of the four QEMU programs says that it understands.
#include "visor/sdk/qmp/commands/schema.hpp"
#include "bare_qemu.hpp"
#include "sent_commands.hpp"
#include "visor/core/error.hpp"
#include "visor/core/file.hpp"
#include "visor/core/json.hpp"

#include <filesystem>
#include <regex>
#include <set>

namespace visor::test {
namespace {

using namespace sdk::qmp;  // NOLINT(google-build-using-namespace): all of this file is about it

class QmpSchemaOf : public EachQemu {
 protected:
  void SetUp() override {
    EachQemu::SetUp();
    if (IsSkipped()) return;
    qemu_ = BareQemu::without_machine(GetParam());
    schema_ = query_qmp_schema(qemu_->client(), qemu_limit);
  }

  std::unique_ptr<BareQemu> qemu_;
  Schema schema_;
};
INSTANTIATE_TEST_SUITE_P(, QmpSchemaOf, ::testing::ValuesIn(qemu_targets()), target_name);

/// Every text in quotation marks in the sources of the parts of the SDK that speak QMP.
std::set<std::string> literals_of_sources() {
  static const std::regex literal{R"re("([A-Za-z][A-Za-z0-9_-]*)")re"};
  std::set<std::string> out;
  for (const auto* const part : {"qmp", "qemu"}) {
    const auto folder = std::filesystem::path{VISOR_TEST_SDK_SOURCES} / part;
    for (const auto& entry : std::filesystem::recursive_directory_iterator{folder}) {
      if (!entry.is_regular_file()) continue;
      if (entry.path().stem() == "log_text") continue;  // names commands of others, whose secrets it hides
      const auto text = read_file(entry.path());
      for (std::sregex_iterator it{text.begin(), text.end(), literal}, end; it != end; ++it) out.insert((*it)[1]);
    }
  }
  return out;
}

TEST_P(QmpSchemaOf, TakesEveryCommandThatTheSdkSends) {
  for (const auto& command : record(schema_, senders())) {
    EXPECT_EQ(schema_.check(command), std::vector<std::string>{}) << to_json(command);
    EXPECT_FALSE(schema_.has_feature(command.at("execute").as_string(), "deprecated")) << to_json(command);
  }
}

TEST_P(QmpSchemaOf, NoCommandInTheSourcesEscapesTheRecording) {
  std::set<std::string> recorded;
  for (const auto& command : record(schema_, senders())) recorded.insert(command.at("execute").as_string());
  std::size_t found = 0;
  for (const auto& literal : literals_of_sources()) {
    if (!schema_.has_command(literal)) continue;
    ++found;
    EXPECT_TRUE(recorded.contains(literal)) << literal << " is sent by no sender: add one to the list";
  }
  EXPECT_GT(found, 40U);
}

TEST_P(QmpSchemaOf, HasEveryEventThatTheSdkListensTo) {
  static const std::regex name{"[A-Z][A-Z0-9_]{2,}"};
  const std::set<std::string> no_events = {"HOME", "PATH", "QEMU", "QMP", "UUID", "XDG_CACHE_HOME"};
  std::size_t found = 0;
  for (const auto& literal : literals_of_sources()) {
    if (!std::regex_match(literal, name) || no_events.contains(literal)) continue;
    // Since 9.1 DEVICE_UNPLUG_GUEST_ERROR is sent in its place.
    if (literal == "MEM_UNPLUG_ERROR" && qemu_->client().version() >= Version{9, 1, 0}) continue;
    ++found;
    EXPECT_TRUE(schema_.has_event(literal)) << literal;
  }
  EXPECT_GT(found, 10U);
}

TEST_P(QmpSchemaOf, LacksWhatTheSdkReplaces) {
  for (const auto* const gone : {"query-cpus", "cpu-add", "x-blockdev-del", "change", "query-events",
                                 "migrate_set_speed", "migrate_set_downtime", "migrate-set-cache-size"}) {
    EXPECT_FALSE(schema_.has_command(gone)) << gone;
  }
  const auto capability = [this](const char* name) {
    return schema_.has_enum_member("migrate-set-capabilities", "capabilities.capability", name);
  };
  EXPECT_FALSE(capability("bypass-shared-memory"));
  EXPECT_TRUE(capability("x-ignore-shared"));
}

TEST_P(QmpSchemaOf, AgreesWithQemuAboutWhatIsWrong) {
  struct Wrong {
    Command command;
    const char* problem;
  };
  const std::vector<Wrong> all = {
      {{"migrate", Value::map()}, "migrate: uri is missing"},
      {{"balloon", Value::map({{"value", "1"}})}, "balloon: value is a string, not an integer"},
      {{"stop", Value::map({{"x", 1}})}, "stop: x is unknown"},
      {{"migrate-set-capabilities",
        Value::map({{"capabilities", Value::list({Value::map({{"capability", "x"}, {"state", true}})})}})},
       "migrate-set-capabilities: capabilities[0].capability does not take 'x'"},
      {{"nosuch"}, "nosuch is no command of this QEMU"}};
  for (const auto& wrong : all) {
    const auto outcome = qemu_->client().call(wrong.command, qemu_limit);
    ASSERT_TRUE(outcome.error()) << wrong.problem;
    EXPECT_EQ(outcome.error()->code, Errc::hypervisor_error);
    auto object = Value::map({{"execute", wrong.command.name}});
    if (!wrong.command.arguments.is_null()) object.set("arguments", wrong.command.arguments);
    EXPECT_EQ(schema_.check(object), std::vector<std::string>{wrong.problem});
  }
}

}  // namespace
}  // namespace visor::test
