// SPDX-License-Identifier: Apache-2.0
// Start of a paused q35 VM, from the call to a negotiated monitor: through visorkit, keeper included, and by hand with
// fork, exec and a socket. The two take turns, so that a drift of the machine meets both; medians of the pairs are
// shown. Needs QEMU and VISOR_GUEST_AMD64, the folder of scripts/guest/build --print-dir amd64.
#include "statistics.hpp"
#include "visor/core/unique_fd.hpp"
#include "visor/core/vm.hpp"
#include "visor/runtime/runtime.hpp"

#include <benchmark/benchmark.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;
using visor::bench::median;
using Clock = std::chrono::steady_clock;

double ms_since(Clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

visor::VmConfig config(const std::string& guest) {
  visor::VmConfig config;
  config.hypervisor = "qemu-amd64";
  config.machine.type = "q35";
  config.machine.accelerator = visor::Accelerator::tcg;
  config.cpu.count = 1;
  config.memory.size_mib = 256;
  config.boot.kernel = guest + "/kernel";
  config.boot.initrd = guest + "/initrd";
  return config;
}

double through_visorkit(visor::Runtime& runtime, const visor::VmConfig& config) {
  const auto vm = runtime.create(config, "bench");
  const auto begin = Clock::now();
  vm->start(true, 60s);
  const auto taken = ms_since(begin);
  vm->stop({.force = true}, 20s);
  runtime.remove("bench", true, 20s);
  return taken;
}

/// Sends the negotiation and reads until its reply is there.
void negotiate(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
  const visor::UniqueFd socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  while (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    std::this_thread::sleep_for(500us);
  }
  constexpr std::string_view hello = "{\"execute\":\"qmp_capabilities\"}\n";
  (void)!::write(socket.get(), hello.data(), hello.size());
  std::string seen;
  char buffer[4096];
  while (seen.find("\"return\"") == std::string::npos) {
    const auto size = ::read(socket.get(), buffer, sizeof(buffer));
    if (size <= 0) std::exit(1);
    seen.append(buffer, static_cast<std::size_t>(size));
  }
}

double by_hand(std::vector<std::string> argv, const std::string& socket) {
  std::filesystem::remove(socket);
  std::vector<char*> pointers;
  for (auto& argument : argv) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  const auto begin = Clock::now();
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::execv(pointers[0], pointers.data());
    ::_exit(127);
  }
  negotiate(socket);
  const auto taken = ms_since(begin);
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
  return taken;
}

/// What the plugin would start, with one monitor on a path in the place of inherited descriptors.
std::vector<std::string> bare_argv(const std::string& guest, const std::string& socket) {
  return {"/usr/bin/qemu-system-x86_64",
          "-machine",
          "q35,accel=tcg",
          "-cpu",
          "max",
          "-smp",
          "cpus=1,maxcpus=2,sockets=2,cores=1,threads=1",
          "-m",
          "size=256M",
          "-no-user-config",
          "-nodefaults",
          "-display",
          "none",
          "-S",
          "-sandbox",
          "enable=on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
          "-qmp",
          "unix:" + socket + ",server=on,wait=off",
          "-serial",
          "null",
          "-device",
          "pvpanic",
          "-kernel",
          guest + "/kernel",
          "-initrd",
          guest + "/initrd",
          "-append",
          "console=ttyS0 quiet panic=1"};
}

void launch(benchmark::State& state) {
  const char* guest = std::getenv("VISOR_GUEST_AMD64");
  if (guest == nullptr) {
    state.SkipWithError("VISOR_GUEST_AMD64 is not set");
    return;
  }
  std::string folder = "/tmp/visor-bench-XXXXXX";
  if (::mkdtemp(folder.data()) == nullptr) std::exit(1);
  visor::RuntimeOptions options;
  options.plugin_dirs = {VISOR_BENCH_PLUGIN_DIR};
  options.keeper_path = VISOR_BENCH_KEEPER;
  options.run_dir = folder + "/run";
  visor::Runtime runtime{options};
  const auto vm_config = config(guest);
  const auto argv = bare_argv(guest, folder + "/bare.sock");
  std::vector<double> ours;
  std::vector<double> bare;
  std::vector<double> differences;
  for (const auto _ : state) {
    bare.push_back(by_hand(argv, folder + "/bare.sock"));
    ours.push_back(through_visorkit(runtime, vm_config));
    differences.push_back(ours.back() - bare.back());
    state.SetIterationTime(ours.back() / 1000);
  }
  state.counters["bare_ms"] = median(bare);
  state.counters["visorkit_ms"] = median(ours);
  state.counters["difference_ms"] = median(differences);
  std::filesystem::remove_all(folder);
}

BENCHMARK(launch)->UseManualTime()->Iterations(40)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
