// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "subject.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace visor::conformance {

/// A method of Vm as the suite's tables see it.
struct Method {
  std::string name;
  std::optional<Feature> feature;  ///< that must be claimed for it; none: always there
  std::vector<VmState> allowed;
  bool blocks = true;  ///< takes a CallContext
  std::function<void(Vm&, const CallContext&)> call;
};

/// The device that every VM of the tables has from its start, where the subject can have one.
inline constexpr const char* cold_disk = "cold0";

/// Every method whose result depends on the state, in an order in which each can follow the one before on one VM. Each
/// hotplug method stands once for each feature that it depends on. stop comes last.
std::vector<Method> methods(const Subject& subject, const std::filesystem::path& scratch);

/// All states that a VM can be seen in.
inline constexpr VmState all_states[] = {VmState::created, VmState::running, VmState::paused, VmState::stopped,
                                         VmState::failed};

/// The subject's configuration with the device that hotplug_remove() of the table names, and a sign of readiness.
VmConfig table_config(const Subject& subject, const std::filesystem::path& scratch);

}  // namespace visor::conformance
