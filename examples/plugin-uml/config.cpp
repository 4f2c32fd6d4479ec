// SPDX-License-Identifier: Apache-2.0
#include "config.hpp"

#include "command.hpp"
#include "visor/core/describe.hpp"
#include "visor/core/error.hpp"
#include "visor/core/host.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace uml {
namespace {

using visor::Errc;
using visor::Error;
using visor::Feature;
using visor::VmConfig;

constexpr const char* default_kernel = "/usr/bin/linux.uml";

/// Throws unsupported, naming the first field of `wanted` that `understood` does not have.
void refuse_rest(const visor::Value& wanted, const visor::Value& understood, const std::string& path) {
  for (const auto& [key, value] : wanted.as_map()) {
    const auto* other = understood.find(key);
    if (other != nullptr && *other == value) continue;
    if (value.is_map()) {
      refuse_rest(value, other != nullptr ? *other : visor::Value::map(), path + key + ".");
    } else {
      throw Error(Errc::unsupported, path + key + ": User-Mode Linux has nothing like it; leave it out");
    }
  }
}

/// The fields that mean something to UML, all others at their defaults.
VmConfig understood_part(const VmConfig& config) {
  VmConfig out;
  out.name = config.name;
  out.hypervisor = config.hypervisor;
  out.arch = config.arch;
  out.debug = config.debug;
  out.ephemeral = config.ephemeral;
  out.cpu.count = config.cpu.count;
  out.cpu.max_count = config.cpu.max_count;
  out.memory.size_mib = config.memory.size_mib;
  out.memory.backing_dir = config.memory.backing_dir;
  out.boot.kernel = config.boot.kernel;
  out.boot.image = config.boot.image;
  out.boot.initrd = config.boot.initrd;
  out.boot.kernel_params = config.boot.kernel_params;
  out.boot.root_partition = config.boot.root_partition;
  out.boot.root_fs_type = config.boot.root_fs_type;
  out.assets = config.assets;
  out.console.type = config.console.type == visor::ConsoleType::none ? config.console.type : visor::ConsoleType{};
  out.console.log_limit_mib = config.console.log_limit_mib;
  out.ready.console_line = config.ready.console_line;
  out.policy.on_reboot = config.policy.on_reboot;
  out.host.cgroup = config.host.cgroup;
  out.host.selinux_label = config.host.selinux_label;
  out.devices = config.devices;
  return out;
}

/// The program is the kernel, so its command line is read by both: what UML itself would take from it is not the
/// guest's to say. It could name any file of the host.
void check_kernel_params(const visor::Params& params) {
  constexpr std::array<std::string_view, 9> names{"con",   "mem",     "iomem",  "initrd",  "umid",
                                                  "xterm", "uml_dir", "hostfs", "mconsole"};
  constexpr std::array<std::string_view, 5> families{"ubd", "ssl", "eth", "vec", "virtio"};
  for (const auto& [name, value] : params) {
    const auto in_family = [&name = name](auto family) { return name.starts_with(family); };
    const bool channel = name.starts_with("con") && name.size() > 3 && name[3] >= '0' && name[3] <= '9';
    if (channel || std::ranges::find(names, name) != names.end() || std::ranges::any_of(families, in_family)) {
      throw Error(Errc::invalid_config, "boot.kernel_params: " + name + " is an option of User-Mode Linux itself");
    }
  }
}

void check_kernel(const std::string& kernel) {
  if (::access(kernel.c_str(), F_OK) != 0) {
    throw Error(Errc::not_found, "boot.kernel: " + kernel +
                                     " does not exist; the kernel of User-Mode Linux is a "
                                     "program: install Debian's package user-mode-linux");
  }
  if (::access(kernel.c_str(), X_OK) != 0) {
    throw Error(Errc::permission_denied, "boot.kernel: " + kernel +
                                             " is no program; User-Mode Linux needs a kernel "
                                             "that was built for it");
  }
}

void check_file_name(const std::string& path) {
  // UML splits a disk's option there.
  if (path.find_first_of(",:") == std::string::npos) return;
  throw Error(Errc::invalid_config, path + ": User-Mode Linux takes no disk with ',' or ':' in its path");
}

/// Throws for a file that UML cannot be told about or cannot open.
void check_disk(const visor::DiskConfig& disk) {
  check_file_name(disk.path);
  if (::access(disk.path.c_str(), disk.read_only ? R_OK : R_OK | W_OK) == 0) return;
  throw visor::system_error("Disk '" + disk.id + "': cannot open " + disk.path, errno);
}

}  // namespace

VmConfig checked(const VmConfig& config) {
  visor::ConfigDefaults defaults;
  defaults.host_memory_mib = visor::host_facts().memory_mib;
  defaults.block_driver = visor::BlockDriver::automatic;
  auto wanted = config;
  if (asset_path(wanted, visor::AssetKind::kernel).empty()) wanted.boot.kernel = default_kernel;
  auto result = normalised(wanted, defaults);
  for (auto& device : result.devices) {
    check_disk(as_disk(device));
    if (device_id(device).empty()) set_device_id(device, free_id(result));
  }
  refuse_rest(to_value(result), to_value(normalised(understood_part(result), defaults)), "");
  if (!result.arch.empty() && result.arch != visor::host_facts().arch) {
    throw Error(Errc::unsupported, "arch: User-Mode Linux runs guests of the host's architecture, not " + result.arch);
  }
  check_kernel_params(result.boot.kernel_params);
  check_file_name(result.boot.image);
  check_kernel(result.boot.kernel);
  check_boot_files(result);
  (void)assigned_units(result);
  return result;
}

visor::Capabilities offered(const VmConfig& config) {
  visor::Capabilities out;
  for (std::uint8_t i = 0; i < static_cast<std::uint8_t>(Feature::count_); ++i) {
    out.remove(Feature{i}, "User-Mode Linux has nothing like it, or this plugin does not use it");
  }
  for (const auto feature :
       {Feature::add_device, Feature::stop, Feature::pause, Feature::resume, Feature::hotplug_disk, Feature::events,
        Feature::status, Feature::check, Feature::attach, Feature::pids, Feature::console, Feature::wait_ready}) {
    out.add(feature);
  }
  if (config.console.type == visor::ConsoleType::none) out.remove(Feature::console, "console.type is none");
  if (config.ready.console_line.empty()) out.remove(Feature::wait_ready, "ready.console_line is not configured");
  return out;
}

const visor::DiskConfig& as_disk(const visor::DeviceConfig& device) {
  const auto* disk = std::get_if<visor::DiskConfig>(&device);
  if (disk == nullptr) {
    throw Error(Errc::unsupported, "The uml plugin has no device of type " + std::string{device_type(device)});
  }
  check_fields(device);
  visor::DiskConfig understood;
  understood.id = disk->id;
  understood.path = disk->path;
  understood.read_only = disk->read_only;
  understood.share_rw = disk->share_rw;
  refuse_rest(to_value(device), to_value(visor::DeviceConfig{understood}), "disk " + disk->id + ": ");
  return *disk;
}

std::string free_id(const VmConfig& config) {
  for (unsigned number = 0;; ++number) {
    auto id = "disk" + std::to_string(number);
    const auto has_it = [&id](const auto& device) { return device_id(device) == id; };
    if (std::ranges::none_of(config.devices, has_it)) return id;
  }
}

}  // namespace uml
