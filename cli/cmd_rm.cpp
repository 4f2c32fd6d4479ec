// SPDX-License-Identifier: Apache-2.0
#include "command.hpp"
#include "exit_code.hpp"

#include <array>
#include <chrono>

namespace visor::cli {
namespace {

using namespace std::chrono_literals;

int print_removed(const Context& context, const std::vector<std::string>& ids) {
  Value::List list;
  std::string text;
  for (const auto& id : ids) {
    list.emplace_back(id);
    text += id + "\n";
  }
  context.out.json ? context.out.value(Value::map({{"removed", std::move(list)}})) : context.out.text(text);
  return exit_code::ok;
}

int rm(Context& context) {
  const auto& id = context.args.words.front();
  context.hints = {
      {Errc::not_found, "visor ps lists the VMs"},
      {Errc::invalid_state, "visor stop " + id + " ends it, visor rm --force " + id + " ends and removes it"}};
  context.runtime().remove(id, context.args.has("force"), context.call(20s));
  return print_removed(context, {id});
}

int gc(Context& context) { return print_removed(context, context.runtime().gc(context.call(20s))); }

constexpr std::array rm_options = {
    OptionSpec{"force", "", "end it first when it runs; also when it cannot be looked at", 'f'},
    OptionSpec{"timeout", "TIME", "by when it must have ended (default: 20s)"},
};
constexpr std::array gc_options = {
    OptionSpec{"timeout", "TIME", "how long to ask the VMs altogether (default: 20s)"},
};

}  // namespace

const Command rm_command{"rm", "ID", "removes a VM that has ended, with its logs", "", rm_options, 1, 1, rm};
const Command gc_command{
    "gc", "", "removes all VMs that have ended and what was left half made", "Prints the ids.", gc_options, 0, 0, gc};

}  // namespace visor::cli
