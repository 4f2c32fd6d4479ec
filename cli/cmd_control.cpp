// SPDX-License-Identifier: Apache-2.0
#include "command.hpp"
#include "exit_code.hpp"
#include "vm_value.hpp"

#include <array>
#include <chrono>

namespace visor::cli {
namespace {

using namespace std::chrono_literals;

std::string_view rung_text(StopRung rung) noexcept {
  switch (rung) {
    case StopRung::already_stopped:
      return "had ended before";
    case StopRung::guest:
      return "was shut down by its guest";
    case StopRung::hypervisor:
      return "was ended by its hypervisor, because the guest did not react";
    case StopRung::terminate:
      return "was ended by SIGTERM";
    case StopRung::kill:
      return "was killed";
    case StopRung::owner:
      return "was stopped by its owner";
  }
  return "was stopped";
}

int stop(Context& context) {
  const auto& id = context.args.words.front();
  context.hints = {{Errc::not_found, "visor ps lists the VMs"},
                   {Errc::timeout, "visor stop --force " + id + " does not wait for the guest"}};
  const auto call = context.call(40s);
  StopOptions options;
  options.force = context.args.has("force");
  const auto result = context.runtime().attach(id, call)->stop(options, call);
  if (context.out.json) {
    context.out.value(Value::map({{"id", id}, {"rung", to_string(result.rung)}, {"exit", exit_value(result.exit)}}));
  } else {
    context.out.text("VM '" + id + "' " + std::string{rung_text(result.rung)} + " (" +
                     std::string{to_string(result.rung)} + ")\n");
  }
  return exit_code::ok;
}

int change(Context& context, void (Vm::*method)(const CallContext&)) {
  const auto& id = context.args.words.front();
  context.hints = {{Errc::not_found, "visor ps lists the VMs"}};
  const auto call = context.call(10s);
  const auto vm = context.runtime().attach(id, call);
  (vm.get()->*method)(call);
  if (context.out.json) {
    context.out.value(Value::map({{"id", id}, {"state", to_string(vm->status(call).state)}}));
  }
  return exit_code::ok;
}

int pause(Context& context) { return change(context, &Vm::pause); }
int resume(Context& context) { return change(context, &Vm::resume); }

constexpr std::array stop_options = {
    OptionSpec{"force", "", "do not ask the guest: SIGTERM, then SIGKILL", 'f'},
    OptionSpec{"timeout", "TIME", "by when it must have ended (default: 40s)"},
};
constexpr std::array change_options = {
    OptionSpec{"timeout", "TIME", "how long to wait, also for the VM's owner (default: 10s)"},
};

}  // namespace

const Command stop_command{
    "stop",
    "ID",
    "ends a VM",
    "Asks the guest, then the hypervisor, then sends SIGTERM and at last SIGKILL; prints which of them did it.\n"
    "Works beside a running 'visor run' and beside an owner that does not answer.",
    stop_options,
    1,
    1,
    stop};
const Command pause_command{"pause", "ID", "halts a VM's vCPUs", "", change_options, 1, 1, pause};
const Command resume_command{"resume", "ID", "lets a paused VM run on", "", change_options, 1, 1, resume};

}  // namespace visor::cli
