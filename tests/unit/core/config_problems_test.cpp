// SPDX-License-Identifier: Apache-2.0
#include "support.hpp"
#include "visor/core/describe.hpp"
#include "visor/core/json.hpp"

#include <algorithm>

namespace visor {
namespace {

using testing::contains;

struct Case {
  const char* json;
  const char* problem;  ///< "<path>: <beginning of the text>"
};

std::vector<ConfigProblem> problems_of(const char* json) {
  std::vector<ConfigProblem> problems;
  static_cast<void>(vm_config_from_value(parse_json(json), problems));
  return problems;
}

void expect_problems(const std::vector<Case>& cases) {
  for (const auto& [json, problem] : cases) {
    SCOPED_TRACE(json);
    const auto problems = problems_of(json);
    ASSERT_EQ(problems.size(), 1U) << problems_text(problems);
    EXPECT_TRUE(problems_text(problems).starts_with(problem)) << problems_text(problems) << "\nexpected " << problem;
  }
}

TEST(ConfigProblems, NoneForAGoodConfiguration) {
  const auto config =
      vm_config_from_value(parse_json(R"({"name": "web", "cpu": {"count": 2}, "memory": {"size": "2GiB"},
    "boot": {"kernel": "/k", "initrd": "/i", "kernel_params": "quiet a=\"b c\""},
    "template": {"to_be": true, "memory_path": "/m"},
    "devices": [{"type": "disk", "id": "data", "path": "/d", "bus": "scsi"}, {"type": "panic"}]})"));
  EXPECT_EQ(config.name, "web");
  EXPECT_EQ(config.cpu.count, 2U);
  EXPECT_EQ(config.memory.size_mib, 2048U);
  EXPECT_EQ(config.boot.kernel_params, (Params{{"quiet", ""}, {"a", "b c"}}));
  EXPECT_TRUE(config.vm_template.to_be);
  ASSERT_EQ(config.devices.size(), 2U);
  const auto& disk = std::get<DiskConfig>(config.devices[0]);
  EXPECT_EQ(disk.id, "data");
  EXPECT_EQ(disk.bus, DiskBus::scsi);
}

TEST(ConfigProblems, UnknownKeyNamesTheNearest) {
  expect_problems(
      {{R"({"mem": {}})", "mem: Unknown key, did you mean 'memory'?"},
       {R"({"memroy": {}})", "memroy: Unknown key, did you mean 'memory'?"},
       {R"({"Memory": {}})", "Memory: Unknown key, did you mean 'memory'?"},
       {R"({"cpu": {"cuont": 1}})", "cpu.cuont: Unknown key, did you mean 'count'?"},
       {R"({"boot": {"kernel-params": ""}})", "boot.kernel-params: Unknown key, did you mean 'kernel_params'?"},
       {R"({"memory": {"size_mib": 1}})", "memory.size_mib: Unknown key, did you mean 'size'?"},
       {R"({"devices": [{"type": "disk", "path": "/d", "readonly": true}]})",
        "devices[0].readonly: Unknown key, did you mean 'read_only'?"}});
}
TEST(ConfigProblems, UnknownKeyFarFromAllListsTheValidOnes) {
  expect_problems(
      {{R"({"cpu": {"zzzzzz": 1}})", "cpu.zzzzzz: Unknown key. Valid are: count, max_count, model, features"}});
}
TEST(ConfigProblems, KeyOfAnotherLevelNamesItsPlace) {
  expect_problems(
      {{R"({"accelerator": "tcg"})", "accelerator: Unknown key, did you mean 'machine.accelerator'?"},
       {R"({"type": "q35"})", "type: Unknown key, did you mean 'machine.type' or 'shared_fs.type' or 'console.type'?"},
       {R"({"boot": {"debug": true}})", "boot.debug: Unknown key, did you mean 'debug'?"},
       {R"({"boot": {"accelerator": "tcg"}})", "boot.accelerator: Unknown key, did you mean 'machine.accelerator'?"}});
}
TEST(ConfigProblems, KeyOfTheVmIsNoneOfADevice) {
  expect_problems({{R"({"devices": [{"type": "disk", "path": "/d", "accelerator": "tcg"}]})",
                    "devices[0].accelerator: Unknown key. Valid are: "}});
}
TEST(ConfigProblems, WordsOfOtherProgramsNameTheKey) {
  expect_problems(
      {{R"({"boot": {"cmdline": "quiet"}})", "boot.cmdline: Unknown key, did you mean 'boot.kernel_params'?"},
       {R"({"append": "quiet"})", "append: Unknown key, did you mean 'boot.kernel_params'?"}});
}
TEST(ConfigProblems, UnknownKeyMayBeHuge) {
  const auto json = R"({")" + std::string(100'000, 'm') + R"(": 1})";
  EXPECT_EQ(problems_of(json.c_str()).size(), 1U);
}

TEST(ConfigProblems, DuplicateKey) {
  Value::Map map;
  map.emplace_back("name", Value{"a"});
  map.emplace_back("name", Value{"b"});
  map[0].second.set_mark({3, 1});
  map[1].second.set_mark({7, 1});
  std::vector<ConfigProblem> problems;
  static_cast<void>(vm_config_from_value(Value{map}, problems));
  EXPECT_EQ(problems_text(problems, "f.yaml"), "f.yaml:7:1: name: This key was given already in line 3");
}

TEST(ConfigProblems, WrongType) {
  expect_problems({{R"([])", "Expected a map of settings, found a list"},
                   {R"({"cpu": 2})", "cpu: Expected a map of settings, found 2"},
                   {R"({"cpu": null})", "cpu: Expected a map of settings, found nothing"},
                   {R"({"debug": "yes"})", "debug: Expected true or false, found the text 'yes'"},
                   {R"({"debug": 1})", "debug: Expected true or false, found 1"},
                   {R"({"cpu": {"count": "2"}})", "cpu.count: Expected a whole number, found the text '2'"},
                   {R"({"cpu": {"count": 1.5}})", "cpu.count: Expected a whole number, found a number with a fraction"},
                   {R"({"name": 7})", "name: Expected a text"},
                   {R"({"name": true})", "name: Expected a text"},
                   {R"({"memory": {"size": 512}})", "memory.size: Expected a size with its unit"},
                   {R"({"memory": {"size": "512"}})", "memory.size: '512' has no unit"},
                   {R"({"machine": {"options": "a"}})", "machine.options: Expected a list of texts"},
                   {R"({"machine": {"options": ["a", 1]}})", "machine.options: Item 2: Expected a text"},
                   {R"({"boot": {"kernel_params": 1}})", "boot.kernel_params: Expected a list of key=value texts"},
                   {R"({"assets": {}})", "assets: Expected a list, found a map"},
                   {R"({"devices": [1]})", "devices[0]: Expected a map with a `type`, found 1"},
                   {R"({"devices": [{"type": "raw", "driver": "x", "properties": []}]})",
                    "devices[0].properties: Expected a map of properties"}});
}

TEST(ConfigProblems, OutOfRange) {
  expect_problems({{R"({"cpu": {"count": 0}})", "cpu.count: vCPUs must be at least 1, found 0"},
                   {R"({"cpu": {"count": -1}})", "cpu.count: Must not be negative, found -1"},
                   {R"({"cpu": {"count": 4097}})", "cpu.count: vCPUs must be at most 4096, found 4097"},
                   {R"({"cpu": {"count": 18446744073709551615}})", "cpu.count: vCPUs must be at most 4096"},
                   {R"({"memory": {"size": "0MiB"}})", "memory.size: Must be at least 1MiB, found 0MiB"},
                   {R"({"memory": {"slots": 256}})", "memory.slots: slots must be at most 255, found 256"},
                   {R"({"machine": {"bridges": 6}})", "machine.bridges: bridges must be at most 5, found 6"},
                   {R"({"shared_fs": {"msize_9p_bytes": 100}})",
                    "shared_fs.msize_9p_bytes: Must be at least 4096 bytes, found 100 bytes"},
                   {R"({"devices": [{"type": "vsock", "cid": 2}]})", "devices[0].cid: Must be at least 3, found 2"},
                   {R"({"devices": [{"type": "rng", "max_bytes": 1, "period_ms": 4294967296}]})",
                    "devices[0].period_ms: Must be at most 4294967295 ms"}});
}

TEST(ConfigProblems, UnknownChoiceListsAllAndTheNearest) {
  expect_problems({{R"({"machine": {"accelerator": "kmv"}})",
                    "machine.accelerator: Expected one of auto, kvm, tcg, found the text 'kmv', did you mean 'kvm'?"},
                   {R"({"console": {"type": "zzzzzz"}})",
                    "console.type: Expected one of auto, serial, virtio, none, found the text 'zzzzzz'"},
                   {R"({"devices": [{"type": "dsik"}]})", "devices[0].type: Expected one of disk, share, nic"},
                   {R"({"devices": [{"id": "a"}]})", "devices[0]: Missing `type`, one of disk, share, nic"}});
}

TEST(ConfigProblems, MissingRequiredKey) {
  expect_problems({{R"({"devices": [{"type": "disk"}]})", "devices[0].path: Missing: File or block device."},
                   {R"({"devices": [{"type": "disk", "path": ""}]})", "devices[0].path: Must not be empty"},
                   {R"({"assets": [{"path": "/k"}]})", "assets[0].kind: Missing"},
                   {R"({"devices": [{"type": "raw"}]})", "devices[0].driver: Missing"}});
}

TEST(ConfigProblems, Identifiers) {
  expect_problems({{R"({"devices": [{"type": "panic", "id": "1a"}]})", "devices[0].id: A name begins with a letter"},
                   {R"({"devices": [{"type": "panic", "id": "a,b"}]})", "devices[0].id: A name begins with a letter"},
                   {R"({"devices": [{"type": "panic", "id": "a b"}]})", "devices[0].id: A name begins with a letter"},
                   {R"({"devices": [{"type": "panic", "id": "ä"}]})", "devices[0].id: A name begins with a letter"},
                   {R"({"devices": [{"type": "panic", "id": "a2345678901234567890123456789012"}]})",
                    "devices[0].id: A name has at most 31 characters"}});
  EXPECT_TRUE(problems_of(R"({"devices": [{"type": "panic", "id": "a234567890123456789012345678901"}]})").empty());
}

TEST(ConfigProblems, ControlCharacters) {
  for (const auto* bad : {R"({"name": "a\nb"})", R"({"name": "a\u0000b"})", R"({"boot": {"kernel": "/k\n"}})",
                          R"({"host": {"allowed_jailer_paths": ["/a\u0001"]}})", R"({"cpu": {"features": ["\r"]}})",
                          R"({"boot": {"kernel_params": ["a=b\nc"]}})", R"({"boot": {"kernel_params": "a=b\nc"}})",
                          R"({"devices": [{"type": "raw", "driver": "x", "properties": {"a": ["b\nc"]}}]})",
                          R"({"devices": [{"type": "raw", "driver": "x", "properties": {"a\n": 1}}]})",
                          R"({"devices": [{"type": "fw_cfg", "name": "n", "text": "a\nb"}]})"}) {
    SCOPED_TRACE(bad);
    const auto problems = problems_of(bad);
    ASSERT_EQ(problems.size(), 1U);
    EXPECT_TRUE(contains(problems[0].text, "Must not contain a newline, a NUL"));
  }
}

TEST(ConfigProblems, KernelParameters) {
  expect_problems(
      {{R"({"boot": {"kernel_params": "a=\"b"}})", "boot.kernel_params: Kernel parameters have a double quote"},
       {R"({"boot": {"kernel_params": ["=b"]}})", "boot.kernel_params: Empty kernel parameter"},
       {R"({"boot": {"kernel_params": ["a b=c"]}})", "boot.kernel_params: Kernel parameter 'a b'"}});
}

