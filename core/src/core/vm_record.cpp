// SPDX-License-Identifier: Apache-2.0
#include "visor/core/vm_record.hpp"

#include "visor/core/describe.hpp"
#include "visor/core/error.hpp"
#include "visor/core/file.hpp"
#include "visor/core/json.hpp"

namespace visor {
namespace {

constexpr std::size_t max_record_bytes = std::size_t{4} << 20;

Value process_value(const ProcessIdentity& process) {
  return Value::map({{"pid", process.pid}, {"start_time", process.start_time}});
}

}  // namespace

ProcessIdentity process_from_value(const Value& value) {
  const auto pid = value.at("pid").as_int();
  if (pid < 0 || pid > INT32_MAX) throw Error(Errc::invalid_config, "Process number out of range");
  return {static_cast<std::int32_t>(pid), value.at("start_time").as_uint()};
}

Value to_value(const VmRecord& record) {
  return Value::map({{"id", record.id},
                     {"plugin", record.plugin},
                     {"version", record.version},
                     {"boot_id", record.boot_id},
                     {"keeper", process_value(record.keeper)},
                     {"hypervisor", process_value(record.hypervisor)},
                     {"config", to_value(record.config)},
                     {"blob", record.blob}});
}

VmRecord vm_record_from_value(const Value& value) {
  VmRecord record;
  const auto version = value.at("version").as_uint();
  if (version > VmRecord::current_version) {
    throw Error(Errc::unsupported, "The VM's record has version " + std::to_string(version) +
                                       ", this visorkit reads up to " + std::to_string(VmRecord::current_version) +
                                       ": use the newer one");
  }
  record.version = static_cast<std::uint32_t>(version);
  record.id = value.at("id").as_string();
  record.plugin = value.at("plugin").as_string();
  record.boot_id = value.at("boot_id").as_string();
  record.keeper = process_from_value(value.at("keeper"));
  record.hypervisor = process_from_value(value.at("hypervisor"));
  record.config = vm_config_from_value(value.at("config"));
  record.blob = value.at("blob");
  return record;
}

void write_record(const VmRecord& record) {
  write_file_atomically(record.run_dir / "record.json", to_json(to_value(record), 1) + "\n");
}

VmRecord read_record(const std::filesystem::path& run_dir) {
  const auto file = run_dir / "record.json";
  const auto text = read_file(file, max_record_bytes);
  try {
    auto record = vm_record_from_value(parse_json(text));
    record.run_dir = run_dir;
    return record;
  } catch (const Error& error) {
    throw Error(error.code(), file.string() + ": " + error.message());
  }
}

std::string host_boot_id() {
  auto text = read_file("/proc/sys/kernel/random/boot_id", 128);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

}  // namespace visor
