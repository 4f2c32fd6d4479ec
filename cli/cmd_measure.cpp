// SPDX-License-Identifier: Apache-2.0
// What a VM has used, what its guest's memory holds, and how much of it the guest lends to the host.
#include "command.hpp"
#include "exit_code.hpp"
#include "offered.hpp"
#include "progress.hpp"
#include "visor/core/describe.hpp"
#include "visor/core/extensions.hpp"
#include "visor/runtime/log_sink.hpp"

#include <array>
#include <chrono>
#include <utility>

namespace visor::cli {
namespace {

using namespace std::chrono_literals;

template <class Count>
void set_if(Value& value, std::string_view key, const std::optional<Count>& count) {
  if (count) value.set(key, *count);
}

Value stats_value(const VmStats& stats) {
  Value::List vcpus;
  for (const auto time : stats.vcpus) vcpus.emplace_back(time.count());
  Value::List disks;
  for (const auto& disk : stats.disks) {
    disks.push_back(Value::map({{"id", disk.id},
                                {"read_bytes", disk.read_bytes},
                                {"read_requests", disk.read_requests},
                                {"written_bytes", disk.written_bytes},
                                {"write_requests", disk.write_requests}}));
  }
  Value::List nics;
  for (const auto& nic : stats.nics) {
    nics.push_back(Value::map({{"id", nic.id},
                               {"received_bytes", nic.received_bytes},
                               {"received_packets", nic.received_packets},
                               {"sent_bytes", nic.sent_bytes},
                               {"sent_packets", nic.sent_packets}}));
  }
  auto value = Value::map({{"cpu_ns", stats.cpu.count()}, {"vcpus_ns", std::move(vcpus)}});
  set_if(value, "resident_bytes", stats.resident_bytes);
  set_if(value, "guest_free_bytes", stats.guest_free_bytes);
  value.set("disks", std::move(disks));
  value.set("nics", std::move(nics));
  return value;
}

std::string stats_text(const VmStats& stats) {
  const auto seconds = [](std::chrono::nanoseconds time) {
    return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(time).count()) + " ms";
  };
  std::vector<Row> rows{{"processor time:", seconds(stats.cpu)}};
  for (std::size_t i = 0; i < stats.vcpus.size(); ++i) {
    rows.push_back({"vcpu " + std::to_string(i) + ":", seconds(stats.vcpus[i])});
  }
  if (stats.resident_bytes) rows.push_back({"memory:", std::to_string(*stats.resident_bytes >> 20U) + " MiB resident"});
  if (stats.guest_free_bytes) rows.push_back({"guest:", std::to_string(*stats.guest_free_bytes >> 20U) + " MiB free"});
  for (const auto& disk : stats.disks) {
    rows.push_back({"disk " + printable(disk.id) + ":", std::to_string(disk.read_bytes) + " bytes read, " +
                                                            std::to_string(disk.written_bytes) + " bytes written"});
  }
  for (const auto& nic : stats.nics) {
    rows.push_back({"nic " + printable(nic.id) + ":", std::to_string(nic.received_bytes) + " bytes received, " +
                                                          std::to_string(nic.sent_bytes) + " bytes sent"});
  }
  return table(rows);
}

int stats(Context& context) {
  const auto& id = context.args.words.front();
  const auto call = context.call(10s);
  const auto read = offered<StatsExtension>(context, id, "keeps no counters", call).interface->read(call);
  context.out.json ? context.out.value(stats_value(read)) : context.out.text(stats_text(read));
  return exit_code::ok;
}

int balloon(Context& context) {
  const auto& words = context.args.words;
  const auto call = context.call(10s);
  const auto target = words.size() > 1 ? parse_size_mib(words.at(1)) : 0;
  const auto found = offered<BalloonExtension>(context, words.front(), "has no balloon device", call);
  if (target != 0) found.interface->set_target(target, call);
  const auto current = found.interface->current_mib(call);
  context.out.json ? context.out.value(Value::map({{"id", words.front()}, {"current_mib", current}}))
                   : context.out.text(std::to_string(current) + " MiB\n");
  return exit_code::ok;
}

DumpFormat format_of(const Args& args) {
  const auto word = args.value("format").value_or("elf");
  constexpr std::array formats = {std::pair{"elf", DumpFormat::elf}, std::pair{"kdump-zlib", DumpFormat::kdump_zlib},
                                  std::pair{"kdump-lzo", DumpFormat::kdump_lzo},
                                  std::pair{"kdump-snappy", DumpFormat::kdump_snappy}};
  for (const auto& [name, format] : formats) {
    if (word == name) return format;
  }
  throw Error(Errc::invalid_config, "--format: '" + word + "' is none of elf, kdump-zlib, kdump-lzo and kdump-snappy");
}

int dump(Context& context) {
  context.interrupts.set_patient(true);
  const auto& id = context.args.words.front();
  const auto file = std::filesystem::absolute(context.args.words.at(1));
  const auto format = format_of(context.args);
  Progress progress{context.out};
  const auto call = context.call(120s, &progress);
  const auto found = offered<DumpExtension>(context, id, "cannot be dumped", call);
  found.interface->dump(file, format, context.args.has("paging"), call);
  if (context.out.json) context.out.value(Value::map({{"id", id}, {"file", file.string()}}));
  return exit_code::ok;
}

constexpr std::array ask_options = {
    OptionSpec{"timeout", "TIME", "how long to ask the VM (default: 10s)"},
};
constexpr std::array dump_options = {
    OptionSpec{"format", "FORMAT", "elf (default), kdump-zlib, kdump-lzo or kdump-snappy"},
    OptionSpec{"paging", "", "by the guest's page tables, as a debugger without its symbols wants it; elf alone"},
    OptionSpec{"timeout", "TIME", "by when it must be written (default: 2m)"},
};

}  // namespace

const Command stats_command{"stats",
                            "ID",
                            "shows what a VM has used",
                            "Since its start; sizes in bytes, with --json times in nanoseconds.",
                            ask_options,
                            1,
                            1,
                            stats};
const Command balloon_command{"balloon",
                              "ID [SIZE]",
                              "asks the guest to keep this much memory, and tells what it keeps",
                              "For a VM with a balloon device. The guest gives memory back as fast as it can; asked "
                              "again, it tells how far\nit has come.",
                              ask_options,
                              1,
                              2,
                              balloon};
const Command dump_command{"dump",
                           "ID FILE",
                           "writes a guest's memory to a file, for crash or gdb",
                           "The file must not exist. The guest stands still meanwhile.",
                           dump_options,
                           2,
                           2,
                           dump};

}  // namespace visor::cli
