// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "answers.hpp"
#include "option.hpp"

#include <sys/types.h>

#include <string>
#include <vector>

namespace visor::test {

/// Whether QEMU is asked about an item of a command line. Of those that it has no question for there is one list, in
/// read_back.cpp; an item that is neither there nor known to read_back() is a difference.
bool is_read_back(const std::string& option, const std::string& key);

/// What a QEMU is, compared with its command line in both directions: each machine property, processor, object, device
/// with its properties, block node, character device and network backend is there as it was asked for, and no further
/// device, node or character device. Each line of the answer is one difference. `sockets` are as PlannedQemu had them.
std::vector<std::string> read_back(Answers& answers, pid_t pid, const std::vector<Option>& options,
                                   const std::vector<std::string>& sockets);

}  // namespace visor::test
