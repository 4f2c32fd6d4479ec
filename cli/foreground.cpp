// SPDX-License-Identifier: Apache-2.0
#include "foreground.hpp"

#include "console_pump.hpp"
#include "progress.hpp"
#include "terminal.hpp"
#include "visor/core/error.hpp"
#include "wait_end.hpp"

#include <csignal>
#include <future>
#include <memory>
#include <optional>
#include <utility>

namespace visor::cli {
namespace {

using namespace std::chrono_literals;

/// How long the console's last bytes may take after the VM's end.
constexpr std::chrono::milliseconds drain_limit = 3s;
constexpr std::chrono::milliseconds ladder_limit = 40s;
constexpr std::chrono::milliseconds kill_limit = 10s;

/// The console on a thread of its own.
class ConsoleThread {
 public:
  ConsoleThread(std::unique_ptr<Console> console, Context& context)
      : console_{std::move(console)}, context_{context}, interrupts_{context.interrupts} {
    end_ = std::async(std::launch::async, [this] { return pump(); });
  }
  ConsoleThread(const ConsoleThread&) = delete;
  ConsoleThread& operator=(const ConsoleThread&) = delete;
  ~ConsoleThread() { cancel_.cancel(); }

  /// Waits for what is left to be shown. Throws what the pump threw.
  void finish() {
    if (end_.wait_for(drain_limit) != std::future_status::ready) cancel_.cancel();
    end_.get();
  }

 private:
  void pump() {
    try {
      const auto input = keys_.active() ? PumpInput::keys : PumpInput::none;
      const auto warn = [this](std::string_view text) { context_.out.warning(text); };
      if (pump_console(*console_, input, cancel_.token(), warn) == PumpEnd::left) interrupts_.raise(SIGINT);
    } catch (const StdoutClosed&) {
      interrupts_.raise(SIGPIPE);
      throw;
    }
  }

  std::unique_ptr<Console> console_;
  Context& context_;
  Interrupts& interrupts_;
  KeyMode keys_{true};
  CancelSource cancel_;
  std::future<void> end_;  // last: its destructor waits for the thread
};

/// The ladder, until a second signal asks for the kill.
ExitRecord stop_by_signal(Context& context, Vm& vm) {
  context.out.notice("Stopping; once more kills the VM");
  const auto now = std::chrono::steady_clock::now();
  try {
    return vm.stop({}, {now + ladder_limit, context.interrupts.second()}).exit;
  } catch (const Error& error) {
    if (error.code() != Errc::cancelled && error.code() != Errc::timeout) throw;
  }
  StopOptions options;
  options.force = true;
  return vm.stop(options, kill_limit).exit;
}

ExitRecord wait_or_stop(Context& context, Vm& vm) {
  try {
    return wait_end(vm, context.interrupts.first());
  } catch (const Error& error) {
    if (error.code() != Errc::cancelled) throw;
  }
  return stop_by_signal(context, vm);
}

/// A VM that ends, or is to be stopped, before it is ready is no failure of the waiting.
void await_ready(Context& context, Vm& vm, const CallContext& call) {
  try {
    vm.wait_ready(call);
    context.out.notice("The guest is ready");
  } catch (const Error& error) {
    if (error.code() == Errc::timeout) throw;
    if (error.code() != Errc::cancelled && !is_over(vm.status(1s).state)) throw;
  }
}

}  // namespace

bool has_ready_signal(const VmConfig& config) noexcept {
  return !config.ready.port.empty() || !config.ready.console_line.empty();
}

ExitRecord run_foreground(Context& context, Vm& vm, const StartWishes& wishes) {
  Progress progress{context.out};
  const auto call = context.call(wishes.limit, &progress);
  const auto capabilities = vm.capabilities();
  const bool has_console = capabilities.has(Feature::console);
  // Paused until the console is connected: not even the first line is lost.
  const bool held = has_console && capabilities.has(Feature::pause) && capabilities.has(Feature::resume);
  vm.start(wishes.paused || held, call);
  std::optional<ConsoleThread> console;
  if (has_console && vm.config().console.type != ConsoleType::none) console.emplace(vm.console(call), context);
  if (held && !wishes.paused) vm.resume(call);
  context.out.notice("The VM '" + vm.id() + "' runs; Ctrl-C stops it");
  if (has_ready_signal(vm.config()) && wishes.boots && !wishes.paused) await_ready(context, vm, call);
  auto record = wait_or_stop(context, vm);
  if (console) console->finish();
  return record;
}

}  // namespace visor::cli
