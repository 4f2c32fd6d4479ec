// SPDX-License-Identifier: Apache-2.0
// The same of what goes over the wire: numbers, descriptors, order, and what a peer makes up.
#include "raw_peer.hpp"
#include "visor/core/json.hpp"

#include <fcntl.h>

#include <cstdint>
#include <limits>

namespace visor::sdk::qmp {
namespace {

TEST(WeaknessWire, IntegersOf64BitsGoThereAndBackExactly) {
  const auto extremes = Value::map({{"most", std::numeric_limits<std::uint64_t>::max()},
                                    {"least", std::numeric_limits<std::int64_t>::min()},
                                    {"odd", std::uint64_t{9007199254740993}}});
  FakeQmpServer server{ready_script().expect("echo", extremes).reply(extremes)};
  const auto client = connect(server);
  EXPECT_EQ(client->execute("echo", extremes, plenty), extremes);
  EXPECT_EQ(server.finish(), "");
}

TEST(WeaknessWire, OutOfBandCommandsAreSentAndAnsweredPastAnUnansweredOne) {
  FakeQmpServer server{ready_script()
                           .expect("migrate")
                           .expect("migrate-pause")
                           .reply(Value::map({{"oob", true}}))
                           .reply(Value::map({{"oob", false}}), 1)};
  const auto client = connect(server);
  Promised slow;
  client->call_async({"migrate"}, in(plenty), slow.completion());
  const auto outcome = client->call({.name = "migrate-pause", .out_of_band = true}, plenty);
  EXPECT_TRUE(outcome.value().at("oob").as_bool());
  EXPECT_FALSE(slow.get().value().at("oob").as_bool());
  EXPECT_NE(server.received().at(2).find("exec-oob"), nullptr);
  EXPECT_EQ(server.received().at(2).find("execute"), nullptr);
  EXPECT_EQ(server.finish(), "");
}

TEST(WeaknessWire, PassingADescriptorLeavesItAsItWas) {
  RawPeer peer;  // throws the descriptor away: nothing gets a number that may have become free
  peer.negotiate();
  const auto client = Client::connect(peer.take_client(), {}, plenty);
  const UniqueFd file{::open("/dev/null", O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  const auto flags = ::fcntl(file.get(), F_GETFL);
  Promised call;
  const auto id = client->call_async({.name = "getfd", .fd = file.get()}, in(plenty), call.completion());
  (void)peer.read_until("getfd");
  peer.answer(id);
  EXPECT_TRUE(call.get().ok());
  EXPECT_EQ(::fcntl(file.get(), F_GETFL), flags);
  EXPECT_EQ(::fcntl(file.get(), F_GETFD), FD_CLOEXEC);
}

TEST(WeaknessWire, ADescriptorGoesWithItsOwnCommandAlone) {
  FakeQmpServer server{ready_script().serve(
      {{"stop", [](const Value&) { return Value::map(); }}, {"add-fd", [](const Value&) { return Value::map(); }}})};
  const auto client = connect(server);
  const UniqueFd file{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
  std::vector<Promised> calls(9);
  for (std::size_t i = 0; i < calls.size(); ++i) {
    const auto command = i % 3 == 1 ? Command{.name = "add-fd", .fd = file.get()} : Command{"stop"};
    client->call_async(command, in(plenty), calls[i].completion());
  }
  for (auto& call : calls) EXPECT_TRUE(call.get().ok());
  EXPECT_EQ(server.received_fds(), 3U);
}

TEST(WeaknessWire, ALateEventStillReachesItsSubscriber) {
  // The wait for an unplug gave up; what the guest does afterwards is not lost.
  const auto gone = Value::map({{"device", "b0"}});
  FakeQmpServer server{
      ready_script().expect("device_del").reply().pause("late").event("DEVICE_DELETED", gone).expect_end()};
  auto client = connect(server);
  const auto events = client->subscribe({"DEVICE_DELETED"});
  EXPECT_EQ(code_of([&] { (void)client->call_and_wait({"device_del"}, {"DEVICE_DELETED"}, brief); }), Errc::timeout);
  server.release("late");
  EXPECT_EQ(events->next(plenty)->data, gone);
  client.reset();
  EXPECT_EQ(server.finish(), "");
}

TEST(WeaknessWire, AnAnswerBeforeItsQuestionIsNoAnswer) {
  RawPeer peer;
  const auto io = IoThread::manual();
  const auto client = connect_by_hand(peer, io);
  peer.answer(2);
  settle(*io);
  EXPECT_EQ(client->counters().unknown_ids, 1U);
  Promised call;
  EXPECT_EQ(client->call_async({"a"}, in(plenty), call.completion()), 2U);
  settle(*io);
  EXPECT_EQ(call.count(), 0);
  peer.answer(2);
  peer.answer(2);
  settle(*io);
  EXPECT_EQ(call.count(), 1);
  EXPECT_EQ(client->counters().unknown_ids, 2U);
}

TEST(WeaknessWire, ASecondGreetingChangesNothing) {
  RawPeer peer;
  const auto io = IoThread::manual();
  const auto client = connect_by_hand(peer, io);
  peer.send(R"({"QMP":{"version":{"qemu":{"micro":0,"minor":0,"major":1}},"capabilities":[]}})");
  settle(*io);
  EXPECT_EQ(client->state(), State::ready);
  EXPECT_EQ(client->version().major, 7U);
  EXPECT_TRUE(client->out_of_band());
  EXPECT_EQ(client->counters().unknown_objects, 1U);
}

TEST(WeaknessWire, AnUnsupportedVersionSaysSoEachTimeAndANewConnectionStartsAnew) {
  for (const auto& [major, code] :
       {std::pair{4U, std::optional{Errc::unsupported}}, std::pair{8U, std::optional<Errc>{}},
        std::pair{4U, std::optional{Errc::unsupported}}}) {
    FakeQmpServer server{std::move(QmpScript{}.greet({.major = major}).expect("qmp_capabilities").reply().silence())};
    EXPECT_EQ(code_of([&] { (void)connect(server); }), code);
  }
}

TEST(WeaknessWire, AnErrorOfAnyShapeFailsItsCallAlone) {
  for (const auto* const error : {"null", "7", "\"no\"", "[]", "{}", R"({"class":1,"desc":{}})"}) {
    RawPeer peer;
    const auto io = IoThread::manual();
    const auto client = connect_by_hand(peer, io);
    Promised call;
    const auto id = client->call_async({"a"}, in(plenty), call.completion());
    peer.send(R"({"id":)" + std::to_string(id) + R"(,"error":)" + error + "}");
    settle(*io);
    ASSERT_EQ(call.count(), 1) << error;
    EXPECT_EQ(call.get().error()->message, "QEMU refused a: it gave no reason (no class)") << error;
    EXPECT_EQ(client->state(), State::ready) << error;
  }
}

TEST(WeaknessWire, ACommandAboveTheLimitIsRefusedAndTheSessionLivesOn) {
  EXPECT_EQ(ClientOptions{}.max_message_bytes, std::size_t{16} << 20U);
  EXPECT_EQ(ClientOptions{}.max_queued_bytes, std::size_t{16} << 20U);
  FakeQmpServer server{ready_script().expect("small").reply()};
  const auto client = connect(server, {.max_queued_bytes = 1U << 20U});
  const auto big = Value::map({{"text", std::string(1U << 20U, 'x')}});
  EXPECT_EQ(client->call({"big", big}, plenty).error()->code, Errc::exhausted);
  EXPECT_TRUE(client->call({"small"}, plenty).ok());
  EXPECT_EQ(server.finish(), "");
}

TEST(WeaknessWire, EveryByteMayComeByItself) {
  auto script = ready_script();
  script.split(1);
  for (int i = 0; i < 20; ++i) script.expect("a").event("E", Value::map({{"text", "}{\"\\"}})).reply(Value{"\r\n}"});
  FakeQmpServer server{std::move(script)};
  const auto client = connect(server);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(client->execute("a", plenty).as_string(), "\r\n}");
  EXPECT_EQ(client->counters().events, 20U);
}

}  // namespace
}  // namespace visor::sdk::qmp
