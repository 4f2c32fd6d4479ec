// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/call.hpp"
#include "visor/core/value.hpp"
#include "visor/core/vm_state.hpp"
#include "visor/sdk/qmp/client.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace visor::sdk {

/// A vCPU, or a core of them, that was plugged.
struct PluggedVcpu {
  std::uint32_t number = 0;  ///< that its id ends with: who came later has a higher one
  std::uint32_t vcpus = 1;
  Value device;  ///< as device_add wants it: "driver", "id", and where it sits
};

/// The vCPUs of a machine.
struct Vcpus {
  std::uint32_t count = 0;           ///< all of them
  std::vector<PluggedVcpu> plugged;  ///< the oldest first
  std::vector<PluggedVcpu> free;     ///< places for more in the order to be used, each with the id it would have
};

/// As QEMU has them. Throws unsupported when the machine takes none. [blocks]
Vcpus read_vcpus(qmp::Client& client, const CallContext& call);

/// Asks for the removal of a plugged vCPU, and waits until QEMU does not list it any more: an x86 machine sends no
/// event with its id. refused when the guest said so; pending when it has said nothing by the deadline. [blocks]
UnplugOutcome remove_vcpu(qmp::Client& client, const PluggedVcpu& vcpu, const CallContext& call);

}  // namespace visor::sdk
