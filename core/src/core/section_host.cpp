// SPDX-License-Identifier: Apache-2.0
#include "describe_field.hpp"
#include "describe_sections.hpp"

namespace visor::detail {

const Section& storage_section() {
  using S = StorageConfig;
  static const auto table = make_section<S>(
      "storage", "Defaults for disks.",
      {
          field<&S::driver>("driver", "How disks are attached; auto: the plugin's default."),
          field<&S::cache_set>("cache_set", "Whether `cache_direct` and `cache_no_flush` apply to all disks."),
          field<&S::cache_direct>("cache_direct", "Goes around the host's page cache."),
          field<&S::cache_no_flush>("cache_no_flush", "Ignores the guest's flush requests: fast, and unsafe."),
          field<&S::disable_block>(
              "disable_block", "Refuses disks among the devices, and later ones. The root image is no such device."),
          field<&S::iothreads>("iothreads", "Serves disks that name no iothread from a thread of their own."),
      });
  return table;
}

const Section& shared_fs_section() {
  using S = SharedFsConfig;
  static const auto table = make_section<S>(
      "shared_fs", "Defaults for shared folders.",
      {
          field<&S::type>("type", "How folders are shared."),
          number<&S::msize_9p_bytes, Unit::bytes>(
              "msize_9p_bytes", 4096, std::uint64_t{16} << 20,
              "Largest 9p message, which the guest says when it mounts; not set: 8192, none with virtio-fs."),
          path<&S::daemon>("daemon", "The virtio-fs daemon; not set: the plugin looks in its usual places."),
          field<&S::cache>("cache", "What the virtio-fs daemon lets the guest cache."),
          size<&S::cache_size_mib>("cache_size", 0, std::uint64_t{1} << 20, "Window for direct access (DAX); 0: none."),
          field<&S::daemon_args>("daemon_args", "More arguments for the virtio-fs daemon.").admin(),
      });
  return table;
}

const Section& network_section() {
  using N = NetworkConfig;
  static const auto table =
      make_section<N>("network", "Defaults for network cards and for vhost.",
                      {
                          field<&N::vhost>("vhost", "Lets the host's kernel move network packets where it can."),
                          field<&N::use_vsock>("use_vsock", "Gives the VM a vsock device when `devices` has none."),
                          field<&N::vhost_user_store>("vhost_user_store", "Takes vhost-user devices from a store."),
                          path<&N::vhost_user_store_path>("vhost_user_store_path", "Folder of the vhost-user store."),
                      });
  return table;
}

const Section& console_section() {
  using C = ConsoleConfig;
  static const auto table = make_section<C>(
      "console", "The guest's console.",
      {
          field<&C::type>("type", "Which device it is; auto: the machine's own serial port."),
          size<&C::log_limit_mib>("log_limit", 1, std::uint64_t{1} << 20, "How much of its output is kept in files."),
      });
  return table;
}

const Section& host_section() {
  using H = HostConfig;
  static const auto table = make_section<H>(
      "host", "The hypervisor's process on the host, and what of the host it may use.",
      {
          path<&H::hypervisor_path>("hypervisor_path", "The hypervisor's program; not set: the plugin finds it."),
          field<&H::hypervisor_params>("hypervisor_params", "More parameters for hypervisors that have any.").admin(),
          path<&H::hypervisor_ctl_path>("hypervisor_ctl_path", "The hypervisor's control program, where there is one."),
          path<&H::jailer_path>("jailer_path", "The hypervisor's jailer, where there is one."),
          field<&H::sandbox>("sandbox", "Confines the hypervisor with its own seccomp sandbox.").admin(),
          field<&H::user>("user", "User that the hypervisor runs as; not set: the caller's.").admin(),
          path<&H::network_namespace>("network_namespace", "Network namespace to run in (\"/run/netns/…\")."),
          path<&H::cgroup>("cgroup", "Folder of the cgroup to run in."),
          field<&H::selinux_label>("selinux_label", "SELinux label of the hypervisor's process.").admin(),
          path<&H::entropy_source>("entropy_source",
                                   "Where the numbers of `rng` devices come from that name no source."),
          field<&H::guest_hook_path>("guest_hook_path", "Folder inside the guest with hooks for its agent."),
          field<&H::factory_vm_id>("factory_vm_id", "Id of the VM when a factory made it.").admin(),
          field<&H::enabled_annotations>("enabled_annotations",
                                         "Patterns of the keys that an untrusted caller may set.")
              .admin(),
          path<&H::allowed_hypervisor_paths>("allowed_hypervisor_paths", "Patterns for `hypervisor_path`."),
          path<&H::allowed_hypervisor_ctl_paths>("allowed_hypervisor_ctl_paths", "Patterns for `hypervisor_ctl_path`."),
          path<&H::allowed_jailer_paths>("allowed_jailer_paths", "Patterns for `jailer_path`."),
          path<&H::allowed_virtio_fs_daemons>("allowed_virtio_fs_daemons", "Patterns for `shared_fs.daemon`."),
          path<&H::allowed_backing_dirs>("allowed_backing_dirs", "Patterns for `memory.backing_dir`."),
          path<&H::allowed_vhost_user_stores>("allowed_vhost_user_stores",
                                              "Patterns for `network.vhost_user_store_path`."),
          path<&H::allowed_entropy_sources>("allowed_entropy_sources", "Patterns for `entropy_source`."),
      });
  return table;
}

}  // namespace visor::detail
