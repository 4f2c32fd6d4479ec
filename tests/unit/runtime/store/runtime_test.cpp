// SPDX-License-Identifier: Apache-2.0
#include "visor/runtime/runtime.hpp"

#include "support/error_of.hpp"
#include "support/temporary_folder.hpp"
#include "visor/core/file.hpp"
#include "visor/runtime/plugin_registry.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <sstream>
#include <string>
#include <vector>

namespace visor {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using test::error_of;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::chrono::milliseconds limit = 20s;

/// This process, as a record would name it.
ProcessIdentity self() {
  const auto text = read_file("/proc/self/stat");
  std::istringstream fields{text.substr(text.rfind(')') + 1)};
  std::string field;
  for (int i = 3; i <= 22; ++i) fields >> field;
  return {::getpid(), std::stoull(field)};
}

class RuntimeTest : public testing::Test {
 protected:
  static VmConfig mock_config(const Params& behaviour = {}) {
    VmConfig config;
    config.hypervisor = "mock";
    config.host.hypervisor_params = behaviour;
    return config;
  }

  void write_foreign_record(const std::string& id, const ProcessIdentity& process, const std::string& boot_id) {
    auto folder = runtime.store().create(id);
    VmRecord record;
    record.id = id;
    record.plugin = "gone";
    record.boot_id = boot_id;
    record.run_dir = folder.path();
    record.hypervisor = process;
    write_record(record);
    folder.keep();
  }

