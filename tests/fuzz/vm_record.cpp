// SPDX-License-Identifier: Apache-2.0
// The record of a VM, as another process finds it: it is refused with visor::Error, or read the same twice.
#include "visor/core/vm_record.hpp"
#include "fuzz.hpp"
#include "visor/core/error.hpp"
#include "visor/core/json.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const auto value = visor::parse_json(visor::fuzz::text(data, size));
    const auto text = visor::to_json(value);
    visor::fuzz::require(visor::to_json(visor::parse_json(text)) == text, "JSON can be written and read");
    const auto record = visor::to_value(visor::vm_record_from_value(value));
    visor::fuzz::require(visor::to_value(visor::vm_record_from_value(record)) == record,
                         "a record reads the same twice");
  } catch (const visor::Error&) {
    return 0;
  }
  return 0;
}
