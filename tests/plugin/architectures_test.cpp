// SPDX-License-Identifier: Apache-2.0
// The QEMU plugins of all guest architectures in one process: guest architecture is data, whatever the host is.
#include "support.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace {

using namespace plugin_test;

const std::string architectures[] = {"amd64", "arm64", "ppc64le", "s390x"};

TEST(Architectures, AllLiveInOneProcess) {
  auto registry = registry_of(PLUGIN_DIR);
  std::vector<std::shared_ptr<const visor::QemuArch>> facts;
  std::vector<std::shared_ptr<visor::Hypervisor>> hypervisors;
  for (const auto& arch : architectures) {
    facts.push_back(registry.open_arch("qemu-" + arch));
    hypervisors.push_back(registry.open_hypervisor("qemu-" + arch));
  }
  for (std::size_t i = 0; i < std::size(architectures); ++i) {
    EXPECT_EQ(facts[i]->name(), architectures[i]);
    const auto info = hypervisors[i]->info();
    EXPECT_EQ(info.name, "qemu-" + architectures[i]);
    EXPECT_EQ(info.arch, architectures[i]);
    EXPECT_EQ(info.default_machine, facts[i]->default_machine());
    EXPECT_EQ(info.machines.size(), facts[i]->machines().size());
  }
}

TEST(Architectures, QemuIsThePluginOfTheGuestsArchitecture) {
  const auto registry = registry_of(PLUGIN_DIR);
  for (const auto& arch : architectures) {
    EXPECT_EQ(registry.resolve("qemu", arch).name, "qemu-" + arch);
    EXPECT_EQ(registry.resolve("qemu-" + arch, "").arch, arch);
  }
  EXPECT_EQ(error_of([&] { (void)registry.resolve("qemu-arm64", "s390x"); }).message(),
            "Plugin qemu-arm64 is for guest architecture arm64, not s390x: change `hypervisor` or `arch`");
}

}  // namespace
