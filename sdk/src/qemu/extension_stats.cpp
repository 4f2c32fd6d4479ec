// SPDX-License-Identifier: Apache-2.0
#include "extensions.hpp"
#include "process/proc_stat.hpp"
#include "qemu_vm.hpp"
#include "qmp/answer.hpp"
#include "visor/core/error.hpp"
#include "visor/core/file.hpp"
#include "visor/sdk/qmp/commands.hpp"

#include <unistd.h>

#include <algorithm>
#include <limits>
#include <sstream>
#include <utility>

namespace visor::sdk {
namespace {

constexpr std::string_view peripheral = "/machine/peripheral/";
/// How often a guest is asked about its memory once somebody wants to know, in seconds.
constexpr std::uint64_t guest_stats_interval = 1;
constexpr std::uint32_t most_vcpus = 4096;  // of any machine

/// The processor time in a stat file of /proc: its fields 14 and 15 (man 5 proc).
std::chrono::nanoseconds cpu_time(const std::string& file) {
  const auto stat = wire::read_small_file(file.c_str());
  const auto name_end = stat.rfind(')');
  if (name_end == std::string::npos) return {};
  std::istringstream fields{stat.substr(name_end + 1)};
  std::string skipped;
  for (int field = 3; field < 14; ++field) fields >> skipped;
  std::uint64_t user = 0;
  std::uint64_t system = 0;
  if (!(fields >> user >> system)) return {};
  return std::chrono::nanoseconds{(user + system) *
                                  (1'000'000'000U / static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK)))};
}

std::optional<std::uint64_t> resident_bytes(const std::string& process) {
  std::istringstream fields{wire::read_small_file((process + "/statm").c_str())};
  std::uint64_t total = 0;
  std::uint64_t resident = 0;
  if (!(fields >> total >> resident)) return std::nullopt;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

/// The id in a path of QEMU's object model, "/machine/peripheral/disk0/virtio-backend"; empty for one without.
std::string id_of(const std::string& path) {
  if (!path.starts_with(peripheral)) return {};
  const auto begin = peripheral.size();
  return path.substr(begin, path.find('/', begin) - begin);
}

std::vector<DiskStats> read_disks(qmp::Client& client, const CallContext& call) {
  return qmp::ask(client, "query-blockstats", {}, call, [](const qmp::Answer& answer) {
    std::vector<DiskStats> disks;
    answer.each([&](const qmp::Answer& device) {
      auto id = id_of(device.find_text("qdev").value_or(""));
      if (id.empty()) return;
      const auto stats = device.at("stats");
      disks.push_back({std::move(id), stats.integer("rd_bytes"), stats.integer("rd_operations"),
                       stats.integer("wr_bytes"), stats.integer("wr_operations")});
    });
    return disks;
  });
}

/// QEMU has no counters of network cards that a monitor tells. Those of a tap are the kernel's, seen from its other
/// end.
std::vector<NicStats> read_nics(const VmConfig& config) {
  std::vector<NicStats> nics;
  if (!config.host.network_namespace.empty()) return nics;
  for (const auto& device : config.devices) {
    const auto* const nic = std::get_if<NicConfig>(&device);
    if (nic == nullptr || nic->backend != NicBackend::tap) continue;
    const auto counter = [&](const char* name) {
      const auto file = "/sys/class/net/" + nic->interface + "/statistics/" + name;
      std::istringstream text{wire::read_small_file(file.c_str())};
      std::uint64_t value = 0;
      return text >> value ? std::optional{value} : std::nullopt;
    };
    const auto sent = counter("rx_bytes");
    if (!sent) continue;
    nics.push_back({nic->id, counter("tx_bytes").value_or(0), counter("tx_packets").value_or(0), *sent,
                    counter("rx_packets").value_or(0)});
  }
  return nics;
}

/// What the guest says by its balloon device, which begins to ask when the first one wants to know.
std::optional<std::uint64_t> guest_free_bytes(qmp::Client& client, const std::string& balloon,
                                              const CallContext& call) {
  const auto path = std::string{peripheral} + balloon;
  const auto interval =
      client.call({"qom-get", Value::map({{"path", path}, {"property", "guest-stats-polling-interval"}})}, call);
  if (!interval.ok() || interval.value() == Value{0}) {
    (void)client.call(
        {"qom-set",
         Value::map({{"path", path}, {"property", "guest-stats-polling-interval"}, {"value", guest_stats_interval}})},
        call);
  }
  const auto told = client.call({"qom-get", Value::map({{"path", path}, {"property", "guest-stats"}})}, call);
  if (!told.ok()) return std::nullopt;
  const auto* const updated = told.value().find("last-update");
  if (updated == nullptr || *updated == Value{0}) return std::nullopt;
  const qmp::Answer answer{"qom-get", told.value()};
  const auto stats = answer.at("stats");
  const auto free = stats.find_integer("stat-free-memory");
  return free && *free != std::numeric_limits<std::uint64_t>::max() ? free : std::nullopt;
}

class QemuStats final : public StatsExtension {
 public:
  explicit QemuStats(std::shared_ptr<Tether> tether) : tether_{std::move(tether)} {}

  VmStats read(const CallContext& call) override {
    const auto vm = tether_->hold();
    vm->require_live("stats", call);
    const auto record = vm->record();
    const auto process = "/proc/" + std::to_string(record.hypervisor.pid);
    VmStats out;
    vm->with_monitor(call, [&](qmp::Client& client, const CallContext& limited) {
      for (const auto& cpu : qmp::query_cpus_fast(client, limited)) {
        if (cpu.index >= most_vcpus) continue;
        if (cpu.index >= out.vcpus.size()) out.vcpus.resize(std::size_t{cpu.index} + 1);
        out.vcpus[cpu.index] = cpu_time(process + "/task/" + std::to_string(cpu.thread_id) + "/stat");
      }
      out.disks = read_disks(client, limited);
      for (const auto& device : record.config.devices) {
        const auto* const balloon = std::get_if<BalloonConfig>(&device);
        if (balloon != nullptr) out.guest_free_bytes = guest_free_bytes(client, balloon->id, limited);
      }
    });
    out.cpu = cpu_time(process + "/stat");
    out.resident_bytes = resident_bytes(process);
    out.nics = read_nics(record.config);
    return out;
  }

 private:
  std::shared_ptr<Tether> tether_;
};

}  // namespace

std::shared_ptr<StatsExtension> make_stats_extension(std::shared_ptr<Tether> tether) {
  return std::make_shared<QemuStats>(std::move(tether));
}

}  // namespace visor::sdk
