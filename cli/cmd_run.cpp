// SPDX-License-Identifier: Apache-2.0
#include "command.hpp"
#include "config_source.hpp"
#include "exit_code.hpp"
#include "foreground.hpp"
#include "owned_vm.hpp"
#include "progress.hpp"
#include "vm_value.hpp"

#include <array>
#include <chrono>
#include <memory>
#include <utility>

namespace visor::cli {
namespace {

using namespace std::chrono_literals;

std::unique_ptr<Vm> create(Context& context, const SourcedConfig& given) {
  (void)context.hypervisor(given.config);
  const auto id = context.args.value("id").value_or("");
  // Of the VM alone: an id that was made up is there but once, and what exists later is something else.
  if (!id.empty()) {
    context.hints = {
        {Errc::already_exists, "visor inspect " + id + " shows it, visor rm --force " + id + " ends and removes it"}};
  }
  auto vm = placed(given.origins, [&] { return context.runtime().create(given.config, id); });
  context.hints.clear();
  return vm;
}

int run_detached(Context& context, OwnedVm& vm, const StartWishes& wishes) {
  Progress progress{context.out};
  const auto call = context.call(wishes.limit, &progress);
  vm->start(wishes.paused, call);
  if (has_ready_signal(vm->config()) && wishes.boots && !wishes.paused) vm->wait_ready(call);
  vm->disconnect();
  vm.let_go();
  context.out.json ? context.out.value(Value::map({{"id", vm->id()}})) : context.out.text(vm->id() + "\n");
  return exit_code::ok;
}

int run_to_end(Context& context, OwnedVm& vm, const StartWishes& wishes) {
  const auto record = run_foreground(context, *vm, wishes);
  const auto code = exit_code_of(record);
  const auto text = exit_text(vm->id(), record);
  const int signal = context.interrupts.signal();
  if (context.out.json) {
    context.out.event("exited", Value::map({{"id", vm->id()}, {"exit", exit_value(record)}}));
  } else if (code == exit_code::ok || signal != 0) {
    context.out.notice(text);
  } else {
    write_stderr("visor: " + printable_lines(text) + "\n");
  }
  return signal != 0 ? exit_code::by_signal + signal : code;
}

int start(Context& context, OwnedVm& vm, bool boots) {
  const StartWishes wishes{context.args.has("paused"), boots, 120s};
  return context.args.has("detach") ? run_detached(context, vm, wishes) : run_to_end(context, vm, wishes);
}

int run(Context& context) {
  const bool detach = context.args.has("detach");
  auto given = read_config(context.args);
  auto& config = given.config;
  if (detach && config.ephemeral) {
    throw Error(Errc::invalid_config,
                "An ephemeral VM ends with this command, so it cannot be detached: leave out --detach, or set "
                "ephemeral to false");
  }
  config.ephemeral = !detach;
  context.interrupts.set_patient(true);
  OwnedVm vm{context, create(context, given), context.args.has("keep")};
  return placed(given.origins, [&] { return start(context, vm, true); });
}

int restore(Context& context) {
  const std::filesystem::path source{context.args.words.front()};
  context.interrupts.set_patient(true);
  auto made = context.runtime().restore(std::filesystem::absolute(source), context.args.value("id").value_or(""),
                                        !context.args.has("detach"), context.call(120s));
  OwnedVm vm{context, std::move(made), context.args.has("keep")};
  return start(context, vm, false);
}

constexpr std::array restore_options = {
    OptionSpec{"detach", "", "print the id once the VM runs, and leave it running", 'd'},
    OptionSpec{"id", "ID", "the VM's id (default: one is made up)"},
    OptionSpec{"paused", "", "do not let the vCPUs run yet; visor resume does"},
    OptionSpec{"keep", "", "leave the VM's folder with its logs when it has ended; visor rm removes it"},
    OptionSpec{"timeout", "TIME", "by when the VM must run (default: 2m)"},
};
constexpr std::array options = {
    OptionSpec{"detach", "", "print the id once the VM runs, and leave it running", 'd'},
    OptionSpec{"id", "ID", "the VM's id (default: one is made up)"},
    name_option,
    set_option,
    OptionSpec{"paused", "", "do not let the vCPUs run yet; visor resume does"},
    OptionSpec{"keep", "", "leave the VM's folder with its logs when it has ended; visor rm removes it"},
    OptionSpec{"timeout", "TIME", "by when the VM must run, and be ready if it tells (default: 2m)"},
};

}  // namespace

const Command run_command{
    "run",
    "FILE",
    "starts a VM and shows its console",
    "The VM ends with this command: Ctrl-C asks the guest to shut down, a second one kills. In a terminal keys go to\n"
    "the guest: Ctrl-] q stops the VM, Ctrl-] c sends Ctrl-C, Ctrl-] Ctrl-] sends Ctrl-]. With --detach the VM lives "
    "on.\n"
    "FILE is YAML or JSON; - reads it from stdin. The status tells how the VM ended: 0 as wanted, 7 by a failure.",
    options,
    1,
    1,
    run};

const Command restore_command{
    "restore",
    "FOLDER",
    "starts a VM that goes on where visor save found it",
    "Its configuration is the saved one, and its disks must be as they were. Apart from that it is as visor run.",
    restore_options,
    1,
    1,
    restore};

}  // namespace visor::cli
