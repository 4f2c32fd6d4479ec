// SPDX-License-Identifier: Apache-2.0
// A file of the capability cache, as somebody else may have left it: it is refused with visor::Error, or read the same
// twice, and its answers can be asked for.
#include "fuzz.hpp"
#include "qemu/caps/caps_codec.hpp"
#include "visor/core/error.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const auto cached = visor::sdk::caps_from_text(visor::fuzz::text(data, size));
    const auto text = visor::sdk::caps_to_text(cached);
    if (text.size() <= visor::sdk::max_caps_bytes) {  // a byte that is no UTF-8 grows
      visor::fuzz::require(visor::sdk::caps_to_text(visor::sdk::caps_from_text(text)) == text,
                           "capabilities read the same twice");
    }
    visor::fuzz::require(!cached.caps.who().empty(), "a QEMU has a name");
    for (const auto& device : cached.caps.devices) {
      visor::fuzz::require(cached.caps.may_have_device(device), "a device that is listed is found");
    }
    for (const auto& machine : cached.caps.machines) {
      visor::fuzz::require(cached.caps.machine(machine.name) != nullptr, "a machine that is listed is found");
    }
  } catch (const visor::Error&) {
    return 0;
  }
  return 0;
}
