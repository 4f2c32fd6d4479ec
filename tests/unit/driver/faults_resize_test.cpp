// SPDX-License-Identifier: Apache-2.0
// Each step of a resize, of a balloon, a dump and a look at the counters, against each way in which QEMU can fail it:
// there is a bounded error, nothing is left half done, and where QEMU lives the next try works.
#include "fixture.hpp"
#include "visor/core/extensions.hpp"
#include "visor/core/params.hpp"

#include <atomic>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <memory>
#include <sstream>
#include <thread>
#include <vector>

namespace visor::sdk {
namespace {

struct Operation {
  std::string name;
  std::vector<std::string> steps;  ///< what it tells QEMU
  std::function<void(Vm&)> before;
  std::function<void(Vm&, const CallContext&, const std::filesystem::path&)> run;
  /// What must hold after a run that went well.
  std::function<bool(Vm&)> done;
};

template <class E>
std::shared_ptr<E> get(Vm& vm) {
  return std::dynamic_pointer_cast<E>(vm.extension(E::id));
}

void nothing(Vm&) {}

const std::vector<Operation>& operations() {
  static const std::vector<Operation> all = {
      {"grow vCPUs",
       {"query-hotpluggable-cpus", "device_add"},
       nothing,
       [](Vm& vm, const CallContext& call, const auto&) { (void)vm.resize_vcpus(4, call); },
       [](Vm& vm) { return vm.thread_ids(limit).size() == 4; }},
      {"shrink vCPUs",
       {"query-hotpluggable-cpus", "device_del"},
       [](Vm& vm) { (void)vm.resize_vcpus(3, limit); },
       [](Vm& vm, const CallContext& call, const auto&) { (void)vm.resize_vcpus(2, call); },
       [](Vm& vm) { return vm.thread_ids(limit).size() == 2; }},
      {"grow memory",
       {"query-memory-devices", "object-add", "device_add"},
       nothing,
       [](Vm& vm, const CallContext& call, const auto&) { (void)vm.resize_memory(512, 0, call); },
       [](Vm& vm) { return vm.resize_memory(512, 0, limit).achieved_mib == 512; }},
      {"shrink memory",
       {"query-memory-devices", "device_del", "object-del"},
       [](Vm& vm) { (void)vm.resize_memory(512, 0, limit); },
       [](Vm& vm, const CallContext& call, const auto&) { (void)vm.resize_memory(256, 0, call); },
       [](Vm& vm) { return vm.resize_memory(256, 0, limit).achieved_mib == 256; }},
      {"set the balloon",
       {"query-memory-size-summary", "balloon"},
       nothing,
       [](Vm& vm, const CallContext& call, const auto&) { get<BalloonExtension>(vm)->set_target(200, call); },
       [](Vm& vm) { return get<BalloonExtension>(vm)->current_mib(limit) == 200; }},
      {"dump",
       {"query-dump-guest-memory-capability", "getfd", "dump-guest-memory", "query-dump"},
       nothing,
       [](Vm& vm, const CallContext& call, const auto& dir) {
         get<DumpExtension>(vm)->dump(dir / "dump", DumpFormat::elf, false, call);
       },
       [](Vm&) { return true; }},
      {"read counters",
       {"query-cpus-fast", "query-blockstats"},
       nothing,
       [](Vm& vm, const CallContext& call, const auto&) { (void)get<StatsExtension>(vm)->read(call); },
       [](Vm&) { return true; }},
  };
  return all;
}

/// How QEMU fails, and whether it lives on and answers.
struct Fault {
  std::string action;
  bool lives;
};
const std::vector<Fault> faults = {{"error", true}, {"silence", true}, {"garbage", true},
                                   {"close", true}, {"exit", false},   {"hang", false}};

struct Cell {
  const Operation* operation;
  std::string step;
  Fault fault;
  std::string wrong = {};
};

/// QEMU answers each command. As long as it owes the answer to one with a descriptor, no other of that kind is sent.
bool can_be_tried_again(const Cell& cell) {
  return cell.fault.lives && !(cell.step == "getfd" && cell.fault.action == "silence");
}

class ResizeFaults : public DriverTest {
 protected:
  [[nodiscard]] VmConfig roomy(const std::filesystem::path& live) const {
    auto config = this->config();
    config.cpu.max_count = 4;
    config.memory.size_mib = 256;
    config.memory.max_size_mib = 1024;
    BalloonConfig balloon;
    balloon.id = "bal0";
    config.devices.emplace_back(balloon);
    add_param(config.host.hypervisor_params, "fake", "live=" + live.string());
    return config;
  }
  /// What is wrong with a cell of the table; empty when all is well.
  [[nodiscard]] std::string try_cell(const Cell& cell, const std::string& id) const;
};

std::string ResizeFaults::try_cell(const Cell& cell, const std::string& id) const {
  const auto& operation = *cell.operation;
  const auto dir = run_dir().parent_path() / id;
  const auto live = run_dir().parent_path() / (id + ".live");
  std::filesystem::create_directory(dir);
  std::ostringstream wrong;
  const auto vm = hypervisor().create(roomy(live), id, dir);
  vm->start(limit);
  operation.before(*vm);
  std::ofstream{live.string() + ".new"} << cell.step << '=' << cell.fault.action << '\n';
  std::filesystem::rename(live.string() + ".new", live);
  const bool waits = cell.fault.action == "silence" || cell.fault.action == "hang";
  const CallContext call{waits ? 700ms : limit};
  try {
    operation.run(*vm, call, dir);
    // A guest that is not heard keeps what it has: a shrink says so by what is left.
    if (!operation.name.starts_with("shrink")) wrong << "it went well; ";
  } catch (const Error& error) {
    if (error.message().empty()) wrong << "no word; ";
  }
  if (waits && std::chrono::steady_clock::now() > call.deadline() + limit / 2) wrong << "unbounded; ";
  if (std::filesystem::exists(dir / "dump")) wrong << "a dump file is left; ";
  std::filesystem::remove(live);
  if (can_be_tried_again(cell)) {
    try {
      operation.run(*vm, limit, dir);
      if (!operation.done(*vm)) wrong << "the next try did nothing; ";
    } catch (const Error& error) {
      wrong << "the next try: " << error.message() << "; ";
    }
  }
  vm->stop({.force = true, .terminate_grace = 50ms}, limit);
  return wrong.str();
}

TEST_F(ResizeFaults, LeaveNothingHalfDone) {
  std::vector<Cell> cells;
  for (const auto& operation : operations()) {
    for (const auto& step : operation.steps) {
      for (const auto& fault : faults) cells.push_back({&operation, step, fault});
    }
  }
  std::atomic<std::size_t> next = 0;
  const auto work = [&] {
    for (auto i = next++; i < cells.size(); i = next++) {
      try {
        cells[i].wrong = try_cell(cells[i], "vm" + std::to_string(i));
      } catch (const std::exception& error) {
        cells[i].wrong = error.what();
      }
    }
  };
  {
    std::vector<std::jthread> workers;  // they wait, most of the time
    for (int i = 0; i < 16; ++i) workers.emplace_back(work);
  }
  std::size_t passed = 0;
  for (const auto& cell : cells) {
    EXPECT_EQ(cell.wrong, "") << cell.operation->name << ": " << cell.step << "=" << cell.fault.action;
    passed += cell.wrong.empty() ? 1 : 0;
  }
  std::cout << "cells passed / total: " << passed << " / " << cells.size() << '\n';
}

}  // namespace
}  // namespace visor::sdk
