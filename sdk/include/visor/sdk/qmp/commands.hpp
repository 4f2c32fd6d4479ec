// SPDX-License-Identifier: Apache-2.0
#pragma once
/// All commands that ask QEMU and steer it; each header can be had by itself. One place states what a command is sent
/// as, so that a change of QEMU's is answered once.
#include "visor/sdk/qmp/commands/cpus.hpp"
#include "visor/sdk/qmp/commands/dump.hpp"
#include "visor/sdk/qmp/commands/jobs.hpp"
#include "visor/sdk/qmp/commands/machine.hpp"
#include "visor/sdk/qmp/commands/memory.hpp"
#include "visor/sdk/qmp/commands/migration.hpp"
#include "visor/sdk/qmp/commands/qom.hpp"
#include "visor/sdk/qmp/commands/schema.hpp"
