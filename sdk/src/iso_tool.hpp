// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace visor::sdk {

/// What the names of the folders begin with in which disks are made: they may hold secrets, and are removed when a
/// process was killed in its work.
inline constexpr std::string_view cloud_init_scratch = ".cloud-init-";

/// A program that makes ISO 9660 images.
struct IsoTool {
  std::string path;
  std::vector<std::string> first;  ///< what makes it take the arguments of mkisofs
};

/// The first of genisoimage, mkisofs and xorriso that can be found. Throws unsupported, naming the packages.
IsoTool find_iso_tool(const std::function<std::optional<std::string>(const std::string&)>& find);

}  // namespace visor::sdk
