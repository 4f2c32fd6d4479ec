// SPDX-License-Identifier: Apache-2.0
// The QMP client beside a raw blocking socket, against an echo server in a process of its own and against a QEMU
// without a machine. Who is compared takes turns, command by command, so that a drift of the machine meets both.
#include "qmp_peer.hpp"
#include "statistics.hpp"
#include "visor/sdk/qmp/client.hpp"

#include <benchmark/benchmark.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <semaphore>
#include <string>
#include <vector>

namespace visor::bench {
namespace {

using namespace std::chrono_literals;
using sdk::qmp::Client;
using sdk::qmp::Command;
using sdk::qmp::Outcome;
using Clock = std::chrono::steady_clock;

/// What all benchmarks share; made before the first thread, ended with main().
struct Peers {
  std::string folder = [] {
    std::string name = "/tmp/visor-bench-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) std::exit(1);
    return name;
  }();
  EchoServer echo{folder + "/echo"};
  BareQemu qemu{folder, 2};
  Peers() = default;
  Peers(const Peers&) = delete;
  Peers& operator=(const Peers&) = delete;
  ~Peers() { std::filesystem::remove_all(folder); }
};
Peers* peers = nullptr;

double us_since(Clock::time_point begin) {
  return std::chrono::duration<double, std::micro>(Clock::now() - begin).count();
}

/// The processor time of this process, all threads, in microseconds.
double cpu_us() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto of = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_usec);
  };
  return of(usage.ru_utime) + of(usage.ru_stime);
}

/// One command at a time: ours and the raw socket's in turns. Iterations are pairs.
void round_trip(benchmark::State& state, const std::string& our_monitor, const std::string& raw_monitor) {
  const auto client = Client::connect(our_monitor, {}, 20s);
  RawClient raw{raw_monitor};
  std::vector<double> ours;
  std::vector<double> bare;
  std::vector<double> differences;
  for (const auto _ : state) {
    auto begin = Clock::now();
    raw.ask("{\"execute\":\"query-name\",\"id\":1}\n");
    bare.push_back(us_since(begin));
    begin = Clock::now();
    benchmark::DoNotOptimize(client->execute("query-name", 20s));
    ours.push_back(us_since(begin));
    differences.push_back(ours.back() - bare.back());
    state.SetIterationTime(ours.back() / 1e6);
  }
  state.counters["raw_us"] = median(bare);
  state.counters["visorkit_us"] = median(ours);
  state.counters["difference_us"] = median(differences);
  state.counters["ratio"] = median(ours) / median(bare);
}

void round_trip_echo(benchmark::State& state) { round_trip(state, peers->echo.path(), peers->echo.path()); }
void round_trip_qemu(benchmark::State& state) { round_trip(state, peers->qemu.monitor(0), peers->qemu.monitor(1)); }

/// `count` commands, `window` of them in flight all the time.
void send_windowed(Client& client, std::size_t count, std::ptrdiff_t window) {
  std::counting_semaphore<> room{window};
  for (std::size_t i = 0; i < count; ++i) {
    room.acquire();
    (void)client.call_async(Command{"query-name"}, Clock::now() + 60s, [&room](const Outcome& outcome) {
      if (!outcome.ok()) std::exit(1);
      room.release();
    });
  }
  for (std::ptrdiff_t i = 0; i < window; ++i) room.acquire();
}

/// The rate with 64 in flight beside the rate of one after the other, and what a command costs in processor time.
void pipelined(benchmark::State& state, const std::string& monitor) {
  constexpr std::size_t count = 4096;
  const auto client = Client::connect(monitor, {}, 20s);
  double pipelined_us = 0;
  double serial_us = 0;
  double cpu = 0;
  for (const auto _ : state) {
    auto begin = Clock::now();
    for (std::size_t i = 0; i < count / 8; ++i) benchmark::DoNotOptimize(client->execute("query-name", 20s));
    serial_us += us_since(begin) * 8;
    const auto cpu_begin = cpu_us();
    begin = Clock::now();
    send_windowed(*client, count, 64);
    const auto taken = us_since(begin);
    cpu += cpu_us() - cpu_begin;
    pipelined_us += taken;
    state.SetIterationTime(taken / 1e6);
  }
  const auto commands = static_cast<double>(count) * static_cast<double>(state.iterations());
  state.counters["per_s"] = commands * 1e6 / pipelined_us;
  state.counters["serial_per_s"] = commands * 1e6 / serial_us;
  state.counters["times_serial"] = serial_us / pipelined_us;
  state.counters["cpu_us"] = cpu / commands;
}

void pipelined_echo(benchmark::State& state) { pipelined(state, peers->echo.path()); }
void pipelined_qemu(benchmark::State& state) { pipelined(state, peers->qemu.monitor(0)); }

/// A number of /proc/self/status: "VmRSS" in KiB, "Threads".
double status_of_process(const std::string& name) {
  std::ifstream status{"/proc/self/status"};
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(name + ":")) return std::stod(line.substr(name.size() + 1));
  }
  std::exit(1);
}

/// What a thousand sessions that do nothing keep in memory, and how many threads they have.
void idle_sessions(benchmark::State& state) {
  constexpr std::size_t count = 1000;
  for (const auto _ : state) {
    const auto first = Client::connect(peers->echo.path(), {}, 20s);  // the I/O thread is not a session's cost
    const auto before = status_of_process("VmRSS");
    std::vector<std::unique_ptr<Client>> clients;
    const auto begin = Clock::now();
    while (clients.size() < count) clients.push_back(Client::connect(peers->echo.path(), {}, 20s));
    state.SetIterationTime(us_since(begin) / 1e6);
    state.counters["kib_each"] = (status_of_process("VmRSS") - before) / static_cast<double>(count);
    state.counters["threads"] = status_of_process("Threads") - 1;
  }
}

BENCHMARK(idle_sessions)->UseManualTime()->Iterations(1)->Unit(benchmark::kMillisecond);
BENCHMARK(round_trip_echo)->UseManualTime()->Iterations(20000)->Unit(benchmark::kMicrosecond);
BENCHMARK(round_trip_qemu)->UseManualTime()->Iterations(5000)->Unit(benchmark::kMicrosecond);
BENCHMARK(pipelined_echo)->UseManualTime()->Iterations(20)->Unit(benchmark::kMillisecond);
BENCHMARK(pipelined_qemu)->UseManualTime()->Iterations(5)->Unit(benchmark::kMillisecond);

void allow_descriptors(rlim_t wanted) {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur >= wanted) return;
  limit.rlim_cur = std::min(wanted, limit.rlim_max);
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace
}  // namespace visor::bench

int main(int argc, char** argv) {
  visor::bench::allow_descriptors(4096);
  visor::bench::Peers all;
  visor::bench::peers = &all;
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
