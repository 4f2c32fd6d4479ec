// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "args.hpp"
#include "config_origins.hpp"
#include "visor/core/device_config.hpp"
#include "visor/core/vm_config.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace visor::cli {

/// Options of the commands that read a configuration.
inline constexpr OptionSpec set_option{
    "set", "KEY=VALUE", "change the configuration, as in memory.size=512MiB; may be repeated", '\0', true};
inline constexpr OptionSpec name_option{"name", "NAME", "the VM's name, instead of the configuration's"};

struct SourcedConfig {
  VmConfig config;
  ConfigOrigins origins;
};

/// The configuration of the command's file ("-": stdin) with --name and --set applied to it. The value of --set is
/// written as in a file, lists and maps in JSON. With it, where each part came from. Throws invalid_config saying where
/// and what, not_found.
SourcedConfig read_config(const Args& args);

/// One --set applied; the field's type says how the text is read. Throws invalid_config.
VmConfig with_override(const VmConfig& config, std::string_view assignment);

/// A device of this type ("disk") with its keys as "path=disk.img"; relative paths count from the working folder.
/// Throws invalid_config.
DeviceConfig device_of_words(const std::string& type, const std::vector<std::string>& assignments);

}  // namespace visor::cli
