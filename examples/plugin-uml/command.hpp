// SPDX-License-Identifier: Apache-2.0
// How User-Mode Linux is told what a configuration means.
#pragma once
#include "visor/core/device_config.hpp"
#include "visor/core/value.hpp"
#include "visor/core/vm_config.hpp"
#include "visor/sdk/process/spec.hpp"

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace uml {

/// The folder below the VM's own in which UML keeps its socket and pid file. Short: a socket's path has 107 bytes.
inline constexpr std::string_view uml_folder = "uml";
/// Block devices ubda … ubdp; the first one is the boot image's.
inline constexpr unsigned unit_limit = 16;

/// Which unit each disk is: a map from ids to numbers. It is kept in the VM's record, since units stay where they are
/// when others go.
visor::Value assigned_units(const visor::VmConfig& config);
/// The lowest free unit. Throws exhausted.
unsigned free_unit(const visor::Value& units);
/// "ubdb".
std::string unit_name(unsigned unit);
/// "ubdbd=/a/file", as both the command line and the management console take it: cold plug and hotplug cannot drift.
std::string unit_option(unsigned unit, const visor::DiskConfig& disk);

std::string mconsole_path(const std::filesystem::path& run_dir);
std::vector<std::string> command_line(const visor::VmConfig& config, const visor::Value& units,
                                      const std::filesystem::path& run_dir);
/// All that the keeper is told.
visor::sdk::KeeperSpec keeper_spec(const visor::VmConfig& config, const visor::Value& units,
                                   const std::filesystem::path& run_dir);

}  // namespace uml
