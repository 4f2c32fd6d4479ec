// SPDX-License-Identifier: Apache-2.0
#include "vm_config_devices.hpp"

#include "describe_check.hpp"

#include <algorithm>
#include <map>

namespace visor::detail {
namespace {

/// Of a device, or of one of its fields.
void note(Problems& problems, std::size_t index, std::string_view field, const std::string& why) {
  const auto device = indexed_path("devices", index);
  problems.add(Errc::invalid_config, (field.empty() ? device : joined_path(device, field)) + ": " + why);
}

/// Names of one kind, each with the device that has it.
class Names {
 public:
  Names(Problems& problems, std::string what) : problems_{problems}, what_{std::move(what)} {}

  void add(const std::string& name, std::size_t index) {
    if (name.empty()) return;
    const auto [other, fresh] = owners_.emplace(name, index);
    if (fresh) return;
    note(problems_, index, what_,
         "The " + what_ + " '" + name + "' is taken by " + indexed_path("devices", other->second));
  }

 private:
  Problems& problems_;
  std::string what_;
  std::map<std::string, std::size_t> owners_;
};

void check_names(Problems& problems, const std::vector<DeviceConfig>& devices) {
  Names ids{problems, "id"};
  Names tags{problems, "tag"};
  Names ports{problems, "name"};
  Names blobs{problems, "name"};
  for (std::size_t i = 0; i < devices.size(); ++i) {
    ids.add(device_id(devices[i]), i);
    if (const auto* share = std::get_if<ShareConfig>(&devices[i])) tags.add(share->tag, i);
    if (const auto* served = std::get_if<VhostUserConfig>(&devices[i])) tags.add(served->tag, i);
    if (const auto* port = std::get_if<SerialPortConfig>(&devices[i])) ports.add(port->name, i);
    if (const auto* blob = std::get_if<FwCfgConfig>(&devices[i])) blobs.add(blob->name, i);
  }
}

/// Devices of which a machine has one.
template <class Device>
void check_single(Problems& problems, const std::vector<DeviceConfig>& devices) {
  const DeviceConfig* first = nullptr;
  for (std::size_t i = 0; i < devices.size(); ++i) {
    if (!std::holds_alternative<Device>(devices[i])) continue;
    if (first != nullptr) {
      note(problems, i, "", "A VM has at most one " + std::string{device_type(devices[i])} + ": leave one out");
    }
    first = &devices[i];
  }
}

void check_disk(Problems& problems, const VmConfig& config, const DiskConfig& disk, std::size_t index) {
  const auto is_named = [&](const DeviceConfig& device) {
    return std::holds_alternative<IoThreadConfig>(device) && device_id(device) == disk.iothread;
  };
  if (!disk.iothread.empty() && std::ranges::none_of(config.devices, is_named)) {
    note(problems, index, "iothread",
         "There is no iothread '" + disk.iothread + "': add a device of type iothread with this id");
  }
  const bool direct = disk.cache_direct || (config.storage.cache_set && config.storage.cache_direct);
  if (disk.aio == DiskAio::native && !direct) {
    note(problems, index, "aio", "native needs cache_direct: set it, or take threads or io_uring");
  }
}

}  // namespace

void check_devices(Problems& problems, const VmConfig& config) {
  check_names(problems, config.devices);
  check_single<BalloonConfig>(problems, config.devices);
  check_single<CloudInitConfig>(problems, config.devices);
  check_single<IommuConfig>(problems, config.devices);
  check_single<PanicConfig>(problems, config.devices);
  check_single<VsockConfig>(problems, config.devices);
  for (std::size_t i = 0; i < config.devices.size(); ++i) {
    if (const auto* disk = std::get_if<DiskConfig>(&config.devices[i])) check_disk(problems, config, *disk, i);
  }
}

}  // namespace visor::detail

namespace visor {

bool is_virtio_fs(const VmConfig& config, const ShareConfig& share) noexcept {
  if (share.type != ShareType::automatic) return share.type == ShareType::virtio_fs;
  return config.shared_fs.type == SharedFs::virtio_fs;
}

std::string share_mount_options(const VmConfig& config, const ShareConfig& share) {
  std::string options;
  if (!is_virtio_fs(config, share)) {
    options = "trans=virtio,version=9p2000.L";
    // Not set with virtio-fs as the default: the guest's own choice then.
    const auto msize = config.shared_fs.msize_9p_bytes;
    if (msize != 0) options += ",msize=" + std::to_string(msize);
  }
  if (share.read_only) options += options.empty() ? "ro" : ",ro";
  return options;
}

}  // namespace visor
