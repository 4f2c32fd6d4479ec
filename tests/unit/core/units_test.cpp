// SPDX-License-Identifier: Apache-2.0
#include "support.hpp"
#include "visor/core/describe.hpp"

#include <array>
#include <utility>

namespace visor {
namespace {

using testing::expect_error;

TEST(Units, SizesInMib) {
  constexpr std::array<std::pair<const char*, std::uint64_t>, 9> cases = {{{"512MiB", 512},
                                                                           {"2GiB", 2048},
                                                                           {"2G", 2048},
                                                                           {"1TiB", 1048576},
                                                                           {"1T", 1048576},
                                                                           {"2048KiB", 2},
                                                                           {"1024K", 1},
                                                                           {"7M", 7},
                                                                           {"0MiB", 0}}};
  for (const auto& [text, mib] : cases) EXPECT_EQ(parse_size_mib(text), mib) << text;
}
TEST(Units, SizesInBytes) {
  EXPECT_EQ(parse_size_bytes("4KiB"), 4096U);
  EXPECT_EQ(parse_size_bytes("1GiB"), std::uint64_t{1} << 30U);
}
TEST(Units, SizesThatAreNone) {
  constexpr std::array<std::pair<const char*, const char*>, 10> cases = {{{"512", "has no unit"},
                                                                          {"", "whole number"},
                                                                          {"GiB", "whole number"},
                                                                          {"-1GiB", "whole number"},
                                                                          {"1.5GiB", "unknown unit '.5GiB'"},
                                                                          {"1 GiB", "unknown unit ' GiB'"},
                                                                          {"2GB", "unknown unit 'GB'"},
                                                                          {"2gib", "unknown unit 'gib'"},
                                                                          {"99999999999999999999MiB", "too large"},
                                                                          {"99999999TiB", "too large"}}};
  for (const auto& [text, why] : cases) {
    SCOPED_TRACE(text);
    expect_error(Errc::invalid_config, why, [&one = text] { parse_size_mib(one); });
  }
}
TEST(Units, AFractionOfAMib) {
  expect_error(Errc::invalid_config, "whole number of MiB", [] { parse_size_mib("1KiB"); });
}
TEST(Units, FormatTakesTheLargestWholeUnit) {
  for (const auto* text : {"0MiB", "1MiB", "1023MiB", "1GiB", "1025MiB", "1TiB", "1025GiB"}) {
    EXPECT_EQ(format_size_mib(parse_size_mib(text)), text);
  }
}
TEST(Units, Durations) {
  EXPECT_EQ(parse_duration_ms("500ms"), 500U);
  EXPECT_EQ(parse_duration_ms("10s"), 10000U);
  EXPECT_EQ(parse_duration_ms("2m"), 120000U);
  EXPECT_EQ(parse_duration_ms("1h"), 3600000U);
  for (const auto* text : {"10", "s", "1d", "-1s", "1.5s", "99999999999999999h"}) {
    SCOPED_TRACE(text);
    expect_error(Errc::invalid_config, "a duration such as", [&] { parse_duration_ms(text); });
  }
}

}  // namespace
}  // namespace visor
