// SPDX-License-Identifier: Apache-2.0
#include "visor/core/params.hpp"

#include "support.hpp"

namespace visor {
namespace {

using testing::expect_error;
using Texts = std::vector<std::string>;

TEST(Params, SerializeJoinsKeyAndValue) {
  EXPECT_EQ(serialize_params({{"foo", "bar"}, {"a", "b"}}, "="), (Texts{"foo=bar", "a=b"}));
}
TEST(Params, SerializeSkipsAnEmptyParam) { EXPECT_EQ(serialize_params({{"", ""}, {"a", "b"}}, "="), (Texts{"a=b"})); }
TEST(Params, SerializeGivesTheOnlyHalf) {
  EXPECT_EQ(serialize_params({{"", "bar"}, {"foo", ""}}, ","), (Texts{"bar", "foo"}));
}
TEST(Params, SerializeWithoutDelimiterGivesTwoItems) {
  EXPECT_EQ(serialize_params({{"foo", "bar"}}, ""), (Texts{"foo", "bar"}));
}

TEST(Params, DeserializeSplitsAtTheFirstEquals) {
  EXPECT_EQ(deserialize_params({"foo=bar=baz"}), (Params{{"foo", "bar=baz"}}));
}
TEST(Params, DeserializeTakesHalves) {
  EXPECT_EQ(deserialize_params({"", "foo", "foo=", "=bar"}), (Params{{"foo", ""}, {"foo", ""}, {"", "bar"}}));
}

TEST(Params, SplitAtBlanksOutsideQuotes) {
  EXPECT_EQ(split_kernel_line("  a=1  b=\"x y\" c "), (Texts{"a=1", "b=\"x y\"", "c"}));
}
TEST(Params, SplitNotAtTabs) { EXPECT_EQ(split_kernel_line("a\tb c"), (Texts{"a\tb", "c"})); }
TEST(Params, SplitOfNothing) { EXPECT_TRUE(split_kernel_line("   ").empty()); }
TEST(Params, SplitRefusesAnOpenQuote) {
  expect_error(Errc::invalid_config, "not closed", [] { split_kernel_line("a=\"b c"); });
}

TEST(Params, ParseDropsQuotesLikeTheKernel) {
  EXPECT_EQ(parse_kernel_params({"a=\"x y\"", "\"b=p q\"", "c=", "d=\"\""}),
            (Params{{"a", "x y"}, {"b", "p q"}, {"c", ""}, {"d", ""}}));
}
TEST(Params, ParseRefusesWhatNoLineCanHold) {
  for (const auto* text : {"=bar", "a b=c", "a=b\"c", "a=b\nc", "a\"b=c"}) {
    SCOPED_TRACE(text);
    expect_error(Errc::invalid_config, "ernel parameter", [&] { parse_kernel_params({text}); });
  }
}

TEST(Params, AddKeepsOrderAndDuplicates) {
  Params params;
  add_param(params, "a", "1");
  add_param(params, "a", "2");
  add_param(params, "b");
  EXPECT_EQ(params, (Params{{"a", "1"}, {"a", "2"}, {"b", ""}}));
}
TEST(Params, AddRefusesAnEmptyKey) {
  Params params;
  expect_error(Errc::invalid_config, "Empty kernel parameter", [&] { add_param(params, "", "x"); });
  EXPECT_TRUE(params.empty());
}

TEST(Params, LineQuotesBlanks) {
  EXPECT_EQ(kernel_line({{"a", "1"}, {"b", "x y"}, {"quiet", ""}, {"a", "2"}}), "a=1 b=\"x y\" quiet a=2");
}
TEST(Params, LineOfNothing) { EXPECT_EQ(kernel_line({}), ""); }
TEST(Params, LineCannotBeBrokenOutOf) {
  const std::vector<Params> bad = {{{"a", "\" init=/bin/sh"}},
                                   {{"a", "b\nc"}},
                                   {{"a", std::string("b\0c", 3)}},
                                   {{"a b", "c"}},
                                   {{"", "c"}},
                                   {{"a=b", "c"}}};
  for (const auto& params : bad) {
    SCOPED_TRACE(params.front().key + "|" + params.front().value);
    expect_error(Errc::invalid_config, "ernel parameter", [&] { kernel_line(params); });
  }
}
TEST(Params, LineAndSplitAreInverse) {
  const Params params{{"a", "x  y"}, {"b", "1=2"}, {"c", ""}, {"d.e", ","}};
  EXPECT_EQ(parse_kernel_params(split_kernel_line(kernel_line(params))), params);
}

}  // namespace
}  // namespace visor
