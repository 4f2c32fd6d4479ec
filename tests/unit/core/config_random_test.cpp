// SPDX-License-Identifier: Apache-2.0
#include "random_config.hpp"
#include "support.hpp"
#include "visor/core/describe.hpp"
#include "visor/core/json.hpp"

#include <set>

namespace visor {
namespace {

constexpr std::uint32_t configurations = 500;

TEST(ConfigRandom, ReadsBackWhatItWrote) {
  for (std::uint32_t seed = 0; seed < configurations; ++seed) {
    const auto config = testing::random_config(seed);
    for (const bool all : {false, true}) {
      const auto value = to_value(config, all);
      ASSERT_EQ(vm_config_from_value(value), config) << "seed " << seed << "\n" << to_json(value, 1);
    }
  }
}

TEST(ConfigRandom, ReadsBackThroughJson) {
  for (std::uint32_t seed = 0; seed < configurations; ++seed) {
    const auto config = testing::random_config(seed);
    const auto json = to_json(to_value(config));
    ASSERT_EQ(vm_config_from_value(parse_json(json)), config) << "seed " << seed << "\n" << json;
  }
}

TEST(ConfigRandom, IsSoundByTheTables) {
  for (std::uint32_t seed = 0; seed < configurations; ++seed) {
    std::vector<ConfigProblem> problems;
    check_fields(testing::random_config(seed), problems);
    ASSERT_TRUE(problems.empty()) << "seed " << seed << ": " << problems_text(problems);
  }
}

/// The tests above would prove little if the generator left fields alone.
TEST(ConfigRandom, ReachesEveryDeviceTypeAndEverySection) {
  std::set<std::string> types;
  std::set<std::string> keys;
  for (std::uint32_t seed = 0; seed < configurations; ++seed) {
    const auto value = to_value(testing::random_config(seed));
    for (const auto& [key, member] : value.as_map()) keys.insert(key);
    if (const auto* devices = value.find("devices")) {
      for (const auto& device : devices->as_list()) types.insert(device.at("type").as_string());
    }
  }
  EXPECT_EQ(types.size(), device_sections().size());
  EXPECT_EQ(keys.size(), vm_config_section().fields.size());
}

TEST(ConfigRandom, ADeviceReadsBackAlone) {
  for (std::uint32_t seed = 0; seed < configurations; ++seed) {
    for (const auto& device : testing::random_config(seed).devices) {
      ASSERT_EQ(device_config_from_value(to_value(device)), device) << to_json(to_value(device));
      ASSERT_EQ(device_config_from_value(to_value(device, true)), device) << to_json(to_value(device, true));
    }
  }
}

}  // namespace
}  // namespace visor
