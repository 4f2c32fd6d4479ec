// SPDX-License-Identifier: Apache-2.0
// A host program: finds the plugins, runs a VM for a while, prints what happens to it, and ends it.
//   host-runtime [CONFIG.yaml [SECONDS]]
// Without a configuration it runs a mock VM, which needs nothing on the host.
#include "visor/core/error.hpp"
#include "visor/core/json.hpp"
#include "visor/runtime/config_file.hpp"
#include "visor/runtime/log_sink.hpp"
#include "visor/runtime/plugin_registry.hpp"
#include "visor/runtime/runtime.hpp"

#include <chrono>
#include <cstdlib>
#include <iostream>

using namespace std::chrono_literals;

namespace {

visor::VmConfig mock_config() {
  visor::VmConfig config;
  config.hypervisor = "mock";
  config.ephemeral = true;  // it ends with this program, however that ends
  return config;
}

/// Prints events until the time is over, or until none can come any more.
void print_events(visor::EventQueue& events, std::chrono::milliseconds time) {
  try {
    const visor::CallContext call{time};
    while (const auto event = events.next(call)) {
      std::cout << "event " << to_string(event->kind) << ' ' << event->name << ' ' << visor::to_json(event->data)
                << '\n';
    }
  } catch (const visor::Error& error) {
    if (error.code() != visor::Errc::timeout) throw;
  }
}

void run(const visor::VmConfig& config, std::chrono::milliseconds time) {
  visor::RuntimeOptions options;
  options.log = visor::make_stderr_log(visor::LogLevel::warning);
  visor::Runtime runtime{options};
  for (const auto& plugin : runtime.plugins().plugins()) std::cout << "plugin " << plugin.file.string() << '\n';

  const auto vm = runtime.create(config);
  const auto events = vm->events();
  vm->start(60s);
  std::cout << "vm " << vm->id() << ' ' << to_string(vm->status(5s).state) << '\n';
  print_events(*events, time);
  const auto result = vm->stop({}, 40s);
  print_events(*events, 100ms);
  std::cout << "stopped by " << to_string(result.rung) << ", " << to_string(result.exit.cause) << '\n';
  vm->disconnect();
  runtime.remove(vm->id(), false, 5s);
}

}  // namespace

int main(int argc, char** argv) try {
  run(argc > 1 ? visor::load_config(argv[1]) : mock_config(), std::chrono::seconds{argc > 2 ? std::atoi(argv[2]) : 1});
  return EXIT_SUCCESS;
} catch (const visor::Error& error) {
  std::cerr << "host-runtime: " << error.message() << '\n';
  return EXIT_FAILURE;
}
