// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace visor::sdk {

/// A list for a message: the names most like the wanted one first, at most `most` of them, and how many more there are.
/// "virtio-blk-pci, virtio-blk-device and 443 more"
std::string nearest_first(const std::vector<std::string_view>& names, std::string_view wanted, std::size_t most = 8);

}  // namespace visor::sdk
