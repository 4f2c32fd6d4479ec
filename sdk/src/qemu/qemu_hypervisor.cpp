// SPDX-License-Identifier: Apache-2.0
#include "driver.hpp"
#include "extensions.hpp"
#include "prepared.hpp"
#include "qemu_vm.hpp"
#include "visor/core/error.hpp"
#include "visor/core/extensions.hpp"
#include "visor/sdk/qemu/qemu_plugin.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace visor::sdk {
namespace {

/// How long create() waits for a QEMU that has not been asked yet what it can do.
constexpr std::chrono::milliseconds create_limit{10'000};

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

/// Where capabilities of QEMUs are kept for other processes: what the host says, else the user's cache.
std::filesystem::path caps_folder(const HostContext& host) {
  const auto found = std::find_if(host.options.rbegin(), host.options.rend(),
                                  [](const Param& param) { return param.key == "caps_cache_dir"; });
  if (found == host.options.rend()) return default_caps_folder();
  if (found->value == "off") return {};
  if (found->value.starts_with('/')) return found->value;
  throw Error(Errc::invalid_config,
              "Plugin option caps_cache_dir: '" + found->value + "' is neither an absolute path nor 'off'");
}

ProbeTimes probe_times(const HostContext& host) {
  const ProbeTimes usual;
  return {time_option(host, "qmp_probe_interval_ms", usual.interval),
          time_option(host, "qmp_probe_limit_ms", usual.limit)};
}

/// What is shown is planned with what is known of the QEMU; none is started.
plan::Plan shown_plan(const Driver& driver, const VmConfig& config, const std::string& id,
                      const std::filesystem::path& run_dir) {
  return Prepared{driver, config, known_caps_of(driver, config)}.make_plan(driver, id, run_dir, {});
}

class QemuExplain final : public ExplainExtension {
 public:
  explicit QemuExplain(std::shared_ptr<const Driver> driver) : driver_{std::move(driver)} {}

  std::vector<CommandPart> explain(const VmConfig& config, const std::string& vm_id,
                                   const std::filesystem::path& run_dir) override {
    std::vector<CommandPart> parts = {{"program", {std::string{driver_->arch->binary()}}, "arch"}};
    const auto plan = shown_plan(*driver_, config, vm_id, run_dir);
    for (const auto& argument : plan.line.arguments()) {
      auto& part = parts.emplace_back(CommandPart{argument.section, {argument.option}, argument.reason});
      if (argument.has_value) part.words.push_back(argument.value);
    }
    return parts;
  }

 private:
  std::shared_ptr<const Driver> driver_;
};

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
  [[nodiscard]] VmConfig validate(const VmConfig& config) const override {
    return Prepared{*driver_, config, known_caps_of(*driver_, config)}.config();
  }

  [[nodiscard]] std::vector<std::string> command_line(const VmConfig& config, const std::string& id,
                                                      const std::filesystem::path& run_dir) const override {
    return shown_plan(*driver_, config, id, run_dir).line.argv(driver_->arch->binary());
  }

  std::unique_ptr<Vm> create(const VmConfig& config, const std::string& id,
                             const std::filesystem::path& run_dir) override {
    return create_vm(driver_, config, id, run_dir);
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

  std::shared_ptr<Extension> extension(std::string_view id) override {
    if (id == RestoreExtension::id) return make_restore_extension(driver_);
    return id == ExplainExtension::id ? std::make_shared<QemuExplain>(driver_) : nullptr;
  }

 private:
  std::shared_ptr<const Driver> driver_;
};

}  // namespace

std::unique_ptr<QemuVm> create_vm(const std::shared_ptr<const Driver>& driver, const VmConfig& config,
                                  const std::string& id, const std::filesystem::path& run_dir) {
  if (id.empty()) throw Error(Errc::invalid_config, "A VM needs an id");
  Prepared prepared{*driver, config, caps_of(*driver, config, create_limit)};
  if (std::filesystem::exists(run_dir / "record.json")) {
    throw Error(Errc::already_exists, "There is a VM in " + run_dir.string() + " already");
  }
  for (const auto& path : listener_paths(run_dir, prepared.config())) check_socket_path(path);
  return std::make_unique<QemuVm>(driver, std::move(prepared), id, run_dir);
}

std::unique_ptr<Hypervisor> make_qemu_hypervisor(const HostContext& host, std::unique_ptr<const QemuArch> arch) {
  CapsLog log = [sink = host.log](LogLevel level, std::string_view text) {
    if (sink && sink->enabled(level)) sink->write(level, {}, text);
  };
  return std::make_unique<QemuHypervisor>(
      std::make_shared<const Driver>(Driver{.host = host,
                                            .arch = std::move(arch),
                                            .probe = probe_times(host),
                                            .caps_cache = {caps_folder(host), std::move(log)}}));
}

}  // namespace visor::sdk
