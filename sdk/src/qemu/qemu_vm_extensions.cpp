// SPDX-License-Identifier: Apache-2.0
// What a VM offers beside the interface that all hypervisors have.
#include "extensions.hpp"
#include "qemu_vm.hpp"
#include "visor/core/error.hpp"

#include <utility>

namespace visor::sdk {
namespace {

class QemuMonitor final : public QmpExtension {
 public:
  explicit QemuMonitor(std::weak_ptr<Session> session) : session_{std::move(session)} {}
  Value execute(std::string_view command, const Value& arguments, const CallContext& call) override {
    const auto session = session_.lock();
    if (!session) throw Error(Errc::disconnected, "The handle that this monitor belongs to has let go of the VM");
    return session->client()->execute(command, arguments, call);
  }

 private:
  std::weak_ptr<Session> session_;
};

class QemuMonitorStats final : public QmpStatsExtension {
 public:
  explicit QemuMonitorStats(std::shared_ptr<const MonitorTotals> totals) : totals_{std::move(totals)} {}
  Value read() override { return totals_->read(); }

 private:
  std::shared_ptr<const MonitorTotals> totals_;
};

}  // namespace

std::shared_ptr<Extension> QemuVm::extension(std::string_view id) {
  if (id == QmpStatsExtension::id) return std::make_shared<QemuMonitorStats>(totals_);
  if (id == DumpExtension::id) return make_dump_extension(tether_);
  if (id == StatsExtension::id) return make_stats_extension(tether_);
  if (id == BalloonExtension::id) {
    return capabilities().has(Feature::balloon) ? make_balloon_extension(tether_) : nullptr;
  }
  if (id == SnapshotExtension::id) return make_snapshot_extension(tether_);
  if (id == MigrationExtension::id) return make_migration_extension(tether_);
  const auto session = this->session();
  if (id != QmpExtension::id || !session || !session->has_monitor()) return nullptr;
  return std::make_shared<QemuMonitor>(session);
}

}  // namespace visor::sdk
