// SPDX-License-Identifier: Apache-2.0
#include "qemu_vm.hpp"

#include "cloud_init.hpp"
#include "exit_cause.hpp"
#include "helpers.hpp"
#include "last_console_line.hpp"
#include "plan/host_needs.hpp"
#include "process/find_program.hpp"
#include "state/template_files.hpp"
#include "visor/core/describe.hpp"
#include "visor/core/error.hpp"
#include "visor/core/file.hpp"
#include "visor/sdk/console.hpp"
#include "visor/sdk/qmp/commands.hpp"
#include "vsock_cid.hpp"

#include <fcntl.h>
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <utility>

namespace visor::sdk {
namespace {

using namespace std::chrono_literals;

/// A random UUID (RFC 4122, version 4).
std::string random_uuid() {
  std::array<unsigned char, 16> bytes{};
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    throw system_error("Cannot get random bytes", errno);
  }
  bytes[6] = static_cast<unsigned char>((bytes[6] & 0x0fU) | 0x40U);
  bytes[8] = static_cast<unsigned char>((bytes[8] & 0x3fU) | 0x80U);
  constexpr std::string_view hex = "0123456789abcdef";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += {hex[bytes[i] >> 4U], hex[bytes[i] & 15U]};
  }
  return text;
}

UniqueFd open_network_namespace(const std::string& path) {
  if (path.empty()) return UniqueFd{};
  UniqueFd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!fd) throw system_error("host.network_namespace: cannot open " + path, errno);
  return fd;
}

/// `vhost` is borrowed, and -1 without a vsock device.
std::vector<FdMapping> fd_table(const plan::Plan& plan, int vhost) {
  std::vector<FdMapping> table;
  const auto add = [&](const plan::Listener& listener) {
    if (listener.path.empty()) return;
    FdMapping mapping;
    mapping.target = listener.fd;
    mapping.source = FdSource::listener;
    mapping.path = listener.path;
    table.push_back(std::move(mapping));
  };
  add(plan.owner);
  add(plan.observer);
  add(plan.keeper);
  add(plan.console);
  for (const auto& port : plan.ports) add(port);
  if (vhost >= 0) {
    FdMapping mapping;
    mapping.target = plan.vsock;
    mapping.source = FdSource::inherited;
    mapping.host_fd = vhost;
    table.push_back(std::move(mapping));
  }
  return table;
}

KeeperSpec keeper_spec(const plan::Plan& plan, const std::string& binary, const VmConfig& config,
                       const std::filesystem::path& run_dir, int vhost) {
  KeeperSpec spec;
  spec.main.name = "qemu";
  spec.main.argv = plan.line.argv(binary);
  spec.main.env = plain_environment();
  spec.main.fds = fd_table(plan, vhost);
  spec.main.no_new_privs = true;
  spec.main.cgroup_dir = config.host.cgroup;
  spec.main.exec_label = config.host.selinux_label;
  spec.main.stderr_capture.log_path = (run_dir / "qemu.log").string();
  spec.helpers = helper_specs(plan, config, run_dir);
  spec.watch = watch_spec(run_dir, config);
  spec.ephemeral = config.ephemeral;
  return spec;
}

/// The id of the port whose opening is the guest's sign of readiness; it may be configured by its name.
std::string ready_port(const VmConfig& config) {
  for (const auto& device : config.devices) {
    const auto* serial = std::get_if<SerialPortConfig>(&device);
    if (serial != nullptr && serial->name == config.ready.port) return serial->id;
  }
  return config.ready.port;
}

/// The address of a VM that goes on is part of its state.
VsockClaim claim_own_vsock(const VmConfig& config, const std::string& id, bool goes_on) try {
  return claim_vsock(config, id, "/dev/vhost-vsock");
} catch (const Error& error) {
  if (!goes_on) throw;
  throw Error(error.code(), error.message() + "; the VM that this state is of may still run");
}

}  // namespace

/// Anew when QEMU was replaced since.
Prepared& QemuVm::prepared(const CallContext& call) {
  auto caps = caps_of(*driver_, record_.config, call);
  if (!prepared_ || prepared_->caps() != caps) prepared_.emplace(*driver_, record_.config, std::move(caps));
  return *prepared_;
}

void QemuVm::add_device(const DeviceConfig& device) {
  const auto pass = gate_.enter(10s, "another operation on the VM");
  if (launched() || known_exit()) refuse_state("add_device", "created", 1s);
  own("add_device", 10s);
  if (launched()) refuse_state("add_device", "created", 1s);
  for (const auto& present : record_.config.devices) {
    if (!device_id(device).empty() && device_id(present) == device_id(device)) {
      throw Error(Errc::already_exists, "VM '" + id_ + "' has a device '" + device_id(device) + "' already");
    }
  }
  auto changed = prepared(10s);
  changed.add_device(*driver_, device);
  auto record = this->record();
  record.config = changed.config();
  write_record(record);  // before it counts: what cannot be kept is not added
  prepared_ = std::move(changed);
  const std::scoped_lock lock{mutex_};
  record_ = std::move(record);
}

