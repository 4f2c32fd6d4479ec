// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "answers.hpp"
#include "option.hpp"

#include <string>
#include <vector>

namespace visor::test {

/// QEMU's own lists against a command line: devices by /machine/peripheral and by query-pci, each at an address of its
/// own, disks behind their devices, block nodes, character devices, iothreads, memory devices. What is missing and what
/// nobody asked for, a line each.
std::vector<std::string> inventory_differences(Answers& answers, const std::vector<Option>& options);

}  // namespace visor::test
