// SPDX-License-Identifier: Apache-2.0
#include "driver.hpp"
#include "prepared.hpp"
#include "qemu_vm.hpp"
#include "visor/core/error.hpp"
#include "visor/sdk/qemu/qemu_plugin.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace visor::sdk {
namespace {

/// An option of the host that is a number of milliseconds; the last one counts.
std::chrono::milliseconds time_option(const HostContext& host, std::string_view key, std::chrono::milliseconds unset) {
  constexpr int longest = 3'600'000;
  const auto found =
      std::find_if(host.options.rbegin(), host.options.rend(), [&](const Param& p) { return p.key == key; });
  if (found == host.options.rend()) return unset;
  const auto& text = found->value;
  int value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc{} || end != text.data() + text.size() || value < 1 || value > longest) {
    throw Error(Errc::invalid_config, "Plugin option " + std::string{key} + ": '" + text +
                                          "' is no number of milliseconds from 1 to " + std::to_string(longest));
  }
  return std::chrono::milliseconds{value};
}

ProbeTimes probe_times(const HostContext& host) {
  const ProbeTimes usual;
  return {time_option(host, "qmp_probe_interval_ms", usual.interval),
          time_option(host, "qmp_probe_limit_ms", usual.limit)};
}

class QemuHypervisor final : public Hypervisor {
 public:
  explicit QemuHypervisor(std::shared_ptr<const Driver> driver) : driver_{std::move(driver)} {}

  [[nodiscard]] HypervisorInfo info() const override {
    const auto& arch = *driver_->arch;
    HypervisorInfo info;
    info.name = driver_->name();
    info.arch = arch.name();
    info.default_machine = arch.default_machine();
    for (const auto& machine : arch.machines()) info.machines.emplace_back(machine.type);
    info.description = "Runs " + info.arch + " guests on " + std::string{arch.binary()};
    return info;
  }

  [[nodiscard]] Capabilities capabilities(const VmConfig& config) const override { return offered(*driver_, config); }
  [[nodiscard]] VmConfig validate(const VmConfig& config) const override { return Prepared{*driver_, config}.config(); }

  [[nodiscard]] std::vector<std::string> command_line(const VmConfig& config, const std::string& id,
                                                      const std::filesystem::path& run_dir) const override {
    const Prepared prepared{*driver_, config};
    return prepared.make_plan(*driver_, id, run_dir, {}).line.argv(driver_->arch->binary());
  }

  std::unique_ptr<Vm> create(const VmConfig& config, const std::string& id,
                             const std::filesystem::path& run_dir) override {
    if (id.empty()) throw Error(Errc::invalid_config, "A VM needs an id");
    Prepared prepared{*driver_, config};
    if (std::filesystem::exists(run_dir / "record.json")) {
      throw Error(Errc::already_exists, "There is a VM in " + run_dir.string() + " already");
    }
    (void)find_qemu(*driver_->arch, prepared.config());
    for (const auto& path : listener_paths(run_dir, prepared.config())) check_socket_path(path);
    return std::make_unique<QemuVm>(driver_, std::move(prepared), id, run_dir);
  }

  std::unique_ptr<Vm> attach(const VmRecord& record, const CallContext&) override {
    if (record.plugin != driver_->name()) {
      throw Error(Errc::invalid_config,
                  "VM '" + record.id + "' was made by plugin " + record.plugin + ", not by " + driver_->name());
    }
    if (record.version > VmRecord::current_version) {
      throw Error(Errc::unsupported, "VM '" + record.id + "': its record has version " +
                                         std::to_string(record.version) + ", this plugin reads up to " +
                                         std::to_string(VmRecord::current_version));
    }
    if (!std::filesystem::exists(record.run_dir)) {
      throw Error(Errc::not_found, "VM '" + record.id + "': its folder " + record.run_dir.string() + " is gone");
    }
    return std::make_unique<QemuVm>(driver_, record);
  }

  std::shared_ptr<Extension> extension(std::string_view) override { return nullptr; }

 private:
  std::shared_ptr<const Driver> driver_;
};

}  // namespace

std::unique_ptr<Hypervisor> make_qemu_hypervisor(const HostContext& host, std::unique_ptr<const QemuArch> arch) {
  return std::make_unique<QemuHypervisor>(
      std::make_shared<const Driver>(Driver{host, std::move(arch), probe_times(host)}));
}

}  // namespace visor::sdk
