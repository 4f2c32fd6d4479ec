// SPDX-License-Identifier: Apache-2.0
#include "machine.hpp"

#include "refusal.hpp"

namespace visor::testing {

const Machine::Commands& Machine::queries() {
  static const Commands all = {{"query-status", &Machine::query_status},
                               {"query-version", &Machine::query_version},
                               {"query-name", &Machine::query_name},
                               {"query-uuid", &Machine::query_uuid},
                               {"query-target", &Machine::query_target},
                               {"query-kvm", &Machine::query_kvm},
                               {"query-commands", &Machine::query_commands},
                               {"query-machines", &Machine::query_machines},
                               {"query-qmp-schema", &Machine::query_qmp_schema},
                               {"qom-list-types", &Machine::qom_list_types},
                               {"device-list-properties", &Machine::device_list_properties},
                               {"query-cpus-fast", &Machine::query_cpus_fast},
                               {"query-hotpluggable-cpus", &Machine::query_hotpluggable_cpus},
                               {"query-chardev", &Machine::query_chardev},
                               {"query-named-block-nodes", &Machine::query_named_block_nodes},
                               {"query-iothreads", &Machine::query_iothreads},
                               {"query-memory-devices", &Machine::query_memory_devices},
                               {"query-memory-size-summary", &Machine::query_memory_size_summary},
                               {"query-migrate", &Machine::query_migrate},
                               {"query-migrate-capabilities", &Machine::query_migrate_capabilities},
                               {"query-migrate-parameters", &Machine::query_migrate_parameters},
                               {"query-pci", &Machine::query_pci},
                               {"qom-list", &Machine::qom_list}};
  return all;
}

Value Machine::query_status(const Value& arguments) {
  Arguments{arguments}.refuse_rest();
  auto status = Value::map({{"status", state_}});
  if (profile_.status_has_singlestep) status.set("singlestep", false);
  status.set("running", state_ == "running");
  return status;
}

Value Machine::query_version(const Value& arguments) {
  Arguments{arguments}.refuse_rest();
  return profile_.greeting.object().at("QMP").at("version");
}

Value Machine::query_name(const Value& arguments) {
  Arguments{arguments}.refuse_rest();
  return line_.name.empty() ? Value::map() : Value::map({{"name", line_.name}});
}

Value Machine::query_uuid(const Value& arguments) {
  Arguments{arguments}.refuse_rest();
  return Value::map({{"UUID", line_.uuid}});
}

Value Machine::query_target(const Value& arguments) {
  Arguments{arguments}.refuse_rest();
  return Value::map({{"arch", to_string(target_of(line_))}});
}

Value Machine::query_kvm(const Value& arguments) {
  Arguments{arguments}.refuse_rest();
  return Value::map({{"enabled", false}, {"present", false}});
}

Value Machine::query_commands(const Value& arguments) {
  Arguments{arguments}.refuse_rest();
  auto all = Value::list();
  for (const auto& [name, handler] : commands()) all.push_back(Value::map({{"name", name}}));
  return all;
}

Value Machine::query_cpus_fast(const Value& arguments) {
  Arguments{arguments}.refuse_rest();
  return cpus_.list();
}

Value Machine::query_hotpluggable_cpus(const Value& arguments) {
  Arguments{arguments}.refuse_rest();
  return cpus_.places();
}

Value Machine::query_chardev(const Value& arguments) {
  Arguments{arguments}.refuse_rest();
  return backends_.list_chardevs();
}

Value Machine::query_named_block_nodes(const Value& arguments) {
  Arguments given{arguments};
  (void)given.boolean("flat");
  given.refuse_rest();
  return backends_.list_nodes();
}

Value Machine::query_iothreads(const Value& arguments) {
  Arguments{arguments}.refuse_rest();
  return backends_.list_iothreads();
}

Value Machine::query_memory_devices(const Value& arguments) {
  Arguments{arguments}.refuse_rest();
  return devices_.list_memory();
}

Value Machine::query_memory_size_summary(const Value& arguments) {
  Arguments{arguments}.refuse_rest();
  return Value::map({{"base-memory", line_.memory_bytes}, {"plugged-memory", devices_.plugged_memory()}});
}

Value Machine::query_migrate(const Value& arguments) {
  Arguments{arguments}.refuse_rest();
  return migration_.query();
}

Value Machine::query_migrate_capabilities(const Value& arguments) {
  Arguments{arguments}.refuse_rest();
  return migration_.capabilities();
}

Value Machine::query_migrate_parameters(const Value& arguments) {
  Arguments{arguments}.refuse_rest();
  return migration_.parameters();
}

Value Machine::query_pci(const Value& arguments) {
  Arguments{arguments}.refuse_rest();
  return devices_.list_pci();
}

/// Of the object model there are the devices that have ids.
Value Machine::qom_list(const Value& arguments) {
  Arguments given{arguments};
  const auto path = given.text("path");
  given.refuse_rest();
  if (path != "/machine/peripheral") throw Refusal{"DeviceNotFound", "Device '" + path + "' not found"};
  return devices_.list_ids();
}

}  // namespace visor::testing
