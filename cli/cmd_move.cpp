// SPDX-License-Identifier: Apache-2.0
// A running VM moves to another place.
#include "command.hpp"
#include "config_source.hpp"
#include "exit_code.hpp"
#include "offered.hpp"
#include "owned_vm.hpp"
#include "progress.hpp"
#include "stream.hpp"
#include "visor/core/extensions.hpp"

#include <array>
#include <chrono>

namespace visor::cli {
namespace {

using namespace std::chrono_literals;

// After a VM has moved nothing calls that off any more.
constexpr auto resume_limit = 10s;
constexpr auto stop_limit = 10s;

int send(Context& context) {
  context.interrupts.set_patient(true);
  const auto& id = context.args.words.front();
  Progress progress{context.out};
  const auto call = context.call(300s, &progress);
  const auto found = offered<MigrationExtension>(context, id, "cannot be moved", call);
  const auto stream = connect_stream(context.args.words.at(1), call);
  const auto result = found.interface->send(stream.get(), {}, call);
  StopOptions options;
  options.force = true;  // its guest runs on the other side
  found.vm->stop(options, stop_limit);
  if (context.out.json) {
    context.out.value(Value::map({{"id", id},
                                  {"transferred_bytes", result.transferred_bytes},
                                  {"total_ms", result.total.count()},
                                  {"downtime_ms", result.downtime.count()}}));
  } else {
    context.out.text("VM '" + id + "' has moved: " + std::to_string(result.transferred_bytes >> 20U) + " MiB in " +
                     std::to_string(result.total.count()) + " ms; it stood still for " +
                     std::to_string(result.downtime.count()) + " ms\n");
  }
  return exit_code::ok;
}

int receive(Context& context) {
  context.interrupts.set_patient(true);
  auto given = read_config(context.args);
  given.config.ephemeral = false;
  (void)context.hypervisor(given.config);
  Progress progress{context.out};
  const auto call = context.call(300s, &progress);
  const auto wished = context.args.value("id").value_or("");
  OwnedVm vm{context, placed(given.origins, [&] { return context.runtime().create(given.config, wished); }), false};
  const auto id = vm->id();
  const auto extension = std::dynamic_pointer_cast<MigrationExtension>(vm->extension(MigrationExtension::id));
  if (!extension) throw Error(Errc::unsupported, "The plugin of this VM takes none that moves");
  const auto stream = accept_stream(context.args.words.at(1), call);
  extension->prepare_incoming(stream.get(), call);
  vm.let_go();  // whatever comes now: the sender has given it up, so that this is the only one
  try {
    if (!context.args.has("paused")) vm->resume(resume_limit);
  } catch (const Error& error) {
    throw Error(error.code(), "VM '" + id + "' has come and is paused here; visor resume " + id +
                                  " lets it run on: " + error.message());
  }
  vm->disconnect();
  context.out.json ? context.out.value(Value::map({{"id", id}})) : context.out.text(id + "\n");
  return exit_code::ok;
}

constexpr std::array send_options = {
    OptionSpec{"timeout", "TIME", "by when it must have moved; it runs on here otherwise (default: 5m)"},
};
constexpr std::array receive_options = {
    OptionSpec{"id", "ID", "the VM's id here (default: one is made up)"},
    name_option,
    set_option,
    OptionSpec{"paused", "", "do not let the vCPUs run; visor resume does"},
    OptionSpec{"timeout", "TIME", "by when a VM must have come (default: 5m)"},
};

}  // namespace

const Command send_command{
    "send",
    "ID ADDRESS",
    "moves a running VM to a visor receive",
    "The address is unix:PATH or tcp:HOST:PORT. The guest runs on while its memory is sent. The VM here ends when all\n"
    "has arrived, and runs on when anything fails.",
    send_options,
    2,
    2,
    send};
const Command receive_command{
    "receive",
    "FILE ADDRESS",
    "waits for a VM that moves here, and lets it run on",
    "The configuration is that of the VM which is sent, with its disks as this host has them. The stream is neither\n"
    "encrypted nor authenticated, and its first sender is taken: use a Unix socket, or a tunnel. Prints the id.",
    receive_options,
    2,
    2,
    receive};

}  // namespace visor::cli
