// SPDX-License-Identifier: Apache-2.0
#include "args.hpp"

#include "visor/core/error.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

namespace visor::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::array options = {
    OptionSpec{"detach", "", "", 'd'},
    OptionSpec{"id", "ID", ""},
    OptionSpec{"set", "KEY=VALUE", "", '\0', true},
};

std::string message_of(const std::vector<std::string>& words) {
  try {
    (void)parse_args(words, options);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::invalid_config);
    return error.message();
  }
  return "nothing was thrown";
}

TEST(TakeCommand, FindsTheFirstWordThatBelongsToNoGlobalOption) {
  std::vector<std::string> words{"--run-dir", "ps", "-v", "--plugin-dir=x", "run", "ps"};
  EXPECT_EQ(take_command(words), "run");
  EXPECT_THAT(words, ElementsAre("--run-dir", "ps", "-v", "--plugin-dir=x", "ps"));
  std::vector<std::string> none{"--json"};
  EXPECT_EQ(take_command(none), "");
  std::vector<std::string> cut_short{"--run-dir"};
  EXPECT_EQ(take_command(cut_short), "");
}

TEST(ParseArgs, SortsWordsAndOptionsInAnyOrder) {
  const auto args = parse_args({"a", "-d", "--set", "x=1", "b", "--set=y=2", "--id=v"}, options);
  EXPECT_THAT(args.words, ElementsAre("a", "b"));
  EXPECT_TRUE(args.has("detach"));
  EXPECT_FALSE(args.has("json"));
  EXPECT_EQ(args.value("id"), "v");
  EXPECT_EQ(args.value("json"), std::nullopt);
  EXPECT_THAT(args.values("set"), ElementsAre("x=1", "y=2"));
}

TEST(ParseArgs, TakesWhatFollowsTwoDashesAsWords) {
  EXPECT_THAT(parse_args({"--", "--id", "-d"}, options).words, ElementsAre("--id", "-d"));
  EXPECT_THAT(parse_args({"-"}, options).words, ElementsAre("-"));
}

TEST(ParseArgs, NamesTheNearestOption) {
  EXPECT_EQ(message_of({"--detch"}), "Unknown option --detch; did you mean '--detach'?");
  EXPECT_EQ(message_of({"--xyzzy=1"}), "Unknown option --xyzzy");
  EXPECT_EQ(message_of({"-x"}), "Unknown option -x");
  EXPECT_THAT(message_of({"--\x1b[31m"}), testing::Not(HasSubstr("\x1b")));
}

TEST(ParseArgs, RefusesAnAbbreviationAMissingArgumentAndARepetition) {
  EXPECT_THAT(message_of({"--deta"}), HasSubstr("Unknown option --deta"));
  EXPECT_THAT(message_of({"--id"}), HasSubstr("--id"));
  EXPECT_THAT(message_of({"--detach=yes"}), HasSubstr("--detach"));
  EXPECT_EQ(message_of({"--id", "a", "--id", "b"}), "Option --id is given 2 times");
}

TEST(Suggestion, IsSilentWhenNothingIsNear) {
  const std::vector<std::string_view> words{"run", "resume", "render"};
  EXPECT_EQ(suggestion("rn", words), "; did you mean 'run'?");
  EXPECT_EQ(suggestion("rezume", words), "; did you mean 'resume'?");
  EXPECT_EQ(suggestion("start", words), "");
  EXPECT_EQ(suggestion(std::string(1000, 'r'), words), "");
}

}  // namespace
}  // namespace visor::cli
