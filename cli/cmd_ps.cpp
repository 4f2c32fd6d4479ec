// SPDX-License-Identifier: Apache-2.0
#include "command.hpp"
#include "exit_code.hpp"
#include "visor/runtime/log_sink.hpp"
#include "vm_value.hpp"

#include <algorithm>
#include <array>
#include <chrono>

namespace visor::cli {
namespace {

using namespace std::chrono_literals;

Row row(const VmEntry& entry) {
  const auto pid = entry.pids.empty() ? std::string{"-"} : std::to_string(entry.pids.front());
  if (!entry.record) return {entry.id, state_text(entry), "-", pid, ""};
  return {entry.id, state_text(entry), printable(entry.record->plugin), pid, printable(entry.record->config.name)};
}

void print_table(const Context& context, const std::vector<VmEntry>& entries) {
  std::vector<Row> rows{{"ID", "STATE", "PLUGIN", "PID", "NAME"}};
  std::transform(entries.begin(), entries.end(), std::back_inserter(rows), row);
  context.out.text(table(rows));
  for (const auto& entry : entries) {
    if (entry.error) write_stderr("visor: " + entry.id + ": " + printable_lines(entry.error->message()) + "\n");
  }
}

int ps(Context& context) {
  const auto entries = context.runtime().list(context.call(10s));
  if (context.out.json) {
    Value::List vms;
    for (const auto& entry : entries) vms.push_back(entry_value(entry));
    context.out.value(Value::map({{"vms", std::move(vms)}}));
  } else {
    print_table(context, entries);
  }
  const bool whole = std::all_of(entries.begin(), entries.end(), [](const auto& entry) { return entry.status; });
  return whole ? exit_code::ok : exit_code::partial;
}

constexpr std::array options = {
    OptionSpec{"timeout", "TIME", "how long to ask the VMs altogether (default: 10s)"},
};

}  // namespace

const Command ps_command{"ps",
                         "",
                         "lists the VMs of the run folder",
                         "A VM that cannot be looked at is listed with the reason; the status is then 9.",
                         options,
                         0,
                         0,
                         ps};

}  // namespace visor::cli
