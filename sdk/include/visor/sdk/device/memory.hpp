// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/qemu_arch.hpp"
#include "visor/sdk/device/command_line.hpp"
#include "visor/sdk/device/place.hpp"
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
  std::string path = {};               ///< file: absolute
  bool share = false;                  ///< what the guest writes is seen by others that map it; vhost-user needs it
  bool prealloc = false;               ///< taken now instead of at first use; QEMU does nothing else meanwhile
  std::uint32_t prealloc_threads = 0;  ///< that take it; 0: one
  std::optional<bool> reserve = {};    ///< swap space or huge pages are set aside for it; false goes without prealloc
  std::optional<bool> dump = {};       ///< it is in a core dump of QEMU
  std::optional<bool> merge = {};      ///< the kernel may merge equal pages of it (KSM)
  bool huge_pages = false;             ///< memfd: from the host's huge pages; a file must lie in a hugetlbfs instead
  std::uint64_t huge_page_bytes = 0;   ///< memfd: their size; 0: the host's default
  bool read_only = false;              ///< file
  bool discard_data = false;           ///< file: what is in it is lost when QEMU ends
  bool pmem = false;                   ///< file: it lies in persistent memory
  std::uint64_t align_bytes = 0;       ///< file: of its mapping; 0: the page size
  static const DeviceTable& describe();
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
  static const DeviceTable& describe();
  void validate() const;
  void render(CommandLine& line) const;
  [[nodiscard]] PropertyBag properties() const;  ///< for -device, device_add
};

/// Memory that grows and shrinks while the guest runs, in blocks. QEMU 7.2 has it on pci alone, and not for every
/// architecture.
struct VISOR_SDK_EXPORT VirtioMem {
  std::string id;
  std::string memdev;                         ///< the id of its backend, whose size is the most it can give
  std::uint64_t requested_bytes = 0;          ///< what the guest should have at first
  std::uint64_t block_bytes = 0;              ///< the unit; 0: QEMU's own
  std::optional<std::uint32_t> node = {};     ///< the NUMA node
  std::optional<std::uint64_t> address = {};  ///< in the guest's physical memory; none lets QEMU choose
  bool prealloc = false;                      ///< each block is taken from the host when the guest gets it
  VirtioTransport transport = VirtioTransport::pci;
  Place place = {};
  static const DeviceTable& describe();
  void validate() const;
  void render(CommandLine& line) const;
  [[nodiscard]] PropertyBag properties() const;
};

/// A balloon that takes memory from the guest. A machine has at most one.
struct VISOR_SDK_EXPORT VirtioBalloon {
  std::string id;
  bool deflate_on_oom = false;       ///< the guest takes memory back before it kills processes
  bool free_page_reporting = false;  ///< the guest tells what it does not use, and the host takes it
  bool free_page_hint = false;       ///< the same, for a migration
  std::string iothread = {};         ///< needed by free_page_hint
  VirtioTransport transport = VirtioTransport::pci;
  Place place = {};
  static const DeviceTable& describe();
  void validate() const;
  void render(CommandLine& line) const;
  [[nodiscard]] PropertyBag properties() const;
};

}  // namespace visor::sdk
