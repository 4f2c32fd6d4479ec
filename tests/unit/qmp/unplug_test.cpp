// SPDX-License-Identifier: Apache-2.0
#include "visor/sdk/qmp/unplug.hpp"

#include "raw_peer.hpp"

namespace visor::sdk::qmp {
namespace {

const Value d0 = Value::map({{"id", "d0"}});
Value device(const char* id) {
  return Value::map({{"device", id}, {"path", std::string{"/machine/peripheral/"} + id}});
}
Value entry(const char* name) { return Value::map({{"name", name}, {"type", "child<x>"}}); }

/// What QEMU has: d0, or only others.
const Value with_d0 = Value::list({entry("type"), entry("d1"), entry("d0")});
const Value without_d0 = Value::list({entry("type"), entry("d1")});

QmpScript asked() { return std::move(ready_script().expect("device_del", d0)); }

/// The script's server answers one unplug of d0; it must have been followed to its end.
UnplugReport outcome_of(QmpScript script, const std::vector<Command>& behind = {}) {
  FakeQmpServer server{std::move(script.expect_end())};
  auto client = connect(server);
  auto report = behind.empty() ? unplug(*client, "d0", plenty) : unplug(*client, "d0", behind, plenty);
  client.reset();
  EXPECT_EQ(server.finish(), "");
  return report;
}

UnplugReport refusal_of(std::string event, Value data, Value devices = with_d0) {
  return outcome_of(asked()
                        .reply()
                        .event(std::move(event), std::move(data))
                        .expect("qom-list", Value::map({{"path", "/machine/peripheral"}}))
                        .reply(std::move(devices)));
}

TEST(Unplug, IsGoneWithItsEventBeforeOrAfterTheAnswer) {
  EXPECT_EQ(outcome_of(asked().event("DEVICE_DELETED", device("d0")).reply()).outcome, UnplugOutcome::gone);
  EXPECT_EQ(outcome_of(asked().reply().event("DEVICE_DELETED", device("d0"))).outcome, UnplugOutcome::gone);
}

TEST(Unplug, IsNotTakenInByOtherEvents) {
  const auto of_part = Value::map({{"path", "/machine/peripheral/d0/virtio-backend"}});
  FakeQmpServer server{asked()
                           .reply()
                           .event("DEVICE_DELETED", of_part)
                           .event("DEVICE_DELETED", device("d00"))
                           .event("DEVICE_UNPLUG_GUEST_ERROR", device("d1"))
                           .event("MEM_UNPLUG_ERROR", Value::map({{"device", "d1"}, {"msg", "busy"}}))
                           .pause("go")
                           .event("DEVICE_DELETED", device("d0"))};
  const auto client = connect(server);
  auto running = std::async(std::launch::async, [&] { return unplug(*client, "d0", plenty); });
  while (client->counters().events < 4 && running.wait_for(0s) != std::future_status::ready) std::this_thread::yield();
  EXPECT_NE(running.wait_for(0s), std::future_status::ready);
  server.release("go");
  EXPECT_EQ(running.get().outcome, UnplugOutcome::gone);
}

TEST(Unplug, IsGoneWhenQemuHasNoSuchDevice) {
  const auto report = outcome_of(asked().fail("DeviceNotFound", "Device 'd0' not found"));
  EXPECT_EQ(report.outcome, UnplugOutcome::gone);
  EXPECT_EQ(report.reason, "QEMU has no such device");
}

TEST(Unplug, IsGoneWhenALookFindsItGoneWhileNoEventComes) {
  const auto look = Value::map({{"path", "/machine/peripheral"}});
  const auto report =
      outcome_of(asked().reply().expect("qom-list", look).reply(with_d0).expect("qom-list", look).reply(without_d0));
  EXPECT_EQ(report.outcome, UnplugOutcome::gone);
  EXPECT_EQ(report.reason, "QEMU does not list it any more");
}

TEST(Unplug, IsRefusedInTheGuestsWords) {
  EXPECT_EQ(refusal_of("DEVICE_UNPLUG_GUEST_ERROR", device("d0")).outcome, UnplugOutcome::refused);
  const auto by_path = Value::map({{"path", "/machine/peripheral/d0"}});
  EXPECT_EQ(refusal_of("DEVICE_UNPLUG_GUEST_ERROR", by_path).outcome, UnplugOutcome::refused);
  const auto memory = refusal_of("MEM_UNPLUG_ERROR", Value::map({{"device", "d0"}, {"msg", "pages are pinned"}}));
  EXPECT_EQ(memory.outcome, UnplugOutcome::refused);
  EXPECT_EQ(memory.reason, "The guest keeps the memory: pages are pinned");
}

Value ost(const char* device, int source, int status) {
  auto info = Value::map({{"device", device}, {"slot", "0"}, {"slot-type", "CPU"}});
  return Value::map({{"info", info.set("source", source).set("status", status)}});
}

TEST(Unplug, IsRefusedByAFailedEjectionOfAcpi) {
  for (const int status : {1, 2, 0x80, 0x81, 0x82}) {
    EXPECT_EQ(refusal_of("ACPI_DEVICE_OST", ost("d0", 3, status)).outcome, UnplugOutcome::refused) << status;
  }
  FakeQmpServer server{asked()
                           .reply()
                           .event("ACPI_DEVICE_OST", ost("d0", 3, 0))
                           .event("ACPI_DEVICE_OST", ost("d0", 3, 0x84))
                           .event("ACPI_DEVICE_OST", ost("d0", 1, 1))
                           .event("ACPI_DEVICE_OST", ost("d1", 3, 1))
                           .event("ACPI_DEVICE_OST", Value{})
                           .event("DEVICE_DELETED", device("d0"))};
  EXPECT_EQ(unplug(*connect(server), "d0", plenty).outcome, UnplugOutcome::gone);
}

TEST(Unplug, AsksQemuWhenEventsWereLost) {
  // Its own event is the oldest of more than the queue holds; no other tells of it, and the deadline is far.
  auto script = asked();
  script.event("DEVICE_DELETED", device("d0"));
  for (std::size_t i = 0; i < EventQueue::default_capacity; ++i) script.event("ACPI_DEVICE_OST", ost("d1", 3, 1));
  FakeQmpServer server{script.reply().expect("qom-list").reply(without_d0).expect_end()};
  auto client = connect(server);
  EXPECT_EQ(unplug(*client, "d0", 10 * plenty).outcome, UnplugOutcome::gone);
  client.reset();
  EXPECT_EQ(server.finish(), "");
}

TEST(Unplug, IsGoneWhenAQueryFindsItGoneAfterARefusal) {
  EXPECT_EQ(refusal_of("DEVICE_UNPLUG_GUEST_ERROR", device("d0"), without_d0).outcome, UnplugOutcome::gone);
}

TEST(Unplug, IsRefusedInQemusWords) {
  const auto report = outcome_of(
      asked().fail("GenericError", "nvdimm device hot unplug is not supported yet.").expect("qom-list").reply(with_d0));
  EXPECT_EQ(report.outcome, UnplugOutcome::refused);
  EXPECT_EQ(report.reason, "QEMU refused: nvdimm device hot unplug is not supported yet.");
}

TEST(Unplug, WaitsForAnEarlierRequest) {
  EXPECT_EQ(outcome_of(asked()
                           .fail("GenericError", "Device d0 is already in the process of unplug")
                           .event("DEVICE_DELETED", device("d0")))
                .outcome,
            UnplugOutcome::gone);
}

TEST(Unplug, AsksABusyGuestAgain) {
  constexpr auto* busy = "Hot-unplug failed: guest is busy (power indicator blinking)";
  EXPECT_EQ(outcome_of(asked()
                           .fail("GenericError", busy)
                           .expect("device_del", d0)
                           .fail("GenericError", busy)
                           .expect("device_del", d0)
                           .reply()
                           .event("DEVICE_DELETED", device("d0")))
                .outcome,
            UnplugOutcome::gone);
  // Sometimes it goes all the same.
  EXPECT_EQ(outcome_of(asked().fail("GenericError", busy).event("DEVICE_DELETED", device("d0"))).outcome,
            UnplugOutcome::gone);
}

QmpScript::Handlers silent_guest() {
  return {{"device_del", [](const Value&) { return Value::map(); }},
          {"qom-list", [](const Value&) { return with_d0; }},
          {"blockdev-del", [](const Value&) -> Value { throw Error(Errc::busy, "Node node-d0 is in use"); }}};
}

TEST(Unplug, IsPendingAtTheDeadlineAndMayBeAskedAgain) {
  FakeQmpServer server{ready_script().serve(silent_guest())};
  const auto client = connect(server);
  EXPECT_EQ(unplug(*client, "d0", brief).outcome, UnplugOutcome::pending);
  EXPECT_EQ(unplug(*client, "d0", brief).outcome, UnplugOutcome::pending);
  FakeQmpServer mute{ready_script().silence()};
  const auto other = connect(mute);
  const auto report = unplug(*other, "d0", brief);
  EXPECT_EQ(report.outcome, UnplugOutcome::pending);
  EXPECT_EQ(report.reason, "QEMU did not answer device_del in time");
}

TEST(Unplug, IsPendingWhileTheGuestStaysBusy) {
  auto handlers = silent_guest();
  handlers["device_del"] = [](const Value&) -> Value { throw Error(Errc::busy, "Hot-unplug failed: guest is busy"); };
  FakeQmpServer server{ready_script().serve(handlers)};
  const auto client = connect(server);
  EXPECT_EQ(unplug(*client, "d0", brief).outcome, UnplugOutcome::pending);
}

TEST(Unplug, ThrowsWhenTheSessionEndsTheCallIsCancelledOrTheTimeIsUpBefore) {
  FakeQmpServer ends{asked().reply().close()};
  EXPECT_EQ(code_of([&] { unplug(*connect(ends), "d0", plenty); }), Errc::disconnected);

  FakeQmpServer waits{asked().reply().silence()};
  const auto client = connect(waits);
  CancelSource source;
  auto running = std::async(std::launch::async, [&] {
    return code_of([&] { unplug(*client, "d0", CallContext{in(plenty), source.token()}); });
  });
  while (waits.received().size() < 2 && running.wait_for(0s) != std::future_status::ready) std::this_thread::yield();
  source.cancel();
  EXPECT_EQ(running.get(), Errc::cancelled);

  FakeQmpServer server{ready_script().expect_end()};
  auto other = connect(server);
  const auto error = error_of([&] { unplug(*other, "d0", 0ms); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), Errc::timeout);
  EXPECT_EQ(error->message(), "Timed out while waiting for the removal of device 'd0'");
  other.reset();
  EXPECT_EQ(server.finish(), "");
}

const Command remove_node{"blockdev-del", Value::map({{"node-name", "node-d0"}})};
const Command remove_object{"object-del", Value::map({{"id", "m0"}})};

TEST(Unplug, RemovesWhatStoodBehindIt) {
  EXPECT_EQ(outcome_of(asked()
                           .reply()
                           .event("DEVICE_DELETED", device("d0"))
                           .expect("blockdev-del", remove_node.arguments)
                           .fail("GenericError", "Node node-d0 is in use")
                           .expect("blockdev-del", remove_node.arguments)
                           .reply()
                           .expect("object-del", remove_object.arguments)
                           .fail("GenericError", "object 'm0' not found"),
                       {remove_node, remove_object})
                .outcome,
            UnplugOutcome::gone);
}

TEST(Unplug, LeavesWhatStandsBehindADeviceThatStays) {
  EXPECT_EQ(
      outcome_of(asked().reply().event("DEVICE_UNPLUG_GUEST_ERROR", device("d0")).expect("qom-list").reply(with_d0),
                 {remove_node})
          .outcome,
      UnplugOutcome::refused);
}

TEST(Unplug, IsPendingWhileWhatStoodBehindItIsInUse) {
  auto handlers = silent_guest();
  handlers["qom-list"] = [](const Value&) { return without_d0; };
  FakeQmpServer server{ready_script().expect("device_del").fail("DeviceNotFound", "no").serve(handlers)};
  const auto client = connect(server);
  const auto report = unplug(*client, "d0", {remove_node}, 200ms);
  EXPECT_EQ(report.outcome, UnplugOutcome::pending);
}

TEST(Unplug, ThrowsWhenWhatStoodBehindItCannotBeRemoved) {
  FakeQmpServer server{
      asked().fail("DeviceNotFound", "no").expect("blockdev-del").fail("GenericError", "it is the root node")};
  EXPECT_EQ(code_of([&] { unplug(*connect(server), "d0", {remove_node}, plenty); }), Errc::hypervisor_error);
}

Event event(const char* name, Value data) {
  Event event;
  event.name = name;
  event.data = std::move(data);
  return event;
}

/// A registry with d0 pending.
void make_pending(PendingUnplugs& registry) {
  FakeQmpServer server{ready_script().serve(silent_guest())};
  const auto client = connect(server);
  EXPECT_EQ(registry.unplug(*client, "d0", brief).outcome, UnplugOutcome::pending);
}

TEST(PendingUnplugs, LearnOfALateEnd) {
  PendingUnplugs registry;
  EXPECT_FALSE(registry.find("d0"));
  make_pending(registry);
  EXPECT_EQ(registry.pending(), std::vector<std::string>{"d0"});
  registry.hear(event("DEVICE_DELETED", device("d1")));
  EXPECT_EQ(registry.find("d0")->outcome, UnplugOutcome::pending);
  registry.hear(event("DEVICE_UNPLUG_GUEST_ERROR", device("d0")));
  EXPECT_EQ(registry.find("d0")->outcome, UnplugOutcome::refused);
  registry.hear(event("DEVICE_DELETED", device("d0")));
  EXPECT_EQ(registry.find("d0")->outcome, UnplugOutcome::gone);
  registry.hear(event("DEVICE_UNPLUG_GUEST_ERROR", device("d0")));
  EXPECT_EQ(registry.find("d0")->outcome, UnplugOutcome::gone);
  EXPECT_TRUE(registry.pending().empty());
  registry.forget("d0");
  EXPECT_FALSE(registry.find("d0"));
}

TEST(PendingUnplugs, HearEventsByTheClientsCallback) {
  PendingUnplugs registry;
  make_pending(registry);
  FakeQmpServer server{ready_script().event("DEVICE_DELETED", device("d0")).expect("query-status").reply()};
  const auto client = connect(server, {.on_event = [&](const Event& event) { registry.hear(event); }});
  (void)client->execute("query-status", plenty);
  EXPECT_EQ(registry.find("d0")->outcome, UnplugOutcome::gone);
}

TEST(PendingUnplugs, AskANewSessionForWhatWasMissed) {
  PendingUnplugs registry;
  make_pending(registry);
  FakeQmpServer server{ready_script().expect("qom-list").reply(with_d0).expect("qom-list").reply(without_d0)};
  const auto client = connect(server);
  registry.resync(*client, plenty);
  EXPECT_EQ(registry.find("d0")->outcome, UnplugOutcome::pending);
  registry.resync(*client, plenty);
  EXPECT_EQ(registry.find("d0")->outcome, UnplugOutcome::gone);
}

TEST(PendingUnplugs, KeepWhatAnEventSaidWhileTheCallGaveUp) {
  PendingUnplugs registry;
  auto handlers = silent_guest();
  handlers["device_del"] = [&](const Value&) {
    registry.hear(event("DEVICE_DELETED", device("d0")));
    return Value::map();
  };
  FakeQmpServer server{ready_script().serve(handlers)};
  const auto client = connect(server);
  EXPECT_EQ(registry.unplug(*client, "d0", 500ms).outcome, UnplugOutcome::gone);
}

TEST(PendingUnplugs, KeepWhatWasKnownWhenNobodyWasAsked) {
  PendingUnplugs registry;
  FakeQmpServer server{ready_script().expect_end()};
  auto client = connect(server);
  EXPECT_EQ(code_of([&] { registry.unplug(*client, "d0", 0ms); }), Errc::timeout);
  EXPECT_FALSE(registry.find("d0"));
  make_pending(registry);
  registry.hear(event("DEVICE_UNPLUG_GUEST_ERROR", device("d0")));
  EXPECT_EQ(code_of([&] { registry.unplug(*client, "d0", 0ms); }), Errc::timeout);
  EXPECT_EQ(registry.find("d0")->outcome, UnplugOutcome::refused);
  client.reset();
  EXPECT_EQ(server.finish(), "");

  // QEMU reads nothing: the request is taken back, and QEMU does not find it later.
  RawPeer frozen;
  frozen.negotiate();
  client = Client::connect(frozen.take_client(), {}, plenty);
  client->call_async({"big", Value::map({{"text", std::string(4U << 20U, 'x')}})}, in(plenty), {});
  EXPECT_EQ(code_of([&] { registry.unplug(*client, "d1", brief); }), Errc::timeout);
  EXPECT_FALSE(registry.find("d1"));
  client->call_async({"last"}, in(plenty), {});
  EXPECT_EQ(frozen.read_until("last").find("device_del"), std::string::npos);
}

TEST(PendingUnplugs, KeepTheOutcomeOfACallThatEnds) {
  PendingUnplugs registry;
  FakeQmpServer server{asked().fail("DeviceNotFound", "no")};
  EXPECT_EQ(registry.unplug(*connect(server), "d0", plenty).outcome, UnplugOutcome::gone);
  EXPECT_EQ(registry.find("d0")->outcome, UnplugOutcome::gone);
  FakeQmpServer ends{asked().close()};
  EXPECT_EQ(code_of([&] { registry.unplug(*connect(ends), "d0", plenty); }), Errc::disconnected);
  EXPECT_EQ(registry.find("d0")->outcome, UnplugOutcome::pending);
}

}  // namespace
}  // namespace visor::sdk::qmp
