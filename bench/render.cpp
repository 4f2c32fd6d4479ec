// SPDX-License-Identifier: Apache-2.0
// From a configuration with 30 devices to the command line of QEMU: defaults filled in and checked, planned, rendered
// to argv. Beside it the raw limit, the same pieces of text joined to the same words. The two take turns, so that a
// drift of the machine meets both; medians are shown. Needs no QEMU, and reads no files.
#include "qemu-amd64/amd64_arch.hpp"
#include "qemu/plan/plan.hpp"
#include "qemu/prepared.hpp"
#include "statistics.hpp"
#include "visor/core/describe.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace visor::bench {
namespace {

using Clock = std::chrono::steady_clock;
using Words = std::vector<std::string>;

double us_since(Clock::time_point begin) {
  return std::chrono::duration<double, std::micro>(Clock::now() - begin).count();
}

Value device_of(std::string_view kind, int index) {
  const auto number = std::to_string(index);
  auto device = Value::map({{"type", kind}});
  if (kind == "disk" || kind == "share") device.set("path", "/srv/images/" + std::string{kind} + number);
  if (kind == "disk") device.set("serial", "serial-" + number);
  if (kind == "share") device.set("tag", "tag-" + number);
  if (kind == "serial_port") device.set("name", "org.example." + number);
  if (kind == "vsock") device.set("cid", 3);
  if (kind == "fw_cfg") device.set("name", "opt/org.example/" + number).set("text", "hello");
  return device;
}

VmConfig thirty_devices() {
  VmConfig config;
  config.machine = {.type = "q35", .accelerator = Accelerator::tcg};
  config.cpu = {.count = 4, .max_count = 8};
  config.boot = {.kernel = "/k/vmlinuz", .initrd = "/k/initrd"};
  config.storage.driver = BlockDriver::virtio_blk;
  config.network.vhost = false;
  constexpr std::pair<std::string_view, int> kinds[] = {
      {"disk", 8},    {"nic", 6},   {"share", 4},    {"serial_port", 4}, {"iothread", 2}, {"rng", 1},
      {"balloon", 1}, {"vsock", 1}, {"watchdog", 1}, {"fw_cfg", 1},      {"panic", 1}};
  for (const auto& [kind, count] : kinds) {
    for (int i = 0; i < count; ++i) config.devices.push_back(device_config_from_value(device_of(kind, i)));
  }
  return config;
}

struct Plans {
  amd64::Amd64Arch arch;
  HostFacts host{.arch = "amd64", .memory_mib = 16384, .cpus = 8};
  QemuCaps caps = sdk::default_qemu_caps();
  VmConfig config = thirty_devices();

  [[nodiscard]] Words argv() const {
    const ConfigDefaults rules{.max_vcpus = 8, .host_memory_mib = 16384, .block_driver = sdk::plan::default_disks};
    const auto whole = normalised(config, rules);
    const auto chosen = sdk::plan::with_choices_made(arch, {whole, Accelerator::tcg, host, caps}, {});
    const auto plan = sdk::plan::make_plan(
        {chosen, arch, host, caps, Accelerator::tcg, "vm", "/run/vm", "11111111-2222-4333-8444-555555555555", {}});
    return plan.line.argv(arch.binary());
  }
};

/// Each word cut behind every ',' and '='.
std::vector<Words> pieces_of(const Words& words) {
  std::vector<Words> pieces;
  for (const std::string_view word : words) {
    auto& parts = pieces.emplace_back();
    for (std::size_t begin = 0; begin < word.size();) {
      const auto end = std::min(word.find_first_of(",=", begin), word.size() - 1) + 1;
      parts.emplace_back(word.substr(begin, end - begin));
      begin = end;
    }
  }
  return pieces;
}

Words joined(const std::vector<Words>& pieces) {
  Words words;
  for (const auto& parts : pieces) {
    auto& word = words.emplace_back();
    for (const auto& part : parts) word += part;
  }
  return words;
}

void render(benchmark::State& state) {
  const Plans plans;
  const auto pieces = pieces_of(plans.argv());
  if (joined(pieces) != plans.argv() || plans.config.devices.size() != 30) std::exit(1);
  std::vector<double> ours, bare;
  for (const auto _ : state) {
    auto begin = Clock::now();
    benchmark::DoNotOptimize(joined(pieces));
    bare.push_back(us_since(begin));
    begin = Clock::now();
    benchmark::DoNotOptimize(plans.argv());
    ours.push_back(us_since(begin));
    state.SetIterationTime(ours.back() / 1e6);
  }
  state.counters["raw_us"] = median(bare);
  state.counters["visorkit_us"] = median(ours);
  state.counters["words"] = static_cast<double>(pieces.size());
}

BENCHMARK(render)->UseManualTime()->Iterations(5000)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace visor::bench

BENCHMARK_MAIN();