void QemuVm::store_record() { write_record(record()); }

void QemuVm::launch(const Arrival* from, const CallContext& call) {
  const auto binary = find_qemu(*driver_->arch, prepared_->config());
  plan::check_host(prepared_->config());
  const auto vsock = claim_own_vsock(prepared_->config(), id_, from != nullptr);
  auto ready = prepared_->with_cid(vsock.cid);
  if (from != nullptr) ready = ready.with_places(places_from_value(&from->of.places));
  const auto uuid = from != nullptr ? from->of.uuid : random_uuid();
  const auto machine = from != nullptr ? from->of.machine : ready.machine_release();
  const auto plan =
      ready.make_plan(*driver_, id_, run_dir_, uuid,
                      {.machine = from != nullptr ? machine : std::string{}, .incoming = from != nullptr});
  auto spec = keeper_spec(plan, binary, ready.config(), run_dir_, vsock.fd.get());
  const auto network = open_network_namespace(ready.config().host.network_namespace);
  spec.main.netns_fd = network.get();
  const auto instance = from != nullptr ? from->of.instance : id_;  // to the guest it is the same VM
  make_cloud_init(*driver_, ready.config(), instance, run_dir_, call);
  std::filesystem::remove(exit_record_path(run_dir_.string()));  // of a start that failed
  tracker_->begin();
  feed_->begin();
  if (ready.config().ready.console_line.empty()) tracker_->expect_port(ready_port(ready.config()));

  call.report("spawn");
  auto keeper =
      Keeper::launch(spec, {.keeper_path = driver_->host.keeper_path, .run_dir = run_dir_.string(), .call = call});
  {
    const std::scoped_lock lock{mutex_};
    record_.keeper = {keeper.identity().pid, keeper.identity().start_time};
    const auto& main = keeper.main_process().identity;
    record_.hypervisor = {main.pid, main.start_time};
    record_.boot_id = host_boot_id();
    record_.config = ready.config();
    record_.blob.set("uuid", uuid)
        .set("helpers", helpers_to_value(keeper.processes()))
        .set("binary", binary)
        .set("machine", machine)
        .set("instance", instance)
        .set("accelerator", ready.accelerator() == Accelerator::kvm ? "kvm" : "tcg")
        .set("customised", plan.customised)
        .set("addresses", plan.addresses.to_value())
        .set("places", places_to_value(plan.places));
  }
  keeper.hello(KeeperRole::owner, "start", call);
  auto session = std::make_shared<Session>(session_context(), std::move(keeper));
  (void)replace_session(session);
  call.report("negotiate");
  session->connect_monitor(plan.owner.path, call);
  // QEMU answers: it has opened its disks, and opens this one never again. Nobody need be there to remove its secrets.
  remove_cloud_init(run_dir_);
}

void QemuVm::start(bool start_paused, const CallContext& call) {
  come_up("start", start_paused, call, [this](const CallContext& limited) { return find_state(limited); });
}

/// QEMU is connected: from here to a guest that runs, or stands still with what it was given.
void QemuVm::begin_life(const Arrival* from, bool stays_paused, const CallContext& call) {
  const auto session = this->session();
  auto& client = *session->client();
  {
    const std::scoped_lock lock{mutex_};
    record_.blob.set("qemu_version", to_string(client.version())).set("failed_start", {});
  }
  check_helpers(*session->keeper(), call);
  store_record();  // before the keeper is told that the VM may outlive this handle, and before a sender lets go of it
  if (from != nullptr) take_state(client, *from, call);
  try {
    session->keeper()->commit();
  } catch (const Error& error) {
    if (from == nullptr) throw;
    // Whoever sent the state has given it up: this is the only one.
    driver_->log(LogLevel::warning, id_, "The VM may end with this handle: " + error.message());
  }
  call.report("run");
  if (!stays_paused) qmp::cont(client, call);
  session->keeper()->set_operation("running");
}

void QemuVm::come_up(std::string_view operation, bool stays_paused, const CallContext& call, const FindArrival& find) {
  const auto pass = gate_.enter(call, "another operation on the VM");
  if (launched() || known_exit()) refuse_state(operation, "created", call);
  call.check("the start");
  own(operation, call);
  if (launched() || known_exit()) refuse_state(operation, "created", call);
  starting_ = true;
  std::optional<NewFile> memory;
  try {
    const auto from = find(call);
    memory = make_template_memory(record_.config, prepared(call).memory_bytes(*driver_));
    launch_with_or_without_kvm(from ? &*from : nullptr, call);
    begin_life(from ? &*from : nullptr, stays_paused, call);
  } catch (const Error& error) {
    const auto explained = explain_failure(error);
    const auto reason = reason_of(explained);
    undo_launch(&reason);
    throw Error{explained};
  } catch (...) {
    undo_launch(nullptr);
    throw;
  }
  if (memory) memory->keep();
  starting_ = false;
  lifeline_ = true;
  tracker_->started();
  const auto notice = prepared_->accelerator_notice();
  if (!notice.empty()) driver_->log(LogLevel::warning, id_, notice);
}

