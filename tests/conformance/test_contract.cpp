// SPDX-License-Identifier: Apache-2.0
// What a hypervisor says about itself and about configurations, and how it makes VMs.
#include "fixture.hpp"

#include <algorithm>
#include <fstream>

namespace visor::conformance {
namespace {

VISOR_CONFORMANCE_SUITE(Contract);

TEST_P(Contract, InfoNamesThePluginAndItsMachines) {
  const auto info = hypervisor().info();
  EXPECT_EQ(info.name, subject().plugin);
  EXPECT_FALSE(info.arch.empty());
  EXPECT_FALSE(info.description.empty());
  if (!info.default_machine.empty()) {
    EXPECT_NE(std::ranges::find(info.machines, info.default_machine), info.machines.end());
  }
}

TEST_P(Contract, EveryMissingFeatureHasAReason) {
  const auto capabilities = hypervisor().capabilities(subject().config);
  for (std::uint8_t i = 0; i < static_cast<std::uint8_t>(Feature::count_); ++i) {
    if (capabilities.has(Feature{i})) continue;
    EXPECT_FALSE(capabilities.reason(Feature{i}).empty()) << to_string(Feature{i});
  }
}

TEST_P(Contract, ReadinessIsClaimedExactlyWhenOneIsConfigured) {
  EXPECT_FALSE(claims(Feature::wait_ready));
  VISOR_NEEDS_FROM_SUBJECT(with_readiness);
  auto config = subject().config;
  subject().with_readiness(config);
  const auto with = hypervisor().capabilities(config);
  EXPECT_TRUE(with.has(Feature::wait_ready) || !with.reason(Feature::wait_ready).empty());
}

TEST_P(Contract, ValidateFillsInDefaultsAndLeavesTheCallersObject) {
  const auto config = subject().config;
  const auto valid = hypervisor().validate(config);
  EXPECT_EQ(config, subject().config);
  EXPECT_GE(valid.cpu.count, 1U);
  EXPECT_GE(valid.cpu.max_count, valid.cpu.count);
  EXPECT_GE(valid.memory.size_mib, 1U);
  EXPECT_EQ(hypervisor().validate(valid), valid) << "validating twice must change nothing more";
}

TEST_P(Contract, ValidateRefusesWhatCannotBe) {
  auto config = subject().config;
  config.cpu.max_count = 1;
  config.cpu.count = 2;
  EXPECT_NE(error_of(Errc::invalid_config, [&] { (void)hypervisor().validate(config); }).find("cpu."),
            std::string::npos);

  config = subject().config;
  config.cpu.max_count = 100'000;
  error_of(Errc::invalid_config, [&] { (void)hypervisor().validate(config); });

  config = subject().config;
  config.boot.image = "/nowhere/image";
  config.boot.initrd = "/nowhere/initrd";
  error_of(Errc::invalid_config, [&] { (void)hypervisor().validate(config); });

  config = subject().config;
  RngConfig twice;
  twice.id = "twice";
  config.devices = {twice, twice};
  EXPECT_NE(error_of(Errc::invalid_config, [&] { (void)hypervisor().validate(config); }).find("twice"),
            std::string::npos);
}

TEST_P(Contract, CreateGivesACreatedVmOfTheValidatedConfiguration) {
  const auto vm = create();
  EXPECT_EQ(state_of(*vm), VmState::created);
  EXPECT_EQ(vm->config(), hypervisor().validate(subject().config));
  EXPECT_EQ(vm->capabilities().list(), hypervisor().capabilities(subject().config).list());
  const auto record = vm->record();
  EXPECT_EQ(record.id, vm->id());
  EXPECT_EQ(record.plugin, subject().plugin);
  EXPECT_EQ(record.version, VmRecord::current_version);
  EXPECT_EQ(record.boot_id, host_boot_id());
  EXPECT_EQ(record.config, vm->config());
  EXPECT_EQ(record.run_dir, scratch() / vm->id());
}

TEST_P(Contract, TheRecordIsInTheVmsFolder) {
  const auto vm = create();
  const auto stored = read_record(scratch() / vm->id());
  EXPECT_EQ(stored.id, vm->id());
  EXPECT_EQ(stored.plugin, subject().plugin);
  EXPECT_EQ(stored.config, vm->config());
}

TEST_P(Contract, RecordsSurviveTheirOwnFormat) {
  const auto record = create()->record();
  EXPECT_EQ(to_value(vm_record_from_value(to_value(record))), to_value(record));
}

TEST_P(Contract, CreateThatFailsLeavesTheEmptyFolder) {
  const auto folder = new_folder();
  auto config = subject().config;
  config.cpu.max_count = 1;
  config.cpu.count = 2;
  error_of(Errc::invalid_config, [&] { hypervisor().create(config, "bad", folder); });
  error_of(Errc::invalid_config, [&] { hypervisor().create(subject().config, "", folder); });
  EXPECT_TRUE(std::filesystem::is_empty(folder));
}

TEST_P(Contract, CreateNeedsItsFolder) {
  error_of(Errc::not_found, [&] { hypervisor().create(subject().config, "lost", scratch() / "lost"); });
  EXPECT_FALSE(std::filesystem::exists(scratch() / "lost"));
}

TEST_P(Contract, AFolderHoldsOneVm) {
  const auto vm = create();
  const auto before = picture(*vm);
  error_of(Errc::already_exists, [&] { hypervisor().create(subject().config, "other", scratch() / vm->id()); });
  EXPECT_EQ(picture(*vm), before);
}

TEST_P(Contract, CommandLineTouchesNothing) {
  const auto folder = new_folder();
  const auto line = hypervisor().command_line(subject().config, "shown", folder);
  EXPECT_TRUE(std::filesystem::is_empty(folder));
  if (!line.empty()) {
    EXPECT_FALSE(line.front().empty());
  }
}

TEST_P(Contract, UnknownExtensionsAreNull) {
  EXPECT_EQ(hypervisor().extension("visor.no-such-thing/1"), nullptr);
  EXPECT_EQ(create()->extension("visor.no-such-thing/1"), nullptr);
}

}  // namespace
}  // namespace visor::conformance
