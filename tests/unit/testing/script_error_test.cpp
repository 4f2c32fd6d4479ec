// SPDX-License-Identifier: Apache-2.0
// What is wrong with a script, and where.
#include "raw_client.hpp"
#include "visor/testing/qmp_script.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <regex>
#include <vector>

namespace visor::testing {
namespace {

std::string problem_of(const std::string& text) {
  return message_of([&] { (void)QmpScript::from_yaml(text, "s.yaml"); });
}

TEST(ScriptError, NamesThePlaceOfEachMistake) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "s.yaml:1:1: a script must be a map, not nothing: for example steps: [greet, negotiate]"},
      {"[]", "s.yaml:1:1: a script must be a map, not a list: for example steps: [greet, negotiate]"},
      {"seed: 1", "s.yaml:1:1: A script must have 'steps'"},
      {"steps: []\nstep: []", "s.yaml:2:1: Unknown key 'step' in a script"},
      {"steps: []\nsteps: []", "s.yaml:2:1: The key 'steps' is here twice"},
      {"seed: -1\nsteps: []",
       "s.yaml:1:1: 'seed' must be a whole number from 0 to 18446744073709551615, not the number -1: for example seed: "
       "7"},
      {"steps: x", "s.yaml:1:1: 'steps' must be a list, not the text \"x\": for example steps: [greet, negotiate]"},
      {"steps: []\n--- x", "s.yaml:2:1: There is a second document: a file holds one"},
      {"steps: !!seq []", "s.yaml:1:8: The tag 'tag:yaml.org,2002:seq' is not supported: leave it out"},
      {"steps: &a []", "s.yaml:1:8: Anchors and aliases are not supported: write the value again"},
      {"steps: [\x04]", "s.yaml:1:9: A control character is not allowed: write it as \"\\xNN\" in double quotes"},
      {"? [a]\n: 1", "s.yaml:1:3: A key must be a text, or this bracket is not closed"},
      {"~: 1", "s.yaml:1:1: A key must be a text"}};
  for (const auto& [text, problem] : cases) EXPECT_EQ(problem_of(text), problem) << text;
}

TEST(ScriptError, NamesThePlaceOfEachMistakeInAStep) {
  const std::string known =
      "greet, negotiate, expect, reply, error, event, any_order, serve, repeat, raw, hex, split, glue, delay, gate, "
      "stderr, exit, end";
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"7", "2:5: a step must be a map, not the number 7: for example expect: query-status"},
      {"{}", "2:5: This is no step: one of " + known},
      {"expct: a", "2:5: This is no step: one of " + known},
      {"exit", "2:5: 'exit' must be a whole number from 0 to 255, not nothing: for example exit: 1"},
      {"exit: 256", "2:5: 'exit' must be a whole number from 0 to 255, not the number 256: for example exit: 1"},
      {"reply: 1\n    befor: 1", "3:5: Unknown key 'befor' in a step 'reply'"},
      {"reply: 1\n    before: x",
       "3:5: 'before' must be a whole number from 0 to 1000000, not the text \"x\": for example before: 1"},
      {"reply: 1\n    event: x", "3:5: Unknown key 'event' in a step 'reply'"},
      {"negotiate: 1", "2:5: 'negotiate' takes no value: write the word alone"},
      {"greet: {minr: 1}", "2:13: Unknown key 'minr' in a greeting"},
      {"greet: {capabilities: [1]}",
       "2:28: 'capabilities' must be a text, not the number 1: for example capabilities: [oob]"},
      {"greet: 7.2", "2:5: a greeting must be a map, not the number 7.2: for example greet: {major: 9, minor: 2}"},
      {"expect: 1", "2:5: 'expect' must be a text, not the number 1: for example expect: query-status"},
      {"expect: a\n    arguments: 1",
       "3:5: 'arguments' must be a map, not the number 1: for example arguments: {id: disk0}"},
      {"{expect: a, arguments: {}, subset: {}}", "2:32: 'arguments' and 'subset' exclude each other"},
      {"{expect: a, reply: {}, error: x}", "2:28: 'reply' and 'error' exclude each other"},
      {"{expect: a, reply: {}, class: x}", "2:28: Unknown key 'class' in a step 'expect'"},
      {"{expect: a, then: [nope]}", "2:24: This is no step: one of " + known},
      {"any_order: [{reply: 1}]", "2:17: An exchange must have 'expect'"},
      {"any_order: [{expect: a, before: 1}]", "2:29: Unknown key 'before' in an exchange"},
      {"serve: [{expect: a}]\n    until: b", "3:5: 'until' names no command of this 'serve'"},
      {"event: E\n    data: []", "3:5: 'data' must be a map, not a list: for example data: {device: disk0}"},
      {"event: E\n    time: {seconds: 1, microseconds: 1000000}",
       "3:24: 'microseconds' must be a whole number from 0 to 999999, not the number 1000000: for example "
       "microseconds: "
       "0"},
      {"event: E\n    time: {second: 1}", "3:12: Unknown key 'second' in a time"},
      {"repeat: 2", "2:5: 'repeat' needs 'steps'"},
      {"hex: f", "2:5: 'hex' must be pairs of hexadecimal digits, not the text \"f\": for example hex: \"0a ff\""},
      {"hex: '+1'", "2:5: 'hex' must be pairs of hexadecimal digits, not the text \"+1\": for example hex: \"0a ff\""},
      {"hex: 12", "2:5: 'hex' must be a text, not the number 12: for example hex: \"0a ff\""},
      {"split: 0", "2:5: 'split' must be a whole number from 1 to 16777216, not the number 0: for example split: 4"},
      {"split: on", "2:5: 'split' must be a number of bytes, random or off, not the text \"on\": for example split: 4"},
      {"split: 4\n    largest: 2", "3:5: Unknown key 'largest' in a step 'split'"},
      {"delay: 20",
       "2:5: 'delay' must be a time of 600s at most, in ms or s, not the number 20: for example delay: 20ms"},
      {"delay: 601s",
       "2:5: 'delay' must be a time of 600s at most, in ms or s, not the text \"601s\": for example delay: 20ms"},
      {"delay: 1h",
       "2:5: 'delay' must be a time of 600s at most, in ms or s, not the text \"1h\": for example delay: 20ms"},
      {"raw: []", "2:5: 'raw' must be a text, not a list: for example raw: \"{}\""},
      {"raw", "2:5: 'raw' must be a text, not nothing: for example raw: \"{}\""}};
  for (const auto& [step, problem] : cases) {
    EXPECT_EQ(problem_of("steps:\n  - " + step + "\n"), "s.yaml:" + problem) << step;
  }
}

