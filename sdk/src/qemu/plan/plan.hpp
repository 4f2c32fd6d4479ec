// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/problems.hpp"
#include "visor/core/qemu_arch.hpp"
#include "visor/sdk/device/addresses.hpp"
#include "visor/sdk/device/command_line.hpp"
#include "visor/sdk/device/memory.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

/// From a configuration to a command line: the one bridge between what the user asked for and how QEMU is told.
namespace visor::sdk::hotplug {
class Plugging;
}
namespace visor::sdk::qmp {
struct Command;
}
namespace visor::sdk::plan {

/// What must be known of a file before a plan is made, so that planning itself reads nothing.
struct FileFacts {
  std::uint64_t size_bytes = 0;
  bool block_device = false;
  std::string real_path;    ///< of a device of the host: where the symbolic links of its sysfs folder lead
  bool missing = false;     ///< it could not be looked at: what follows from its size is not known
  bool dax_header = false;  ///< begins with a page-frame header that lets a guest map it (Linux: nd_pfn)
};
/// Facts of a device by its sysfs folder; one that is not there is missing, which the start says. [file I/O]
FileFacts inspect_device(const std::filesystem::path& sysfs_path);
/// Facts of one file. Throws not_found, permission_denied.
FileFacts inspect_file(const std::filesystem::path& path);

/// What a VM has from another one, with whose state it goes on.
struct Source {
  std::string machine = {};  ///< its release of the machine type ("pc-q35-7.2"); empty: the newest
  bool incoming = false;     ///< QEMU waits for that state instead of booting
};

struct Input {
  const VmConfig& config;  ///< normalised
  const QemuArch& arch;
  const HostFacts& host;
  const QemuCaps& caps;
  Accelerator accelerator;
  std::string id;
  std::filesystem::path run_dir;
  std::string uuid;                        ///< empty: none is given
  std::map<std::string, FileFacts> files;  ///< of the image, the disks and devices of the host, by path
  /// Devices that sit at an exact place, by id: those that were plugged into a VM which is made again from its record.
  /// QEMU finds a place for all others. Of a SCSI disk bus and addr are its controller's bus and its target, of a
  /// serial port its bus and number, both in decimal.
  std::map<std::string, Place> places = {};
  Source source = {};

