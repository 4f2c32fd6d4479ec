// SPDX-License-Identifier: Apache-2.0
// A live VM's state as files: saved, or as a template.
#include "extensions.hpp"
#include "prepared.hpp"
#include "qemu_vm.hpp"
#include "state/leave.hpp"
#include "state/saved_folder.hpp"
#include "state/state_stream.hpp"
#include "visor/core/error.hpp"

#include <chrono>
#include <filesystem>
#include <optional>
#include <utility>

namespace visor::sdk {
namespace {

constexpr std::chrono::seconds stop_limit{10};

qmp::MigrationPlan plan_to_file(std::vector<std::string> capabilities) {
  qmp::MigrationPlan plan{.uri = qmp::MigrationUri::fd(state_fd_name)};
  plan.capabilities = std::move(capabilities);
  plan.parameters.max_bandwidth_bytes_per_s = 0;  // as fast as it goes
  return plan;
}

/// The guest goes on before all is on the disk: from then on nothing of it is read any more.
void save_into(QemuVm& vm, qmp::Client& client, const std::filesystem::path& target, const CallContext& call) {
  const Reserve reserve{call};
  auto manifest = vm.describe(client);
  manifest.ran = check_can_leave(vm, client, "be saved", reserve.work);
  NewFile state{target / state_file};
  {
    Standstill still{vm, client, manifest.ran, reserve.part, reserve.work};
    manifest.files = needed_files(manifest.config);
    (void)send_state(client, state.fd(), plan_to_file({}), reserve);
    still.end(client, reserve.work);
  }
  call.report("sync");
  state.sync();
  manifest.state_bytes = std::filesystem::file_size(state.path());
  manifest.state_hash = hash_of_file(state.fd(), call);
  write_manifest_file(target, manifest);
  state.keep();
}

/// The memory is in its file already; the guest must not write there again.
NewFile save_devices(QemuVm& vm, qmp::Client& client, const CallContext& call) {
  const Reserve reserve{call};
  auto manifest = vm.describe(client);
  manifest.ran = check_can_leave(vm, client, "become a template", reserve.work);
  NewFile state{manifest.config.vm_template.state_path};
  Standstill still{vm, client, manifest.ran, reserve.part, reserve.work};
  manifest.files = needed_files(manifest.config);
  vm.note(leaving, "template");
  try {
    write_manifest(state.fd(), manifest, reserve.work);
    (void)send_state(client, state.fd(), plan_to_file(vm.migration_rules().capabilities), reserve);
    state.sync();
    sync_folder(state.path().parent_path());
  } catch (...) {
    vm.forget(leaving);
    throw;
  }
  still.keep();
  return state;
}

class QemuSnapshot final : public SnapshotExtension {
 public:
  explicit QemuSnapshot(std::shared_ptr<Tether> tether) : tether_{std::move(tether)} {}

  void save(const std::filesystem::path& target, const CallContext& call) override {
    const auto vm = tether_->hold();
    vm->capabilities().require(Feature::snapshot, vm->driver().name());
    vm->require_live("save", call);
    if (vm->config().vm_template.to_be) {
      throw Error(Errc::unsupported, "VM '" + vm->id() + "' cannot be saved: its memory is a template's file, " +
                                         "template.memory_path; begin_template() makes it one");
    }
    check_empty_private_folder(target);
    vm->change("save", call, [&](qmp::Client& client) { save_into(*vm, client, target, call); });
  }

  void begin_template(const CallContext& call) override {
    const auto vm = tether_->hold();
    vm->capabilities().require(Feature::snapshot, vm->driver().name());
    vm->require_live("begin_template", call);
    if (!vm->config().vm_template.to_be) {
      throw Error(Errc::invalid_config, "VM '" + vm->id() + "' cannot become a template: its memory is in no file, " +
                                            "since template.to_be is not set");
    }
    std::optional<NewFile> state;
    vm->change("begin_template", call, [&](qmp::Client& client) { state.emplace(save_devices(*vm, client, call)); });
    state->keep();  // it is a template now, whatever becomes of the VM that it was made from
    vm->stop({.force = true}, stop_limit);
  }

 private:
  std::shared_ptr<Tether> tether_;
};

}  // namespace

std::shared_ptr<SnapshotExtension> make_snapshot_extension(std::shared_ptr<Tether> tether) {
  return std::make_shared<QemuSnapshot>(std::move(tether));
}

}  // namespace visor::sdk
