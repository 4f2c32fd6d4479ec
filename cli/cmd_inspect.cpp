// SPDX-License-Identifier: Apache-2.0
#include "command.hpp"
#include "exit_code.hpp"
#include "visor/core/describe.hpp"
#include "visor/core/json.hpp"
#include "visor/runtime/log_sink.hpp"
#include "vm_value.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <system_error>

namespace visor::cli {
namespace {

using namespace std::chrono_literals;

/// The files of a VM's folder that are logs, rotated ones included.
Value logs_of(const std::filesystem::path& run_dir) {
  std::vector<std::string> logs;
  std::error_code error;
  for (std::filesystem::directory_iterator entry{run_dir, error}, end; !error && entry != end; entry.increment(error)) {
    const auto name = entry->path().filename().string();
    if (name.ends_with(".log") || name.find(".log.") != std::string::npos) logs.push_back(entry->path().string());
  }
  std::sort(logs.begin(), logs.end());
  Value::List list;
  for (auto& log : logs) list.emplace_back(std::move(log));
  return list;
}

/// What the VM itself has to tell: its exit, what it can do, its hypervisor.
void add_live_parts(Context& context, const VmEntry& entry, const CallContext& call, Value& value) {
  const auto vm = context.runtime().attach(entry.id, call);
  if (is_over(entry.status->state)) value.set("exit", exit_value(vm->wait_exit(call)));
  Value::List features;
  for (const auto feature : vm->capabilities().list()) features.emplace_back(to_string(feature));
  value.set("capabilities", std::move(features));
  const auto info = context.runtime().hypervisor(entry.record->plugin)->info();
  value.set("plugin_arch", info.arch);
}

/// Plugins tell in their record which program of which version they run, and how it is accelerated.
void add_hypervisor_facts(const VmRecord& record, Value& value) {
  for (const auto* key : {"hypervisor_version", "qemu_version"}) {
    if (const auto* version = record.blob.find(key)) value.set("hypervisor_version", *version);
  }
  if (const auto* accelerator = record.blob.find("accelerator")) value.set("accelerator", *accelerator);
  value.set("machine", record.config.machine.type);
  value.set("plugin_data", record.blob);
}

std::string lines(const Value& value) {
  std::vector<Row> rows;
  for (const auto& [key, member] : value.as_map()) {
    if (member.is_null() || key == "plugin_data" || key == "config") continue;
    rows.push_back({key + ":", printable(member.is_string() ? member.as_string() : to_json(member))});
  }
  return table(rows);
}

int inspect(Context& context) {
  context.hints = {{Errc::not_found, "visor ps lists the VMs"}};
  const auto call = context.call(10s);
  auto entry = context.runtime().look(context.args.words.front(), call);
  if (!entry.record) throw Error(*entry.error);
  auto value = entry_value(entry);
  if (entry.status) {
    try {
      add_live_parts(context, entry, call, value);
    } catch (const Error& error) {
      if (!entry.error) entry.error = error;
      value.set("error", error_value(error));
    }
  }
  value.set("logs", logs_of(entry.run_dir));
  add_hypervisor_facts(*entry.record, value);
  value.set("config", to_value(entry.record->config, true));
  context.out.json ? context.out.value(value) : context.out.text(lines(value));
  return entry.error ? exit_code::partial : exit_code::ok;
}

constexpr std::array options = {
    OptionSpec{"timeout", "TIME", "how long to ask the VM (default: 10s)"},
};

}  // namespace

const Command inspect_command{"inspect",
                              "ID",
                              "shows all that is known about a VM",
                              "With --json also its whole configuration and what the plugin keeps of it.",
                              options,
                              1,
                              1,
                              inspect};

}  // namespace visor::cli
