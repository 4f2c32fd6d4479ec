// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/device_config.hpp"
#include "visor/core/export.h"
#include "visor/core/params.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Everything a VM can be configured with. Plain values: copy, compare, change. Zero and empty mean "the plugin's
/// default" where the describe() table (describe.hpp) says so; it also has each field's unit, range and meaning.
namespace visor {

enum class Accelerator : std::uint8_t { automatic, kvm, tcg };

struct MachineConfig {
  std::string type;
  Accelerator accelerator = Accelerator::automatic;
  std::vector<std::string> options;
  std::uint32_t bridges = 0;
  std::optional<std::uint32_t> root_ports = {};
  bool iommu = false;
  bool iommu_platform = false;
  bool nesting_checks = true;
  bool hotplug_vfio_on_root_bus = false;
  bool operator==(const MachineConfig&) const = default;
};

struct CpuConfig {
  std::uint32_t count = 0;
  std::uint32_t max_count = 0;
  std::string model;
  std::vector<std::string> features;
  bool operator==(const CpuConfig&) const = default;
};

struct MemoryConfig {
  std::uint64_t size_mib = 0;
  std::uint64_t max_size_mib = 0;
  std::uint32_t slots = 0;
  std::uint64_t offset_mib = 0;
  bool prealloc = false;
  bool huge_pages = false;
  bool realtime = false;
  bool lock = false;
  bool virtio_mem = false;
  std::string backing_dir;
  bool operator==(const MemoryConfig&) const = default;
};

enum class ImageAttachment : std::uint8_t { automatic, block, nvdimm };
enum class AssetKind : std::uint8_t {
  kernel,
  image,
  initrd,
  early_initrd,
  firmware,
  hypervisor,
  hypervisor_ctl,
  jailer
};

/// A file that takes the place of a configured one.
struct CustomAsset {
  AssetKind kind = AssetKind::kernel;
  std::string path;
  std::string sha512;
  bool operator==(const CustomAsset&) const = default;
};

struct BootConfig {
  std::string kernel;
  std::string image;
  std::string initrd;
  std::string early_initrd;
  std::string firmware;
  std::vector<std::string> pflash;
  Params kernel_params;
  ImageAttachment image_attachment = ImageAttachment::automatic;
  std::uint32_t root_partition = 1;
  std::string root_fs_type = "ext4";
  bool operator==(const BootConfig&) const = default;
};

/// VM templates: a VM that is saved right after its boot, and VMs that start from what was saved.
struct TemplateConfig {
  bool to_be = false;
  bool from = false;
  std::string memory_path;
  std::string state_path;
  bool operator==(const TemplateConfig&) const = default;
};

enum class BlockDriver : std::uint8_t { automatic, virtio_blk, virtio_blk_ccw, virtio_mmio, virtio_scsi, nvdimm };

/// Defaults for disks.
struct StorageConfig {
  BlockDriver driver = BlockDriver::automatic;
  bool cache_set = false;
  bool cache_direct = false;
  bool cache_no_flush = false;
  bool disable_block = false;
  bool iothreads = false;
  bool operator==(const StorageConfig&) const = default;
};

enum class SharedFs : std::uint8_t { virtio_9p, virtio_fs, none };
enum class VirtioFsCache : std::uint8_t { none, metadata, automatic, always };

/// Defaults for shared folders.
struct SharedFsConfig {
  SharedFs type = SharedFs::virtio_9p;
  std::uint32_t msize_9p_bytes = 0;
  std::string daemon;
  VirtioFsCache cache = VirtioFsCache::none;
  std::uint64_t cache_size_mib = 0;
  std::vector<std::string> daemon_args;
  bool operator==(const SharedFsConfig&) const = default;
};

/// Defaults for the network and vhost.
struct NetworkConfig {
  bool vhost = true;
  bool use_vsock = false;
  bool vhost_user_store = false;
  std::string vhost_user_store_path;
  bool operator==(const NetworkConfig&) const = default;
};

enum class ConsoleType : std::uint8_t { automatic, serial, virtio, none };

struct ConsoleConfig {
  ConsoleType type = ConsoleType::automatic;
  std::uint64_t log_limit_mib = 16;
  bool operator==(const ConsoleConfig&) const = default;
};

/// How a VM tells that it is ready. Neither set: Vm::wait_ready() is unsupported.
struct ReadyConfig {
  std::string port;
  std::string console_line;
  bool operator==(const ReadyConfig&) const = default;
};

enum class RebootPolicy : std::uint8_t { stop, reset };
enum class PanicPolicy : std::uint8_t { stop, pause };
enum class ShutdownPolicy : std::uint8_t { stop, pause };

struct PolicyConfig {
  RebootPolicy on_reboot = RebootPolicy::stop;
  PanicPolicy on_panic = PanicPolicy::stop;
  ShutdownPolicy on_shutdown = ShutdownPolicy::stop;
  bool operator==(const PolicyConfig&) const = default;
};

/// The hypervisor's process on the host, and what of the host it may use.
struct HostConfig {
  std::string hypervisor_path;
  Params hypervisor_params;
  std::string hypervisor_ctl_path;
  std::string jailer_path;
  bool sandbox = true;
  std::string user;
  std::string network_namespace;
  std::string cgroup;
  std::string selinux_label;
  std::string entropy_source = "/dev/urandom";
  std::string guest_hook_path;
  std::string factory_vm_id;
  std::vector<std::string> enabled_annotations;
  std::vector<std::string> allowed_hypervisor_paths;
  std::vector<std::string> allowed_hypervisor_ctl_paths;
  std::vector<std::string> allowed_jailer_paths;
  std::vector<std::string> allowed_virtio_fs_daemons;
  std::vector<std::string> allowed_backing_dirs;
  std::vector<std::string> allowed_vhost_user_stores;
  std::vector<std::string> allowed_entropy_sources;
  bool operator==(const HostConfig&) const = default;
};

struct VISOR_CORE_EXPORT VmConfig {
  VmConfig();
  VmConfig(const VmConfig& other);
  VmConfig(VmConfig&& other) noexcept;
  VmConfig& operator=(const VmConfig& other);
  VmConfig& operator=(VmConfig&& other) noexcept;
  ~VmConfig();
  bool operator==(const VmConfig& other) const;

