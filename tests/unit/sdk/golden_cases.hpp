// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/vm_config.hpp"

#include <functional>
#include <string>
#include <vector>

namespace visor::sdk::plan {

/// A configuration whose command line is compared with a file, tests/golden/<arch>/<name>.argv.
struct Case {
  std::string name;
  std::string machine = "q35";
  Accelerator accelerator = Accelerator::tcg;
  std::function<void(VmConfig&)> change = [](VmConfig&) {};
  std::string arch = "amd64";
};

/// One scenario and more for each kind of device that this machine has.
std::vector<Case> device_cases(const std::string& arch, const std::string& machine);

}  // namespace visor::sdk::plan
