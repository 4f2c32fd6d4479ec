// SPDX-License-Identifier: Apache-2.0
// What is decided before a plan is made: facts of files, ids of devices, how the image is attached, and whether this
// driver acts on everything that was configured.
#include "plan.hpp"
#include "visor/core/describe.hpp"
#include "visor/core/error.hpp"
#include "visor/core/unique_fd.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>

namespace visor::sdk::plan {
namespace {

// Linux drivers/nvdimm/pfn.h: the info block stands 4 KiB into the namespace and begins with this signature.
constexpr std::string_view pfn_signature{"NVDIMM_PFN_INFO\0", 16};
constexpr off_t pfn_offset = 4096;

/// Fields of the configuration that the driver acts on; sections stand for all they hold. The hook path, the factory's
/// id and the size of 9p messages, which a guest says when it mounts, are for those who read the configuration back.
constexpr std::string_view supported[] = {
    "name",
    "hypervisor",
    "arch",
    "debug",
    "ephemeral",
    "machine.type",
    "machine.accelerator",
    "machine.options",
    "machine.bridges",
    "machine.root_ports",
    "machine.nesting_checks",
    "machine.hotplug_vfio_on_root_bus",
    "machine.iommu",
    "machine.iommu_platform",
    "cpu",
    "memory.size",
    "memory.max_size",
    "memory.slots",
    "memory.offset",
    "memory.prealloc",
    "memory.huge_pages",
    "memory.realtime",
    "memory.lock",
    "memory.virtio_mem",
    "memory.backing_dir",
    "boot",
    "assets",
    "template",
    "storage.driver",
    "storage.cache_set",
    "storage.cache_direct",
    "storage.cache_no_flush",
    "storage.iothreads",
    "storage.disable_block",
    "shared_fs.type",
    "shared_fs.daemon",
    "shared_fs.cache",
    "shared_fs.daemon_args",
    "shared_fs.msize_9p_bytes",
    "network.vhost",
    "network.use_vsock",
    "console",
    "ready",
    "policy",
    "host.hypervisor_path",
    "host.hypervisor_params",
    "host.sandbox",
    "host.guest_hook_path",
    "host.cgroup",
    "host.selinux_label",
    "host.factory_vm_id",
    "host.entropy_source",
    "host.allowed_entropy_sources",
    "host.allowed_backing_dirs",
    "host.allowed_virtio_fs_daemons",
    "host.network_namespace",
    "host.allowed_hypervisor_paths",
    "devices",
};

bool is_supported(std::string_view path) { return std::ranges::find(supported, path) != std::end(supported); }

/// Whether a field has the value that normalising puts where the user says nothing.
bool is_filled_in(const std::string& section, const std::string& key, const Value& member) {
  static const auto silent =
      to_value(normalised({}, {.needs_boot_files = false, .block_driver = default_disks, .bridges = 0}));
  const auto* defaults = silent.find(section);
  const auto* standard = defaults != nullptr ? defaults->find(key) : nullptr;
  return standard != nullptr && *standard == member;
}

void check_device_id(Problems& problems, const std::string& path, const std::string& id) {
  const auto field = path + ".id: '" + id + "' ";
  if (!is_qemu_id(id)) {
    problems.add(Errc::invalid_config, field + "must be a letter followed by letters, digits, '-', '.' or '_'");
  }
  if (id.starts_with("visor-")) {
    problems.add(Errc::invalid_config, field + "is reserved; ids must not begin with 'visor-'");
  }
}

/// The choices of a running VM are made again when devices come.
bool is_chosen_vsock(const VmConfig& config, const DeviceConfig& device) {
  return config.network.use_vsock && std::holds_alternative<VsockConfig>(device) &&
         device_id(device) == chosen_vsock_id;
}

void name_devices(VmConfig& config) {
  Addresses ids;
  Problems problems;
  for (std::size_t i = 0; i < config.devices.size(); ++i) {
    const auto& device = config.devices[i];
    // The rules of the machine, its kernel parameters among them, ask the one field.
    if (std::holds_alternative<IommuConfig>(device)) config.machine.iommu = true;
    if (device_id(device).empty()) continue;
    if (!is_chosen_vsock(config, device)) check_device_id(problems, device_path(config, i), device_id(device));
    if (ids.has(device_id(device))) {
      problems.add(Errc::invalid_config, device_path(config, i) + ".id: '" + device_id(device) + "' is used twice");
    } else {
      ids.claim(device_id(device));
    }
  }
  problems.throw_if_any();
  for (auto& device : config.devices) {
    if (device_id(device).empty()) set_device_id(device, ids.claim_new(device_type(device)));
  }
}

}  // namespace

std::string device_path(const VmConfig& config, std::size_t index) {
  if (is_chosen_vsock(config, config.devices.at(index))) return "network.use_vsock";
  return "devices[" + std::to_string(index) + "]";
}

FileFacts inspect_file(const std::filesystem::path& path) {
  const UniqueFd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (!fd) throw system_error("Cannot open " + path.string(), errno);
  struct stat info{};
  if (::fstat(fd.get(), &info) != 0) throw system_error("Cannot stat " + path.string(), errno);
  FileFacts facts;
  facts.block_device = S_ISBLK(info.st_mode);
  if (!facts.block_device && !S_ISREG(info.st_mode)) {
    throw Error(Errc::invalid_config, path.string() + (S_ISDIR(info.st_mode) ? " is a folder" : " is a special file") +
                                          "; expected a file or a block device");
  }
  facts.size_bytes = static_cast<std::uint64_t>(info.st_size);
  if (facts.block_device && ::ioctl(fd.get(), BLKGETSIZE64, &facts.size_bytes) != 0) {
    throw system_error("Cannot read the size of " + path.string(), errno);
  }
  std::array<char, pfn_signature.size()> head{};
  const auto size = ::pread(fd.get(), head.data(), head.size(), pfn_offset);
  facts.dax_header =
      size == static_cast<ssize_t>(head.size()) && std::string_view{head.data(), head.size()} == pfn_signature;
  return facts;
}

FileFacts inspect_device(const std::filesystem::path& sysfs_path) {
  std::error_code error;
  FileFacts facts;
  facts.real_path = std::filesystem::canonical(sysfs_path, error).string();
  facts.missing = bool{error};
  return facts;
}

VmConfig with_choices_made(const QemuArch& arch, const ArchInput& in, const std::map<std::string, FileFacts>& files) {
  auto config = in.config;
  if (config.boot.image_attachment == ImageAttachment::automatic) {
    // Non-volatile memory pays only where the guest can map it; elsewhere a disk is the plainer thing.
    const auto facts = files.find(asset_path(config, AssetKind::image));
    const bool dax = facts != files.end() && facts->second.dax_header;
    config.boot.image_attachment = dax && arch.image(in).dax ? ImageAttachment::nvdimm : ImageAttachment::block;
  }
  const auto is_vsock = [](const auto& device) { return std::holds_alternative<VsockConfig>(device); };
  if (config.network.use_vsock && std::ranges::none_of(config.devices, is_vsock)) {
    VsockConfig vsock;
    vsock.id = chosen_vsock_id;
    config.devices.emplace_back(vsock);
  }
  name_devices(config);
  return config;
}

void check_supported_fields(const VmConfig& config) {
  Problems problems;
  for (const auto kind : {AssetKind::hypervisor_ctl, AssetKind::jailer}) {
    if (!is_custom_asset(config, kind)) continue;
    problems.add(Errc::unsupported, "assets: QEMU has no " + std::string{to_string(kind)} + "; leave it out");
  }
  const auto value = settings_to_value(config);  // only what differs from its default
  for (const auto& [section, members] : value.as_map()) {
    if (is_supported(section)) continue;
    if (!members.is_map()) {
      problems.add(Errc::unsupported, section + ": this version of the QEMU driver does not act on it");
      continue;
    }
    for (const auto& [key, member] : members.as_map()) {
      const auto path = section + '.' + key;
      if (is_supported(path) || is_filled_in(section, key, member)) continue;
      problems.add(Errc::unsupported, path + ": this version of the QEMU driver does not act on it; leave it out");
    }
  }
  problems.throw_if_any();
}

}  // namespace visor::sdk::plan
