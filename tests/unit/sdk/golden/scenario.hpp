// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "unit/sdk/plan_support.hpp"

#include <optional>
#include <span>
#include <string>
#include <vector>

/// The one list of scenarios, planned for each machine of all four architectures: the unit tests compare the command
/// lines with tests/golden, and tests/e2e/plan starts them.
namespace visor::sdk::plan::golden {

/// A machine, and the words that scenarios need where no two machines have the same.
struct Machine {
  const char* arch;
  const char* type;
  const char* cpu_model;
  std::vector<std::string> cpu_features;
  const char* option;      ///< one of its own
  const char* raw_driver;  ///< the entropy device on its transport
};

struct Scenario {
  const char* name;
  void (*change)(VmConfig& config, const Machine& machine);  ///< of base()
  Accelerator accelerator = Accelerator::tcg;
};

std::span<const Machine> machines();
/// All scenarios: boot, machine, memory; disks; other devices.
std::vector<Scenario> scenarios();
std::span<const Scenario> machine_scenarios();
std::span<const Scenario> disk_scenarios();
std::span<const Scenario> device_scenarios();

/// What a machine makes of a scenario.
struct Outcome {
  std::optional<Plan> plan;
  std::string refusal;  ///< "code: message" when there is no plan
};
Outcome outcome_of(const Machine& machine, const Scenario& scenario, const QemuCaps& caps = default_qemu_caps());

}  // namespace visor::sdk::plan::golden
