// SPDX-License-Identifier: Apache-2.0
// A private exception type out of every virtual method, caught when nothing of the plugin is left in memory.
#include "support.hpp"
#include "visor/core/extensions.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

namespace {

using namespace plugin_test;
using namespace std::chrono_literals;
using namespace visor;
using testing::AllOf;
using testing::HasSubstr;

struct Case {
  const char* method;
  std::function<void(PluginRegistry&)> call;
};

std::shared_ptr<Hypervisor> hypervisor_of(PluginRegistry& registry) { return registry.open_hypervisor("hostile"); }

Case of_hypervisor(const char* method, const std::function<void(Hypervisor&)>& call) {
  return {method, [call](PluginRegistry& registry) { call(*hypervisor_of(registry)); }};
}
Case of_vm(const char* method, const std::function<void(Vm&)>& call) {
  return {method, [call](PluginRegistry& registry) { call(*hypervisor_of(registry)->create({}, "vm", {})); }};
}
Case of_console(const char* method, const std::function<void(Console&)>& call) {
  return of_vm(method, [call](Vm& vm) { call(*vm.console(1s)); });
}
Case of_arch(const char* method, const std::function<void(const QemuArch&, const ArchInput&)>& call) {
  return {method, [call](PluginRegistry& registry) {
            const VmConfig config;
            const HostFacts host;
            const QemuCaps qemu;
            call(*registry.open_arch("hostile"), {config, Accelerator::tcg, host, qemu});
          }};
}

std::vector<Case> hypervisor_cases() {
  VmRecord record;
  record.id = "fail";
  return {
      of_hypervisor("Hypervisor::info", [](auto& h) { return h.info(); }),
      of_hypervisor("Hypervisor::capabilities", [](auto& h) { return h.capabilities({}); }),
      of_hypervisor("Hypervisor::validate", [](auto& h) { return h.validate({}); }),
      of_hypervisor("Hypervisor::command_line", [](auto& h) { return h.command_line({}, "vm", {}); }),
      of_hypervisor("Hypervisor::create", [](auto& h) { return h.create({}, "fail", {}); }),
      of_hypervisor("Hypervisor::attach", [record](auto& h) { return h.attach(record, 1s); }),
      of_hypervisor("Hypervisor::extension", [](auto& h) { return h.extension(QmpExtension::id); }),
  };
}

std::vector<Case> vm_cases() {
  return {
      of_vm("Vm::id", [](auto& vm) { return vm.id(); }),
      of_vm("Vm::config", [](auto& vm) { return vm.config(); }),
      of_vm("Vm::capabilities", [](auto& vm) { return vm.capabilities(); }),
      of_vm("Vm::record", [](auto& vm) { return vm.record(); }),
      of_vm("Vm::add_device", [](auto& vm) { return vm.add_device(DiskConfig{}); }),
      of_vm("Vm::start", [](auto& vm) { return vm.start(1s); }),
      of_vm("Vm::wait_ready", [](auto& vm) { return vm.wait_ready(1s); }),
      of_vm("Vm::wait_exit", [](auto& vm) { return vm.wait_exit(1s); }),
      of_vm("Vm::stop", [](auto& vm) { return vm.stop({}, 1s); }),
      of_vm("Vm::pause", [](auto& vm) { return vm.pause(1s); }),
      of_vm("Vm::resume", [](auto& vm) { return vm.resume(1s); }),
      of_vm("Vm::hotplug_add", [](auto& vm) { return vm.hotplug_add(DiskConfig{}, 1s); }),
      of_vm("Vm::hotplug_remove", [](auto& vm) { return vm.hotplug_remove("disk", 1s); }),
      of_vm("Vm::resize_memory", [](auto& vm) { return vm.resize_memory(1, 0, 1s); }),
      of_vm("Vm::resize_vcpus", [](auto& vm) { return vm.resize_vcpus(1, 1s); }),
      of_vm("Vm::console", [](auto& vm) { return vm.console(1s); }),
      of_vm("Vm::events", [](auto& vm) { return vm.events(); }),
      of_vm("Vm::status", [](auto& vm) { return vm.status(1s); }),
      of_vm("Vm::check", [](auto& vm) { return vm.check(1s); }),
      of_vm("Vm::thread_ids", [](auto& vm) { return vm.thread_ids(1s); }),
      of_vm("Vm::pids", [](auto& vm) { return vm.pids(); }),
      of_vm("Vm::disconnect", [](auto& vm) { return vm.disconnect(); }),
      of_vm("Vm::extension", [](auto& vm) { return vm.extension(QmpExtension::id); }),
  };
}

/// Of what a VM hands out when the plugin has the option "serve". Console::poll_fd() is noexcept.
std::vector<Case> served_cases() {
  const auto execute = [](const std::shared_ptr<Extension>& extension) {
    dynamic_cast<QmpExtension&>(*extension).execute("stop", {}, 1s);
  };
  return {
      of_console("Console::read",
                 [](auto& console) {
                   std::array<char, 8> bytes{};
                   console.read(bytes.data(), 8, 1s);
                 }),
      of_console("Console::write", [](auto& console) { console.write("text", 1s); }),
      of_vm("QmpExtension::execute", [=](auto& vm) { execute(vm.extension(QmpExtension::id)); }),
      of_hypervisor("QmpExtension::execute", [=](auto& h) { execute(h.extension(QmpExtension::id)); }),
  };
}

/// A method of an extension, of a VM's or of the hypervisor's.
template <class Interface, class Origin>
auto through(const std::function<void(Interface&)>& call) {
  return [call](Origin& origin) { call(dynamic_cast<Interface&>(*origin.extension(Interface::id))); };
}
template <class Interface>
Case of_extension(const char* method, const std::function<void(Interface&)>& call) {
  return of_vm(method, through<Interface, Vm>(call));
}

std::vector<Case> extension_cases() {
  return {
      of_extension<SnapshotExtension>("SnapshotExtension::save", [](auto& e) { e.save("/s", 1s); }),
      of_extension<SnapshotExtension>("SnapshotExtension::begin_template", [](auto& e) { e.begin_template(1s); }),
      of_hypervisor("RestoreExtension::restore",
                    through<RestoreExtension, Hypervisor>([](auto& e) { e.restore("/s", "vm", "/run", false, 1s); })),
      of_hypervisor("RestoreExtension::clone",
                    through<RestoreExtension, Hypervisor>([](auto& e) { e.clone({}, "vm", "/run", 1s); })),
      of_hypervisor("ExplainExtension::explain",
                    through<ExplainExtension, Hypervisor>([](auto& e) { e.explain({}, "vm", "/run"); })),
      of_extension<MigrationExtension>("MigrationExtension::send", [](auto& e) { e.send(0, {}, 1s); }),
      of_extension<MigrationExtension>("MigrationExtension::prepare_incoming",
                                       [](auto& e) { e.prepare_incoming(0, 1s); }),
      of_extension<DumpExtension>("DumpExtension::dump", [](auto& e) { e.dump("/d", DumpFormat::elf, false, 1s); }),
      of_extension<BalloonExtension>("BalloonExtension::set_target", [](auto& e) { e.set_target(1, 1s); }),
      of_extension<BalloonExtension>("BalloonExtension::current_mib", [](auto& e) { e.current_mib(1s); }),
      of_extension<QmpStatsExtension>("QmpStatsExtension::read", [](auto& e) { e.read(); }),
      of_extension<StatsExtension>("StatsExtension::read", [](auto& e) { e.read(1s); }),
  };
}

std::vector<Case> arch_cases() {
  return {
      of_arch("QemuArch::name", [](auto& arch, auto&) { return arch.name(); }),
      of_arch("QemuArch::default_machine", [](auto& arch, auto&) { return arch.default_machine(); }),
      of_arch("QemuArch::machines", [](auto& arch, auto&) { return arch.machines(); }),
      of_arch("QemuArch::binary", [](auto& arch, auto&) { return arch.binary(); }),
      of_arch("QemuArch::package", [](auto& arch, auto&) { return arch.package(); }),
      of_arch("QemuArch::machine_options", [](auto& arch, auto& in) { return arch.machine_options(in); }),
      of_arch("QemuArch::cpu_model", [](auto& arch, auto& in) { return arch.cpu_model(in); }),
      of_arch("QemuArch::max_vcpus", [](auto& arch, auto& in) { return arch.max_vcpus(in); }),
      of_arch("QemuArch::smp", [](auto& arch, auto& in) { return arch.smp(in); }),
      of_arch("QemuArch::memory", [](auto& arch, auto& in) { return arch.memory(in); }),
      of_arch("QemuArch::buses", [](auto& arch, auto& in) { return arch.buses(in); }),
      of_arch("QemuArch::image", [](auto& arch, auto& in) { return arch.image(in); }),
      of_arch("QemuArch::firmware", [](auto& arch, auto& in) { return arch.firmware(in); }),
      of_arch("QemuArch::kernel_params", [](auto& arch, auto& in) { return arch.kernel_params(in); }),
      of_arch("QemuArch::console", [](auto& arch, auto& in) { return arch.console(in); }),
      of_arch("QemuArch::devices", [](auto& arch, auto& in) { return arch.devices(in); }),
      of_arch("QemuArch::globals", [](auto& arch, auto& in) { return arch.globals(in); }),
      of_arch("QemuArch::migration", [](auto& arch, auto& in) { return arch.migration(in); }),
      of_arch("QemuArch::capabilities", [](auto& arch, auto& in) { return arch.capabilities(in); }),
      of_arch("QemuArch::validate", [](auto& arch, auto& in) { return arch.validate(in); }),
  };
}

class HostilePlugin : public testing::Test {
 protected:
  void SetUp() override { file = PluginFile{"hostile"}.write(folder.path() / "hostile.so"); }

