// SPDX-License-Identifier: Apache-2.0
#include "visor/core/qemu_caps.hpp"

#include <algorithm>

namespace visor {
namespace {

bool may_have(const std::vector<std::string>& sorted, std::string_view name) noexcept {
  return sorted.empty() || std::binary_search(sorted.begin(), sorted.end(), name);
}

}  // namespace

std::string to_string(const QemuVersion& version) {
  return std::to_string(version.major) + '.' + std::to_string(version.minor) + '.' + std::to_string(version.micro);
}

bool QemuCaps::verified() const noexcept { return version < QemuVersion{7, 3, 0}; }

std::string QemuCaps::who() const {
  const auto release = "QEMU " + to_string(version);
  const auto kept = kept_in.empty() ? "" : " (as kept in " + kept_in + "; remove that to ask it again)";
  return binary.empty() ? release : release + " at " + binary + kept;
}

const QemuMachineCaps* QemuCaps::machine(std::string_view type) const noexcept {
  const auto found =
      std::ranges::find_if(machines, [&](const auto& one) { return one.name == type || one.alias == type; });
  return found == machines.end() || type.empty() ? nullptr : &*found;
}

bool QemuCaps::may_have_machine(std::string_view type) const noexcept {
  return machines.empty() || machine(type) != nullptr;
}

bool QemuCaps::may_have_device(std::string_view driver) const noexcept { return may_have(devices, driver); }
bool QemuCaps::may_have_object(std::string_view type) const noexcept { return may_have(objects, type); }

bool QemuCaps::may_have_property(std::string_view driver, std::string_view property) const noexcept {
  const auto found = properties.find(driver);
  return found == properties.end() || may_have(found->second, property);
}

bool QemuCaps::may_have_feature(std::string_view feature) const noexcept {
  return binary.empty() || std::binary_search(features.begin(), features.end(), feature);
}

}  // namespace visor
