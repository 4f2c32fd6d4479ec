// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "backends.hpp"
#include "cpus.hpp"
#include "devices.hpp"
#include "migration.hpp"
#include "profile.hpp"
#include "visor/core/value.hpp"

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace visor::testing {

/// How a command is taken: as it should be; as if all were well, but nothing follows; or the guest does not want to.
enum class Obedience { full, ignore, guest_refuses };

/// A machine as its monitors see it: its run state, devices and backends. There is no guest; the one that is pretended
/// lets go of devices while it runs, and powers off when it is asked to.
class Machine {
 public:
  using Emit = std::function<void(const std::string& name, const Value& data)>;

  /// `emit` is called with each event; the command line and the profile must outlive this.
  Machine(const CommandLine& line, const Profile& profile, Emit emit);

  [[nodiscard]] static bool knows(std::string_view command);
  /// Does what a command says and returns what it returns; throws Refusal. Emits the events that QEMU sends before its
  /// answer; the others come with finish().
  Value execute(const std::string& command, const Value& arguments, Obedience how);
  /// A descriptor that came with a command, for getfd.
  void receive(UniqueFd fd) { backends_.receive(std::move(fd)); }
  /// To be called when the answer is sent.
  void finish();
  void shut_down(bool by_guest, const std::string& reason);
  [[nodiscard]] bool has_ended() const noexcept { return ended_; }
  /// It ended because it could not load its state.
  [[nodiscard]] bool has_failed() const noexcept { return failed_; }

 private:
  using Handler = Value (Machine::*)(const Value& arguments);
  using Commands = std::map<std::string_view, Handler>;
  static const Commands& commands();
  static const Commands& queries();
  static const Commands& actions();
  static const Commands& observations();

  Value query_status(const Value& arguments);
  Value query_version(const Value& arguments);
  Value query_name(const Value& arguments);
  Value query_uuid(const Value& arguments);
  Value query_target(const Value& arguments);
  Value query_kvm(const Value& arguments);
  Value query_commands(const Value& arguments);
  Value query_cpus_fast(const Value& arguments);
  Value query_hotpluggable_cpus(const Value& arguments);
  Value query_chardev(const Value& arguments);
  Value query_named_block_nodes(const Value& arguments);
  Value query_iothreads(const Value& arguments);
  Value query_memory_devices(const Value& arguments);
  Value query_memory_size_summary(const Value& arguments);
  Value query_migrate(const Value& arguments);
  Value query_machines(const Value& arguments);
  Value query_qmp_schema(const Value& arguments);
  Value query_pci(const Value& arguments);
  Value qom_list(const Value& arguments);
  Value qom_list_types(const Value& arguments);
  Value device_list_properties(const Value& arguments);
  Value query_migrate_capabilities(const Value& arguments);
  Value query_migrate_parameters(const Value& arguments);
  Value migrate_set_capabilities(const Value& arguments);
  Value migrate_set_parameters(const Value& arguments);
  Value migrate(const Value& arguments);
  Value migrate_cancel(const Value& arguments);
  Value migrate_incoming(const Value& arguments);
  Value negotiate(const Value& arguments);
  Value cont(const Value& arguments);
  Value stop(const Value& arguments);
  Value quit(const Value& arguments);
  Value system_powerdown(const Value& arguments);
  Value system_reset(const Value& arguments);
  Value device_add(const Value& arguments);
  Value device_del(const Value& arguments);
  Value query_balloon(const Value& arguments);
  Value balloon(const Value& arguments);
  Value query_blockstats(const Value& arguments);
  Value qom_get(const Value& arguments);
  Value qom_set(const Value& arguments);
  Value query_dump(const Value& arguments);
  Value query_dump_capability(const Value& arguments);
  Value dump_guest_memory(const Value& arguments);
  template <auto Method>
  Value with_backends(const Value& arguments);

  [[nodiscard]] FakeDevice& balloon_device();
  void request_memory(FakeDevice& device, std::uint64_t bytes);
  void run_state(const std::string& state, const std::string& event_name);
  void later(std::string name, Value data) { after_.emplace_back(std::move(name), std::move(data)); }
  void tell_gone(const std::string& path, bool now);
  void tell_refusal(const FakeDevice& device);
  void tell_cpu_gone(const FakeDevice& device);
  void let_go(bool by_guest);
  void load_state();

  const CommandLine& line_;
  const Profile& profile_;
  Emit emit_;
  Backends backends_;
  Cpus cpus_;
  Devices devices_;
  Migration migration_;
  std::string state_;
  Obedience how_ = Obedience::full;
  std::vector<std::pair<std::string, Value>> after_;
  std::uint64_t dumped_bytes_ = 0;
  bool powers_off_ = false;
  bool ended_ = false;
  bool failed_ = false;
};

}  // namespace visor::testing
