// SPDX-License-Identifier: Apache-2.0
// The extensions that core knows, through their guards: arguments and results come through as they are, and what an
// extension makes keeps its plugin.
#include "support.hpp"
#include "visor/core/extensions.hpp"

#include <gtest/gtest.h>

namespace {

using namespace plugin_test;
using namespace std::chrono_literals;
using namespace visor;

class KnownExtensions : public testing::Test {
 protected:
  void SetUp() override {
    file = PluginFile{"polite"}.write(folder.path() / "plugin.so");
    hypervisor = registry_of(folder.path()).open_hypervisor("polite");
    vm = hypervisor->create({}, "vm", "/run");
  }
  template <class Interface, class Origin>
  static std::shared_ptr<Interface> get(Origin& origin) {
    auto known = std::dynamic_pointer_cast<Interface>(origin.extension(Interface::id));
    if (!known) throw Error(Errc::internal, "no " + std::string{Interface::id});
    return known;
  }
  static std::string said(const std::function<void()>& call) { return error_of(call).message(); }

  TempDir folder;
  std::filesystem::path file;
  std::shared_ptr<Hypervisor> hypervisor;
  std::unique_ptr<Vm> vm;
};

TEST_F(KnownExtensions, PassValuesInBothDirections) {
  const auto snapshot = get<SnapshotExtension>(*vm);
  EXPECT_EQ(said([&] { snapshot->save("/a", 1s); }), "save /a");
  EXPECT_EQ(said([&] { snapshot->begin_template(1s); }), "begin_template");
  const auto migration = get<MigrationExtension>(*vm);
  const auto sent = migration->send(7, {.max_bytes_per_s = 8, .downtime = 9ms}, 1s);
  EXPECT_EQ(sent.transferred_bytes, 8U);
  EXPECT_EQ(sent.total, 7ms);
  EXPECT_EQ(sent.downtime, 9ms);
  EXPECT_EQ(said([&] { migration->prepare_incoming(7, 1s); }), "prepare_incoming 7");
  const auto dump = get<DumpExtension>(*vm);
  EXPECT_EQ(said([&] { dump->dump("/d", DumpFormat::kdump_lzo, true, 1s); }), "dump /d lzo paging");
  const auto balloon = get<BalloonExtension>(*vm);
  balloon->set_target(123, 1s);
  EXPECT_EQ(balloon->current_mib(1s), 123U);
  const auto stats = get<StatsExtension>(*vm)->read(1s);
  EXPECT_EQ(stats.resident_bytes, 4711U);
  EXPECT_EQ(stats.disks.at(0).write_requests, 4U);
}

TEST_F(KnownExtensions, ExplainsTheCommandLine) {
  VmConfig config;
  config.name = "n";
  const auto parts = get<ExplainExtension>(*hypervisor)->explain(config, "v", "/run");
  ASSERT_EQ(parts.size(), 1U);
  EXPECT_EQ(parts[0].section, "all");
  EXPECT_EQ(parts[0].words, (std::vector<std::string>{"n", "v", "/run"}));
  EXPECT_EQ(parts[0].reason, "a sentence that is too long for the small buffer of a string");
}

TEST_F(KnownExtensions, RestoredVmsKeepTheirPlugin) {
  auto restore = get<RestoreExtension>(*hypervisor);
  auto restored = restore->restore("/saved", "old", "/run", false, 1s);
  VmConfig config;
  config.name = "c";
  auto cloned = restore->clone(config, "new", "/run", 1s);
  vm.reset();
  hypervisor.reset();
  restore.reset();
  EXPECT_EQ(restored->id(), "polite/old from /saved");
  EXPECT_EQ(cloned->id(), "polite/new");
  EXPECT_EQ(cloned->config().name, "c");
  EXPECT_EQ(error_of([&] { cloned->pause(1s); }).code(), Errc::invalid_state) << "it has no guard";
  restored.reset();
  cloned.reset();
  EXPECT_FALSE(mapped(file));
}

TEST_F(KnownExtensions, AVmThatIsNothingIsAnError) {
  EXPECT_EQ(said([&] { get<RestoreExtension>(*hypervisor)->restore({}, "vm", "/run", false, 1s); }),
            "Plugin polite failed in RestoreExtension::restore: it returned nothing");
}

}  // namespace
