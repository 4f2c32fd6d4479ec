// SPDX-License-Identifier: Apache-2.0
#include "visor/sdk/plugin.hpp"

#include "hypervisor.hpp"

namespace {

visor::Hypervisor* create_hypervisor(const visor::HostContext* host) {
  return new visor::mock::MockHypervisor(host == nullptr ? visor::HostContext{} : *host);
}

}  // namespace

VISOR_DEFINE_PLUGIN(VISOR_PLUGIN_OTHER, "mock", "any", &create_hypervisor, nullptr);
