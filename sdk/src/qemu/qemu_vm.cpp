// SPDX-License-Identifier: Apache-2.0
#include "qemu_vm.hpp"

#include "exit_cause.hpp"
#include "helpers.hpp"
#include "processes.hpp"
#include "visor/core/error.hpp"
#include "visor/sdk/console.hpp"
#include "visor/sdk/qmp/commands.hpp"

#include <utility>

namespace visor::sdk {
namespace {

using namespace std::chrono_literals;

/// How long a live QEMU gets to answer a question before it counts as unresponsive.
constexpr auto probe_limit = 2000ms;
/// A monitor for the time of one question.
struct Counted {
  Counted(MonitorTotals& in, std::shared_ptr<qmp::Client> connected) : totals{in}, client{std::move(connected)} {
    totals.follow(client);
  }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  ~Counted() { totals.leave(*client); }

  MonitorTotals& totals;
  std::shared_ptr<qmp::Client> client;
};

/// What an owner that saw the end has noted.
std::optional<visor::ExitRecord> noted_end(const std::filesystem::path& run_dir) try {
  return exit_from_value(read_record(run_dir).blob.find("ended"));
} catch (const Error&) {
  return std::nullopt;
}

bool is_running(const std::string& status) { return status == "running"; }

}  // namespace

QemuVm::QemuVm(std::shared_ptr<const Driver> driver, Prepared prepared, std::string id, std::filesystem::path run_dir)
    : driver_{std::move(driver)}, id_{std::move(id)}, run_dir_{std::move(run_dir)}, prepared_{std::move(prepared)} {
  lock_ = OwnerLock::acquire(run_dir_, "create", 0ms);
  record_.id = id_;
  record_.plugin = driver_->name();
  record_.boot_id = host_boot_id();
  record_.run_dir = run_dir_;
  record_.config = prepared_->config();
  record_.blob = Value::map();
  write_record(record_);
}

QemuVm::QemuVm(std::shared_ptr<const Driver> driver, VmRecord record)
    : driver_{std::move(driver)}, id_{record.id}, run_dir_{record.run_dir}, record_{std::move(record)} {}

QemuVm::~QemuVm() {
  if (process_ != ::getpid()) {  // a copy in a forked child: the VM is its parent's, and so is the thread
    [[maybe_unused]] auto* const the_parents = unplug_watch_.release();
    return;
  }
  tether_->cut();
  unplug_watch_.reset();
  if (starting_) undo_launch(nullptr);
  if (session_ && lifeline_ && record_.config.ephemeral) end_ephemeral();
}

/// Without what the guest has let go of, although the record still has it for a moment.
VmConfig QemuVm::config() const {
  auto config = record().config;
  std::erase_if(config.devices, [&](const auto& device) {
    const auto report = unplugs_->find(device_id(device));
    return report && report->outcome == UnplugOutcome::gone;
  });
  return config;
}

Capabilities QemuVm::capabilities() const { return offered(*driver_, config()); }

VmRecord QemuVm::record() const {
  const std::scoped_lock lock{mutex_};
  return record_;
}

std::shared_ptr<Session> QemuVm::session() const {
  const std::scoped_lock lock{mutex_};
  return session_;
}

VmRecord QemuVm::fresh_record() const {
  {
    const std::scoped_lock lock{mutex_};
    if (record_.hypervisor.pid != 0 || lock_) return record_;
  }
  // Whoever owns the VM may have started it since.
  auto record = read_record(run_dir_);
  const std::scoped_lock lock{mutex_};
  if (record_.hypervisor.pid == 0 && !lock_) record_ = std::move(record);
  return record_;
}

bool QemuVm::launched() const { return fresh_record().hypervisor.pid != 0; }

/// The end, if it is known or can be read. A keeper that still lives has not said its last word.
std::optional<visor::ExitRecord> QemuVm::known_exit() const {
  if (auto exit = tracker_->exit()) return exit;
  const auto record = fresh_record();
  if (auto noted = exit_from_value(record.blob.find("ended"))) {
    tracker_->on_exit(*std::move(noted));
    return tracker_->exit();
  }
  if (record.hypervisor.pid == 0) return std::nullopt;
  const bool same_boot = record.boot_id == host_boot_id();
  // Asked before the file is read: a keeper writes the file and then ends.
  const bool over = !same_boot || (!alive(identity_of(record.hypervisor)) && !alive(identity_of(record.keeper)));
  if (const auto kept = read_exit_record(run_dir_.string())) {
    tracker_->on_exit(explain_exit(*kept));
  } else if (over) {
    tracker_->on_exit(noted_end(run_dir_).value_or(explain_unwitnessed(*tracker_)));
  }
  return tracker_->exit();
}

void QemuVm::refuse_state(std::string_view operation, std::string_view needed, const CallContext& call) {
  throw Error(Errc::invalid_state, "VM '" + id_ + "' is " + std::string{to_string(status(call).state)} + "; " +
                                       std::string{operation} + " needs it " + std::string{needed});
}

void QemuVm::require_live(std::string_view operation, const CallContext& call) {
  if (!launched() || known_exit()) refuse_state(operation, "running or paused", call);
}

void QemuVm::with_monitor(const CallContext& call, const std::function<void(qmp::Client&, const CallContext&)>& ask) {
  const auto own_session = session();
  if (own_session && own_session->has_monitor() && !own_session->lost_monitor()) {
    const auto client = own_session->client();
    if (!tracker_->responsive()) {
      const auto silent = std::chrono::duration_cast<std::chrono::seconds>(client->unanswered_for()).count();
      throw Error(Errc::timeout, "QEMU has answered nothing for " + std::to_string(silent) + " s");
    }
    ask(*client, call);
    return;
  }
  auto options = client_options(session_context());
  if (!own_session) options.cause_wait = 0ms;  // nobody watches for the end that would be waited for
  const Counted counted{*totals_, qmp::Client::connect(socket_path(plan::observer_socket), std::move(options), call)};
  ask(*counted.client, call);
}

VmStatus QemuVm::status(const CallContext& call) {
  VmStatus status;
  status.guest_panicked = tracker_->panicked();
  if (const auto exit = known_exit()) {
    status.state = final_state(*exit);
    status.detail = exit->text;
    status.guest_panicked |= exit->cause == ExitCause::guest_panic;
    return status;
  }
  if (!launched()) {
    status.state = VmState::created;
    return status;
  }
  try {
    with_monitor(call.at_most(probe_limit), [&](qmp::Client& client, const CallContext& limited) {
      const auto info = qmp::query_status(client, limited);
      status.detail = info.status;
      status.state = is_running(info.status) ? VmState::running : VmState::paused;
      status.guest_panicked |= info.status == "guest-panicked";
    });
  } catch (const Error& error) {
    if (error.code() == Errc::cancelled || error.code() == Errc::wrong_thread) throw;
    // The end may have come between the two questions; give its record the moment it needs.
    (void)tracker_->exit_by(std::chrono::steady_clock::now() + 100ms);
    if (const auto exit = known_exit()) return this->status(call);
    status.responsive = false;
    status.state = VmState::running;
    status.detail = error.message();
  }
  return status;
}

void QemuVm::check(const CallContext& call) {
  const auto status = this->status(call);
  const auto name = "VM '" + id_ + "' ";
  if (status.state == VmState::failed) throw Error(Errc::disconnected, name + "has failed: " + status.detail);
  if (!status.responsive) throw Error(Errc::timeout, name + "does not respond: " + status.detail);
  if (status.guest_panicked) throw Error(Errc::invalid_state, name + "is paused: its guest kernel panicked");
  if (status.detail == "internal-error" || status.detail == "io-error") {
    throw Error(Errc::hypervisor_error, name + "is paused: QEMU reports " + status.detail);
  }
}

void QemuVm::change(std::string_view operation, const CallContext& call,
                    const std::function<void(qmp::Client&)>& command) {
  const auto pass = gate_.enter(call, "another operation on the VM");
  require_live(operation, call);
  own(operation, call);
  require_live(operation, call);
  command(*session()->client());
}

std::shared_ptr<qmp::Client> QemuVm::reach(const CallContext& call) {
  own("undo", call);
  return session()->client();
}

void QemuVm::pause(const CallContext& call) {
  change("pause", call, [&](qmp::Client& client) { qmp::stop(client, call); });
}

void QemuVm::resume(const CallContext& call) {
  change("resume", call, [&](qmp::Client& client) {
    require_not_gone(client, call);
    qmp::cont(client, call);
  });
}

std::unique_ptr<Console> QemuVm::console(const CallContext& call) {
  capabilities().require(Feature::console, driver_->name());
  require_live("console", call);
  call.check("the console");
  return make_stream_console(connect_console(run_dir_.string(), call));
}

std::vector<VcpuThread> QemuVm::thread_ids(const CallContext& call) {
  capabilities().require(Feature::thread_ids, driver_->name());
  require_live("thread_ids", call);
  std::vector<VcpuThread> threads;
  with_monitor(call, [&](qmp::Client& client, const CallContext& limited) {
    for (const auto& cpu : qmp::query_cpus_fast(client, limited)) {
      if (cpu.thread_id > 0) threads.push_back({cpu.index, static_cast<std::int32_t>(cpu.thread_id)});
    }
  });
  return threads;
}

std::vector<std::int32_t> QemuVm::pids() const {
  std::vector<std::int32_t> pids;
  const auto record = this->record();
  for (const auto& process : {record.hypervisor, record.keeper}) {
    if (process.pid != 0 && alive(identity_of(process))) pids.push_back(process.pid);
  }
  for (const auto& helper : helpers_of(record)) {
    if (alive(helper.identity)) pids.push_back(helper.identity.pid);
  }
  return pids;
}

}  // namespace visor::sdk
