// SPDX-License-Identifier: Apache-2.0
#include "visor/core/value.hpp"

#include "support.hpp"
#include "visor/core/json.hpp"

#include <cmath>
#include <limits>

namespace visor {
namespace {

using testing::expect_error;

TEST(Values, IntegersAreExactOverTheirWholeRange) {
  EXPECT_EQ(Value{INT64_MIN}.as_int(), INT64_MIN);
  EXPECT_EQ(Value{INT64_MAX}.as_int(), INT64_MAX);
  EXPECT_EQ(Value{UINT64_MAX}.as_uint(), UINT64_MAX);
  EXPECT_EQ(Value{std::int8_t{-1}}.as_int(), -1);
  EXPECT_NE(Value{-1}, Value{UINT64_MAX});
  EXPECT_EQ(Value{5}, Value{std::uint8_t{5}});
  expect_error(Errc::invalid_config, "18446744073709551615 is too large",
               [] { static_cast<void>(Value{UINT64_MAX}.as_int()); });
  expect_error(Errc::invalid_config, "-1 must not be negative", [] { static_cast<void>(Value{-1}.as_uint()); });
}
TEST(Values, AccessorsNameBothKinds) {
  expect_error(Errc::invalid_config, "Expected a string, found an integer",
               [] { static_cast<void>(Value{1}.as_string()); });
  expect_error(Errc::invalid_config, "Expected a map, found nothing", [] { static_cast<void>(Value{}.as_map()); });
  expect_error(Errc::invalid_config, "Expected a list, found a map", [] { static_cast<void>(Value::map().as_list()); });
  expect_error(Errc::invalid_config, "Expected true or false, found a string",
               [] { static_cast<void>(Value{""}.as_bool()); });
  EXPECT_DOUBLE_EQ(Value{-3}.as_number(), -3.0);
}
TEST(Values, MapsKeepTheirOrder) {
  auto value = Value::map({{"b", 1}, {"a", 2}});
  value.set("c", 3).set("b", 4);
  EXPECT_EQ(to_json(value), R"({"b":4,"a":2,"c":3})");
  EXPECT_NE(value, Value::map({{"a", 2}, {"b", 4}, {"c", 3}}));
}
TEST(Values, ANullGrowsIntoAMapOrAList) {
  Value map;
  map.set("a", 1);
  Value list;
  list.push_back(1);
  EXPECT_EQ(map, Value::map({{"a", 1}}));
  EXPECT_EQ(list, Value::list({1}));
  expect_error(Errc::invalid_config, "Expected a map", [&] { list.set("a", 1); });
  expect_error(Errc::invalid_config, "Expected a list", [&] { map.push_back(1); });
}
TEST(Values, MembersAreFoundOrNot) {
  const auto value = Value::map({{"a", 1}});
  EXPECT_EQ(value.at("a"), Value{1});
  EXPECT_EQ(value.find("b"), nullptr);
  EXPECT_EQ(Value{5}.find("a"), nullptr);
  expect_error(Errc::invalid_config, "Missing member 'b'", [&] { static_cast<void>(value.at("b")); });
}
TEST(Values, MarksDoNotCountInComparisons) {
  Value marked{1};
  marked.set_mark({3, 4});
  EXPECT_EQ(marked, Value{1});
  EXPECT_EQ(marked.mark().column, 4U);
}

TEST(Json, RoundTrip) {
  for (const auto* text : {"null", "true", "[1,-2,18446744073709551615,-9223372036854775808,1.5]",
                           R"({"b":{"c":[]},"a":"\u0001\"\\ü"})", R"("")", "{}"}) {
    EXPECT_EQ(to_json(parse_json(text)), text);
  }
}
TEST(Json, WhatJsonCannotSay) {
  EXPECT_EQ(to_json(Value{std::numeric_limits<double>::infinity()}), "null");
  EXPECT_EQ(to_json(Value{std::nan("")}), "null");
  EXPECT_EQ(to_json(Value{"\xff"}), "\"\xEF\xBF\xBD\"");
}
TEST(Json, IntegersBeyond64BitsAreNumbers) {
  EXPECT_EQ(parse_json("18446744073709551616").kind(), Value::Kind::number);
}
TEST(Json, OfDuplicatesTheLastWins) { EXPECT_EQ(to_json(parse_json(R"({"a":1,"a":2})")), R"({"a":2})"); }
TEST(Json, WhatIsNone) {
  for (const auto* text : {"", "{", "[1,]", "{\"a\"}", "nul", "1 2", "\"\xff\"", "'a'", "\x01", "{\"a\":1}}"}) {
    SCOPED_TRACE(text);
    expect_error(Errc::invalid_config, "Invalid JSON", [&] { parse_json(text); });
  }
}
TEST(Json, DepthIsBounded) {
  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_NO_THROW(parse_json(nested(max_json_depth)));
  expect_error(Errc::invalid_config, "nested deeper than 128", [&] { parse_json(nested(max_json_depth + 1)); });
  expect_error(Errc::invalid_config, "nested deeper than 128", [] { parse_json(std::string(1'000'000, '[')); });
}

}  // namespace
}  // namespace visor
