// SPDX-License-Identifier: Apache-2.0
#include "runtime/config_yaml.hpp"
#include "runtime/config_scalar.hpp"
#include "support.hpp"
#include "visor/core/json.hpp"
#include "visor/runtime/config_file.hpp"

namespace visor {
namespace {

using detail::parse_yaml;
using testing::expect_error;

void refuses(const std::string& text, const std::string& why) {
  SCOPED_TRACE(text.substr(0, 100));
  expect_error(Errc::invalid_config, why, [&] { parse_yaml(text, "f.yaml"); });
}

std::string json_of(const std::string& text) { return to_json(parse_yaml(text, "f.yaml")); }

TEST(ConfigYaml, PlainWordsFollowTheCoreSchema) {
  struct Case {
    const char* word;
    const char* json;
  };
  for (const auto& [word, json] : std::initializer_list<Case>{{"true", "true"},
                                                              {"True", "true"},
                                                              {"FALSE", "false"},
                                                              {"yes", "\"yes\""},
                                                              {"no", "\"no\""},
                                                              {"on", "\"on\""},
                                                              {"off", "\"off\""},
                                                              {"y", "\"y\""},
                                                              {"tRUE", "\"tRUE\""},
                                                              {"null", "null"},
                                                              {"~", "null"},
                                                              {"Null", "null"},
                                                              {"nUll", "\"nUll\""},
                                                              {"0", "0"},
                                                              {"010", "10"},
                                                              {"0o10", "8"},
                                                              {"0x1F", "31"},
                                                              {"-5", "-5"},
                                                              {"+5", "5"},
                                                              {"18446744073709551615", "18446744073709551615"},
                                                              {"-9223372036854775808", "-9223372036854775808"},
                                                              {"1.5", "1.5"},
                                                              {"1e3", "1000.0"},
                                                              {".5", "0.5"},
                                                              {"1.", "1.0"},
                                                              {"1_000", "\"1_000\""},
                                                              {"0b11", "\"0b11\""},
                                                              {"1:30", "\"1:30\""},
                                                              {"+-5", "\"+-5\""},
                                                              {"--5", "\"--5\""},
                                                              {"1e", "\"1e\""},
                                                              {".", "\".\""},
                                                              {"-", "[null]"},
                                                              {"2026-01-01", "\"2026-01-01\""},
                                                              {"0x", "\"0x\""},
                                                              {"0o8", "\"0o8\""},
                                                              {"0x-1", "\"0x-1\""},
                                                              {"2GiB", "\"2GiB\""},
                                                              {"'true'", "\"true\""},
                                                              {"\"5\"", "\"5\""},
                                                              {"!!str 5", "\"5\""},
                                                              {"|\n  5\n", "\"5\\n\""}}) {
    EXPECT_EQ(json_of(word), json) << word;
  }
}
TEST(ConfigYaml, IntegersBeyond64BitsAreNumbers) {
  EXPECT_EQ(parse_yaml("18446744073709551616", "f").kind(), Value::Kind::number);
  EXPECT_EQ(parse_yaml("1e999", "f").kind(), Value::Kind::number);
}

TEST(ConfigYaml, ReadsJson) {
  const auto* json = R"({"a": [1, -2, 3.5, true, null, "x\"\\\/\n\t\u00e9"], "b": {"c": {}}, "d": []})";
  EXPECT_EQ(parse_yaml(json, "f"), parse_json(json));
  EXPECT_EQ(parse_yaml("{\n\t\"a\":\n\t\t[\n\t\t1,\n\t\t2\n\t\t]\n}", "f"), parse_json(R"({"a": [1, 2]})"));
}
TEST(ConfigYaml, ReadsBlocks) {
  EXPECT_EQ(json_of("a:\n  - b: 1\n    c: two words # comment\n  - d\ne: >\n  folded\n  text\n"),
            R"({"a":[{"b":1,"c":"two words"},"d"],"e":"folded text\n"})");
}
TEST(ConfigYaml, ReadsAnEmptyTextAsNothing) {
  EXPECT_TRUE(parse_yaml("", "f").is_null());
  EXPECT_TRUE(parse_yaml("# nothing\n", "f").is_null());
  EXPECT_TRUE(parse_yaml("---\n", "f").is_null());
}
TEST(ConfigYaml, SkipsAByteOrderMark) {
  EXPECT_EQ(json_of("\xEF\xBB\xBF"
                    "a: 1"),
            R"({"a":1})");
}
TEST(ConfigYaml, ReadsCrLf) { EXPECT_EQ(json_of("a: 1\r\nb: x\r\n"), R"({"a":1,"b":"x"})"); }

TEST(ConfigYaml, MarksMembersAtTheirKeyAndItemsAtThemselves) {
  const auto value = parse_yaml("a: 1\nbb:\n    c: [x, y]\n", "f");
  const auto expect_mark = [](const Value& marked, std::uint32_t line, std::uint32_t column) {
    EXPECT_EQ(marked.mark().line, line);
    EXPECT_EQ(marked.mark().column, column);
  };
  expect_mark(value, 1, 1);
  expect_mark(value.at("a"), 1, 1);
  expect_mark(value.at("bb"), 2, 1);
  expect_mark(value.at("bb").at("c"), 3, 5);
  expect_mark(value.at("bb").at("c").as_list()[1], 3, 12);
}
TEST(ConfigYaml, KeepsDuplicates) { EXPECT_EQ(parse_yaml("{a: 1, a: 2}", "f").as_map().size(), 2U); }

