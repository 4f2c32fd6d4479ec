// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/qemu_caps.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

/// What a QEMU can do, as text, beside the identity of the program that said so.
namespace visor::sdk {

/// Which program it was: another one under the same name has another identity. Times in nanoseconds since 1970. Numbers
/// as the kernel has them.
struct BinaryIdentity {
  std::string path;  ///< with all links resolved
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t size = 0;
  std::int64_t modified_ns = 0;
  std::int64_t changed_ns = 0;
  bool operator==(const BinaryIdentity&) const = default;
};

struct CachedCaps {
  BinaryIdentity identity;
  QemuCaps caps;
  bool operator==(const CachedCaps&) const = default;
};

/// A longer text is refused; QEMU 7.2 makes some 60 KiB.
inline constexpr std::size_t max_caps_bytes = std::size_t{1} << 20U;
/// Another number: the text means something else. A reader knows none but its own.
inline constexpr int caps_format = 2;

/// Throws invalid_config when a list is longer than any QEMU's, or a name is empty, too long or has a control
/// character.
void check_bounds(const QemuCaps& caps);

std::string caps_to_text(const CachedCaps& cached);
/// Throws invalid_config for a text that caps_to_text() did not make, of this format.
CachedCaps caps_from_text(std::string_view text);

}  // namespace visor::sdk
