// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/sdk/process/spec.hpp"

#include <sys/types.h>

#include <vector>

namespace visor::keeper {

/// A descriptor of the keeper and the number it gets in the child.
struct PlacedFd {
  int target = -1;
  int source = -1;
};

/// Makes a child, applies the specification and executes. Returns once exec has succeeded; throws Failure with the
/// stage that did not. [blocks until exec]
pid_t spawn(const sdk::ProcessSpec& spec, const std::vector<PlacedFd>& fds, int netns_fd);

}  // namespace visor::keeper
