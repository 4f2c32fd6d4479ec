// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "qemu/plan/plan.hpp"
#include "qemu/prepared.hpp"
#include "unit/arch/architectures.hpp"

#include <functional>
#include <string>
#include <vector>

/// Plans of the four architectures on an imagined host, with imagined files.
namespace visor::sdk::plan {

/// Two vCPUs of four, 512 MiB, kernel and initrd.
VmConfig base(const std::string& machine);

/// Under KVM the host has the architecture of the guest, else it is amd64.
Plan plan_of(const std::string& arch, const VmConfig& config, Accelerator accelerator = Accelerator::tcg,
             const QemuCaps& caps = default_qemu_caps());

/// "code: message" of what the plan of a changed base() throws; "accepted" when it throws nothing.
std::string refusal_of(const std::string& arch, const std::string& machine,
                       const std::function<void(VmConfig&)>& change);

/// The values of an option that begin with a text, in order.
std::vector<std::string> values(const Plan& plan, const std::string& option, const std::string& begin = "");
/// What refusal_of() says of a base() with these devices.
std::string refusal(const std::vector<DeviceConfig>& devices, const std::string& machine = "q35",
                    const std::string& arch = "amd64");
/// A base() of q35 with these devices.
VmConfig with(const std::vector<DeviceConfig>& devices);
using Lines = std::vector<std::string>;

}  // namespace visor::sdk::plan
