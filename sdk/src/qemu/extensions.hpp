// SPDX-License-Identifier: Apache-2.0
// The optional interfaces of a VM, one file each (extension_*.cpp).
#pragma once
#include "tether.hpp"
#include "visor/core/extensions.hpp"

#include <memory>

namespace visor::sdk {

std::shared_ptr<BalloonExtension> make_balloon_extension(std::shared_ptr<Tether> tether);
std::shared_ptr<DumpExtension> make_dump_extension(std::shared_ptr<Tether> tether);
std::shared_ptr<StatsExtension> make_stats_extension(std::shared_ptr<Tether> tether);

}  // namespace visor::sdk
