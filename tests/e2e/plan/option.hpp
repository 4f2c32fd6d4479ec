// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/sdk/device/command_line.hpp"

#include <string>
#include <utility>
#include <vector>

namespace visor::test {

/// One option of a command line, taken apart: "-device virtio-blk-pci,id=d" has the item {"", "virtio-blk-pci"} before
/// {"id", "d"}. What QEMU does not take apart (-kernel, -append) is one item without a key.
struct Option {
  std::string name;
  std::vector<std::pair<std::string, std::string>> items;

  /// The value of a key; empty when it is not there.
  [[nodiscard]] std::string at(const std::string& key) const;
};

std::vector<Option> options_of(const std::vector<sdk::CommandLine::Argument>& arguments);

}  // namespace visor::test
