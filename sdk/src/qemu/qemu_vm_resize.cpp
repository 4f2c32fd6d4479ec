// SPDX-License-Identifier: Apache-2.0
// More memory and vCPUs, or fewer, while the VM runs.
#include "qemu_vm.hpp"
#include "visor/core/error.hpp"

namespace visor::sdk {

MemoryResize QemuVm::resize_memory(std::uint64_t, std::uint64_t, const CallContext&) {
  capabilities().require(Feature::resize_memory, driver_->name());
  throw Error(Errc::internal, "Resizing memory is claimed but not built");
}

VcpuResize QemuVm::resize_vcpus(std::uint32_t, const CallContext&) {
  capabilities().require(Feature::resize_vcpus, driver_->name());
  throw Error(Errc::internal, "Resizing vCPUs is claimed but not built");
}

}  // namespace visor::sdk
