// SPDX-License-Identifier: Apache-2.0
// Devices that come and go while a VM runs.
#include "command.hpp"
#include "config_source.hpp"
#include "exit_code.hpp"
#include "visor/runtime/log_sink.hpp"

#include <array>
#include <chrono>

namespace visor::cli {
namespace {

using namespace std::chrono_literals;

int plug(Context& context) {
  context.interrupts.set_patient(true);
  const auto& words = context.args.words;
  const auto& id = words.front();
  const auto device = device_of_words(words.at(1), {words.begin() + 2, words.end()});
  context.hints = {{Errc::not_found, "visor ps lists the VMs"}};
  const auto call = context.call(20s);
  const auto plugged = context.runtime().attach(id, call)->hotplug_add(device, call);
  if (context.out.json) {
    context.out.value(Value::map(
        {{"id", id}, {"device", plugged.id}, {"address_kind", plugged.address_kind}, {"address", plugged.address}}));
  } else {
    const auto where = plugged.address.empty() ? "" : "  " + plugged.address_kind + " " + printable(plugged.address);
    context.out.text(plugged.id + where + "\n");
  }
  return exit_code::ok;
}

std::string outcome_text(UnplugOutcome outcome) {
  switch (outcome) {
    case UnplugOutcome::gone:
      return "is gone";
    case UnplugOutcome::refused:
      return "stays: the guest refused to let go of it";
    case UnplugOutcome::pending:
      return "was asked for; the guest has not let go of it yet, and may be asked again";
  }
  return "is in an unknown state";
}

int unplug(Context& context) {
  context.interrupts.set_patient(true);
  const auto& id = context.args.words.front();
  const auto& device = context.args.words.at(1);
  context.hints = {{Errc::not_found, "visor inspect --json " + id + " shows its devices, visor ps the VMs"}};
  const auto call = context.call(20s);
  const auto outcome = context.runtime().attach(id, call)->hotplug_remove(device, call);
  if (context.out.json) {
    context.out.value(Value::map({{"id", id}, {"device", device}, {"outcome", to_string(outcome)}}));
  } else {
    context.out.text("Device '" + printable(device) + "' " + outcome_text(outcome) + "\n");
  }
  if (outcome == UnplugOutcome::pending) return exit_code::timeout;
  return outcome == UnplugOutcome::gone ? exit_code::ok : exit_code::busy;
}

constexpr std::array plug_options = {
    OptionSpec{"timeout", "TIME", "by when it must be there (default: 20s)"},
};
constexpr std::array unplug_options = {
    OptionSpec{"timeout", "TIME", "how long the guest may take to let go of it (default: 20s)"},
};

}  // namespace

const Command plug_command{
    "plug",
    "ID TYPE [KEY=VALUE...]",
    "plugs a device into a running VM",
    "The type and the keys are those of docs/DEVICES.md: visor plug web disk path=data.img serial=data. Prints the\n"
    "device's id and where the guest finds it.",
    plug_options,
    2,
    64,
    plug};
const Command unplug_command{"unplug",
                             "ID DEVICE",
                             "takes a device out of a running VM",
                             "The guest has to let go of it: status 5 when it has not yet, 6 when it refused.",
                             unplug_options,
                             2,
                             2,
                             unplug};

}  // namespace visor::cli
