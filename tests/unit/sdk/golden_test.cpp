// SPDX-License-Identifier: Apache-2.0
// Each scenario on each machine against tests/golden: a command line a file, and one file a machine with what it
// refuses. VISOR_UPDATE_GOLDEN=1 writes them again for review. Real QEMUs take them: tests/e2e/plan.
#include "golden/scenario.hpp"
#include "visor/core/file.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <ostream>
#include <set>

namespace visor::sdk::plan::golden {

static void PrintTo(const Machine& machine, std::ostream* out) { *out << machine.arch << '/' << machine.type; }

namespace {

namespace fs = std::filesystem;

fs::path folder_of(const Machine& machine) { return fs::path{VISOR_TEST_GOLDEN_DIR} / machine.arch; }

/// Everything that this machine makes of the scenarios, by file name.
std::map<std::string, std::string> rendered(const Machine& machine) {
  const std::string type = machine.type;
  std::map<std::string, std::string> files{{type + ".refused", ""}};
  for (const auto& scenario : scenarios()) {
    const auto outcome = outcome_of(machine, scenario);
    if (!outcome.plan) {
      files[type + ".refused"] += std::string{scenario.name} + ": " + outcome.refusal + '\n';
      continue;
    }
    auto& text = files[type + '-' + scenario.name + ".argv"];
    for (const auto& argument : outcome.plan->line.argv(test::arch_of(machine.arch).binary())) text += argument + '\n';
  }
  return files;
}

/// The files of this machine that are there.
std::set<std::string> present(const Machine& machine) {
  std::set<std::string> names;
  const std::string type = machine.type;
  for (const auto& entry : fs::directory_iterator{folder_of(machine)}) {
    const auto name = entry.path().filename().string();
    if (name.starts_with(type + '-') || name.starts_with(type + '.')) names.insert(name);
  }
  return names;
}

void update(const Machine& machine, const std::map<std::string, std::string>& files) {
  fs::create_directories(folder_of(machine));
  for (const auto& name : present(machine)) {
    if (!files.contains(name)) fs::remove(folder_of(machine) / name);
  }
  for (const auto& [name, text] : files) {
    const auto path = folder_of(machine) / name;
    if (fs::exists(path) && read_file(path) == text) continue;
    write_file_atomically(path, text);
    fs::permissions(path, static_cast<fs::perms>(0644));
  }
}

class Golden : public ::testing::TestWithParam<Machine> {};

TEST_P(Golden, CommandLine) {
  const auto& machine = GetParam();
  const auto files = rendered(machine);
  if (std::getenv("VISOR_UPDATE_GOLDEN") != nullptr) update(machine, files);
  const auto there = present(machine);
  for (const auto& [name, text] : files) {
    ASSERT_TRUE(there.contains(name)) << "VISOR_UPDATE_GOLDEN=1 writes " << folder_of(machine) / name;
    EXPECT_EQ(text, read_file(folder_of(machine) / name)) << "VISOR_UPDATE_GOLDEN=1 rewrites " << name;
  }
  for (const auto& name : there) EXPECT_TRUE(files.contains(name)) << name << " is of no scenario";
}

TEST(GoldenScenarios, AreManyAndHaveNamesOfTheirOwn) {
  std::set<std::string> names;
  for (const auto& scenario : scenarios()) EXPECT_TRUE(names.insert(scenario.name).second) << scenario.name;
  EXPECT_GE(names.size(), 40U);
}

const auto name_of = [](const auto& machine) {
  std::string name = machine.param.type;
  std::ranges::replace(name, '-', '_');
  return name;
};

INSTANTIATE_TEST_SUITE_P(Machines, Golden, ::testing::ValuesIn(machines().begin(), machines().end()), name_of);

}  // namespace
}  // namespace visor::sdk::plan::golden
