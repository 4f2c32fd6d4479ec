// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "cpus.hpp"
#include "visor/core/value.hpp"

#include <string>
#include <vector>

namespace visor::testing {

/// What a device is plugged into.
enum class Socket { pci, ccw, scsi, port, memory, cpu, mmio, none };

/// Whether this QEMU has the device.
bool has_driver(const std::string& driver, Target target);
/// All that any QEMU has, vCPUs apart.
std::vector<std::string> all_drivers();
Socket socket_of(const std::string& driver);
/// The bus that a device of this driver brings with it: its id, or with an end; empty for none.
std::string bus_of(const std::string& driver, const std::string& id);
/// Refuses a text where a number or a boolean belongs.
void check_types(const Value& properties);

}  // namespace visor::testing
