// SPDX-License-Identifier: Apache-2.0
#include "qmp/codec.hpp"

#include "qmp_test_support.hpp"
#include "visor/core/json.hpp"

#include <cstdint>
#include <limits>

namespace visor::sdk::qmp {
namespace {

struct Cut {
  std::vector<std::string> objects;
  std::optional<std::string> problem;
};

/// Feeds the pieces one after the other.
Cut cut(const std::vector<std::string>& pieces, std::size_t max_bytes = 1U << 20U) {
  Splitter splitter{max_bytes};
  Cut result;
  for (const auto& piece : pieces) {
    result.problem = splitter.feed(piece, [&](std::string_view text) {
      result.objects.emplace_back(text);
      return true;
    });
    if (result.problem) break;
  }
  return result;
}

Message message_of(std::string_view json) { return classify(parse_json(json)); }

TEST(QmpSplitter, HandsOutObjectsHoweverTheStreamIsCut) {
  const std::string stream =
      "{\"QMP\": {\"a\": [1, {\"b\": 2}]}}\r\n{\"event\":\"}{\\\"\\\\\"}{\"return\": {}} \t\n{\"x\":\"[\"}";
  const std::vector<std::string> expected = {"{\"QMP\": {\"a\": [1, {\"b\": 2}]}}", "{\"event\":\"}{\\\"\\\\\"}",
                                             "{\"return\": {}}", "{\"x\":\"[\"}"};
  EXPECT_EQ(cut({stream}).objects, expected);
  for (std::size_t first = 0; first <= stream.size(); ++first) {
    for (std::size_t second = first; second <= stream.size(); ++second) {
      const auto result = cut({stream.substr(0, first), stream.substr(first, second - first), stream.substr(second)});
      ASSERT_EQ(result.objects, expected) << "cut at " << first << " and " << second;
      ASSERT_FALSE(result.problem);
    }
  }
}

TEST(QmpSplitter, NeedsNoNewlineAfterAnObject) { EXPECT_EQ(cut({"{\"return\": {}}"}).objects.size(), 1U); }

TEST(QmpSplitter, RefusesAMessageAboveTheLimitInOnePieceAndInMany) {
  const std::string fits = R"({"return":"12345"})";
  ASSERT_EQ(cut({fits}, fits.size()).objects.size(), 1U);
  const auto whole = cut({fits}, fits.size() - 1);
  ASSERT_TRUE(whole.problem);
  EXPECT_NE(whole.problem->find("limit of " + std::to_string(fits.size() - 1) + " bytes"), std::string::npos);
  std::vector<std::string> pieces;
  for (const char c : fits) pieces.emplace_back(1, c);
  EXPECT_TRUE(cut(pieces, fits.size() - 1).problem);
  EXPECT_EQ(cut(pieces, fits.size()).objects.size(), 1U);
}

TEST(QmpSplitter, StopsBufferingAnEndlessMessageAtTheLimit) {
  Splitter splitter{1000};
  std::optional<std::string> problem;
  const auto ignore = [](std::string_view) { return true; };
  for (int i = 0; i < 1000 && !problem; ++i) problem = splitter.feed(i == 0 ? "{\"a\":\"" : "xxxxxxxxxx", ignore);
  EXPECT_TRUE(problem);
  EXPECT_LE(splitter.buffered(), 1000U);
}

TEST(QmpSplitter, RefusesTooDeepNesting) {
  const std::string deepest = "{\"a\":" + std::string(max_json_depth - 1, '[');
  EXPECT_FALSE(cut({deepest}).problem);
  EXPECT_TRUE(cut({deepest + "["}).problem);
}

TEST(QmpSplitter, RefusesWhatIsNoObject) {
  for (const auto* const garbage : {"hello\n", "[1]", "}", "\xff", "\"text\"", "{\"return\": {}}garbage"}) {
    const auto result = cut({garbage});
    ASSERT_TRUE(result.problem) << garbage;
    EXPECT_NE(result.problem->find("no JSON object"), std::string::npos);
  }
}

TEST(QmpSplitter, ShowsNoControlCharactersOfThePeer) {
  const auto result = cut({"\x1b[2Jboo\n"});
  ASSERT_TRUE(result.problem);
  EXPECT_NE(result.problem->find("?[2Jboo?"), std::string::npos);
}

TEST(QmpDecoder, EndsTheStreamAtInvalidJson) {
  Decoder decoder{1000};
  int messages = 0;
  const auto problem =
      decoder.feed("{\"return\": {}}{\"a\" 1}{\"return\": {}}", [&](Message&&) { return ++messages > 0; });
  ASSERT_TRUE(problem);
  EXPECT_NE(problem->find("invalid JSON"), std::string::npos);
  EXPECT_EQ(messages, 1);
}

TEST(QmpDecoder, StopsWhenTheSinkHasEnough) {
  Decoder decoder{1000};
  int messages = 0;
  EXPECT_FALSE(decoder.feed("{\"return\": {}}{\"return\": {}}", [&](Message&&) { return ++messages < 1; }));
  EXPECT_EQ(messages, 1);
}

TEST(QmpClassify, KnowsMessagesByTheirKeys) {
  EXPECT_TRUE(std::holds_alternative<Greeting>(message_of(R"({"QMP":{"version":{"qemu":{"major":7}}}})")));
  EXPECT_TRUE(std::holds_alternative<Reply>(message_of(R"({"return":{},"id":1})")));
  EXPECT_TRUE(std::holds_alternative<Reply>(message_of(R"({"id":1,"error":{"class":"GenericError","desc":"x"}})")));
  EXPECT_TRUE(std::holds_alternative<Event>(message_of(R"({"event":"STOP","timestamp":{}})")));
  for (const auto* const other : {"{}", R"({"id":1})", R"({"return":{},"error":{}})", R"({"event":"A","return":1})",
                                  R"({"event":7})", R"({"QMP":7})", R"({"QMP":{"version":{}}})"}) {
    EXPECT_TRUE(std::holds_alternative<UnknownObject>(message_of(other))) << other;
  }
}

TEST(QmpClassify, ReadsTheGreeting) {
  const auto message = message_of(
      R"({"QMP":{"version":{"qemu":{"micro":22,"minor":2,"major":7},"package":"Debian"},"capabilities":["oob",5]}})");
  const auto& greeting = std::get<Greeting>(message);
  EXPECT_EQ(to_string(greeting.version), "7.2.22");
  EXPECT_EQ(greeting.version.package, "Debian");
  EXPECT_TRUE(greeting.offers("oob"));
  EXPECT_FALSE(greeting.offers("bus"));
}

TEST(QmpClassify, KeepsIntegersOf64BitsExact) {
  const auto message = message_of(R"({"return":[9007199254740993,18446744073709551615,-9223372036854775808],"id":1})");
  const auto& list = std::get<Reply>(message).value.as_list();
  EXPECT_EQ(list[0].as_uint(), 9007199254740993U);
  EXPECT_EQ(list[1].as_uint(), std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(list[2].as_int(), std::numeric_limits<std::int64_t>::min());
}

TEST(QmpClassify, ReadsEventTimesToTheMicrosecond) {
  const auto message = message_of(R"({"timestamp":{"seconds":1700000000,"microseconds":123456},"event":"STOP"})");
  const auto since = std::get<Event>(message).time.time_since_epoch();
  EXPECT_EQ(std::chrono::duration_cast<std::chrono::microseconds>(since).count(), 1'700'000'000'123'456);
}

TEST(QmpClassify, TakesTheTimeOfArrivalForAnImpossibleOne) {
  for (const auto* const stamp : {R"({"seconds":-1,"microseconds":-1})", R"({"seconds":18446744073709551615})", "7"}) {
    const auto before = std::chrono::system_clock::now();
    const auto message = message_of(R"({"event":"STOP","timestamp":)" + std::string{stamp} + "}");
    EXPECT_GE(std::get<Event>(message).time, before) << stamp;
    EXPECT_LE(std::get<Event>(message).time, std::chrono::system_clock::now()) << stamp;
  }
}

TEST(QmpClassify, ToleratesAnErrorWithoutItsParts) {
  for (const auto* const error : {"{}", "null", "7", R"({"class":1,"desc":2})"}) {
    const auto reply = std::get<Reply>(message_of(R"({"id":1,"error":)" + std::string{error} + "}"));
    EXPECT_TRUE(reply.is_error);
    EXPECT_EQ(reply.error_class, ErrorClass::other);
    EXPECT_EQ(reply.description, "");
  }
}

TEST(QmpEncode, WritesOneLineWithTheId) {
  EXPECT_EQ(encode("stop", {}, false, 7), "{\"execute\":\"stop\",\"id\":7}\n");
  EXPECT_EQ(encode("x", Value::map({{"a", "b\n"}}), true, 8),
            "{\"exec-oob\":\"x\",\"arguments\":{\"a\":\"b\\n\"},\"id\":8}\n");
}

}  // namespace
}  // namespace visor::sdk::qmp
