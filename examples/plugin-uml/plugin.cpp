// SPDX-License-Identifier: Apache-2.0
#include "visor/sdk/plugin.hpp"
#include "hypervisor.hpp"

namespace {

visor::Hypervisor* create_hypervisor(const visor::HostContext* host) { return new uml::UmlHypervisor{*host}; }

}  // namespace

VISOR_DEFINE_PLUGIN(VISOR_PLUGIN_OTHER, "uml", "any", &create_hypervisor, nullptr);