TEST(ConfigProblems, AllAreCollected) {
  const auto problems = problems_of(R"({"mem": 1, "cpu": {"count": 0, "zzzzzz": 1}, "debug": 3,
                                        "devices": [{"type": "disk"}, {"type": "nope"}]})");
  EXPECT_EQ(problems.size(), 6U) << problems_text(problems);
  EXPECT_EQ(std::ranges::count(problems_text(problems), '\n'), 5);
}

TEST(ConfigProblems, EndlessOnesAreCut) {
  auto json = std::string{"{"};
  for (int i = 0; i < 1000; ++i) json += "\"zzzz" + std::to_string(i) + "\": 1, ";
  const auto problems = problems_of((json + R"("name": "a"})").c_str());
  ASSERT_EQ(problems.size(), 51U);
  EXPECT_EQ(problems.back().text, "More problems are not shown");
}

TEST(ConfigProblems, LongTextsAreCutInMessages) {
  const auto problems = problems_of((R"({"debug": ")" + std::string(39, 'a') + R"(üüüü"})").c_str());
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_EQ(problems[0].text, "Expected true or false, found the text '" + std::string(39, 'a') + "…'");
}

TEST(ConfigProblems, ThrowingFormHasThemAll) {
  testing::expect_error(Errc::invalid_config, "mem: Unknown key, did you mean 'memory'?\ndebug: Expected true or false",
                        [] { vm_config_from_value(parse_json(R"({"mem": 1, "debug": 3})")); });
  testing::expect_error(Errc::invalid_config, "path: Missing",
                        [] { device_config_from_value(parse_json(R"({"type": "disk"})")); });
}