  [[nodiscard]] ArchInput arch_input() const;
  /// The configured machine, or the architecture's default one.
  [[nodiscard]] std::string machine_type() const;
};

/// A Unix socket on which QEMU listens through a descriptor that it inherits.
struct Listener {
  int fd = -1;  ///< number in QEMU's process
  std::string path;
};

/// A process that serves a shared folder by virtio-fs.
struct FsDaemon {
  std::string share;                   ///< id of the device
  std::string socket;                  ///< on which it listens through descriptor fs_daemon_fd
  std::vector<std::string> arguments;  ///< those after its program
};
inline constexpr int fs_daemon_fd = 3;

struct Plan {
  CommandLine line;
  Listener owner;     ///< monitor of the handle that owns the VM
  Listener observer;  ///< monitor for read-only queries of others
  Listener keeper;    ///< monitor that the keeper records
  Listener console;   ///< path is empty when there is no console
  std::vector<Listener> ports;
  std::vector<FsDaemon> daemons;  ///< to be started before QEMU, which connects to their sockets
  int vsock = -1;       ///< number in QEMU's process of the open /dev/vhost-vsock; -1: there is no such device
  Addresses addresses;  ///< who sits where, and what is free for devices that are plugged later
  std::map<std::string, Place> places;  ///< who was put at an exact place, as in Input
  bool customised = false;              ///< something was passed on in QEMU's own words
  Problems problems;                    ///< while it is made; with any it is not handed out
};

/// Throws all that is wrong with it at once, a line each: "<field>: <why>"; invalid_config or unsupported. Nothing is
/// started, read or written.
Plan make_plan(const Input& input);

/// Names of the sockets in a VM's folder.
inline constexpr std::string_view owner_socket = "qmp-owner.sock";
inline constexpr std::string_view observer_socket = "qmp-observer.sock";
inline constexpr std::string_view keeper_monitor_socket = "qmp-keeper.sock";
inline constexpr std::string_view console_chardev_socket = "console-qemu.sock";
/// The socket of a serial port: the configured one, or one in the VM's folder.
std::string port_socket(const SerialPortConfig& port, const std::filesystem::path& run_dir);

/// The socket of the daemon that serves a share.
std::string fs_socket(const ShareConfig& share, const std::filesystem::path& run_dir);

/// The configuration with its image attachment decided, a vsock device where network.use_vsock asks for one, and an id
/// given to each device that has none.
/// Throws invalid_config for an id that QEMU would not take or that is the driver's own.
VmConfig with_choices_made(const QemuArch& arch, const ArchInput& in, const std::map<std::string, FileFacts>& files);

/// The id of the vsock device that network.use_vsock adds: what is wrong with it is wrong with that field.
inline constexpr std::string_view chosen_vsock_id = "visor-vsock";
/// What a device is told by: its place in the configuration ("devices[2]"), or the field that chose it.
std::string device_path(const VmConfig& config, std::size_t index);

/// How disks are attached when nobody says; the driver has no other way yet.
inline constexpr auto default_disks = BlockDriver::virtio_blk;

/// Free root ports of a machine that has them, when nobody says: enough for the disk or card that is wanted later,
/// since nothing can be plugged into the root bus of q35 and virt, and ports cannot be added while the guest runs. Few,
/// for each is looked at when the guest boots: 4 took 0.1 s more of an emulated boot's 3.3 s of processor time, 16 took
/// 0.3.
inline constexpr std::uint32_t default_root_ports = 4;

/// Plans one configured device of a running VM as what is plugged. `plan` has that VM's addresses and places; in it the
/// device gets an id and its own, and so does a bus that must be plugged first. `vhost` is a vsock device's descriptor.
/// Throws as make_plan(), and exhausted with the limit and what raises it. Nothing is done yet; what throws leaves
/// `plan` half changed.
void plan_plug(const Input& input, std::size_t index, Plan& plan, hotplug::Plugging& parts, int vhost);
/// A device as it is plugged: a disk that leaves its bus open goes to the SCSI controller where virtio-blk would not be
/// seen (QemuMachine::pci_hotplug_by_tool) or cannot be plugged, if the running VM has the controller.
DeviceConfig as_plugged(const Input& input, const Addresses& addresses, DeviceConfig device);
/// What is to be removed from QEMU when a device is gone, in this order.
std::vector<qmp::Command> behind(const DeviceConfig& device);
/// The bus of serial ports is on the command line of this configuration.
bool has_serial_bus(const Input& input);

/// Where a device may be plugged that comes later: machine.hotplug_vfio_on_root_bus.
PlaceWish place_wish(const VmConfig& config, const DeviceConfig& device);

/// Refuses the configuration fields that this driver does not act on, unless normalising filled them in. Throws
/// unsupported, a line each.
void check_supported_fields(const VmConfig& config);

/// The whole kernel command line: architecture, root, console, verbosity, then the user's own.
std::string kernel_command_line(const Input& input);

namespace detail {
/// Throws permission_denied for a path that a list of patterns does not have; an empty list allows all.
void check_allowed(const std::string& field, const std::string& path, const std::string& list,
                   const std::vector<std::string>& patterns);
/// Whether other processes can have the guest's memory.
bool shares_memory(const VmConfig& config) noexcept;
/// Whether the guest's memory is an object of its own, and not just -m.
bool has_memory_object(const VmConfig& config) noexcept;
inline constexpr const char* memory_object = "visor-memory";
/// That object: shared where another process serves a device, from a folder or from huge pages when asked for.
void add_memory_object(const Input& input, Plan& plan);
/// Memory of the host like that of the start: from the same folder, of the same pages, shared where that is.
MemoryBackend memory_backend(const VmConfig& config, std::string id, std::uint64_t bytes);
inline constexpr const char* virtio_mem_device = "visor-virtio-mem";
inline constexpr const char* virtio_mem_object = "visor-virtio-mem-memory";
/// Keeps the guest's memory, and QEMU's, from being swapped.
void add_memory_lock(const Input& input, Plan& plan);
/// Buses, console and what every VM of the machine has.
void add_fixed_devices(const Input& input, Plan& plan, int& next_fd);
/// The root image: before the user's disks, so that it is the first one of the guest.
void add_image(const Input& input, Plan& plan);
/// The configured devices in order; new sockets go to plan.ports.
void add_user_devices(const Input& input, Plan& plan, int& next_fd);
/// After all devices: the ids that are known, and the numbers that are left.
void note_addresses(const Input& input, Plan& plan);
/// Kernel, initrd and firmware.
void add_boot(const Input& input, Plan& plan);
/// Notes a machine that this QEMU lacks, and is false then, or more vCPUs than its machine has.
bool check_machine(const Input& input, Problems& problems);
/// Notes devices, properties and objects that this QEMU lacks, with what it has.
void check_devices(const Input& input, Plan& plan);
}  // namespace detail

}  // namespace visor::sdk::plan
