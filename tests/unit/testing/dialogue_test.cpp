// SPDX-License-Identifier: Apache-2.0
// Dialogues that scripts/record-dialogues had with real QEMU 7.2: the QMP client is told the same, and the fake QEMU
// says the same.
#include "machine_fixture.hpp"
#include "testing/match.hpp"
#include "testing/script_text.hpp"
#include "visor/sdk/qmp/client.hpp"
#include "visor/testing/fake_qmp_server.hpp"

#include <chrono>
#include <fstream>
#include <sstream>

namespace visor::testing {
namespace {

using namespace std::chrono_literals;

struct Dialogue {
  const char* arch;
  std::vector<std::string> machine;  // the options that scripts/record-dialogues gave QEMU
};

void PrintTo(const Dialogue& dialogue, std::ostream* out) { *out << dialogue.arch; }

class DialogueTest : public MachineTest, public ::testing::WithParamInterface<Dialogue> {
 protected:
  void SetUp() override {
    path_ = VISOR_TEST_DIALOGUES "/" + std::string{GetParam().arch} + ".yaml";
    std::ostringstream text;
    text << std::ifstream{path_}.rdbuf();
    steps_ = parse_script_text(text.str(), path_).at("steps").as_list();
    ASSERT_GT(steps_.size(), 20U);
  }
  /// The answer to the command of a step: its own, or the one that comes after its events.
  [[nodiscard]] const Value& answered(std::size_t step) const {
    while (steps_[step].find("reply") == nullptr && steps_[step].find("error") == nullptr) ++step;
    return steps_[step];
  }
  /// The value without what differs each time.
  static Value comparable(const Value& value) {
    if (value.is_list()) {
      auto list = Value::list();
      for (const auto& item : value.as_list()) list.push_back(comparable(item));
      return list;
    }
    if (!value.is_map()) return value;
    auto map = Value::map();
    for (const auto& [key, member] : value.as_map()) {
      const bool varies = key == "package" || (key == "thread-id" && value.find("qom-path") != nullptr);
      map.set(key, varies ? Value{} : comparable(member));
    }
    return map;
  }

  std::string path_;
  Value::List steps_;
};

TEST_P(DialogueTest, TheClientIsToldWhatQemuSaid) {
  FakeQmpServer server{QmpScript::load(path_)};
  const auto client = sdk::qmp::Client::connect(server.take_client(), {}, 20s);
  const auto events = client->subscribe();
  std::vector<std::string> told;
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    const auto& step = steps_[i];
    if (const auto* const name = step.find("event")) told.push_back(name->as_string());
    const auto* const command = step.find("expect");
    if (command == nullptr || *command == Value{"qmp_capabilities"}) continue;
    const auto outcome = client->call({.name = command->as_string(), .arguments = step.at("arguments")}, 20s);
    const auto& answer = answered(i);
    if (const auto* const value = answer.find("reply")) {
      ASSERT_TRUE(outcome.ok()) << outcome.error()->message;
      EXPECT_TRUE(same_data(outcome.value(), *value)) << to_json(outcome.value());
    } else {
      ASSERT_FALSE(outcome.ok()) << to_json(step);
      EXPECT_EQ(outcome.error()->description, answer.at("error").as_string());
      EXPECT_TRUE(outcome.refused(sdk::qmp::error_class_of(answer.at("class").as_string())));
    }
  }
  for (const auto& name : told) {
    const auto event = events->next(20s);
    ASSERT_TRUE(event) << name;
    EXPECT_EQ(event->name, name);
  }
  EXPECT_FALSE(events->next(20s)) << "the session did not end";
  EXPECT_EQ(server.finish(), "");
}

TEST_P(DialogueTest, TheFakeSaysWhatQemuSaid) {
  auto arguments = GetParam().machine;
  arguments.insert(arguments.end(), {"-S", "-m", "256"});
  boot(arguments);
  std::string events;  // that QEMU told, in this order
  std::string events_of_fake;
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    const auto& step = steps_[i];
    if (const auto* const name = step.find("event"))
      events += name->as_string() + ' ' + to_json(step.at("data")) + '\n';
    const auto* const command = step.find("expect");
    if (command == nullptr) continue;
    const auto* const given = step.find("arguments");
    const bool none = given == nullptr || given->as_map().empty();
    const auto said = ask(command->as_string(), none ? std::string{} : to_json(*given));
    const auto& answer = answered(i);
    if (const auto* const value = answer.find("reply")) {
      ASSERT_TRUE(said.starts_with('{') || said.starts_with('[')) << to_json(step) << "\n" << said;
      EXPECT_TRUE(same_data(comparable(parse_json(said)), comparable(*value))) << to_json(*value) << "\n" << said;
      events_of_fake += before() + after();
    } else {
      const auto& kind = answer.at("class").as_string();
      EXPECT_EQ(said, (kind == "GenericError" ? "" : kind + ": ") + answer.at("error").as_string());
    }
  }
  EXPECT_EQ(events_of_fake, events);
}

INSTANTIATE_TEST_SUITE_P(
    Arches, DialogueTest,
    ::testing::Values(Dialogue{"amd64",
                               {"-machine", "q35", "-smp", "1,maxcpus=2", "-device", "pcie-root-port,id=port0",
                                "-global", "ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off"}},
                      Dialogue{"arm64",
                               {"-machine", "virt", "-cpu", "cortex-a57", "-device", "pcie-root-port,id=port0"}},
                      Dialogue{"ppc64le", {"-machine", "pseries", "-smp", "1,maxcpus=2"}},
                      Dialogue{"s390x", {"-machine", "s390-ccw-virtio", "-smp", "1,maxcpus=2"}}),
    [](const auto& test) { return std::string{test.param.arch}; });

}  // namespace
}  // namespace visor::testing
