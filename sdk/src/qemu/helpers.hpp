// SPDX-License-Identifier: Apache-2.0
// The processes that serve a VM's devices, beside the hypervisor.
#pragma once
#include "plan/plan.hpp"
#include "visor/core/call.hpp"
#include "visor/core/vm_record.hpp"
#include "visor/sdk/process/exit_record.hpp"
#include "visor/sdk/process/keeper.hpp"

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace visor::sdk {

/// The virtio-fs daemon: the configured one, else the first that is installed. Throws not_found naming the packages,
/// permission_denied for one that the allow-list does not have.
std::string find_fs_daemon(const VmConfig& config, const std::vector<std::string>& usual_places);
/// Where distributions put it: beside QEMU (Debian 12), or by itself.
std::vector<std::string> usual_fs_daemons();

/// What the keeper is to start before QEMU, in the order of the plan. Throws as find_fs_daemon().
std::vector<ProcessSpec> helper_specs(const plan::Plan& plan, const VmConfig& config,
                                      const std::filesystem::path& run_dir);

/// The helpers as a record's blob has them, and back; nothing when there were none.
Value helpers_to_value(const std::vector<KeptProcess>& processes);
std::vector<AdoptedProcess> helpers_of(const VmRecord& record);

/// "fs-data ended with exit code 1: <the end of its stderr>"
std::string end_of_helper(std::string_view name, const ExitStatus& status, std::string_view stderr_tail);

/// Whether it may just have seen QEMU go; how a helper of an adopting keeper ended is not known.
bool ended_well(const ExitStatus& status) noexcept;

/// Throws disconnected when a helper has ended. [blocks ≤ deadline]
void check_helpers(const Keeper& keeper, const CallContext& call);
/// What helpers said last, for a start that got stuck; empty when there are none, or they said nothing.
std::string words_of_helpers(const Keeper& keeper, const CallContext& call) noexcept;

}  // namespace visor::sdk
