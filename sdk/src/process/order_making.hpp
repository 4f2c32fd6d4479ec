// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/sdk/process/spec.hpp"

#include <string>
#include <vector>

namespace visor::sdk {

/// An order as it goes to a keeper, with the caller's descriptors to pass along.
struct EncodedOrder {
  std::string bytes;
  std::vector<int> fds;
};

/// Errors: invalid_config.
EncodedOrder encode_launch(const KeeperSpec& spec, const std::string& run_dir);
EncodedOrder encode_adoption(const AdoptSpec& spec, const std::string& run_dir);

}  // namespace visor::sdk