TEST(ConfigProblems, BytesAndMillisecondsTakeUnits) {
  const auto config = vm_config_from_value(parse_json(R"({"shared_fs": {"msize_9p_bytes": "8KiB"},
    "devices": [{"type": "rng", "max_bytes": "1KiB", "period_ms": "2s"}]})"));
  EXPECT_EQ(config.shared_fs.msize_9p_bytes, 8192U);
  EXPECT_EQ(std::get<RngConfig>(config.devices[0]).max_bytes, 1024U);
  EXPECT_EQ(std::get<RngConfig>(config.devices[0]).period_ms, 2000U);
}

TEST(ResolvePaths, SaysThatTheFolderIsToBlame) {
  VmConfig config;
  config.boot.kernel = "/abs/kernel";
  resolve_paths(config, "/caf\xe9");
  config.boot.initrd = "initrd";
  testing::expect_error(Errc::invalid_config,
                        "initrd: Cannot be relative to this folder, give an absolute path: Must be UTF-8",
                        [&] { resolve_paths(config, "/caf\xe9"); });
}

TEST(ConfigProblems, RelativePathsAreResolvedEverywhere) {
  auto config = vm_config_from_value(parse_json(R"({"boot": {"kernel": "k", "image": "/abs/i", "pflash": ["../p"]},
    "assets": [{"kind": "initrd", "path": "./i"}], "devices": [{"type": "disk", "path": "d/e"}]})"));
  resolve_paths(config, "/base/dir");
  EXPECT_EQ(config.boot.kernel, "/base/dir/k");
  EXPECT_EQ(config.boot.image, "/abs/i");
  EXPECT_EQ(config.boot.initrd, "");
  EXPECT_EQ(config.boot.pflash, (std::vector<std::string>{"/base/p"}));
  EXPECT_EQ(config.assets[0].path, "/base/dir/i");
  EXPECT_EQ(std::get<DiskConfig>(config.devices[0]).path, "/base/dir/d/e");
}

}  // namespace
}  // namespace visor
