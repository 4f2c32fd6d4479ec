// SPDX-License-Identifier: Apache-2.0
#include "mock/options.hpp"

#include "support.hpp"

namespace visor::mock {
namespace {

std::string complaint(Param param) {
  try {
    (void)parse_options({std::move(param)});
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::invalid_config);
    return error.message();
  }
  return {};
}

TEST(MockOptions, LeavesOtherKeysAlone) {
  const auto options = parse_options({{"-global", "x=y"}, {"mock.start", "hang"}, {"cpu", "host"}});
  EXPECT_EQ(options.start, StartMode::hang);
  EXPECT_EQ(options.texts, (Params{{"mock.start", "hang"}}));
}

TEST(MockOptions, LaterOnesWin) {
  VmConfig config;
  config.host.hypervisor_params = {{"mock.start", "die"}};
  EXPECT_EQ(options_of({{"mock.start", "fail"}}, config).start, StartMode::die);
}

TEST(MockOptions, TellsWhatIsWrongWithWhich) {
  EXPECT_NE(complaint({"mock.strat", "ok"}).find("mock.strat"), std::string::npos);
  EXPECT_NE(complaint({"mock.strat", "ok"}).find("mock.start"), std::string::npos);
  EXPECT_NE(complaint({"mock.start", "maybe"}).find("ok, fail, die, hang"), std::string::npos);
  EXPECT_NE(complaint({"mock.exit_after_ms", "soon"}).find("number"), std::string::npos);
  EXPECT_NE(complaint({"mock.exit_after_ms", "-1"}).find("number"), std::string::npos);
  EXPECT_NE(complaint({"mock.exit_after_ms", "99999999999999999999"}).find("number"), std::string::npos);
  EXPECT_NE(complaint({"mock.exit_after_ms", ""}).find("number"), std::string::npos);
  EXPECT_NE(complaint({"mock.device_slots", "31"}).find("30"), std::string::npos);
  EXPECT_NE(complaint({"mock.device_slots", "0"}).find("1 to 30"), std::string::npos);
  EXPECT_NE(complaint({"mock.max_vcpus", "256"}).find("255"), std::string::npos);
  EXPECT_NE(complaint({"mock.without", "pause,flying"}).find("'flying'"), std::string::npos);
  EXPECT_NE(complaint({"mock.unplug.disk0", "perhaps"}).find("gone, refuse, pending"), std::string::npos);
}

TEST(MockOptions, TakesEveryKey) {
  const auto options = parse_options({{"mock.start_ms", "5"},
                                      {"mock.ready_after_ms", "never"},
                                      {"mock.exit_after_ms", "6"},
                                      {"mock.stop_rung", "kill"},
                                      {"mock.unplug", "refuse"},
                                      {"mock.unplug.a", "pending"},
                                      {"mock.unplug_after_ms", "7"},
                                      {"mock.device_slots", "3"},
                                      {"mock.max_vcpus", "8"},
                                      {"mock.without", "pause,resume"}});
  EXPECT_EQ(options.start_time.count(), 5);
  EXPECT_FALSE(options.ready_after);
  EXPECT_EQ(options.exit_after->count(), 6);
  EXPECT_EQ(options.stop_rung, StopRung::kill);
  EXPECT_EQ(options.unplug, UnplugMode::refuse);
  EXPECT_EQ(options.unplug_of.at("a"), UnplugMode::pending);
  EXPECT_EQ(options.unplug_after->count(), 7);
  EXPECT_EQ(options.device_slots, 3U);
  EXPECT_EQ(options.max_vcpus, 8U);
  EXPECT_EQ(options.without, (std::vector{Feature::pause, Feature::resume}));
}

}  // namespace
}  // namespace visor::mock
