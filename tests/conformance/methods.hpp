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
  std::vector<VmState> allowed;    ///< there it succeeds
  bool blocks = true;              ///< takes a CallContext
  std::function<void(Vm&, const CallContext&)> call;
  std::vector<VmState> waits{};      ///< there it waits for what does not come, until the deadline
  std::vector<VmState> complains{};  ///< there its answer is an error
  std::vector<VmState> instant{};    ///< there it knows its answer: neither deadline nor cancellation need matter
  bool may_be_late = false;          ///< may succeed after its deadline: what it would wait for may have come
};

/// The device that every VM of the tables has from its start, where the subject can have one.
inline constexpr const char* cold_disk = "cold0";

/// Every method, in an order in which each can follow the one before on one VM. Each
/// hotplug method stands once for each feature that it depends on. stop comes last.
std::vector<Method> methods(const Subject& subject, const std::filesystem::path& scratch);

/// All states that a VM can be seen in.
inline constexpr VmState all_states[] = {VmState::created, VmState::running, VmState::paused, VmState::stopped,
                                         VmState::failed};

bool contains(const std::vector<VmState>& states, VmState state);
/// Whether the plugin claims what the method needs.
bool claimed(const Method& method, const Vm& vm);

/// The subject's configuration with the device that hotplug_remove() of the table names, and a sign of readiness.
VmConfig table_config(const Subject& subject, const std::filesystem::path& scratch);

}  // namespace visor::conformance

// NOLINTBEGIN(bugprone-macro-parentheses): the arguments are names to be declared
/// Runs what follows with a fresh VM of table_config() in each state that there is a way to.
#define VISOR_FOR_EACH_STATE(state, vm) \
  for (const auto state : all_states)   \
    if (const auto vm = in_table_state(state, false))

/// The same, and then with handles that found their VM in this state.
#define VISOR_FOR_EACH_HANDLE(state, vm)    \
  for (const bool attached : {false, true}) \
    for (const auto state : all_states)     \
      if (const auto vm = in_table_state(state, attached))
// NOLINTEND(bugprone-macro-parentheses)
