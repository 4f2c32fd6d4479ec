// SPDX-License-Identifier: Apache-2.0
#include "prepared.hpp"

#include "process/find_program.hpp"
#include "visor/core/error.hpp"
#include "visor/core/problems.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <utility>

namespace visor::sdk {
namespace {

/// Empty when KVM seems usable; whether it is, only a start shows.
std::string why_no_kvm(const QemuArch& arch, const HostFacts& host) {
  if (host.arch != arch.name()) return "the host is " + host.arch + ", the guest " + std::string{arch.name()};
  return host.kvm ? std::string{} : host.kvm_reason;
}

Accelerator decide(Problems& problems, Accelerator wanted, const std::string& no_kvm) {
  if (wanted == Accelerator::automatic) return no_kvm.empty() ? Accelerator::kvm : Accelerator::tcg;
  if (wanted == Accelerator::kvm && !no_kvm.empty()) {
    problems.add(Errc::unsupported, "machine.accelerator: KVM is not usable here: " + no_kvm + "; use 'auto' or 'tcg'");
  }
  return wanted;
}

/// `field` is what names the file, and begins an error.
void gather(Problems& problems, std::map<std::string, plan::FileFacts>& files, const std::string& field,
            const std::string& path) {
  if (path.empty() || files.contains(path)) return;
  auto& facts = files[path] = {.missing = true};
  try {
    facts = plan::inspect_file(path);
  } catch (const Error& error) {
    problems.add(error.code(), field + ": " + error.message());
  }
}

void gather_devices(Problems& problems, std::map<std::string, plan::FileFacts>& files, const VmConfig& config,
                    std::size_t first = 0) {
  for (std::size_t i = first; i < config.devices.size(); ++i) {
    const auto* const disk = std::get_if<DiskConfig>(&config.devices[i]);
    if (disk != nullptr) gather(problems, files, plan::device_path(config, i) + ".path", disk->path);
    const auto* const vfio = std::get_if<VfioConfig>(&config.devices[i]);
    if (vfio != nullptr && !vfio->sysfs_path.empty()) files[vfio->sysfs_path] = plan::inspect_device(vfio->sysfs_path);
  }
}

/// Where no device can be plugged (microvm), SCSI disks and ports can, if their controller and bus are there.
void offer_on_fixed_buses(const QemuArch& arch, const ArchInput& in, Capabilities& out) {
  const auto& config = in.config;
  const auto is_scsi = [&](const DeviceConfig& device) {
    const auto* const disk = std::get_if<DiskConfig>(&device);
    if (disk == nullptr) return false;
    const bool by_default = config.storage.driver == BlockDriver::virtio_scsi;
    return disk->bus == DiskBus::scsi || (disk->bus == DiskBus::automatic && by_default);
  };
  const auto is_port = [](const DeviceConfig& device) { return std::holds_alternative<SerialPortConfig>(device); };
  if (std::ranges::any_of(config.devices, is_scsi)) out.add(Feature::hotplug_disk);
  const bool console = config.console.type != ConsoleType::none && arch.console(in).virtio;
  if (!console && std::ranges::none_of(config.devices, is_port)) {
    out.remove(Feature::hotplug_serial_port, "it has no bus of serial ports; have a port in the configuration");
  }
}

void offer_hotplug(const QemuArch& arch, const ArchInput& in, const Capabilities& machine, Capabilities& out) {
  for (const auto feature : {Feature::hotplug_disk, Feature::hotplug_nic, Feature::hotplug_serial_port,
                             Feature::hotplug_vsock, Feature::hotplug_vfio, Feature::hotplug_vhost_user}) {
    if (machine.has(feature)) out.add(feature);
  }
  if (arch.buses(in).transport == VirtioTransport::mmio) offer_on_fixed_buses(arch, in, out);
}

/// Asks about a configuration that was prepared.
template <class Ask>
auto ask_arch(const Driver& driver, const VmConfig& config, const Ask& ask) {
  const auto host = driver.facts();
  const auto caps = default_qemu_caps();
  const auto accelerator = why_no_kvm(*driver.arch, host).empty() ? Accelerator::kvm : Accelerator::tcg;
  return ask(ArchInput{config, accelerator, host, caps});
}

}  // namespace

Prepared::Prepared(const Driver& driver, const VmConfig& config, SharedCaps caps)
    : Prepared{driver, config, std::move(caps), driver.facts()} {}

Prepared::Prepared(const Driver& driver, const VmConfig& config, SharedCaps caps, HostFacts host)
    : host_{std::move(host)}, caps_{std::move(caps)} {
  const auto& arch = *driver.arch;
  config_ = config;
  if (config_.machine.type.empty()) config_.machine.type = arch.default_machine();
  no_kvm_ = why_no_kvm(arch, host_);
  Problems problems;
  accelerator_ = decide(problems, config_.machine.accelerator, no_kvm_);
  const auto rules = this->rules(arch);
  // As many vCPUs as the host has can be plugged later, unless the user says otherwise.
  if (config_.cpu.max_count == 0) {
    config_.cpu.max_count = std::max(config_.cpu.count, std::min(rules.max_vcpus, std::max(host_.cpus, 1U)));
  }
  if (!problems.gather([&] { config_ = normalised(config_, rules); })) throw problems.error();
  make_choices(driver, std::move(problems));
}

/// What a plan would refuse is refused now, with all that is wrong.
void Prepared::make_choices(const Driver& driver, Problems problems) {
  const bool boots = problems.gather([&] { check_boot_files(config_); });
  Problems image;  // said already when it cannot boot
  files_ = {};
  gather(boots ? problems : image, files_, "boot.image", asset_path(config_, AssetKind::image));
  gather_devices(problems, files_, config_);
  problems.gather(
      [&] { config_ = plan::with_choices_made(*driver.arch, {config_, accelerator_, host_, *caps_}, files_); });
  problems.gather([&] { (void)make_plan(driver, "check", "/", {}); });
  problems.throw_if_any();
}

ConfigDefaults Prepared::rules(const QemuArch& arch) const {
  const auto* const machine = caps_->machine(config_.machine.type);
  const auto tested = arch.max_vcpus({config_, accelerator_, host_, *caps_});
  return {.max_vcpus = machine != nullptr ? std::min(tested, machine->max_vcpus) : tested,
          .host_memory_mib = host_.memory_mib,
          .needs_boot_files = true,
          .block_driver = plan::default_disks,
          .bridges = 0};  // root ports, the root bus and device numbers serve all machines, and quicker
}

bool Prepared::chose_kvm() const noexcept {
  return accelerator_ == Accelerator::kvm && config_.machine.accelerator == Accelerator::automatic;
}

Prepared Prepared::without_kvm(const Driver& driver, std::string reason) const {
  auto host = host_;
  host.kvm = false;
  host.kvm_reason = std::move(reason);
  return {driver, config_, caps_, std::move(host)};
}

Prepared Prepared::with_cid(std::uint32_t cid) const {
  auto copy = *this;
  for (auto& device : copy.config_.devices) {
    if (auto* const vsock = std::get_if<VsockConfig>(&device)) vsock->cid = cid;
  }
  return copy;
}

std::string Prepared::accelerator_notice() const {
  if (config_.machine.accelerator != Accelerator::automatic || no_kvm_.empty()) return {};
  return "The guest is emulated (TCG), which is slower, because KVM is not usable here: " + no_kvm_;
}

void Prepared::add_device(const Driver& driver, const DeviceConfig& device) {
  auto copy = *this;
  copy.config_.devices.push_back(device);
  copy.config_ = normalised(copy.config_, copy.rules(*driver.arch));
  copy.make_choices(driver, {});
  *this = std::move(copy);
}

Prepared Prepared::with_places(std::map<std::string, Place> places) const {
  auto copy = *this;
  copy.places_ = std::move(places);
  return copy;
}

Prepared Prepared::of_running(const Driver& driver, const VmConfig& config, SharedCaps caps, Accelerator accelerator) {
  Prepared running;
  running.config_ = config;
  running.host_ = driver.facts();
  running.caps_ = std::move(caps);
  running.accelerator_ = accelerator;
  Problems passed_over;
  gather(passed_over, running.files_, "boot.image", asset_path(config, AssetKind::image));
  gather_devices(passed_over, running.files_, config);
  return running;
}

Prepared Prepared::plug_device(const Driver& driver, const DeviceConfig& device) const {
  auto copy = *this;
  const auto index = copy.config_.devices.size();
  copy.config_.devices.push_back(device);
  copy.config_ = normalised(copy.config_, copy.rules(*driver.arch));
  Problems problems;
  gather_devices(problems, copy.files_, copy.config_, index);
  problems.gather([&] {
    copy.config_ = plan::with_choices_made(*driver.arch, {copy.config_, accelerator_, copy.host_, *caps_}, copy.files_);
  });
  problems.throw_if_any();
  copy.config_.devices.resize(index + 1);  // without what the configuration would choose anew
  return copy;
}

plan::Input Prepared::input(const Driver& driver, const std::string& id, const std::filesystem::path& run_dir,
                            const std::string& uuid) const {
  return {.config = config_,
          .arch = *driver.arch,
          .host = host_,
          .caps = *caps_,
          .accelerator = accelerator_,
          .id = id,
          .run_dir = run_dir,
          .uuid = uuid,
          .files = files_,
          .places = places_};
}

plan::Plan Prepared::make_plan(const Driver& driver, const std::string& id, const std::filesystem::path& run_dir,
                               const std::string& uuid, const plan::Source& source) const {
  auto input = this->input(driver, id, run_dir, uuid);
  input.source = source;
  return plan::make_plan(input);
}

std::uint64_t Prepared::memory_bytes(const Driver& driver) const {
  return driver.arch->memory({config_, accelerator_, host_, *caps_}).size_mib << 20U;
}

std::string Prepared::machine_release() const {
  const auto* const machine = caps_->machine(config_.machine.type);
  return machine != nullptr ? machine->name : config_.machine.type;
}

std::string find_qemu(const QemuArch& arch, const VmConfig& config) {
  auto configured = asset_path(config, AssetKind::hypervisor);
  if (!configured.empty()) {
    plan::detail::check_allowed("host.hypervisor_path", configured, "host.allowed_hypervisor_paths",
                                config.host.allowed_hypervisor_paths);
    if (::access(configured.c_str(), X_OK) == 0) return configured;
    throw Error(Errc::not_found, "host.hypervisor_path: " + configured + " does not exist or is no program; " +
                                     std::string{arch.binary()} + " comes with Debian's package " +
                                     std::string{arch.package()});
  }
  if (auto found = find_program(std::string{arch.binary()})) return *std::move(found);
  throw Error(Errc::not_found, std::string{arch.binary()} + " was not found in $PATH; install Debian's package " +
                                   std::string{arch.package()} + ", or set host.hypervisor_path");
}

Capabilities offered(const QemuArch& arch, const ArchInput& in) {
  constexpr Feature implemented[] = {Feature::add_device, Feature::wait_ready, Feature::stop,       Feature::pause,
                                     Feature::resume,     Feature::console,    Feature::events,     Feature::status,
                                     Feature::check,      Feature::attach,     Feature::thread_ids, Feature::pids,
                                     Feature::dump,       Feature::balloon,    Feature::snapshot,   Feature::migration};
  const auto machine = arch.capabilities(in);
  Capabilities out;
  for (std::size_t i = 0; i < static_cast<std::size_t>(Feature::count_); ++i) {
    const auto feature = static_cast<Feature>(i);
    const auto reason = machine.reason(feature);
    out.remove(feature, reason.empty() ? "this version of the QEMU driver does not offer it" : reason);
  }
  for (const auto feature : implemented) out.add(feature);
  offer_hotplug(arch, in, machine, out);
  const auto is_balloon = [](const auto& device) { return std::holds_alternative<BalloonConfig>(device); };
  if (std::ranges::none_of(in.config.devices, is_balloon)) {
    out.remove(Feature::balloon, "no balloon device is configured");
  }
  if (in.config.storage.disable_block) out.remove(Feature::hotplug_disk, "storage.disable_block is set");
  if (in.config.console.type == ConsoleType::none) out.remove(Feature::console, "console.type is none");
  if (in.config.ready.port.empty() && in.config.ready.console_line.empty()) {
    out.remove(Feature::wait_ready, "neither ready.port nor ready.console_line is configured");
  }
  for (const auto feature :
       {Feature::nvdimm, Feature::iommu, Feature::shared_fs, Feature::multi_queue, Feature::resize_vcpus,
        Feature::shrink_vcpus, Feature::resize_memory, Feature::shrink_memory}) {
    if (machine.has(feature)) out.add(feature);
  }
  return out;
}

Capabilities offered(const Driver& driver, const VmConfig& config) {
  return ask_arch(driver, config, [&](const ArchInput& in) { return offered(*driver.arch, in); });
}

MemoryTopology memory_of(const Driver& driver, const VmConfig& config) {
  return ask_arch(driver, config, [&](const ArchInput& in) { return driver.arch->memory(in); });
}

}  // namespace visor::sdk
