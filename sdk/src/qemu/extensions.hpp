// SPDX-License-Identifier: Apache-2.0
// The optional interfaces of a VM and of a hypervisor, each in a file of its own.
#pragma once
#include "driver.hpp"
#include "tether.hpp"
#include "visor/core/extensions.hpp"

#include <memory>

namespace visor::sdk {

std::shared_ptr<BalloonExtension> make_balloon_extension(std::shared_ptr<Tether> tether);
std::shared_ptr<DumpExtension> make_dump_extension(std::shared_ptr<Tether> tether);
std::shared_ptr<StatsExtension> make_stats_extension(std::shared_ptr<Tether> tether);
std::shared_ptr<SnapshotExtension> make_snapshot_extension(std::shared_ptr<Tether> tether);
std::shared_ptr<RestoreExtension> make_restore_extension(std::shared_ptr<const Driver> driver);
std::shared_ptr<MigrationExtension> make_migration_extension(std::shared_ptr<Tether> tether);

}  // namespace visor::sdk
