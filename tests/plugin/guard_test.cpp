// SPDX-License-Identifier: Apache-2.0
// What a plugin returns, as the host sees it.
#include "fixtures/greeting.hpp"
#include "support.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <typeinfo>

namespace {

using namespace plugin_test;
using namespace std::chrono_literals;
using testing::HasSubstr;
using visor::Errc;

class Guard : public testing::Test {
 protected:
  void SetUp() override { PluginFile{"polite"}.write(folder.path() / "plugin.so"); }
  std::shared_ptr<visor::Hypervisor> open() { return registry_of(folder.path()).open_hypervisor("polite"); }
  std::unique_ptr<visor::Vm> make_vm(const std::string& name = {}) {
    visor::VmConfig config;
    config.name = name;
    return open()->create(config, "vm", "/run");
  }
  TempDir folder;
};

TEST_F(Guard, PassesValuesInBothDirections) {
  const auto hypervisor = open();
  EXPECT_TRUE(hypervisor->capabilities({}).has(visor::Feature::pause));
  visor::VmConfig config;
  config.name = "a name that is too long for the small buffer of a string";
  visor::DiskConfig disk;
  disk.path = "/a/file";
  config.devices = {disk};
  EXPECT_EQ(hypervisor->validate(config), config);
  const auto vm = hypervisor->create(config, "vm", "/run");
  EXPECT_EQ(vm->config(), config);
  EXPECT_EQ(vm->resize_memory(4096, 128, 1s).requested_mib, 4096u);
  EXPECT_EQ(vm->resize_memory(4096, 128, 1s).achieved_mib, 128u);
  EXPECT_EQ(vm->resize_vcpus(7, 1s).after, 7u);
  visor::VmRecord record;
  record.id = "old";
  EXPECT_EQ(hypervisor->attach(record, 1s)->id(), "polite/old");
}

TEST_F(Guard, PassesAnErrorAsItIs) {
  const auto vm = make_vm();
  const auto error = error_of([&] { vm->pause(1s); });
  EXPECT_EQ(error.code(), Errc::invalid_state);
  EXPECT_EQ(error.message(), "It is created, not running");
}

TEST_F(Guard, PassesAnErrorThatThePluginDerivedAsAnErrorOfCore) {
  try {
    make_vm()->resume(1s);
    FAIL() << "nothing was thrown";
  } catch (const visor::Error& error) {
    EXPECT_FALSE(mapped(folder.path() / "plugin.so"));
    EXPECT_EQ(typeid(error), typeid(visor::Error));
    EXPECT_EQ(error.code(), Errc::busy);
    EXPECT_EQ(error.message(), "Owned by process 1");
  }
}

TEST_F(Guard, NothingReturnedIsAnError) {
  const auto hypervisor = open();
  const auto text = [](const std::function<void()>& call) {
    const auto error = error_of(call);
    EXPECT_EQ(error.code(), Errc::internal);
    return error.message();
  };
  visor::VmRecord record;
  record.id = "nothing";
  EXPECT_EQ(text([&] { hypervisor->create({}, "nothing", "/run"); }),
            "Plugin polite failed in Hypervisor::create: it returned nothing");
  EXPECT_THAT(text([&] { hypervisor->attach(record, 1s); }), HasSubstr("Hypervisor::attach"));
  const auto vm = make_vm("nothing");
  EXPECT_THAT(text([&] { vm->console(1s); }), HasSubstr("Vm::console"));
  EXPECT_THAT(text([&] { vm->events(); }), HasSubstr("Vm::events"));
}

TEST_F(Guard, PassesEvents) {
  const auto vm = make_vm();
  const auto events = vm->events();
  vm->start(1s);
  const auto event = events->next(1s);
  ASSERT_TRUE(event.has_value());
  EXPECT_EQ(event->name, "started");
}

TEST_F(Guard, PassesExtensions) {
  const auto hypervisor = open();
  const auto vm = make_vm();
  EXPECT_EQ(hypervisor->extension("no.such/1"), nullptr);
  EXPECT_EQ(vm->extension("no.such/1"), nullptr);
  const auto qmp = std::dynamic_pointer_cast<visor::QmpExtension>(vm->extension(visor::QmpExtension::id));
  ASSERT_NE(qmp, nullptr);
  EXPECT_EQ(qmp->execute("query-status", {}, 1s).as_string(), "query-status");
  const auto greeting = hypervisor->extension(fixture::Greeting::id);
  ASSERT_NE(greeting, nullptr);
  EXPECT_EQ(static_cast<fixture::Greeting&>(*greeting).text(), "good day");
}

}  // namespace
