// SPDX-License-Identifier: Apache-2.0
#include "sent_commands.hpp"
#include "visor/sdk/qmp/commands.hpp"

#include <chrono>

namespace visor::test {
namespace {

using namespace sdk::qmp;

const CallContext limit{std::chrono::minutes{10}};

MigrationParameters parameters() {
  MigrationParameters all;
  all.max_bandwidth_bytes_per_s = 1;
  all.downtime_limit = std::chrono::milliseconds{1};
  all.xbzrle_cache_bytes = 1;
  all.multifd_channels = 1;
  return all;
}

DumpRequest part_of_memory() {
  DumpRequest request{.target = "fd:d", .format = DumpFormat::elf};
  request.begin = 0;
  request.length = 4096;
  return request;
}

std::vector<Sender> dump_senders() {
  std::vector<Sender> senders = {
      {"dump_guest_memory", [](Client& it) { (void)dump_guest_memory(it, part_of_memory(), limit); }},
      {"query_dump", [](Client& it) { (void)query_dump(it, limit); }},
      {"query_dump_guest_memory_capability", [](Client& it) { (void)query_dump_guest_memory_capability(it, limit); }}};
  for (const auto format :
       {DumpFormat::kdump_zlib, DumpFormat::kdump_lzo, DumpFormat::kdump_snappy, DumpFormat::win_dmp}) {
    senders.push_back({"dump_guest_memory", [format](Client& it) {
                         (void)dump_guest_memory(it, {.target = "file:/d", .format = format}, limit);
                       }});
  }
  return senders;
}

std::vector<Sender> job_senders() {
  const auto run = [](const Command& command) {
    return Sender{command.name, [command](Client& it) { run_job(it, command, limit); }};
  };
  return {
      run(make_blockdev_create("j", Value::map({{"driver", "file"}, {"filename", "/x"}, {"size", 1}}))),
      run(make_blockdev_backup("j", "a", "b")),
      run(make_snapshot_save("j", "t", "a", {"a"})),
      run(make_snapshot_load("j", "t", "a", {"a"})),
      run(make_snapshot_delete("j", "t", {"a"})),
      {"query_jobs", [](Client& it) { (void)query_jobs(it, limit); }},
      {"wait_for_job", [](Client& it) { (void)wait_for_job(it, "j", limit); }},
      {"job_cancel", [](Client& it) { job_cancel(it, "j", limit); }},
      {"job_complete", [](Client& it) { job_complete(it, "j", limit); }},
      {"job_finalize", [](Client& it) { job_finalize(it, "j", limit); }},
      {"job_dismiss", [](Client& it) { job_dismiss(it, "j", limit); }},
  };
}

std::vector<Sender> machine_senders() {
  return {
      {"query_status", [](Client& it) { (void)query_status(it, limit); }},
      {"cont", [](Client& it) { cont(it, limit); }},
      {"stop", [](Client& it) { stop(it, limit); }},
      {"system_powerdown", [](Client& it) { system_powerdown(it, limit); }},
      {"system_reset", [](Client& it) { system_reset(it, limit); }},
      {"system_wakeup", [](Client& it) { system_wakeup(it, limit); }},
      {"quit", [](Client& it) { quit(it, limit); }},
      // What the driver asks that has no typed command.
      {"query_machines", [](Client& it) { (void)it.execute("query-machines", limit); }},
      {"query_blockstats", [](Client& it) { (void)it.execute("query-blockstats", limit); }},
      {"query_pci", [](Client& it) { (void)it.execute("query-pci", limit); }},
      {"set_action", [](Client& it) { (void)it.execute("set-action", Value::map({{"shutdown", "poweroff"}}), limit); }},
      {"query_name", [](Client& it) { (void)query_name(it, limit); }},
      {"query_uuid", [](Client& it) { (void)query_uuid(it, limit); }},
      {"query_version", [](Client& it) { (void)query_version(it, limit); }},
      {"query_cpus_fast", [](Client& it) { (void)query_cpus_fast(it, limit); }},
      {"query_hotpluggable_cpus", [](Client& it) { (void)query_hotpluggable_cpus(it, limit); }},
      {"query_memory_devices", [](Client& it) { (void)query_memory_devices(it, limit); }},
      {"query_memory_size_summary", [](Client& it) { (void)query_memory_size_summary(it, limit); }},
      {"balloon", [](Client& it) { (void)balloon(it, 1, limit); }},
      {"query_balloon", [](Client& it) { (void)query_balloon(it, limit); }},
      {"qom_get", [](Client& it) { (void)qom_get(it, "/machine", "type", limit); }},
      {"qom_set", [](Client& it) { qom_set(it, "/machine", "x", 1, limit); }},
      {"qom_list", [](Client& it) { (void)qom_list(it, "/machine", limit); }},
      {"query_qmp_schema", [](Client& it) { (void)query_qmp_schema(it, limit); }},
      {"device_list_properties", [](Client& it) { (void)device_list_properties(it, "nvdimm", limit); }},
      {"qom_list_types", [](Client& it) { (void)qom_list_types(it, "device", true, limit); }},
  };
}

std::vector<Sender> migration_senders() {
  const MigrationPlan plan{.uri = MigrationUri::fd("m"), .capabilities = {"xbzrle"}, .parameters = parameters()};
  return {
      {"query_migrate", [](Client& it) { (void)query_migrate(it, limit); }},
      {"query_migrate_capabilities", [](Client& it) { (void)query_migrate_capabilities(it, limit); }},
      {"migrate_set_capabilities",
       [](Client& it) { migrate_set_capabilities(it, {{"x-ignore-shared", true}}, limit); }},
      {"query_migrate_parameters", [](Client& it) { (void)query_migrate_parameters(it, limit); }},
      {"migrate_set_parameters", [](Client& it) { migrate_set_parameters(it, parameters(), limit); }},
      {"migrate", [](Client& it) { migrate(it, MigrationUri::tcp("h", 1), limit); }},
      {"migrate_incoming", [](Client& it) { migrate_incoming(it, MigrationUri::unix_socket("/s"), limit); }},
      {"migrate_cancel", [](Client& it) { migrate_cancel(it, limit); }},
      {"migrate_continue", [](Client& it) { migrate_continue(it, "pre-switchover", limit); }},
      {"send_migration", [plan](Client& it) { (void)send_migration(it, plan, limit); }},
      {"receive_migration", [plan](Client& it) { (void)receive_migration(it, plan, limit); }},
  };
}

}  // namespace

std::vector<Sender> query_senders() {
  auto senders = machine_senders();
  for (auto& more : {dump_senders(), job_senders(), migration_senders()}) {
    senders.insert(senders.end(), more.begin(), more.end());
  }
  return senders;
}

}  // namespace visor::test
