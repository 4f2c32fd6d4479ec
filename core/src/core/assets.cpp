// SPDX-License-Identifier: Apache-2.0
#include "describe_enums.hpp"
#include "visor/core/error.hpp"
#include "visor/core/vm_config.hpp"

#include <algorithm>

namespace visor {
namespace {

auto find_custom(const VmConfig& config, AssetKind kind) noexcept {
  return std::ranges::find(config.assets, kind, &CustomAsset::kind);
}

const std::string& configured_path(const VmConfig& config, AssetKind kind) {
  static const std::string none;
  switch (kind) {
    case AssetKind::kernel:
      return config.boot.kernel;
    case AssetKind::image:
      return config.boot.image;
    case AssetKind::initrd:
      return config.boot.initrd;
    case AssetKind::early_initrd:
      return config.boot.early_initrd;
    case AssetKind::firmware:
      return config.boot.firmware;
    case AssetKind::hypervisor:
      return config.host.hypervisor_path;
    case AssetKind::hypervisor_ctl:
      return config.host.hypervisor_ctl_path;
    case AssetKind::jailer:
      return config.host.jailer_path;
  }
  return none;
}

}  // namespace

std::string_view to_string(AssetKind kind) noexcept { return detail::name_in(detail::enum_names<AssetKind>, kind); }
std::string_view to_string(Accelerator accelerator) noexcept {
  return detail::name_in(detail::enum_names<Accelerator>, accelerator);
}

std::string asset_path(const VmConfig& config, AssetKind kind) {
  const auto custom = find_custom(config, kind);
  return custom == config.assets.end() ? configured_path(config, kind) : custom->path;
}

bool is_custom_asset(const VmConfig& config, AssetKind kind) noexcept {
  return find_custom(config, kind) != config.assets.end();
}

void add_custom_asset(VmConfig& config, CustomAsset asset) {
  if (asset.path.empty()) return;
  if (to_string(asset.kind) == "unknown") throw Error(Errc::invalid_config, "Unknown kind of asset at " + asset.path);
  if (asset.path.front() != '/') {
    throw Error(Errc::invalid_config, "The custom " + std::string{to_string(asset.kind)} + " at " + asset.path +
                                          " must have an absolute path");
  }
  const auto same = std::ranges::find(config.assets, asset.kind, &CustomAsset::kind);
  if (same == config.assets.end()) {
    config.assets.push_back(std::move(asset));
  } else {
    *same = std::move(asset);
  }
}

}  // namespace visor
