// SPDX-License-Identifier: Apache-2.0
// What the driver knows of its QEMU.
#include "caps/ask_caps.hpp"
#include "prepared.hpp"
#include "visor/core/error.hpp"

#include <utility>

namespace visor::sdk {
namespace {

constexpr auto measured = "a table of QEMU 7.2";

void verify_program(const VmConfig& config) {
  for (const auto& asset : config.assets) {
    if (asset.kind == AssetKind::hypervisor) verify_asset(asset);
  }
}

}  // namespace

QemuCaps default_qemu_caps() { return {.version = {7, 2, 0}, .devices = known_drivers()}; }

SharedCaps caps_of(const Driver& driver, const VmConfig& config, const CallContext& call) {
  const auto binary = find_qemu(*driver.arch, config);
  auto caps = driver.caps_source->known(binary, driver.caps_cache);
  if (!caps) {
    verify_program(config);
    const auto log = [&](LogLevel level, std::string_view text) { driver.log(level, {}, text); };
    caps = driver.caps_source->get(binary, driver.caps_cache, log, call);
  }
  if (!caps->verified()) {
    driver.log(LogLevel::info, {},
               caps->who() +
                   " is newer than what visorkit was measured with (up to 7.2): what it "
                   "says of this release is unverified");
  }
  return caps;
}

SharedCaps known_caps_of(const Driver& driver, const VmConfig& config) {
  std::string why;
  try {
    const auto binary = find_qemu(*driver.arch, config);
    if (auto caps = driver.caps_source->known(binary, driver.caps_cache)) return caps;
    why = binary + " has not been asked yet what it can do";
  } catch (const Error& error) {
    why = error.message();
  }
  driver.log(LogLevel::info, {}, "Planned with " + std::string{measured} + ", because " + why);
  return std::make_shared<const QemuCaps>(default_qemu_caps());
}

}  // namespace visor::sdk
