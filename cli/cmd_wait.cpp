// SPDX-License-Identifier: Apache-2.0
#include "command.hpp"
#include "exit_code.hpp"
#include "vm_value.hpp"
#include "wait_end.hpp"

#include <array>

namespace visor::cli {
namespace {

using namespace std::chrono_literals;

int wait(Context& context) {
  const auto& id = context.args.words.front();
  context.hints = {{Errc::not_found, "visor ps lists the VMs"}};
  const auto vm = context.runtime().attach(id, context.call(10s));
  const auto limit = context.duration("timeout");
  const auto record = limit ? vm->wait_exit(context.call(*limit)) : wait_end(*vm, context.interrupts.first());
  context.out.json ? context.out.value(Value::map({{"id", id}, {"exit", exit_value(record)}}))
                   : context.out.text(printable_lines(exit_text(id, record)) + "\n");
  return exit_code_of(record);
}

constexpr std::array options = {OptionSpec{"timeout", "TIME", "give up after this time (default: never)"}};

}  // namespace

const Command wait_command{
    "wait", "ID", "waits for a VM's end", "The status tells how it ended: 0 as wanted, 7 by a failure.", options, 1,
    1,      wait};

}  // namespace visor::cli
