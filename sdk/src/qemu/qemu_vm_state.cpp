// SPDX-License-Identifier: Apache-2.0
// A VM that goes on with the state of another QEMU, and what it says of itself when its own state leaves.
#include "prepared.hpp"
#include "qemu_vm.hpp"
#include "state/template_files.hpp"
#include "visor/core/error.hpp"
#include "visor/core/file.hpp"
#include "visor/sdk/qmp/commands/fd.hpp"
#include "visor/sdk/qmp/commands/machine.hpp"
#include "visor/sdk/qmp/commands/migration.hpp"

#include <algorithm>
#include <utility>

namespace visor::sdk {
namespace {

using namespace std::chrono_literals;

/// A text of the record's blob.
std::string text_of(const VmRecord& record, std::string_view key, const std::string& otherwise = {}) {
  const auto* const value = record.blob.find(key);
  return value != nullptr && value->is_string() ? value->as_string() : otherwise;
}

/// The command line of a process, as the kernel has it.
std::vector<std::string> command_of(std::int32_t pid) try {
  std::vector<std::string> words;
  const auto text = read_file("/proc/" + std::to_string(pid) + "/cmdline");
  for (std::size_t begin = 0; begin < text.size();) {
    const auto end = std::min(text.find('\0', begin), text.size());
    words.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return words;
} catch (const Error&) {
  return {};  // it is for a person to read, and nothing hangs on it
}

}  // namespace

void QemuVm::arrive(std::string_view operation, const CallContext& call, const FindArrival& find) {
  come_up(operation, true, call, find);
}

std::optional<Arrival> QemuVm::find_state(const CallContext& call) {
  const auto folder = text_of(record(), saved_in);
  if (folder.empty()) return find_template(config(), migration_rules(), prepared(call).memory_bytes(*driver_), call);
  Arrival saved;
  saved.of = read_manifest_file(folder);
  check_needed_files(saved.of.files);
  saved.file = open_state(folder, saved.of);
  call.report("verify");
  verify_state(saved.file.get(), folder, saved.of, call);
  saved.fd = saved.file.get();
  return saved;
}

Prepared QemuVm::prepare_launch(const Arrival* from, const CallContext& call) {
  auto chosen = prepared(call);
  if (from == nullptr) return chosen;
  if (from->of.accelerator == "tcg" && chosen.chose_kvm()) {
    chosen = chosen.without_kvm(*driver_, "the state is of an emulated VM");
    prepared_ = chosen;
  }
  check_can_take(from->of, driver_->name(), to_string(chosen.caps()->version),
                 chosen.accelerator() == Accelerator::kvm ? "kvm" : "tcg");
  if (!chosen.caps()->may_have_machine(from->of.machine)) {
    throw Error(Errc::unsupported,
                "The state is of a machine " + from->of.machine + ", which " + chosen.caps()->who() + " does not have");
  }
  check_same_shape(from->of.config, chosen.config());
  return chosen;
}

/// QEMU answers nothing to a state that it cannot load, but ends and says why on its stderr.
void QemuVm::take_state(qmp::Client& client, const Arrival& from, const CallContext& call) {
  call.report("load");
  qmp::getfd(client, state_fd_name, from.fd, call);
  qmp::MigrationPlan plan{.uri = qmp::MigrationUri::fd(state_fd_name)};
  plan.capabilities = from.capabilities;
  try {
    (void)qmp::receive_migration(client, plan, call);
  } catch (const Error& error) {
    const auto& why = error.message();
    const bool judged = error.code() == Errc::disconnected && why.find("load of migration failed") != std::string::npos;
    if (!judged) throw;
    const bool short_stream = why.find("Input/output error") != std::string::npos;
    throw Error(short_stream ? Errc::io_error : Errc::invalid_config, "The VM's state could not be loaded: " + why);
  }
  const auto notice = migration_rules().notice;
  if (!notice.empty()) driver_->log(LogLevel::warning, id_, notice);
}

Manifest QemuVm::describe(const qmp::Client& client) const {
  const auto record = this->record();
  Manifest manifest;
  manifest.plugin = driver_->name();
  manifest.qemu_version = to_string(client.version());
  manifest.machine = text_of(record, "machine", record.config.machine.type);
  manifest.accelerator = text_of(record, "accelerator", "tcg");
  manifest.uuid = text_of(record, "uuid");
  manifest.instance = text_of(record, "instance", id_);
  manifest.config = record.config;
  if (const auto* const addresses = record.blob.find("addresses")) manifest.addresses = *addresses;
  if (const auto* const places = record.blob.find("places")) manifest.places = *places;
  manifest.command = command_of(record.hypervisor.pid);
  return manifest;
}

MigrationRules QemuVm::migration_rules() const {
  const auto record = this->record();
  const auto host = driver_->facts();
  const auto caps = default_qemu_caps();
  const auto accelerator = text_of(record, "accelerator") == "kvm" ? Accelerator::kvm : Accelerator::tcg;
  return driver_->arch->migration({record.config, accelerator, host, caps});
}

void QemuVm::note(std::string_view key, Value value) {
  Value before;
  {
    const std::scoped_lock lock{mutex_};
    if (const auto* const old = record_.blob.find(key)) before = *old;
    record_.blob.set(key, std::move(value));
  }
  try {
    store_record();
  } catch (...) {
    const std::scoped_lock lock{mutex_};
    record_.blob.set(key, std::move(before));
    throw;
  }
}

void QemuVm::forget(std::string_view key) noexcept {
  try {
    note(key, {});
  } catch (const std::exception& error) {
    driver_->log(LogLevel::warning, id_, std::string{"The VM's record is behind: "} + error.what());
  }
}

/// The state of a VM that was sent away runs elsewhere. What was written down before it was sent counts only when QEMU
/// says that all has gone.
void QemuVm::require_not_gone(qmp::Client& client, const CallContext& call) const {
  if (text_of(record(), leaving).empty()) return;
  if (qmp::query_status(client, call).status != "postmigrate") return;
  throw Error(Errc::invalid_state,
              "VM '" + id_ +
                  "' is paused because its state was sent away, and resume needs it here: stop it. Only if it "
                  "did not arrive anywhere, QMP's `cont` lets it run on");
}

}  // namespace visor::sdk
