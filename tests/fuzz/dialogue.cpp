// SPDX-License-Identifier: Apache-2.0
// A script of a dialogue: it is refused with visor::Error, or its data survives being written and read again.
#include "fuzz.hpp"
#include "testing/record/yaml_writer.hpp"
#include "testing/script_text.hpp"
#include "visor/core/error.hpp"
#include "visor/core/json.hpp"
#include "visor/testing/qmp_script.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = visor::fuzz::text(data, size);
  try {
    (void)visor::testing::QmpScript::from_yaml(text, "fuzz.yaml");
    // What is no UTF-8 is written as U+FFFD.
    const auto value = visor::parse_json(visor::to_json(visor::testing::parse_script_text(text, "fuzz.yaml")));
    const auto again = visor::testing::parse_script_text(visor::testing::write_yaml(value), "again.yaml");
    visor::fuzz::require(visor::to_json(again) == visor::to_json(value), "what was read can be written");
  } catch (const visor::Error&) {
    return 0;
  }
  return 0;
}