  std::string name;
  std::string hypervisor = "qemu";
  std::string arch;
  bool debug = false;
  bool ephemeral = false;
  MachineConfig machine;
  CpuConfig cpu;
  MemoryConfig memory;
  BootConfig boot;
  std::vector<CustomAsset> assets;
  TemplateConfig vm_template;
  StorageConfig storage;
  SharedFsConfig shared_fs;
  NetworkConfig network;
  ConsoleConfig console;
  ReadyConfig ready;
  PolicyConfig policy;
  HostConfig host;
  std::vector<DeviceConfig> devices;
};

/// The file to use for an asset: a custom one wins over the configured one; empty when there is neither.
VISOR_CORE_EXPORT std::string asset_path(const VmConfig& config, AssetKind kind);
VISOR_CORE_EXPORT bool is_custom_asset(const VmConfig& config, AssetKind kind) noexcept;

/// The words of configuration files: "early_initrd", "kvm"; "unknown" for a value of a later version.
VISOR_CORE_EXPORT std::string_view to_string(AssetKind kind) noexcept;
VISOR_CORE_EXPORT std::string_view to_string(Accelerator accelerator) noexcept;

/// Adds or replaces a custom asset. An empty path is ignored. Throws invalid_config when the path is not absolute.
VISOR_CORE_EXPORT void add_custom_asset(VmConfig& config, CustomAsset asset);

/// What the plugin puts where the configuration leaves a choice.
struct ConfigDefaults {
  std::uint32_t max_vcpus = 1;        ///< the limit of the architecture and machine
  std::uint64_t host_memory_mib = 0;  ///< 0: not checked
  bool needs_boot_files = true;       ///< false for a hypervisor that boots nothing (mock)
  BlockDriver block_driver = BlockDriver::virtio_scsi;
  std::uint32_t bridges = 1;  ///< 0: none unless the configuration asks for some
};

/// A checked copy with all defaults filled in; the caller's object stays as it is. Doing it twice changes nothing more.
///
/// Rules in order: every field as its table says · at most one custom asset of a kind · kernel given · image or initrd,
/// not both (an early initrd goes beside an image; a custom one of the two puts the other configured one aside) ·
/// template flags not both, memory path with either, state path with `from` · vCPUs, memory, slots, bridges, block
/// driver, max vCPUs and 9p msize (unless virtio-fs) defaulted · vCPUs at most max vCPUs, max vCPUs at most the limit ·
/// memory at most its own maximum and the host's · devices: ids, tags, names of ports and of fw_cfg unique, iothreads
/// there, at most one balloon, cloud_init, iommu, panic and vsock. Custom assets are also written to the fields they
/// replace. Throws invalid_config with all that is wrong, a line each that begins with the field: of the tables first,
/// of the other rules when the tables find nothing. [any thread] Reads no files.
VISOR_CORE_EXPORT VmConfig normalised(const VmConfig& config, const ConfigDefaults& defaults);

/// Whether a share goes by virtio-fs: its own protocol, or else shared_fs.type.
VISOR_CORE_EXPORT bool is_virtio_fs(const VmConfig& config, const ShareConfig& share) noexcept;
/// What the guest gives when it mounts a share of a normalised configuration: mount -t 9p -o <these> <tag> <folder>.
/// For 9p it has the size of messages, which the guest alone chooses; empty when virtio-fs has nothing to be told.
VISOR_CORE_EXPORT std::string share_mount_options(const VmConfig& config, const ShareConfig& share);

/// Looks at the files of a normalised configuration that the guest boots from: kernel, image, initrds, firmware, flash.
/// Each must be readable and not empty, a file (an image also a block device), an initrd smaller than the memory, and a
/// custom asset must have its SHA-512. Throws not_found, permission_denied, invalid_config or io_error; the message
/// names each field and path, a line each. [file I/O] Only files with a SHA-512 are read.
VISOR_CORE_EXPORT void check_boot_files(const VmConfig& config);

/// Compares a file with the asset's SHA-512, when it has one. Throws as check_boot_files(). [file I/O]
VISOR_CORE_EXPORT void verify_asset(const CustomAsset& asset);

}  // namespace visor
