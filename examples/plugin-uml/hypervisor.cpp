// SPDX-License-Identifier: Apache-2.0
#include "hypervisor.hpp"

#include "command.hpp"
#include "config.hpp"
#include "visor/core/error.hpp"
#include "visor/core/owner_lock.hpp"
#include "visor/sdk/process/spec.hpp"
#include "vm.hpp"

#include <utility>

namespace uml {
namespace {

using visor::Errc;
using visor::Error;

void check_folder(const std::string& id, const std::filesystem::path& run_dir) {
  if (id.empty()) throw Error(Errc::invalid_config, "A VM needs an id that is not empty");
  if (!std::filesystem::is_directory(run_dir)) {
    throw Error(Errc::not_found, "VM '" + id + "': its folder " + run_dir.string() + " does not exist");
  }
  if (std::filesystem::exists(run_dir / "record.json")) {
    throw Error(Errc::already_exists, "VM '" + id + "': " + run_dir.string() + " already holds a VM");
  }
  visor::sdk::check_socket_path(mconsole_path(run_dir));
}

}  // namespace

UmlHypervisor::UmlHypervisor(visor::HostContext host) : host_{std::move(host)} {}

visor::HypervisorInfo UmlHypervisor::info() const {
  return {std::string{plugin_name}, "any", {}, {}, "Runs Linux guests on User-Mode Linux, as programs of the host"};
}

visor::Capabilities UmlHypervisor::capabilities(const visor::VmConfig& config) const { return offered(config); }

visor::VmConfig UmlHypervisor::validate(const visor::VmConfig& config) const { return checked(config); }

std::vector<std::string> UmlHypervisor::command_line(const visor::VmConfig& config, const std::string& /*id*/,
                                                     const std::filesystem::path& run_dir) const {
  const auto valid = checked(config);
  return uml::command_line(valid, assigned_units(valid), run_dir);
}

std::unique_ptr<visor::Vm> UmlHypervisor::create(const visor::VmConfig& config, const std::string& id,
                                                 const std::filesystem::path& run_dir) {
  visor::VmRecord record;
  record.config = checked(config);
  check_folder(id, run_dir);
  record.id = id;
  record.plugin = plugin_name;
  record.boot_id = visor::host_boot_id();
  record.run_dir = run_dir;
  record.blob = visor::Value::map({{"units", assigned_units(record.config)}});
  auto lock = visor::OwnerLock::acquire(run_dir, "create", std::chrono::milliseconds{0});
  write_record(record);
  return std::make_unique<UmlVm>(host_, std::move(record), std::move(lock));
}

std::unique_ptr<visor::Vm> UmlHypervisor::attach(const visor::VmRecord& record, const visor::CallContext& /*call*/) {
  if (record.version > visor::VmRecord::current_version) {
    throw Error(Errc::unsupported, "The record of VM '" + record.id + "' has version " +
                                       std::to_string(record.version) + ", this plugin reads up to " +
                                       std::to_string(visor::VmRecord::current_version));
  }
  if (record.plugin != plugin_name) {
    throw Error(Errc::invalid_config, "VM '" + record.id + "' was made by plugin " + record.plugin + ", not by uml");
  }
  if (!std::filesystem::exists(record.run_dir / "record.json")) {
    throw Error(Errc::not_found, "VM '" + record.id + "': nothing is left of it in " + record.run_dir.string());
  }
  return std::make_unique<UmlVm>(host_, record, std::nullopt);
}

std::shared_ptr<visor::Extension> UmlHypervisor::extension(std::string_view /*id*/) { return nullptr; }

}  // namespace uml
