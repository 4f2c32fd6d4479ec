// SPDX-License-Identifier: Apache-2.0
#include "command.hpp"
#include "config_source.hpp"
#include "exit_code.hpp"
#include "foreground.hpp"
#include "progress.hpp"
#include "vm_value.hpp"

#include <array>
#include <chrono>
#include <memory>
#include <utility>

namespace visor::cli {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds cleanup_limit = 15s;

/// A VM that goes, with its folder, unless it is given up to live on.
class OwnedVm {
 public:
  OwnedVm(Context& context, std::unique_ptr<Vm> vm, bool keep_folder)
      : context_{context}, vm_{std::move(vm)}, id_{vm_->id()}, keep_folder_{keep_folder} {}
  OwnedVm(const OwnedVm&) = delete;
  OwnedVm& operator=(const OwnedVm&) = delete;
  ~OwnedVm() {
    try {
      end();
    } catch (const Error& error) {
      if (error.code() == Errc::not_found) return;  // somebody else removed it
      write_stderr("visor: Cannot clean up the VM '" + id_ + "': " + printable_lines(error.message()) + "\n");
    } catch (const std::exception&) {
      // Out of memory, at the end of the program: the keeper ends what the lifeline held.
    }
  }

  Vm& operator*() const noexcept { return *vm_; }
  Vm* operator->() const noexcept { return vm_.get(); }
  void let_go() noexcept { given_up_ = true; }

 private:
  void end() {
    if (given_up_) return;
    StopOptions options;
    options.force = true;
    vm_->stop(options, cleanup_limit);
    vm_->disconnect();
    vm_.reset();
    if (!keep_folder_) context_.runtime().remove(id_, true, cleanup_limit);
  }

  Context& context_;
  std::unique_ptr<Vm> vm_;
  std::string id_;
  bool keep_folder_;
  bool given_up_ = false;
};

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
  if (has_ready_signal(vm->config()) && !wishes.paused) vm->wait_ready(call);
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

int run(Context& context) {
  const bool detach = context.args.has("detach");
  auto given = read_config(context.args);
  auto& config = given.config;
  if (detach && config.ephemeral) {
    throw Error(Errc::invalid_config,
                "An ephemeral VM ends with this command, so it cannot be detached: leave out "
                "--detach, or set ephemeral to false");
  }
  config.ephemeral = !detach;
  context.interrupts.set_patient(true);
  OwnedVm vm{context, create(context, given), context.args.has("keep")};
  const StartWishes wishes{context.args.has("paused"), 120s};
  return placed(given.origins,
                [&] { return detach ? run_detached(context, vm, wishes) : run_to_end(context, vm, wishes); });
}

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

}  // namespace visor::cli
