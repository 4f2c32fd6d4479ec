// SPDX-License-Identifier: Apache-2.0
#include "hypervisor.hpp"

#include "handle.hpp"
#include "visor/core/error.hpp"
#include "visor/sdk/process/process_identity.hpp"
#include "vm.hpp"

#include <unistd.h>

#include <string_view>
#include <utility>

namespace visor::mock {
namespace {

constexpr std::string_view plugin_name = "mock";
constexpr std::chrono::seconds lock_limit{5};

ProcessIdentity this_process() {
  const auto self = sdk::identify(::getpid());
  if (!self) throw Error(Errc::io_error, "Cannot read the identity of this process from /proc");
  return {self->pid, self->start_time};
}

}  // namespace

MockHypervisor::MockHypervisor(const HostContext& host) : options_{host.options}, clock_{host.clock} {
  (void)parse_options(options_);  // a wrong option shows at once, not with the first VM
}

HypervisorInfo MockHypervisor::info() const {
  return {std::string{plugin_name}, "any", {}, {}, "Virtual machines in memory and a file, without any process"};
}

Capabilities MockHypervisor::capabilities(const VmConfig& config) const {
  return mock_capabilities(config, options_of(options_, config));
}

VmConfig MockHypervisor::validate(const VmConfig& config) const {
  ConfigDefaults defaults;
  defaults.max_vcpus = options_of(options_, config).max_vcpus;
  defaults.needs_boot_files = false;
  return normalised(config, defaults);
}

std::vector<std::string> MockHypervisor::command_line(const VmConfig& config, const std::string& /*id*/,
                                                      const std::filesystem::path& /*run_dir*/) const {
  (void)validate(config);
  return {};
}

std::unique_ptr<Vm> MockHypervisor::create(const VmConfig& config, const std::string& id,
                                           const std::filesystem::path& run_dir) {
  if (id.empty()) throw Error(Errc::invalid_config, "A VM needs an id that is not empty");
  VmRecord record;
  record.id = id;
  record.plugin = plugin_name;
  record.config = validate(config);
  const bool ephemeral = record.config.ephemeral;
  auto machine = make_machine(std::move(record), options_of(options_, config));
  if (ephemeral) machine.creator = this_process();
  const MachineFile file{run_dir, clock_};
  file.create(machine);
  try {
    auto handle = std::make_shared<Handle>(file);
    handle->own("create", lock_limit);
    return std::make_unique<MockVm>(std::move(handle), machine, true);
  } catch (...) {
    file.remove();
    throw;
  }
}

std::unique_ptr<Vm> MockHypervisor::attach(const VmRecord& record, const CallContext& call) {
  capabilities(record.config).require(Feature::attach, plugin_name);
  if (record.version > VmRecord::current_version) {
    throw Error(Errc::unsupported, "The record of VM " + record.id + " has version " + std::to_string(record.version) +
                                       ", this plugin reads up to " + std::to_string(VmRecord::current_version));
  }
  if (record.plugin != plugin_name) {
    throw Error(Errc::invalid_config,
                "VM " + record.id + " was made by the plugin '" + record.plugin + "', not by mock");
  }
  if (record.run_dir.empty()) throw Error(Errc::invalid_config, "The record of VM " + record.id + " names no folder");
  auto handle = std::make_shared<Handle>(MachineFile{record.run_dir, clock_});
  const auto machine = handle->look(call);
  if (machine.record.id != record.id) {
    throw Error(Errc::not_found, record.run_dir.string() + " holds VM " + machine.record.id + ", not " + record.id);
  }
  return std::make_unique<MockVm>(std::move(handle), machine, false);
}

std::shared_ptr<Extension> MockHypervisor::extension(std::string_view /*id*/) { return nullptr; }

}  // namespace visor::mock