/// How QEMU ended, when that is what is behind the error of a launch: its sockets vanish with it, and a refused
/// connection says nothing.
std::optional<std::string> QemuVm::end_behind(const Error& error) const {
  if (error.code() != Errc::not_found && error.code() != Errc::disconnected) return std::nullopt;
  const auto session = this->session();
  if (session && session->has_monitor() && !session->lost_monitor()) return std::nullopt;  // it lives
  if (session) {
    const auto exit = tracker_->exit_by(std::chrono::steady_clock::now() + 2s);
    if (exit) return exit->text;
  }
  // Before there was a session even the keeper may be gone, but not without having written its record.
  const auto kept = read_exit_record(run_dir_.string());
  return kept ? std::optional{explain_exit(*kept).text} : std::nullopt;
}

Error QemuVm::explain_failure(const Error& error) const {
  // What is wrong with the configuration is told by its fields, a line each, which callers look for.
  if (is_config_field(error.message().substr(0, error.message().find(": ")))) return error;
  const auto prefix = "Cannot start VM '" + id_ + "': ";
  if (const auto end = end_behind(error)) return Error(Errc::disconnected, prefix + *end);
  std::string words;
  // QEMU says nothing before the processes that serve its devices have answered it.
  const auto session = this->session();
  if (error.code() == Errc::timeout && session && session->keeper() != nullptr) {
    words = words_of_helpers(*session->keeper(), 500ms);
  }
  return Error(error.code(), prefix + error.message() + words);
}

/// What is remembered of a start that failed: how QEMU ended, if it did by itself.
visor::ExitRecord QemuVm::reason_of(const Error& failure) const {
  auto reason = tracker_->exit_by(Deadline{}).value_or(visor::ExitRecord{});
  try {
    const auto kept = read_exit_record(run_dir_.string());
    if (reason.cause == ExitCause::unknown && kept) reason = explain_exit(*kept);
  } catch (const Error& error) {
    driver_->log(LogLevel::debug, id_, error.message());
  }
  if (reason.cause == ExitCause::unknown) reason.cause = ExitCause::stopped;  // undo_launch() ends what there is
  reason.text = failure.message();
  reason.time = std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
  return reason;
}

/// Ends whatever a start has begun; the VM is then created again, and its record says why the start failed. What cannot
/// be ended stays in the record, for stop() to find.
void QemuVm::undo_launch(const visor::ExitRecord* reason) noexcept {
  starting_ = false;
  const auto session = replace_session(nullptr);
  const bool gone = end_launched(session.get());
  if (session) session->quiesce();  // before the tracker forgets: what is on its way would be remembered
  tracker_->reset();
  try {
    if (gone) std::filesystem::remove(exit_record_path(run_dir_.string()));
    if (gone) remove_cloud_init(run_dir_);
    {
      const std::scoped_lock lock{mutex_};
      if (gone) {
        record_.keeper = {};
        record_.hypervisor = {};
        for (const auto* key :
             {"helpers", "uuid", "binary", "machine", "accelerator", "customised", "addresses", "places", "instance"}) {
          record_.blob.set(key, {});
        }
        if (prepared_) record_.config = prepared_->config();  // what the start chose, the next one chooses anew
      }
      if (reason != nullptr) record_.blob.set("failed_start", exit_to_value(*reason));
    }
    store_record();
  } catch (const std::exception& error) {
    driver_->log(LogLevel::warning, id_, std::string{"Cleaning up after a failed start: "} + error.what());
  }
}

void QemuVm::wait_ready(const CallContext& call) try {
  capabilities().require(Feature::wait_ready, driver_->name());
  require_live("wait_ready", call);
  watch(call);
  const auto config = this->config();
  if (!config.ready.console_line.empty()) wait_console_line(config.ready.console_line, call);
  const auto port = ready_port(config);
  if (!port.empty() && !tracker_->wait_port(port, call)) {
    throw Error(Errc::disconnected, "VM '" + id_ + "' ended before it was ready: " + wait_exit(call).text);
  }
  tracker_->on_ready();
} catch (const Error& error) {
  // Why a guest is not ready is said by itself, if by anybody.
  const auto printed = error.code() == Errc::timeout ? last_console_line(run_dir_ / "console.log") : std::string{};
  if (printed.empty()) throw;
  throw Error(Errc::timeout, std::string{error.what()} + "; the last line on its console: " + printed);
}

void QemuVm::wait_console_line(const std::string& line, const CallContext& call) {
  const auto console = this->console(call);
  std::string window;
  std::array<char, 4096> buffer{};
  for (;;) {
    const auto size = console->read(buffer.data(), buffer.size(), call);
    if (size == 0) throw Error(Errc::disconnected, "VM '" + id_ + "' ended before it was ready");
    window.append(buffer.data(), size);
    if (window.find(line) != std::string::npos) return;
    if (window.size() > line.size()) window.erase(0, window.size() - line.size());
  }
}

}  // namespace visor::sdk