TEST(ConfigYaml, AliasesRepeatValues) {
  EXPECT_EQ(json_of("a: &x {b: [1]}\nc: *x\nd: [*x, &y text, *y]\n"),
            R"({"a":{"b":[1]},"c":{"b":[1]},"d":[{"b":[1]},"text","text"]})");
}
TEST(ConfigYaml, AliasesThatAreWrong) {
  refuses("a: *none", "f.yaml:1:4: Cannot read this as YAML");
  refuses("&x [*x]", "f.yaml:1:5: An alias stands inside of what it refers to");
  refuses("a: &x y\n*x : 1", "f.yaml:2:1: A key must be a text");
}
TEST(ConfigYaml, AliasBombsAreRefused) {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 20; ++i) {
    const auto last = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + last;
    for (int j = 0; j < 8; ++j) bomb.append(", ").append(last);
    bomb += "]\n";
  }
  refuses(bomb, "Too many values");
}
TEST(ConfigYaml, LongTextsRepeatedByAliasesAreRefused) {
  std::string bomb = "- &a " + std::string(500'000, 'x') + "\n";
  for (int i = 0; i < 100; ++i) bomb += "- *a\n";
  refuses(bomb, "Too many values");
}

TEST(ConfigYaml, DepthIsBounded) {
  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_NO_THROW(parse_yaml(nested(max_config_depth), "f"));
  refuses(nested(max_config_depth + 1), "Nested deeper than 32 levels");
  refuses(nested(500'000), "Nested deeper than 32 levels");
  refuses(std::string(500'000, '['), "A key must be a text, or this bracket is not closed");
  std::string blocks;
  for (int i = 0; i < 100'000; ++i) blocks += "- ";
  refuses(blocks, "Nested deeper than 32 levels");
  std::string keys;
  for (int i = 0; i < 100'000; ++i) keys += "? ";
  refuses(keys, "A key must be a text");
}

TEST(ConfigYaml, SyntaxErrorsHaveTheirPlace) {
  refuses("a: 1\nb: c: d\n", "f.yaml:2:");
  refuses("a: [1, 2\n", "end of sequence flow not found");
  refuses("{\"a\": 1} x", "f.yaml:");
  refuses("a: 1\n b: 2\n", "f.yaml:2:");
  refuses("@a: 1", "f.yaml:1:1:");
  refuses("a: \"\\q\"", "f.yaml:1:");
}
TEST(ConfigYaml, QuotesMustEnd) {
  for (const auto* text :
       {"a: \"open", "a: 'open", "a: \"x\\\"", "a: \"open\n", "a: 'open\n", "a: 'it''s\n", "a: \"x\\\"\n",
        "\"a: 1\nb: 2\n", "ü: b\nc: ü\nd: &x \"open\nmore\n", "a: !!str\n  'open\n"}) {
    refuses(text, "f.yaml:");
  }
  refuses("a: 1\nü: \"open\nb: 2\n", "f.yaml:2:5: The quotes that begin here do not end");
  refuses(
      "\xEF\xBB\xBF"
      "a: 'open\n",
      "f.yaml:1:4: The quotes that begin here do not end");
  EXPECT_EQ(json_of("a: 'it''s'\nb: &x # c\n  \"\\\"\""), R"({"a":"it's","b":"\""})");
  EXPECT_EQ(json_of("a: |\n  \"open\n"), R"({"a":"\"open\n"})");
}
TEST(ConfigYaml, TabsAreNamed) {
  refuses("memory:\n\tsize: 2GiB\n", "f.yaml:2:1: A tab in the indentation: use blanks");
  refuses("a: 1\nmemory:\n  \tsize: 2GiB\n", "f.yaml:3:");
}
TEST(ConfigYaml, OneDocument) {
  refuses("a: 1\n---\nb: 2\n", "There is a second document");
  EXPECT_EQ(json_of("---\na: 1\n...\n"), R"({"a":1})");
}
TEST(ConfigYaml, KeysAreTexts) {
  refuses("[a]: 1", "f.yaml:1:1: A key must be a text");
  refuses("{a: 1}: 2", "A key must be a text");
  refuses("? \n: 1", "A key must be a text");
  EXPECT_EQ(json_of("true: 1\n5: 2\n"), R"({"true":1,"5":2})");
}
TEST(ConfigYaml, TagsAreRefused) {
  refuses("a: !!int 5", "f.yaml:1:4: The tag 'tag:yaml.org,2002:int' is not supported");
  refuses("a: !secret 5", "The tag '!secret' is not supported");
  refuses("a: !!set {b}", "is not supported");
}

TEST(ConfigYaml, OnlyUtf8) {
  refuses("a: \xff", "f.yaml:1:4: This is not UTF-8 text");
  refuses("a: 1\nb: \xc3", "f.yaml:2:4: This is not UTF-8 text");
  refuses("a: \xc0\xaf", "not UTF-8");          // overlong
  refuses("a: \xe0\x80\xaf", "not UTF-8");      // overlong
  refuses("a: \xf0\x80\x80\xaf", "not UTF-8");  // overlong
  refuses("a: \xed\xa0\x80", "not UTF-8");      // a surrogate
  refuses("a: \xf4\x90\x80\x80", "not UTF-8");  // beyond U+10FFFF
  refuses(std::string("\xff\xfe"
                      "a\0:\0",
                      6),
          "f.yaml:1:1: This is not UTF-8 text");
  EXPECT_EQ(json_of("a: ü€😀"), R"({"a":"ü€😀"})");
}
TEST(ConfigYaml, NoControlCharacters) {
  refuses(std::string("a: b\0c", 6), "f.yaml:1:5: A control character is not allowed");
  refuses("a: 1\n\x04\nb: 2", "f.yaml:2:1: A control character is not allowed");
  refuses("a: \x7f", "A control character is not allowed");
}

}  // namespace
}  // namespace visor