TEST(ScriptError, NamesThePlaceOfAStepThatNobodyCanHear) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"exit: 3\n  - delay: 1s", "3:5: Nothing can follow 'exit' or 'end: freeze'"},
      {"end: freeze\n  - exit: 3", "3:5: Nothing can follow 'exit' or 'end: freeze'"},
      {"end: close\n  - greet", "3:5: Nothing can follow 'end' but delay, gate, stderr and exit"},
      {"end: client\n  - delay: 1s\n  - event: E", "4:5: Nothing can follow 'end' but delay, gate, stderr and exit"},
      {"{expect: a, then: [{end: close}]}\n  - raw: x",
       "3:5: Nothing can follow 'end' but delay, gate, stderr and exit"},
      {"{expect: a, then: [{exit: 1}, {reply: x}]}", "2:35: Nothing can follow 'exit' or 'end: freeze'"},
      {"end: later",
       "2:5: 'end' must be client, close, silence or freeze, not the text \"later\": for example end: close"},
      {"glue: raw", "2:5: 'glue' must be a list, not the text \"raw\": for example glue: [greet, {event: RESUME}]"}};
  for (const auto& [step, problem] : cases) {
    EXPECT_EQ(problem_of("steps:\n  - " + step + "\n"), "s.yaml:" + problem) << step;
  }
}

TEST(ScriptError, TellsAWrongTypeWithAnExample) {
  const std::vector<std::pair<std::string, std::string>> wrong = {
      {"any_order", "1"},
      {"delay", "[]"},
      {"end", "{}"},
      {"error", "true"},
      {"event", "1"},
      {"expect", "[]"},
      {"expect: a, subset", "1"},
      {"expect: a, then", "1"},
      {"expect: a, error: b, class", "1"},
      {"event: e, time", "1"},
      {"event: e, time: {seconds", "x}"},
      {"gate", "1"},
      {"glue", "1"},
      {"greet: {major", "x}"},
      {"greet: {micro", "x}"},
      {"greet: {minor", "x}"},
      {"greet: {package", "9.2}"},
      {"greet: {capabilities", "1}"},
      {"hex", "1"},
      {"raw", "1"},
      {"repeat: 1, steps", "1"},
      {"repeat: x, steps", "[]"},
      {"serve", "1"},
      {"serve: [7], until", "a"},
      {"serve: [{expect: a}], until", "1"},
      {"split", "[]"},
      {"split: random, largest", "x"},
      {"stderr", "1"},
  };
  const std::regex told{R"(s\.yaml:1:\d+: ('\w+'|an? \w+) must be .*, not .*: for example .*\w+: .*)"};
  for (const auto& [key, value] : wrong) {
    const auto problem = problem_of("steps: [{" + key + ": " + value + "}]");
    EXPECT_TRUE(std::regex_match(problem, told)) << problem;
  }
}

TEST(ScriptError, DoesNotRepeatALongText) {
  EXPECT_EQ(problem_of("steps: [{end: " + std::string(100, 'x') + "}]"),
            "s.yaml:1:10: 'end' must be client, close, silence or freeze, not this long text: for example end: close");
}

TEST(ScriptError, PassesOnWhatYamlSays) {
  EXPECT_EQ(problem_of("steps: [").rfind("s.yaml:1:", 0), 0U);
  EXPECT_NE(problem_of("a: b: c").find("Cannot read this as YAML"), std::string::npos);
  EXPECT_EQ(problem_of("steps: " + std::string(70, '[') + std::string(70, ']')),
            "s.yaml:1:71: Nested deeper than 64 levels");
}

TEST(ScriptError, ReadsFilesAndNamesThem) {
  std::string folder = "/tmp/visor-script-XXXXXX";
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  const auto path = std::filesystem::path{folder} / "a.yaml";
  EXPECT_EQ(message_of([&] { (void)QmpScript::load(path); }),
            "Cannot read the script " + path.string() + ": No such file or directory");
  std::ofstream{path} << "steps: [greet, nope]\n";
  EXPECT_EQ(message_of([&] { (void)QmpScript::load(path); }).rfind(path.string() + ":1:16: This is no step", 0), 0U);
  std::ofstream{path} << "steps: [greet, negotiate]\n";
  EXPECT_EQ(QmpScript::load(path).size(), 3U);  // negotiate is two
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace visor::testing
