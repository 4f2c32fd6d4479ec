// SPDX-License-Identifier: Apache-2.0
// How long a plugin stays in memory. The fixtures really unload, so that whatever is let go too early is a crash here.
#include "fixtures/greeting.hpp"
#include "support.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <thread>
#include <tuple>

namespace {

using namespace plugin_test;
using namespace std::chrono_literals;

class Lifetime : public testing::Test {
 protected:
  void SetUp() override { file = PluginFile{"polite"}.write(folder.path() / "polite.so"); }
  std::shared_ptr<visor::Hypervisor> open(visor::Params options = {}) {
    return registry_of(folder.path(), std::move(options)).open_hypervisor("polite");
  }
  std::unique_ptr<visor::Vm> make_vm() { return open()->create({}, "vm", "/run"); }

  TempDir folder;
  std::filesystem::path file;
};

bool unmapped_within(const std::filesystem::path& file, std::chrono::seconds limit) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (mapped(file) && std::chrono::steady_clock::now() < deadline) std::this_thread::sleep_for(1ms);
  return !mapped(file);
}

TEST_F(Lifetime, AHypervisorOutlivesItsRegistry) {
  auto hypervisor = open();
  EXPECT_EQ(hypervisor->info().name, "polite");
  hypervisor.reset();
  EXPECT_FALSE(mapped(file));
}

TEST_F(Lifetime, AVmOutlivesItsHypervisor) {
  auto vm = make_vm();
  EXPECT_EQ(vm->id(), "polite/vm");
  vm.reset();
  EXPECT_FALSE(mapped(file));
}

TEST_F(Lifetime, AConsoleOutlivesItsVmsHandle) {
  auto console = make_vm()->console(1s);
  std::array<char, 16> bytes{};
  EXPECT_EQ(console->read(bytes.data(), bytes.size(), 1s), 9u);
  EXPECT_STREQ(bytes.data(), "polite/vm");
  console.reset();
  EXPECT_FALSE(mapped(file));
}

TEST_F(Lifetime, EventsOutliveTheirVmButDoNotKeepIt) {
  auto vm = make_vm();
  auto events = vm->events();
  vm->start(1s);
  vm.reset();
  EXPECT_TRUE(mapped(file));
  EXPECT_EQ(events->next(1s)->name, "started");
  EXPECT_FALSE(events->next(1s).has_value()) << "the VM closed the queue as it went";
  events.reset();
  EXPECT_FALSE(mapped(file));
}

TEST_F(Lifetime, ExtensionsOutliveWhatTheyCameFrom) {
  auto greeting = make_vm()->extension(fixture::Greeting::id);
  EXPECT_EQ(static_cast<fixture::Greeting&>(*greeting).text(), "good day");
  greeting.reset();
  EXPECT_FALSE(mapped(file));
  auto qmp = open()->extension(visor::QmpExtension::id);
  EXPECT_EQ(dynamic_cast<visor::QmpExtension&>(*qmp).execute("stop", {}, 1s).as_string(), "stop");
  qmp.reset();
  EXPECT_FALSE(mapped(file));
}

TEST_F(Lifetime, ArchitectureFactsOutliveTheirRegistry) {
  const auto hostile = PluginFile{"hostile"}.write(folder.path() / "hostile.so");
  auto arch = registry_of(folder.path()).open_arch("hostile");
  EXPECT_TRUE(mapped(hostile));
  EXPECT_EQ(error_of([&] { std::ignore = arch->name(); }).code(), visor::Errc::internal);
  arch.reset();
  EXPECT_FALSE(mapped(hostile));
}

TEST_F(Lifetime, TheLastOfTwoHypervisorsUnloads) {
  auto registry = registry_of(folder.path());
  auto first = registry.open_hypervisor("polite");
  const auto second = registry.open_hypervisor("polite");
  EXPECT_NE(first, second);
  first.reset();
  EXPECT_EQ(second->info().name, "polite");
}

TEST_F(Lifetime, CanBeOpenedAgainAfterItWasUnloaded) {
  auto registry = registry_of(folder.path());
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(registry.open_hypervisor("polite")->info().name, "polite");
    EXPECT_FALSE(mapped(file));
  }
}

/// A handler that was queued when everything else let go: it runs plugin code on a thread that no one waits for.
TEST_F(Lifetime, AQueuedHandlerKeepsTheLibraryUntilItsThreadEnds) {
  std::array<int, 2> gate{};
  ASSERT_EQ(::pipe2(gate.data(), O_CLOEXEC), 0);
  open({{"gate", std::to_string(gate[0])}}).reset();
  EXPECT_TRUE(mapped(file)) << "only the handler's token holds it now";
  ::close(gate[1]);
  EXPECT_TRUE(unmapped_within(file, 30s));
}

TEST_F(Lifetime, FourAtOnce) {
  const std::array names{"one", "two", "three", "four"};
  std::vector<std::filesystem::path> files;
  for (const auto* name : names) {
    files.push_back(PluginFile{"polite"}.rename(name).write(folder.path() / (std::string{name} + ".so")));
  }
  std::vector<std::unique_ptr<visor::Vm>> vms;
  {
    auto registry = registry_of(folder.path());
    for (const auto* name : names) vms.push_back(registry.open_hypervisor(name)->create({}, name, "/run"));
  }
  for (std::size_t i = 0; i < names.size(); ++i) {
    EXPECT_TRUE(mapped(files[i]));
    EXPECT_EQ(vms[i]->id(), std::string{"polite/"} + names[i]);
  }
  vms.clear();
  for (const auto& each : files) EXPECT_FALSE(mapped(each)) << each;
}

TEST_F(Lifetime, OneRegistryServesManyThreads) {
  PluginFile{"polite"}.rename("other").write(folder.path() / "other.so");
  auto registry = registry_of(folder.path());
  std::atomic<int> right = 0;
  {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < 4; ++thread) {
      threads.emplace_back([&, thread] {
        for (int round = 0; round < 25; ++round) {
          const auto vm = registry.open_hypervisor(thread % 2 == 0 ? "polite" : "other")->create({}, "vm", "/run");
          if (vm->id() == "polite/vm" && registry.resolve("other").accepted()) ++right;
        }
      });
    }
  }
  EXPECT_EQ(right, 100);
  EXPECT_FALSE(mapped(file));
}

/// As the project's own plugins are linked.
TEST_F(Lifetime, APluginCanAskToStay) {
  const TempDir other;
  const auto staying = PluginFile{"staying"}.write(other.path() / "staying.so");
  registry_of(other.path()).open_hypervisor("polite").reset();
  EXPECT_TRUE(mapped(staying));
}

}  // namespace
