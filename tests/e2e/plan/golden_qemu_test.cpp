// SPDX-License-Identifier: Apache-2.0
// Every scenario of tests/golden on the real QEMU of its architecture: it comes up, and has what the plan says. What
// this host cannot start is looked up in what QEMU says of itself. No guest runs.
#include "host_lacks.hpp"
#include "imagined_files.hpp"
#include "planned_qemu.hpp"
#include "qemu/caps/probe_caps.hpp"
#include "qemu/prepared.hpp"
#include "read_back.hpp"
#include "support/left_over.hpp"
#include "unit/sdk/golden/scenario.hpp"
#include "vhost_user_peer.hpp"
#include "visor/core/error.hpp"
#include "visor/sdk/process/reaper.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <list>
#include <memory>
#include <ostream>
#include <sstream>

namespace visor::sdk::plan::golden {

static void PrintTo(const Machine& machine, std::ostream* out) { *out << machine.arch << '/' << machine.type; }

namespace {

using namespace std::chrono_literals;
using test::Option;
using test::PlannedQemu;
using Strings = std::vector<std::string>;

/// What QEMU says of each start, or of the machine's own CPU, and nobody can change.
bool is_usual(const std::string& line) { return line.find("TCG doesn't support requested feature") != line.npos; }

class GoldenOnQemu : public ::testing::TestWithParam<Machine> {
 protected:
  void SetUp() override {
    test::adopt_orphans();
    try {
      program_ = find_qemu(test::arch_of(GetParam().arch), {});
    } catch (const Error& error) {
      GTEST_SKIP() << error.message();
    }
  }
  void TearDown() override {
    (void)reap_left_over();
    EXPECT_EQ(test::left_processes(10s), Strings{});
  }

  /// A scenario's QEMU, with what serves its devices.
  struct Started {
    std::vector<Option> options;
    Strings sockets;
    std::list<test::VhostUserPeer> peers;
    std::unique_ptr<PlannedQemu> qemu;  // goes first
  };

  [[nodiscard]] std::vector<Option> options_of(const Plan& plan) const {
    return test::options_of(files_.real(plan.line.arguments()));
  }

  Started start(const Plan& plan) const {
    Started started{.options = options_of(plan), .sockets = {}, .peers = {}, .qemu = {}};
    for (const auto& listener : {plan.owner, plan.observer, plan.keeper, plan.console}) {
      if (listener.fd >= 0) started.sockets.push_back(files_.real(listener.path));
    }
    for (const auto& port : plan.ports) started.sockets.push_back(files_.real(port.path));
    for (const auto& option : started.options) {
      const auto path = option.at("path");
      if (option.name == "-chardev" && !path.empty()) started.peers.emplace_back(path, path.ends_with("disk.sock"));
    }
    Strings argv = plan.line.argv(program_);
    for (auto& argument : argv) argument = files_.real(argument);
    started.qemu = std::make_unique<PlannedQemu>(program_, argv, started.sockets);
    return started;
  }

  void expect_taken(const Plan& plan) const {
    try {
      auto started = start(plan);
      test::Answers answers{started.qemu->client()};
      EXPECT_EQ(test::read_back(answers, started.qemu->pid(), started.options, started.sockets), Strings{});
      EXPECT_EQ(started.qemu->quit(), 0);
      std::istringstream said{started.qemu->said()};
      for (std::string line; std::getline(said, line);) EXPECT_TRUE(is_usual(line)) << line;
    } catch (const Error& error) {
      ADD_FAILURE() << error.message();
    }
  }

  [[nodiscard]] std::unique_ptr<PlannedQemu> without_machine() const {
    return std::make_unique<PlannedQemu>(
        program_,
        Strings{program_, "-machine", "none", "-nodefaults", "-display", "none", "-chardev",
                "socket,id=q,fd=3,server=on,wait=off", "-mon", "chardev=q,mode=control"},
        Strings{files_.real("/run/vm0/none.sock")});
  }