  void expect_errors(const std::vector<Case>& cases, const Params& options = {}) {
    for (const auto& [method, call] : cases) {
      SCOPED_TRACE(method);
      try {
        auto registry = registry_of(folder.path(), options);
        call(registry);
        ADD_FAILURE() << "nothing was thrown";
      } catch (const Error& error) {
        EXPECT_FALSE(mapped(file)) << "the plugin is still there: this shows nothing";
        EXPECT_EQ(error.code(), Errc::internal);
        EXPECT_THAT(error.message(), AllOf(HasSubstr(std::string{"Plugin hostile failed in "} + method + ": "),
                                           HasSubstr("hostile::PrivateError: a private matter")));
      }
    }
  }

  TempDir folder;
  std::filesystem::path file;
};

TEST_F(HostilePlugin, Hypervisor) { expect_errors(hypervisor_cases()); }
TEST_F(HostilePlugin, Vm) { expect_errors(vm_cases()); }
TEST_F(HostilePlugin, ConsoleAndExtensions) { expect_errors(served_cases(), {{"serve", "yes"}}); }
TEST_F(HostilePlugin, ExtensionsThatCoreKnows) { expect_errors(extension_cases(), {{"serve", "yes"}}); }
TEST_F(HostilePlugin, Arch) { expect_errors(arch_cases()); }

}  // namespace
