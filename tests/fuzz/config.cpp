// SPDX-License-Identifier: Apache-2.0
// A configuration file: it is refused with visor::Error, or what it says survives being written and read again.
#include "fuzz.hpp"
#include "visor/core/describe.hpp"
#include "visor/core/error.hpp"
#include "visor/core/json.hpp"
#include "visor/runtime/config_file.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const auto config = visor::load_config_text(visor::fuzz::text(data, size), "fuzz.yaml");
    const auto written = visor::to_json(visor::to_value(config));
    visor::fuzz::require(visor::load_config_text(written, "again.json") == config, "what was read can be written");
  } catch (const visor::Error&) {
    return 0;
  }
  return 0;
}
