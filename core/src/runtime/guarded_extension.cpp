// SPDX-License-Identifier: Apache-2.0
#include "guard.hpp"
#include "visor/core/extensions.hpp"

namespace visor::detail {
namespace {

class GuardedQmp final : public QmpExtension {
 public:
  explicit GuardedQmp(HeldPtr<QmpExtension> held) noexcept : held_{std::move(held)} {}

  Value execute(std::string_view command, const Value& arguments, const CallContext& call) override {
    return held_->call("QmpExtension::execute", &QmpExtension::execute, command, arguments, call);
  }

 private:
  HeldPtr<QmpExtension> held_;
};

class GuardedQmpStats final : public QmpStatsExtension {
 public:
  explicit GuardedQmpStats(HeldPtr<QmpStatsExtension> held) noexcept : held_{std::move(held)} {}

  Value read() override { return held_->call("QmpStatsExtension::read", &QmpStatsExtension::read); }

 private:
  HeldPtr<QmpStatsExtension> held_;
};

class GuardedSnapshot final : public SnapshotExtension {
 public:
  explicit GuardedSnapshot(HeldPtr<SnapshotExtension> held) noexcept : held_{std::move(held)} {}

  void save(const std::filesystem::path& target, const CallContext& call) override {
    held_->call("SnapshotExtension::save", &SnapshotExtension::save, target, call);
  }
  void begin_template(const CallContext& call) override {
    held_->call("SnapshotExtension::begin_template", &SnapshotExtension::begin_template, call);
  }

 private:
  HeldPtr<SnapshotExtension> held_;
};

class GuardedRestore final : public RestoreExtension {
 public:
  explicit GuardedRestore(HeldPtr<RestoreExtension> held) noexcept : held_{std::move(held)} {}

  std::unique_ptr<Vm> restore(const std::filesystem::path& source, const std::string& vm_id,
                              const std::filesystem::path& run_dir, bool ephemeral, const CallContext& call) override {
    constexpr auto where = "RestoreExtension::restore";
    return guard(where, held_->call(where, &RestoreExtension::restore, source, vm_id, run_dir, ephemeral, call));
  }
  std::unique_ptr<Vm> clone(const VmConfig& config, const std::string& vm_id, const std::filesystem::path& run_dir,
                            const CallContext& call) override {
    constexpr auto where = "RestoreExtension::clone";
    return guard(where, held_->call(where, &RestoreExtension::clone, config, vm_id, run_dir, call));
  }

 private:
  std::unique_ptr<Vm> guard(std::string_view where, std::unique_ptr<Vm> vm) {
    return guard_vm(hold<Vm>(held_->origin(), held_, where, std::move(vm)));
  }

  HeldPtr<RestoreExtension> held_;
};

class GuardedExplain final : public ExplainExtension {
 public:
  explicit GuardedExplain(HeldPtr<ExplainExtension> held) noexcept : held_{std::move(held)} {}

  std::vector<CommandPart> explain(const VmConfig& config, const std::string& vm_id,
                                   const std::filesystem::path& run_dir) override {
    return held_->call("ExplainExtension::explain", &ExplainExtension::explain, config, vm_id, run_dir);
  }

 private:
  HeldPtr<ExplainExtension> held_;
};

class GuardedMigration final : public MigrationExtension {
 public:
  explicit GuardedMigration(HeldPtr<MigrationExtension> held) noexcept : held_{std::move(held)} {}

  MigrationResult send(int fd, const MigrationOptions& options, const CallContext& call) override {
    return held_->call("MigrationExtension::send", &MigrationExtension::send, fd, options, call);
  }
  void prepare_incoming(int fd, const CallContext& call) override {
    held_->call("MigrationExtension::prepare_incoming", &MigrationExtension::prepare_incoming, fd, call);
  }

 private:
  HeldPtr<MigrationExtension> held_;
};

class GuardedDump final : public DumpExtension {
 public:
  explicit GuardedDump(HeldPtr<DumpExtension> held) noexcept : held_{std::move(held)} {}

  void dump(const std::filesystem::path& file, DumpFormat format, bool paging, const CallContext& call) override {
    held_->call("DumpExtension::dump", &DumpExtension::dump, file, format, paging, call);
  }

 private:
  HeldPtr<DumpExtension> held_;
};

class GuardedBalloon final : public BalloonExtension {
 public:
  explicit GuardedBalloon(HeldPtr<BalloonExtension> held) noexcept : held_{std::move(held)} {}

  void set_target(std::uint64_t target_mib, const CallContext& call) override {
    held_->call("BalloonExtension::set_target", &BalloonExtension::set_target, target_mib, call);
  }
  std::uint64_t current_mib(const CallContext& call) override {
    return held_->call("BalloonExtension::current_mib", &BalloonExtension::current_mib, call);
  }

 private:
  HeldPtr<BalloonExtension> held_;
};

class GuardedStats final : public StatsExtension {
 public:
  explicit GuardedStats(HeldPtr<StatsExtension> held) noexcept : held_{std::move(held)} {}

  VmStats read(const CallContext& call) override {
    return held_->call("StatsExtension::read", &StatsExtension::read, call);
  }

 private:
  HeldPtr<StatsExtension> held_;
};

/// What an object of a plugin returned as an extension, on its way to its guard.
struct Returned {
  const OriginPtr& origin;
  std::shared_ptr<const void> parent;
  std::string_view id;
  std::shared_ptr<Extension> extension;

  /// A class of another kind under this id comes out as nothing, and that is an error.
  template <class Interface, class Guard>
  std::shared_ptr<Extension> guarded() {
    auto known = std::dynamic_pointer_cast<Interface>(std::move(extension));
    return std::make_shared<Guard>(hold<Interface>(origin, std::move(parent), id, std::move(known)));
  }
};

}  // namespace

std::shared_ptr<Extension> guard_extension(const OriginPtr& origin, std::shared_ptr<const void> parent,
                                           std::string_view id, std::shared_ptr<Extension> extension) {
  if (!extension) return nullptr;
  Returned returned{origin, std::move(parent), id, std::move(extension)};
  if (id == QmpExtension::id) return returned.guarded<QmpExtension, GuardedQmp>();
  if (id == QmpStatsExtension::id) return returned.guarded<QmpStatsExtension, GuardedQmpStats>();
  if (id == ExplainExtension::id) return returned.guarded<ExplainExtension, GuardedExplain>();
  if (id == MigrationExtension::id) return returned.guarded<MigrationExtension, GuardedMigration>();
  if (id == DumpExtension::id) return returned.guarded<DumpExtension, GuardedDump>();
  if (id == BalloonExtension::id) return returned.guarded<BalloonExtension, GuardedBalloon>();
  if (id == StatsExtension::id) return returned.guarded<StatsExtension, GuardedStats>();
  if (id == SnapshotExtension::id) {  // one thing of a VM, another of a hypervisor
    const bool restores = dynamic_cast<RestoreExtension*>(returned.extension.get()) != nullptr;
    return restores ? returned.guarded<RestoreExtension, GuardedRestore>()
                    : returned.guarded<SnapshotExtension, GuardedSnapshot>();
  }
  return keep_library(hold<Extension>(origin, std::move(returned.parent), id, std::move(returned.extension)));
}

}  // namespace visor::detail
