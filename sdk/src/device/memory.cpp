// SPDX-License-Identifier: Apache-2.0
#include "visor/sdk/device/memory.hpp"

#include "check.hpp"

#include <array>

namespace visor::sdk {
namespace {

constexpr std::array<const char*, 3> types = {"memory-backend-ram", "memory-backend-file", "memory-backend-memfd"};

}  // namespace

void MemoryBackend::validate() const {
  constexpr std::string_view what = "Memory backend";
  check_id(what, id);
  if (size_bytes == 0) refuse(what, id, "the size must not be 0");
  if (kind == MemoryKind::file && !is_absolute(path)) refuse(what, id, "a file needs an absolute path");
  if (kind != MemoryKind::file && !path.empty()) refuse(what, id, "only a file has a path");
}

PropertyBag MemoryBackend::properties() const {
  auto bag = PropertyBag::object(types.at(static_cast<std::size_t>(kind)));
  bag.set("id", id).set_if("mem-path", path).set("size", size_bytes).set("share", share);
  return prealloc ? bag.set("prealloc", true) : bag;
}

void MemoryBackend::render(CommandLine& line) const { line.add("-object", properties()); }

void PcDimm::validate() const {
  check_id("Memory module", id);
  check_reference("Memory module", id, "memdev", memdev);
}

PropertyBag PcDimm::properties() const {
  auto bag = PropertyBag::device("pc-dimm");
  bag.set("id", id).set("memdev", memdev);
  set_if(bag, "node", node);
  set_if(bag, "slot", slot);
  set_if(bag, "addr", address);
  return bag;
}

void PcDimm::render(CommandLine& line) const { line.add("-device", properties()); }

}  // namespace visor::sdk
