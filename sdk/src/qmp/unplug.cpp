// SPDX-License-Identifier: Apache-2.0
#include "visor/sdk/qmp/unplug.hpp"

#include "commands/arguments.hpp"
#include "follow.hpp"
#include "remove.hpp"
#include "visor/core/error.hpp"
#include "visor/sdk/qmp/commands/qom.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace visor::sdk::qmp {
namespace {

constexpr std::chrono::milliseconds pause_between_tries{100};
constexpr std::chrono::milliseconds pause_between_looks{1000};
constexpr std::chrono::milliseconds most_for_query{500};
/// ACPI 6.3, 6.3.5: the event that asks for an ejection, and the statuses that say it will not be.
constexpr std::int64_t ost_eject_request = 3;
constexpr std::array<std::int64_t, 5> ost_failures = {0x01, 0x02, 0x80, 0x81, 0x82};

bool is_of(const Value& data, const std::string& id) {
  if (data.find("device")) return text_of(data, "device") == id;
  return text_of(data, "path") == "/machine/peripheral/" + id;
}

std::optional<UnplugReport> ost_verdict(const Event& event, const std::string& id) {
  const auto* const info = event.data.find("info");
  const auto* const source = info ? info->find("source") : nullptr;
  const auto* const status = info ? info->find("status") : nullptr;
  if (!source || !status || text_of(*info, "device") != id || *source != Value{ost_eject_request}) return std::nullopt;
  const bool failed = std::ranges::any_of(ost_failures, [&](std::int64_t code) { return *status == Value{code}; });
  if (!failed) return std::nullopt;
  return UnplugReport{UnplugOutcome::refused, "The guest reported a failed ejection by ACPI"};
}

/// What an event says of a device's unplug.
std::optional<UnplugReport> verdict(const Event& event, const std::string& id) {
  if (event.name == "ACPI_DEVICE_OST") return ost_verdict(event, id);
  // A device with parts has an event for each, which has their path: only the device's own has its id.
  if (event.name == "DEVICE_DELETED" && text_of(event.data, "device") == id) {
    return UnplugReport{UnplugOutcome::gone, "The guest let go of it"};
  }
  if (event.name == "MEM_UNPLUG_ERROR" && is_of(event.data, id)) {
    return UnplugReport{UnplugOutcome::refused, "The guest keeps the memory: " + text_of(event.data, "msg")};
  }
  if (event.name == "DEVICE_UNPLUG_GUEST_ERROR" && is_of(event.data, id)) {
    return UnplugReport{UnplugOutcome::refused, "The guest keeps the device"};
  }
  return std::nullopt;
}

std::vector<std::string> devices_of(Client& client, const CallContext& call) {
  std::vector<std::string> names;
  for (auto& property : qom_list(client, "/machine/peripheral", call)) names.push_back(std::move(property.name));
  return names;
}

class Unplug {
 public:
  Unplug(Client& client, const std::string& id, const CallContext& call)
      : client_{client},
        id_{id},
        call_{call},
        last_word_{call.deadline() - std::min(most_for_query, call.remaining() / 10), call.cancel()},
        events_{
            client.subscribe({"DEVICE_DELETED", "DEVICE_UNPLUG_GUEST_ERROR", "MEM_UNPLUG_ERROR", "ACPI_DEVICE_OST"})} {}

  UnplugReport run() {
    call_.check("the removal of device '" + id_ + "'");
    while (true) {
      if (auto report = ask()) return verified(*std::move(report));
      if (auto report = wait(last_word_.at_most(pause_between_tries))) return verified(*std::move(report));
      if (last_word_.expired()) {
        return verified({UnplugOutcome::pending, "The guest is busy with an earlier request"});
      }
    }
  }

  /// Whether a request may have reached QEMU.
  [[nodiscard]] bool asked() const noexcept { return asked_; }

 private:
  /// Sends device_del and follows it. Nothing: it is to be sent again.
  std::optional<UnplugReport> ask();
  std::optional<UnplugReport> follow();
  std::optional<UnplugReport> wait(const CallContext& call);
  std::optional<UnplugReport> after_loss();
  UnplugReport verified(UnplugReport report);