  std::string program_;
  test::ImaginedFiles files_{GetParam().arch};
};

TEST_P(GoldenOnQemu, EachScenarioIsWhatThePlanSays) {
  std::unique_ptr<PlannedQemu> bare;
  std::size_t started = 0;
  for (const auto& scenario : scenarios()) {
    SCOPED_TRACE(scenario.name);
    const auto outcome = outcome_of(GetParam(), scenario);
    if (!outcome.plan) continue;
    const auto options = options_of(*outcome.plan);
    const auto why = test::host_lacks(program_, options);
    if (why.empty()) {
      expect_taken(*outcome.plan);
      ++started;
      continue;
    }
    std::cout << scenario.name << ": looked up, not started: " << why << '\n';
    if (!bare) bare = without_machine();
    EXPECT_EQ(test::qemu_lacks(bare->client(), options), Strings{});
  }
  EXPECT_GE(started, 25U);
}

/// The table that serves where no QEMU was asked, and this QEMU itself, lead to the same.
TEST_P(GoldenOnQemu, ThePlanIsTheSameWithWhatThisQemuSays) {
  const auto caps = probe_caps(program_, 60s);
  for (const auto& scenario : scenarios()) {
    SCOPED_TRACE(scenario.name);
    const auto by_table = outcome_of(GetParam(), scenario);
    const auto by_qemu = outcome_of(GetParam(), scenario, caps);
    ASSERT_EQ(by_qemu.plan.has_value(), by_table.plan.has_value()) << by_qemu.refusal;
    if (!by_qemu.plan) continue;
    EXPECT_EQ(by_qemu.plan->line.argv(""), by_table.plan->line.argv(""));
  }
}

std::string wrong(const std::string& value) {
  if (value == "on" || value == "off") return value == "on" ? "off" : "on";
  return value + '7';
}

/// The comparison can fail: each single value that is another one, and each device, node or chardev that nobody asked
/// for, is found.
TEST_P(GoldenOnQemu, EachWrongExpectationIsFound) {
  for (const std::string name :
       {"devices", "device-iothreads", "device-nics", "device-vhost-user-prealloc", "image-nvdimm"}) {
    SCOPED_TRACE(name);
    const auto all = scenarios();
    const auto outcome = outcome_of(GetParam(), *std::ranges::find(all, name, &Scenario::name));
    if (!outcome.plan) continue;
    auto started = start(*outcome.plan);
    auto& options = started.options;
    test::Answers answers{started.qemu->client()};
    const auto differences = [&] { return test::read_back(answers, started.qemu->pid(), options, started.sockets); };
    for (auto& option : options) {
      for (auto& [key, value] : option.items) {
        if (!test::is_read_back(option.name, key)) continue;
        const auto right = std::exchange(value, wrong(value));
        EXPECT_NE(differences(), Strings{}) << option.name << ' ' << key << '=' << value;
        value = right;
      }
      if (option.name != "-device" && option.name != "-chardev" && option.name != "-blockdev") continue;
      if (option.at("id").empty() && option.name == "-device") continue;  // of these there is no list
      const auto removed = std::exchange(option, Option{.name = "-removed", .items = {}});
      EXPECT_NE(differences(), Strings{}) << removed.name << ' ' << removed.at("id");
      option = removed;
    }
    EXPECT_EQ(differences(), Strings{});
  }
}

TEST_P(GoldenOnQemu, WhatQemuLacksIsNotFound) {
  const auto bare = without_machine();
  const std::vector<Option> options{{.name = "-device", .items = {{"", "no-such-device"}}},
                                    {.name = "-device", .items = {{"", "virtio-rng-device"}, {"max-bytes", "1"}}},
                                    {.name = "-device", .items = {{"", "virtio-rng-device"}, {"nosuch", "1"}}},
                                    {.name = "-netdev", .items = {{"", "tap"}, {"ifname", "x"}, {"nosuch", "1"}}},
                                    {.name = "-object", .items = {{"", "nosuch"}, {"id", "x"}}}};
  EXPECT_EQ(test::qemu_lacks(bare->client(), options),
            (Strings{"no-such-device", "virtio-rng-device nosuch", "tap nosuch", "nosuch"}));
}

TEST_P(GoldenOnQemu, WhatQemuDoesNotTakeIsSaid) {
  auto plan = *outcome_of(GetParam(), scenarios().front()).plan;
  plan.line.plain("-device", "no-such-device");
  try {
    (void)start(plan);
    ADD_FAILURE() << "it was taken";
  } catch (const Error& error) {
    EXPECT_NE(error.message().find("no-such-device"), std::string::npos) << error.message();
  }
}

const auto name_of = [](const auto& machine) {
  std::string name = machine.param.type;
  std::ranges::replace(name, '-', '_');
  return name;
};

INSTANTIATE_TEST_SUITE_P(Machines, GoldenOnQemu, ::testing::ValuesIn(machines().begin(), machines().end()), name_of);

}  // namespace
}  // namespace visor::sdk::plan::golden
