// SPDX-License-Identifier: Apache-2.0
// Which fields take a text, and where QEMU says what became of it.
#include "fields.hpp"

namespace visor::test {
namespace {

using Answer = std::optional<std::string>;

void add_disk(VmConfig& config, const Case& one, DiskBus bus) {
  config.devices.emplace_back(DiskConfig{.id = one.id, .path = one.value, .bus = bus});
}

/// A disk of QEMU that needs no file of its own.
void add_null_disk(VmConfig& config, const Case& one) {
  config.devices.emplace_back(DiskConfig{
      .id = one.id, .path = config.boot.initrd, .bus = DiskBus::scsi, .read_only = true, .serial = one.value});
}

Answer disk_told(Told& qemu, const Case& one) {
  const bool open = qemu.open_files().contains(std::filesystem::path{one.value}.lexically_normal());
  return open ? qemu.node_file("node-" + one.id) : "not open: " + one.value;
}

template <const char* const& Name>
Answer own_property(Told& qemu, const Case& one) {
  return qemu.property(one.id, Name);
}

template <const char* const& Name>
Answer machine_property(Told& qemu, const Case& /*one*/) {
  return qemu.property("/machine", Name);
}

constexpr const char* serial = "serial";
constexpr const char* mount_tag = "mount_tag";
constexpr const char* port_name = "name";
constexpr const char* kernel = "kernel";
constexpr const char* initrd = "initrd";
constexpr const char* firmware = "firmware";
constexpr const char* oem_id = "x-oem-table-id";

Field disk(std::string_view name, unsigned count, void (*put)(VmConfig&, const Case&)) {
  return {.name = name,
          .key = "path",
          .count = count,
          .everywhere = true,
          .made = Made::disk,
          .put = put,
          .told = disk_told};
}

std::vector<Field> disks_and_shares() {
  return {
      disk("path of a SCSI disk", 14, [](VmConfig& config, const Case& one) { add_disk(config, one, DiskBus::scsi); }),
      disk("path of a virtio disk", 3,
           [](VmConfig& config, const Case& one) { add_disk(config, one, DiskBus::virtio_blk); }),
      {.name = "serial of a disk",
       .key = "serial",
       .count = 14,
       .everywhere = true,
       .put = add_null_disk,
       .told = own_property<serial>},
      {.name = "path of a share",
       .key = "path",
       .count = 4,
       .everywhere = true,
       .made = Made::folder,
       .put =
           [](VmConfig& config, const Case& one) {
             config.devices.emplace_back(ShareConfig{.id = one.id, .path = one.value, .tag = one.id});
           },
       .told = [](Told& qemu, const Case& one) -> Answer {
         const bool open = qemu.open_files().contains(std::filesystem::path{one.value}.lexically_normal());
         return open ? Answer{one.value} : std::nullopt;
       }},
      {.name = "tag of a share",
       .key = "tag",
       .count = 6,
       .everywhere = true,
       .unique = true,
       .put =
           [](VmConfig& config, const Case& one) {
             config.devices.emplace_back(ShareConfig{.id = one.id, .path = "/tmp", .tag = one.value});
           },
       .told = own_property<mount_tag>},
  };
}

std::vector<Field> ports() {
  return {
      {.name = "name of a port",
       .key = "name",
       .count = 10,
       .everywhere = true,
       .unique = true,
       .put = [](VmConfig& config,
                 const Case& one) { config.devices.emplace_back(SerialPortConfig{.id = one.id, .name = one.value}); },
       .told = own_property<port_name>},
      {.name = "socket of a port",
       .key = "socket",
       .count = 6,
       .everywhere = true,
       .made = Made::socket,
       .put =
           [](VmConfig& config, const Case& one) {
             config.devices.emplace_back(SerialPortConfig{.id = one.id, .name = one.id, .socket = one.value});
           },
       .told = [](Told& qemu, const Case& one) -> Answer {
         const auto told = qemu.chardev(one.id + "-chardev").value_or("");
         return told == "disconnected:unix:" + one.value + ",server=on" ? one.value : told;
       }},
      {.name = "property of a raw device",
       .key = "properties",
       .count = 6,
       .everywhere = true,
       .unique = true,  // it is the name of a port
       .put =
           [](VmConfig& config, const Case& one) {
             config.devices.emplace_back(SerialPortConfig{.id = one.id + "-bus", .name = one.id + "-bus"});
             config.devices.emplace_back(
                 RawDeviceConfig{.id = one.id,
                                 .driver = "virtserialport",
                                 .properties = Value::map({{"name", one.value}, {"bus", "visor-serial.0"}})});
           },
       .told = own_property<port_name>},
      {.name = "id of a device",
       .key = "id",
       .count = 4,
       .everywhere = true,
       .unique = true,
       .put =
           [](VmConfig& config, const Case& one) {
             config.devices.emplace_back(
                 DiskConfig{.id = one.value, .path = config.boot.initrd, .bus = DiskBus::scsi, .read_only = true});
           },
       .told = [](Told& qemu, const Case& one) -> Answer {
         return qemu.has_device(one.value) ? Answer{one.value} : std::nullopt;
       }},
  };
}

std::vector<Field> blobs() {
  return {
      {.name = "name of a blob",
       .key = "name",
       .count = 4,
       .unique = true,
       .made = Made::blob,
       .put =
           [](VmConfig& config, const Case& one) {
             config.devices.emplace_back(FwCfgConfig{.id = one.id, .name = one.value, .text = one.id});
           },
       .told = [](Told& qemu, const Case& one) -> Answer {
         return qemu.blob(one.value) == one.id ? Answer{one.value} : std::nullopt;
       }},
      {.name = "text of a blob",
       .key = "text",
       .count = 4,
       .longest = 300,  // each byte is a question of its own
       .put =
           [](VmConfig& config, const Case& one) {
             config.devices.emplace_back(FwCfgConfig{.id = one.id, .name = "opt/" + one.id, .text = one.value});
           },
       .told = [](Told& qemu, const Case& one) { return qemu.blob("opt/" + one.id); }},
      {.name = "path of a blob",
       .key = "path",
       .count = 2,
       .made = Made::small,
       .put =
           [](VmConfig& config, const Case& one) {
             config.devices.emplace_back(FwCfgConfig{.id = one.id, .name = "opt/" + one.id, .path = one.value});
           },
       .told = [](Told& qemu, const Case& one) -> Answer {
         return qemu.blob("opt/" + one.id) == small_file ? Answer{one.value} : std::nullopt;
       }},
  };
}

std::vector<Field> boot() {
  return {
      {.name = "kernel parameter",
       .key = "kernel_params",
       .count = 5,
       .everywhere = true,
       .longest = 300,
       .put = [](VmConfig& config, const Case& one) { config.boot.kernel_params.push_back({one.id, one.value}); },
       .told = [](Told& qemu, const Case& one) { return qemu.kernel_param(one.id); }},
      {.name = "kernel",
       .key = "boot.kernel",
       .everywhere = true,
       .made = Made::kernel,
       .put = [](VmConfig& config, const Case& one) { config.boot.kernel = one.value; },
       .told = machine_property<kernel>},
      {.name = "initrd",
       .key = "initrd",
       .everywhere = true,
       .made = Made::disk,
       .put = [](VmConfig& config, const Case& one) { config.boot.initrd = one.value; },
       .told = machine_property<initrd>},
      {.name = "firmware",
       .key = "boot.firmware",
       .turn = 0,
       .made = Made::flash,
       .put = [](VmConfig& config, const Case& one) { config.boot.firmware = one.value; },
       .told = machine_property<firmware>},
      {.name = "pflash",
       .key = "boot.pflash",
       .turn = 1,
       .made = Made::flash,
       .put = [](VmConfig& config, const Case& one) { config.boot.pflash = {one.value}; },
       .told = [](Told& qemu, const Case& /*one*/) { return qemu.drive_file("pflash0"); }},
  };
}

std::vector<Field> machine() {
  return {
      {.name = "name",
       .key = "name",
       .everywhere = true,
       .put = [](VmConfig& config, const Case& one) { config.name = one.value; },
       .told = [](Told& qemu, const Case& /*one*/) -> Answer { return qemu.name(); }},
      {.name = "value of a machine option",
       .key = "machine.options",
       .longest = 8,
       .made = Made::word,
       .put = [](VmConfig& config,
                 const Case& one) { config.machine.options.push_back("x-oem-table-id=" + one.value); },
       .told = machine_property<oem_id>},
      {.name = "source of random numbers",
       .key = "source",
       .count = 2,
       .everywhere = true,
       .made = Made::disk,
       .put = [](VmConfig& config,
                 const Case& one) { config.devices.emplace_back(RngConfig{.id = one.id, .source = one.value}); },
       .told = [](Told& qemu, const Case& one) { return qemu.property("/objects/" + one.id + "-source", "filename"); }},
      {.name = "folder of the memory",
       .key = "memory.backing_dir",
       .everywhere = true,
       .made = Made::folder,
       .put = [](VmConfig& config, const Case& one) { config.memory.backing_dir = one.value; },
       .told = [](Told& qemu, const Case& /*one*/) { return qemu.property("/objects/visor-memory", "mem-path"); }},
  };
}

}  // namespace

const std::vector<Field>& fields() {
  static const auto all = [] {
    std::vector<Field> list;
    for (const auto& part : {disks_and_shares(), ports(), blobs(), boot(), machine()}) {
      list.insert(list.end(), part.begin(), part.end());
    }
    return list;
  }();
  return all;
}

}  // namespace visor::test
