// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "names.hpp"
#include "visor/core/vm_config.hpp"

#include <array>
#include <cstddef>
#include <string_view>

/// The words for the values of each enumeration of a configuration.
namespace visor::detail {

/// One name for each value from 0 to Last; a missing one does not compile.
template <auto Last, class... Name>
consteval auto names_up_to(Name... name) {
  static_assert(sizeof...(Name) == static_cast<std::size_t>(Last) + 1);
  return std::array<std::string_view, sizeof...(Name)>{name...};
}

template <class Enum>
inline constexpr int enum_names = 0;

template <>
inline constexpr auto enum_names<Accelerator> = names_up_to<Accelerator::tcg>("auto", "kvm", "tcg");
template <>
inline constexpr auto enum_names<ImageAttachment> = names_up_to<ImageAttachment::nvdimm>("auto", "block", "nvdimm");
template <>
inline constexpr auto enum_names<AssetKind> = names_up_to<AssetKind::jailer>(
    "kernel", "image", "initrd", "early_initrd", "firmware", "hypervisor", "hypervisor_ctl", "jailer");
template <>
inline constexpr auto enum_names<BlockDriver> =
    names_up_to<BlockDriver::nvdimm>("auto", "virtio-blk", "virtio-blk-ccw", "virtio-mmio", "virtio-scsi", "nvdimm");
template <>
inline constexpr auto enum_names<SharedFs> = names_up_to<SharedFs::none>("virtio-9p", "virtio-fs", "none");
template <>
inline constexpr auto enum_names<VirtioFsCache> =
    names_up_to<VirtioFsCache::always>("none", "metadata", "auto", "always");
template <>
inline constexpr auto enum_names<ConsoleType> = names_up_to<ConsoleType::none>("auto", "serial", "virtio", "none");
template <>
inline constexpr auto enum_names<RebootPolicy> = names_up_to<RebootPolicy::reset>("stop", "reset");
template <>
inline constexpr auto enum_names<PanicPolicy> = names_up_to<PanicPolicy::pause>("stop", "pause");
template <>
inline constexpr auto enum_names<ShutdownPolicy> = names_up_to<ShutdownPolicy::pause>("stop", "pause");

template <>
inline constexpr auto enum_names<DiskBus> = names_up_to<DiskBus::nvdimm>("auto", "virtio-blk", "scsi", "nvdimm");
template <>
inline constexpr auto enum_names<DiskFormat> = names_up_to<DiskFormat::qcow2>("raw", "qcow2");
template <>
inline constexpr auto enum_names<DiskAio> = names_up_to<DiskAio::io_uring>("threads", "native", "io_uring");
template <>
inline constexpr auto enum_names<ShareType> = names_up_to<ShareType::virtio_fs>("auto", "9p", "virtio-fs");
template <>
inline constexpr auto enum_names<ShareSecurity> =
    names_up_to<ShareSecurity::mapped_file>("none", "passthrough", "mapped-xattr", "mapped-file");
template <>
inline constexpr auto enum_names<NicBackend> =
    names_up_to<NicBackend::vdpa>("user", "tap", "macvtap", "ipvtap", "vdpa");
template <>
inline constexpr auto enum_names<VhostUserType> = names_up_to<VhostUserType::fs>("net", "blk", "scsi", "fs");
template <>
inline constexpr auto enum_names<CloudInitSource> =
    names_up_to<CloudInitSource::config_drive>("nocloud", "config-drive");
template <>
inline constexpr auto enum_names<WatchdogAction> =
    names_up_to<WatchdogAction::none>("reset", "shutdown", "poweroff", "pause", "none");

}  // namespace visor::detail
