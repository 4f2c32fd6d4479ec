// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/sdk/device/command_line.hpp"
#include "visor/sdk/device/property_bag.hpp"
#include "visor/sdk/export.h"

#include <cstdint>
#include <optional>
#include <string>

namespace visor::sdk {

enum class MemoryKind : std::uint8_t {
  ram,    ///< anonymous memory
  file,   ///< a file, or a folder in which QEMU makes a nameless one (hugetlbfs)
  memfd,  ///< a nameless file of the kernel, which others can map
};

/// Memory of the host for a guest.
struct VISOR_SDK_EXPORT MemoryBackend {
  std::string id;
  std::uint64_t size_bytes = 0;
  MemoryKind kind = MemoryKind::ram;
  std::string path = {};  ///< file: absolute
  bool share = false;     ///< what the guest writes is seen by others that map it; vhost-user needs it
  bool prealloc = false;  ///< taken now instead of at first use; QEMU does nothing else meanwhile
  void validate() const;
  void render(CommandLine& line) const;
  [[nodiscard]] PropertyBag properties() const;  ///< for -object, object-add
};

/// A memory module. Its machine must have slots free and room below its maximum.
struct VISOR_SDK_EXPORT PcDimm {
  std::string id;
  std::string memdev;                         ///< the id of its backend
  std::optional<std::uint32_t> node = {};     ///< the NUMA node
  std::optional<std::uint32_t> slot = {};     ///< none lets QEMU choose
  std::optional<std::uint64_t> address = {};  ///< in the guest's physical memory; none lets QEMU choose
  void validate() const;
  void render(CommandLine& line) const;
  [[nodiscard]] PropertyBag properties() const;  ///< for -device, device_add
};

}  // namespace visor::sdk
