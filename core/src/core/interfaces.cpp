// SPDX-License-Identifier: Apache-2.0
// The one home of each interface's vtable: types that cross the plugin boundary must exist once per process.
#include "visor/core/extensions.hpp"
#include "visor/core/host_context.hpp"
#include "visor/core/hypervisor.hpp"
#include "visor/core/qemu_arch.hpp"

namespace visor {

Extension::~Extension() = default;
QmpExtension::~QmpExtension() = default;
QmpStatsExtension::~QmpStatsExtension() = default;
SnapshotExtension::~SnapshotExtension() = default;
RestoreExtension::~RestoreExtension() = default;
ExplainExtension::~ExplainExtension() = default;
MigrationExtension::~MigrationExtension() = default;
DumpExtension::~DumpExtension() = default;
BalloonExtension::~BalloonExtension() = default;
StatsExtension::~StatsExtension() = default;
Console::~Console() = default;
Vm::~Vm() = default;
Hypervisor::~Hypervisor() = default;
QemuArch::~QemuArch() = default;
LogSink::~LogSink() = default;
Clock::~Clock() = default;

}  // namespace visor
