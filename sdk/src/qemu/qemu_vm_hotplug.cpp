// SPDX-License-Identifier: Apache-2.0
// Devices that come and go while the VM runs.
#include "guest_address.hpp"
#include "plan/host_needs.hpp"
#include "qemu_vm.hpp"
#include "visor/core/error.hpp"
#include "visor/sdk/hotplug/plugging.hpp"
#include "visor/sdk/process/spec.hpp"
#include "visor/sdk/qmp/commands/qom.hpp"
#include "vsock_cid.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <set>
#include <utility>

namespace visor::sdk {
namespace {

using namespace std::chrono_literals;

/// For taking back what is there but cannot be recorded, beyond the call's own deadline.
constexpr std::chrono::milliseconds undo_limit = qmp::default_undo_limit;
/// How long an operation sees to what an earlier one has left.
constexpr std::chrono::milliseconds tidy_limit{500};

std::optional<Feature> feature_of(const DeviceConfig& device) noexcept {
  if (std::holds_alternative<DiskConfig>(device)) return Feature::hotplug_disk;
  if (std::holds_alternative<NicConfig>(device)) return Feature::hotplug_nic;
  if (std::holds_alternative<SerialPortConfig>(device)) return Feature::hotplug_serial_port;
  if (std::holds_alternative<VsockConfig>(device)) return Feature::hotplug_vsock;
  if (std::holds_alternative<VfioConfig>(device)) return Feature::hotplug_vfio;
  if (std::holds_alternative<VhostUserConfig>(device)) return Feature::hotplug_vhost_user;
  return std::nullopt;
}

void require_pluggable(const Capabilities& capabilities, const DeviceConfig& device, const std::string& who) {
  if (const auto feature = feature_of(device)) return capabilities.require(*feature, who);
  throw Error(Errc::unsupported, who + " has a " + std::string{device_type(device)} +
                                     " device from the start to the end or not at all; QEMU plugs none of these into a "
                                     "running VM");
}

bool plugs_anything(const Capabilities& capabilities) {
  constexpr std::array all = {Feature::hotplug_disk,  Feature::hotplug_nic,  Feature::hotplug_serial_port,
                              Feature::hotplug_vsock, Feature::hotplug_vfio, Feature::hotplug_vhost_user};
  return std::ranges::any_of(all, [&](Feature feature) { return capabilities.has(feature); });
}

void refuse_second(const LiveDevices& live, const DeviceConfig& device, const std::string& vm) {
  const auto& id = device_id(device);
  if (live.addresses.is_leaving(id)) {
    auto copy = live.addresses;
    copy.claim(id);  // says so
  }
  if (!id.empty() && live.find(id) != nullptr) {
    throw Error(Errc::already_exists, "VM '" + vm + "' has a device '" + id + "' already");
  }
  const auto is_vsock = [](const auto& one) { return std::holds_alternative<VsockConfig>(one); };
  if (is_vsock(device) && std::ranges::any_of(live.devices, is_vsock)) {
    throw Error(Errc::already_exists, "VM '" + vm + "' has a vsock device already; it has one address on the host");
  }
}

std::string text_in(const Value& blob, std::string_view key) {
  const auto* const member = blob.find(key);
  return member != nullptr && member->is_string() ? member->as_string() : std::string{};
}

const Place& place_in(const LiveDevices& live, const std::string& id) {
  static const Place none;
  const auto found = live.places.find(id);
  return found == live.places.end() ? none : found->second;
}

void remove_socket(const DeviceConfig& device, const std::filesystem::path& run_dir) noexcept {
  const auto* const port = std::get_if<SerialPortConfig>(&device);
  if (port != nullptr) ::unlink(plan::port_socket(*port, run_dir).c_str());
}

}  // namespace

/// A port of the serial bus leaves memory as it is.
void QemuVm::check_memory_map(std::string_view operation, const DeviceConfig& device) const {
  if (!std::holds_alternative<SerialPortConfig>(device)) check_memory_map(operation);
}

HotplugResult QemuVm::hotplug_add(const DeviceConfig& device, const CallContext& call) {
  require_pluggable(capabilities(), device, driver_->name());
  HotplugResult result;
  change("hotplug_add", call, [&](qmp::Client& client) { result = plug(client, device, call); });
  return result;
}

UnplugOutcome QemuVm::hotplug_remove(std::string_view device_id, const CallContext& call) {
  const std::string id{device_id};
  const auto capabilities = this->capabilities();
  const auto devices = config().devices;
  const auto known = std::ranges::find_if(devices, [&](const auto& device) { return visor::device_id(device) == id; });
  if (known != devices.end()) {
    require_pluggable(capabilities, *known, driver_->name());
  } else if (!plugs_anything(capabilities)) {
    capabilities.require(Feature::hotplug_disk, driver_->name());
  }
  auto outcome = UnplugOutcome::pending;
  change("hotplug_remove", call, [&](qmp::Client& client) { outcome = unplug(client, id, call); });
  return outcome;
}

/// The configuration with one device more, which is checked as it would be before the start.
Prepared QemuVm::running(const DeviceConfig& with) const {
  const auto record = this->record();
  const auto accelerator = text_in(record.blob, "accelerator") == "kvm" ? Accelerator::kvm : Accelerator::tcg;
  auto caps = prepared_ ? prepared_->caps() : known_caps_of(*driver_, record.config);
  return Prepared::of_running(*driver_, record.config, std::move(caps), accelerator).plug_device(*driver_, with);
}

void QemuVm::keep(const LiveDevices& live) {
  keep([&](VmRecord& record) { live.put_into(record); });
}

HotplugResult QemuVm::plug(qmp::Client& client, const DeviceConfig& asked, const CallContext& call) {
  check_memory_map("plugging a device", asked);
  tidy_up(client, call);
  auto live = LiveDevices::of(record());
  refuse_second(live, asked, id_);
  if (std::holds_alternative<VhostUserConfig>(asked) && !plan::detail::shares_memory(config())) {
    throw Error(Errc::unsupported,
                "VM '" + id_ + "': the process that serves a vhost-user device needs the guest's " +
                    "memory, which this VM does not share; set memory.backing_dir (/dev/shm, say), " +
                    "or have the device in the configuration");
  }
  const auto uuid = text_in(record().blob, "uuid");
  auto ready = running(asked);
  ready = running(
      plan::as_plugged(ready.input(*driver_, id_, run_dir_, uuid), live.addresses, ready.config().devices.back()));
  const auto index = ready.config().devices.size() - 1;
  plan::check_host(ready.config(), index);
  const bool vsock_wanted = std::holds_alternative<VsockConfig>(ready.config().devices.back());
  const auto vsock = vsock_wanted ? claim_vsock(ready.config(), id_, "/dev/vhost-vsock") : VsockClaim{};
  if (vsock_wanted) ready = ready.with_cid(vsock.cid);
  const auto& device = ready.config().devices.back();
  if (const auto* const port = std::get_if<SerialPortConfig>(&device)) {
    check_socket_path(plan::port_socket(*port, run_dir_));
  }
  plan::Plan plan;
  plan.addresses = std::move(live.addresses);
  plan.places = std::move(live.places);
  hotplug::Plugging parts{client.version()};
  plan::plan_plug(ready.input(*driver_, id_, run_dir_, uuid), index, plan, parts, vsock.fd.get());
  live.addresses = std::move(plan.addresses);
  live.places = std::move(plan.places);
  live.devices.push_back(device);
  unplugs_->forget(device_id(device));
  run_plug(client, parts, device, live, call);
  return guest_address(client, device, place_in(live, device_id(device)), call);
}

/// Plugs it and writes that down. Before that, and when it cannot be taken back, it stands in the record as a device
/// that is to go: whoever finds a VM whose plugging was cut off knows of it.
void QemuVm::run_plug(qmp::Client& client, const hotplug::Plugging& parts, const DeviceConfig& device,
                      const LiveDevices& live, const CallContext& call) {
  const auto before = LiveDevices::of(record());
  auto begun = live;
  begun.addresses.settle(device_id(device), UnplugOutcome::pending);
  for (const auto& [id, place] : live.places) {  // a controller that comes along, too
    if (!before.places.contains(id)) begun.addresses.settle(id, UnplugOutcome::pending);
  }
  keep(begun);  // what cannot be recorded is not begun
  try {
    parts.run(client, call);
  } catch (const qmp::UndoError& error) {
    throw Error(error.code(), error.message() + "; unplug '" + device_id(device) + "' to try that again");
  } catch (...) {
    keep_after_failure([&](VmRecord& record) { before.put_into(record); });
    throw;
  }
  try {
    keep(live);
  } catch (const Error& error) {
    const auto report = take_out(client, device, call.remaining() < undo_limit ? CallContext{undo_limit} : call);
    if (report.outcome != UnplugOutcome::gone) {
      throw Error(error.code(), error.message() + "; the device is there, since it could not be unplugged again (" +
                                    report.reason + ")");
    }
    keep_after_failure([&](VmRecord& record) { before.put_into(record); });
    throw;
  }
}

/// Asks for it, and removes what stands behind it once it is gone.
qmp::UnplugReport QemuVm::take_out(qmp::Client& client, const DeviceConfig& device, const CallContext& call) {
  const auto& id = device_id(device);
  auto report = unplugs_->unplug(client, id, call);
  const auto behind = plan::behind(device);
  if (report.outcome != UnplugOutcome::gone) return report;
  if (!behind.empty()) report = qmp::unplug(client, id, behind, call);
  if (report.outcome == UnplugOutcome::gone) remove_socket(device, run_dir_);
  return report;
}

UnplugOutcome QemuVm::unplug(qmp::Client& client, const std::string& id, const CallContext& call) {
  tidy_up(client, call);
  auto live = LiveDevices::of(record());
  const auto* const found = live.find(id);
  if (found == nullptr) throw Error(Errc::not_found, "VM '" + id_ + "' has no device '" + id + "'");
  const auto device = *found;
  require_pluggable(capabilities(), device, driver_->name());
  check_memory_map("unplugging a device", device);
  const bool was_leaving = live.addresses.is_leaving(id);
  qmp::UnplugReport report;
  try {
    report = take_out(client, device, call);
  } catch (...) {
    // It may be gone without what stood behind it: the next operation goes on with that.
    live.addresses.settle(id, UnplugOutcome::pending);
    if (!was_leaving && unplugs_->find(id)) keep(live);
    throw;
  }
  driver_->log(LogLevel::debug, id_, "Unplugging '" + id + "': " + report.reason);
  if (report.outcome == UnplugOutcome::gone) {
    live.erase(id);
  } else {
    live.addresses.settle(id, report.outcome);
  }
  if (report.outcome == UnplugOutcome::gone || was_leaving != live.addresses.is_leaving(id)) keep(live);
  if (report.outcome == UnplugOutcome::gone) unplugs_->forget(id);
  if (report.outcome == UnplugOutcome::pending && !unplug_watch_) {
    unplug_watch_ = std::make_unique<UnplugWatch>(tracker_->subscribe(),
                                                  [this](const CallContext& limited) { settle_late(limited); });
  }
  return report.outcome;
}

/// What is left of one device is in nobody's way for long.
void QemuVm::tidy_up(qmp::Client& client, const CallContext& call) {
  try {
    settle_unplugs(client, call.at_most(std::min<std::chrono::milliseconds>(tidy_limit, call.remaining() / 4)));
  } catch (const Error& error) {
    if (error.code() == Errc::cancelled || error.code() == Errc::disconnected) throw;
    driver_->log(LogLevel::debug, id_, "What an unplugged device has left stays for now: " + error.message());
  }
}

void QemuVm::settle_unplugs(qmp::Client& client, const CallContext& call) {
  auto live = LiveDevices::of(record());
  if (live.addresses.leaving().empty()) return;
  std::set<std::string, std::less<>> there;
  for (auto& device : qmp::qom_list(client, "/machine/peripheral", call)) there.insert(std::move(device.name));
  const auto asked = live.addresses.leaving();
  bool changed = false;
  for (const auto& id : asked) {
    const auto* const device = live.find(id);
    if (there.contains(id)) continue;
    if (device != nullptr && take_out(client, *device, call).outcome != UnplugOutcome::gone) continue;
    live.erase(id);
    changed = true;
  }
  if (!changed) return;
  keep(live);
  for (const auto& id : asked) {
    if (live.find(id) == nullptr) unplugs_->forget(id);
  }
}

/// On the thread of the watch. A handle that has let go of the VM leaves it to the next owner.
void QemuVm::settle_late(const CallContext& call) {
  const auto pass = gate_.enter(call, "another operation on the VM");
  const auto session = this->session();
  if (!lock_ || !session || !session->has_monitor() || session->lost_monitor()) return;
  settle_unplugs(*session->client(), call);
}

/// QEMU removes them when it ends by itself. The keeper knows those from the start alone.
void QemuVm::drop_sockets_of_plugged() const noexcept {
  try {
    const auto record = read_record(run_dir_);
    for (const auto& device : record.config.devices) {
      const auto* const places = record.blob.find("places");
      if (places != nullptr && places->find(device_id(device)) != nullptr) remove_socket(device, run_dir_);
    }
  } catch (const std::exception& error) {
    driver_->log(LogLevel::debug, id_, std::string{"No sockets of plugged ports are removed: "} + error.what());
  }
}

}  // namespace visor::sdk