  test::TemporaryFolder temporary;
  fs::path root = temporary.path() / "run";
  Runtime runtime{RuntimeOptions{{}, root, {}, {}, {}}};
};

TEST_F(RuntimeTest, ListsManyByTheirIds) {
  std::vector<std::string> ids;
  for (int i = 10; i < 50; ++i) ids.push_back(runtime.create(mock_config(), "vm" + std::to_string(i))->id());
  std::vector<std::string> seen;
  for (const auto& entry : runtime.list(limit)) {
    EXPECT_TRUE(entry.status) << entry.id;
    seen.push_back(entry.id);
  }
  EXPECT_EQ(seen, ids);
}

TEST_F(RuntimeTest, AVmThatThereWasNoTimeToLookAtIsNotCalledUnresponsive) {
  runtime.create(mock_config(), "vm0")->start(limit);
  const auto entries = runtime.list(0ms);
  ASSERT_EQ(entries.size(), 1U);
  EXPECT_FALSE(entries.front().status);
  ASSERT_TRUE(entries.front().error);
  EXPECT_EQ(entries.front().error->code(), Errc::timeout);
}

TEST_F(RuntimeTest, MakesAVmThatAnotherRuntimeFindsAndEnds) {
  const auto vm = runtime.create(mock_config(), "vm0");
  vm->start(limit);
  Runtime other{RuntimeOptions{{}, root, {}, {}, {}}};
  const auto entry = other.look("vm0", limit);
  ASSERT_TRUE(entry.status) << entry.error->message();
  EXPECT_EQ(entry.status->state, VmState::running);
  ASSERT_TRUE(entry.owner);
  EXPECT_EQ(entry.owner->pid, ::getpid());
  EXPECT_EQ(error_of([&] { other.remove("vm0", false, limit); }).code(), Errc::invalid_state);
  other.attach("vm0", limit)->stop({}, limit);
  EXPECT_EQ(vm->status(limit).state, VmState::stopped);
  vm->disconnect();
  other.remove("vm0", false, limit);
  EXPECT_TRUE(fs::is_empty(root));
}

TEST_F(RuntimeTest, MakesUpIdsThatDiffer) {
  const auto one = runtime.create(mock_config());
  const auto two = runtime.create(mock_config());
  EXPECT_NE(one->id(), two->id());
  EXPECT_NO_THROW(check_vm_id(one->id()));
}

TEST_F(RuntimeTest, ASecondVmOfTheSameIdIsToldAboutTheFirst) {
  const auto vm = runtime.create(mock_config(), "vm0");
  vm->start(limit);
  const auto running = error_of([&] { (void)runtime.create(mock_config(), "vm0"); });
  EXPECT_EQ(running.code(), Errc::already_exists);
  EXPECT_THAT(running.message(), HasSubstr("is running: choose another id, or stop and remove it"));
  vm->stop({}, limit);
  vm->disconnect();
  EXPECT_THAT(error_of([&] { (void)runtime.create(mock_config(), "vm0"); }).message(),
              HasSubstr("is stopped: choose another id, or remove it"));
}

TEST_F(RuntimeTest, AFailedCreationLeavesNothing) {
  auto config = mock_config();
  config.cpu.count = 4;
  config.cpu.max_count = 2;
  EXPECT_EQ(error_of([&] { (void)runtime.create(config, "vm0"); }).code(), Errc::invalid_config);
  EXPECT_TRUE(fs::is_empty(root));
}

TEST_F(RuntimeTest, AnUnknownPluginIsRefusedBeforeAFolderIsMade) {
  VmConfig config;
  config.hypervisor = "bochs";
  const auto error = error_of([&] { (void)runtime.create(config, "vm0"); });
  EXPECT_EQ(error.code(), Errc::not_found);
  EXPECT_THAT(error.message(), HasSubstr(default_plugin_dir().string()));
  EXPECT_FALSE(fs::exists(root));
}

TEST_F(RuntimeTest, ListsTheGoodBesideTheOdd) {
  const auto vm = runtime.create(mock_config(), "good");
  fs::create_directory(root / "half");
  write_foreign_record("lost", {}, host_boot_id());
  std::vector<std::string> ids;
  for (const auto& entry : runtime.list(limit)) {
    ids.push_back(entry.id);
    EXPECT_EQ(entry.status.has_value(), entry.id == "good");
    EXPECT_EQ(entry.error.has_value(), entry.id != "good");
  }
  EXPECT_THAT(ids, ElementsAre("good", "half", "lost"));
  EXPECT_EQ(error_of([&] { (void)runtime.look("nobody", limit); }).code(), Errc::not_found);
}

TEST_F(RuntimeTest, RemovesByForceWhatCannotBeLookedAt) {
  write_foreign_record("lost", {}, host_boot_id());
  EXPECT_EQ(error_of([&] { runtime.remove("lost", false, limit); }).code(), Errc::not_found);
  runtime.remove("lost", true, limit);
  EXPECT_TRUE(fs::is_empty(root));
}

TEST_F(RuntimeTest, NeverRemovesTheFolderOfAProcessThatLives) {
  write_foreign_record("alive", self(), host_boot_id());
  const auto error = error_of([&] { runtime.remove("alive", true, limit); });
  EXPECT_EQ(error.code(), Errc::invalid_state);
  EXPECT_THAT(error.message(), HasSubstr(std::to_string(::getpid())));
  auto another = self();
  another.start_time += 1;  // the number is in use again, the process is gone
  runtime.store().remove("alive");
  write_foreign_record("alive", another, host_boot_id());
  runtime.remove("alive", true, limit);
  EXPECT_TRUE(fs::is_empty(root));
}

TEST_F(RuntimeTest, EndsARunningVmByForce) {
  {
    const auto vm = runtime.create(mock_config(), "vm0");
    vm->start(limit);
  }
  runtime.remove("vm0", true, limit);
  EXPECT_TRUE(fs::is_empty(root));
}

TEST_F(RuntimeTest, CollectsWhatIsOverAndLeavesTheRest) {
  const auto running = runtime.create(mock_config(), "running");
  running->start(limit);
  {
    const auto ended = runtime.create(mock_config(), "ended");
    ended->start(limit);
    ended->stop({}, limit);
  }
  {
    const auto created = runtime.create(mock_config(), "created");
  }
  fs::create_directory(root / "half");
  write_foreign_record("rebooted", self(), "another boot");
  write_foreign_record("lost", {}, host_boot_id());
  EXPECT_THAT(runtime.gc(limit), testing::UnorderedElementsAre("ended", "half", "rebooted"));
  EXPECT_TRUE(runtime.store().contains("running"));
  EXPECT_TRUE(runtime.store().contains("created"));
  EXPECT_TRUE(runtime.store().contains("lost"));
}

TEST_F(RuntimeTest, VmsOutliveTheRuntimeThatMadeThem) {
  std::unique_ptr<Vm> vm;
  {
    Runtime short_lived{RuntimeOptions{{}, root, {}, {}, {}}};
    vm = short_lived.create(mock_config(), "vm0");
  }
  vm->start(limit);
  EXPECT_EQ(vm->status(limit).state, VmState::running);
  vm->stop({}, limit);
}

}  // namespace
}  // namespace visor