  Client& client_;
  const std::string& id_;
  const CallContext& call_;
  CallContext last_word_;  // what is left of the call after it is for the query
  std::shared_ptr<EventQueue> events_;
  bool asked_ = false;
  std::uint64_t lost_ = 0;  // how many losses were made good by asking
};

std::optional<UnplugReport> Unplug::ask() {
  const auto outcome = client_.call({"device_del", Value::map({{"id", id_}})}, last_word_);
  const auto* const error = outcome.error();
  asked_ = asked_ || !error || !error->unsent;
  if (error && error->code == Errc::timeout && asked_) {
    return UnplugReport{UnplugOutcome::pending, "QEMU did not answer device_del in time"};
  }
  if (error && error->code != Errc::hypervisor_error) error->raise();
  if (error && error->error_class == ErrorClass::device_not_found) {
    return UnplugReport{UnplugOutcome::gone, "QEMU has no such device"};
  }
  // qemu: hw/pci/pcie.c, "Hot-unplug failed: guest is busy (power indicator blinking)"
  if (error && has(error->description, "guest is busy")) return std::nullopt;
  if (error && !has(error->description, "already in the process of unplug")) {
    return UnplugReport{UnplugOutcome::refused, "QEMU refused: " + error->description};
  }
  if (auto report = follow()) return report;
  return UnplugReport{UnplugOutcome::pending, "The guest was asked and has not let go of it yet"};
}

/// Waits for an event, and looks now and then: QEMU sends it when nobody holds on to the device any more, which may be
/// long after it was taken out (qemu: hw/core/qdev.c, device_finalize(); seen with a card of an idle s390x guest).
std::optional<UnplugReport> Unplug::follow() {
  while (!last_word_.expired()) {
    if (auto report = wait(last_word_.at_most(pause_between_looks))) return report;
    if (auto report = verified({}); report.outcome == UnplugOutcome::gone) return report;
  }
  return std::nullopt;
}

/// The first event that says what came of it; nothing at the deadline.
std::optional<UnplugReport> Unplug::wait(const CallContext& call) {
  try {
    while (const auto event = next_in_time(*events_, call)) {
      if (auto report = verdict(*event, id_)) return report;
      if (auto report = after_loss()) return report;
    }
  } catch (const Error& error) {
    if (error.code() == Errc::timeout) return std::nullopt;
    throw;
  }
  // Asked in the blocking way the error has the cause of the loss.
  (void)client_.execute("qom-list", Value::map({{"path", "/machine/peripheral"}}), call_);
  throw Error(Errc::disconnected, "The session ended while device '" + id_ + "' was being removed");
}

/// Asks whether it is gone when events were lost since the last time: its own may have been among them.
std::optional<UnplugReport> Unplug::after_loss() {
  const auto lost = events_->dropped();
  if (lost == std::exchange(lost_, lost)) return std::nullopt;
  auto report = verified({});
  return report.outcome == UnplugOutcome::gone ? std::optional{std::move(report)} : std::nullopt;
}

UnplugReport Unplug::verified(UnplugReport report) {
  if (report.outcome == UnplugOutcome::gone) return report;
  try {
    const auto devices = devices_of(client_, call_);
    if (std::ranges::find(devices, id_) != devices.end()) return report;
    return {UnplugOutcome::gone, "QEMU does not list it any more"};
  } catch (const Error& error) {
    if (error.code() == Errc::timeout || error.code() == Errc::hypervisor_error) return report;
    throw;
  }
}

}  // namespace

UnplugReport unplug(Client& client, const std::string& id, const CallContext& call) {
  return Unplug{client, id, call}.run();
}

UnplugReport unplug(Client& client, const std::string& id, const std::vector<Command>& behind,
                    const CallContext& call) {
  auto report = unplug(client, id, call);
  if (report.outcome != UnplugOutcome::gone) return report;
  for (const auto& command : behind) {
    const auto error = remove(client, command, call);
    if (!error) continue;
    if (error->code != Errc::timeout && !is_in_use(*error)) error->raise();
    return {UnplugOutcome::pending, "It is gone, and what stood behind it is not yet: " + error->message};
  }
  return report;
}

UnplugReport PendingUnplugs::unplug(Client& client, const std::string& id, const CallContext& call) {
  Unplug work{client, id, call};
  std::optional<UnplugReport> before;
  {
    const std::scoped_lock lock{mutex_};
    const auto [entry, fresh] = reports_.try_emplace(id);
    if (!fresh) before = std::move(entry->second);
    entry->second = {UnplugOutcome::pending, "The guest is being asked"};
  }
  UnplugReport report;
  try {
    report = work.run();
  } catch (...) {
    if (!work.asked()) restore(id, std::move(before));
    throw;
  }
  const std::scoped_lock lock{mutex_};
  auto& known = reports_[id];
  // What an event said meanwhile is newer than what the call knew when it gave up.
  if (report.outcome == UnplugOutcome::pending && known.outcome != UnplugOutcome::pending) return known;
  return known = std::move(report);
}

void PendingUnplugs::restore(const std::string& id, std::optional<UnplugReport> before) {
  const std::scoped_lock lock{mutex_};
  const auto known = reports_.find(id);
  if (known == reports_.end() || known->second.outcome != UnplugOutcome::pending) return;  // said by an event meanwhile
  if (before) {
    known->second = *std::move(before);
  } else {
    reports_.erase(known);
  }
}

void PendingUnplugs::hear(const Event& event) {
  const std::scoped_lock lock{mutex_};
  for (auto& [id, report] : reports_) {
    if (report.outcome == UnplugOutcome::gone) continue;
    if (auto said = verdict(event, id)) report = *std::move(said);
  }
}

void PendingUnplugs::resync(Client& client, const CallContext& call) {
  const auto devices = devices_of(client, call);
  const std::scoped_lock lock{mutex_};
  for (auto& [id, report] : reports_) {
    if (report.outcome == UnplugOutcome::gone || std::ranges::find(devices, id) != devices.end()) continue;
    report = {UnplugOutcome::gone, "QEMU does not list it any more"};
  }
}

std::optional<UnplugReport> PendingUnplugs::find(const std::string& id) const {
  const std::scoped_lock lock{mutex_};
  const auto found = reports_.find(id);
  return found == reports_.end() ? std::nullopt : std::optional{found->second};
}

std::vector<std::string> PendingUnplugs::pending() const {
  const std::scoped_lock lock{mutex_};
  std::vector<std::string> ids;
  for (const auto& [id, report] : reports_) {
    if (report.outcome == UnplugOutcome::pending) ids.push_back(id);
  }
  return ids;
}

void PendingUnplugs::forget(const std::string& id) {
  const std::scoped_lock lock{mutex_};
  reports_.erase(id);
}

}  // namespace visor::sdk::qmp
