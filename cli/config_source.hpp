// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "args.hpp"
#include "config_origins.hpp"
#include "visor/core/vm_config.hpp"

#include <span>

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

}  // namespace visor::cli
