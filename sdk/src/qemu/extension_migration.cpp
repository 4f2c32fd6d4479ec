// SPDX-License-Identifier: Apache-2.0
// A live VM's state through a stream to another VM.
#include "extensions.hpp"
#include "qemu_vm.hpp"
#include "state/leave.hpp"
#include "state/state_stream.hpp"
#include "visor/core/error.hpp"

#include <utility>

namespace visor::sdk {
namespace {

/// Over a socket the other side says when all has been loaded: what it cannot load is then a failure here, and the
/// guest runs on. A pipe has no way back.
std::vector<std::string> capabilities_for(int fd) {
  return is_socket(fd) ? std::vector<std::string>{"return-path"} : std::vector<std::string>{};
}

MigrationResult result_of(const qmp::MigrationStatus& status) {
  MigrationResult result;
  if (status.ram) result.transferred_bytes = status.ram->transferred_bytes;
  result.total = status.total_time.value_or(std::chrono::milliseconds{});
  result.downtime = status.downtime.value_or(std::chrono::milliseconds{});
  return result;
}

/// A migration that came to its end in spite of all keeps its mark, and so does one of which that is not known: the
/// guest must not run on here.
void forget_leaving(QemuVm& vm, std::chrono::milliseconds limit) noexcept {
  const auto phase = call_off(vm, limit);
  if (phase && *phase != qmp::MigrationPhase::completed) vm.forget(leaving);
}

MigrationResult send_to(QemuVm& vm, qmp::Client& client, int fd, const MigrationOptions& options,
                        const CallContext& call) {
  const Reserve reserve{call};
  auto manifest = vm.describe(client);
  manifest.ran = check_can_leave(vm, client, "be moved", reserve.work);
  qmp::MigrationPlan plan{.uri = qmp::MigrationUri::fd(state_fd_name)};
  plan.capabilities = capabilities_for(fd);
  plan.parameters.max_bandwidth_bytes_per_s = options.max_bytes_per_s;
  plan.parameters.downtime_limit = options.downtime;
  vm.note(leaving, "send");
  try {
    write_manifest(fd, manifest, reserve.work);
    return result_of(send_state(client, fd, std::move(plan), reserve));
  } catch (...) {
    end_stream(fd);  // the other side waits no longer
    forget_leaving(vm, reserve.part);
    throw;
  }
}

class QemuMigration final : public MigrationExtension {
 public:
  explicit QemuMigration(std::shared_ptr<Tether> tether) : tether_{std::move(tether)} {}

  MigrationResult send(int fd, const MigrationOptions& options, const CallContext& call) override {
    const auto vm = tether_->hold();
    vm->capabilities().require(Feature::migration, vm->driver().name());
    MigrationResult result;
    vm->change("send", call, [&](qmp::Client& client) { result = send_to(*vm, client, fd, options, call); });
    return result;
  }

  void prepare_incoming(int fd, const CallContext& call) override {
    const auto vm = tether_->hold();
    vm->capabilities().require(Feature::migration, vm->driver().name());
    bool begun = false;
    try {
      vm->arrive("prepare_incoming", call, [&](const CallContext& limited) {
        begun = true;
        Arrival arrival;
        arrival.of = read_manifest(fd, limited);
        arrival.fd = fd;
        return arrival;
      });
    } catch (...) {
      if (begun) end_stream(fd);  // the sender goes on where it is
      throw;
    }
  }

 private:
  std::shared_ptr<Tether> tether_;
};

}  // namespace

std::shared_ptr<MigrationExtension> make_migration_extension(std::shared_ptr<Tether> tether) {
  return std::make_shared<QemuMigration>(std::move(tether));
}

}  // namespace visor::sdk
