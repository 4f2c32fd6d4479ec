// SPDX-License-Identifier: Apache-2.0
#include "qmp/follow.hpp"
#include "qmp_test_support.hpp"

#include <poll.h>

namespace visor::sdk::qmp {
namespace {

Value device(const char* id) { return Value::map({{"device", id}}); }

EventMatch deleted(std::string id) {
  return {"DEVICE_DELETED", [id = std::move(id)](const Event& event) {
            const auto* const device = event.data.find("device");
            return device && *device == Value{id};
          }};
}

TEST(QmpEvents, WaitsForTheEventThatComesBeforeTheAnswer) {
  FakeQmpServer server{ready_script().expect("device_del").event("DEVICE_DELETED", device("b0")).reply()};
  const auto client = connect(server);
  const auto result = client->call_and_wait({"device_del"}, deleted("b0"), plenty);
  EXPECT_EQ(result.event.data, device("b0"));
  EXPECT_TRUE(result.value.is_map());
}

TEST(QmpEvents, WaitsForTheEventThatComesAfterTheAnswer) {
  FakeQmpServer server{ready_script()
                           .expect("device_del")
                           .reply()
                           .event("OTHER")
                           .event("DEVICE_DELETED", Value::map({{"path", "/machine/peripheral/b0/virtio-backend"}}))
                           .event("DEVICE_DELETED", device("b1"))
                           .event("DEVICE_DELETED", device("b0"))};
  const auto client = connect(server);
  EXPECT_EQ(client->call_and_wait({"device_del"}, deleted("b0"), plenty).event.data, device("b0"));
}

TEST(QmpEvents, EndsTheWaitAtAnErrorAnswerAtTheDeadlineAndAtTheEnd) {
  FakeQmpServer server{
      ready_script().expect("a").fail("GenericError", "no").expect("b").reply().expect("c").reply().close()};
  const auto client = connect(server);
  EXPECT_EQ(code_of([&] { (void)client->call_and_wait({"a"}, {"E"}, plenty); }), Errc::hypervisor_error);
  const auto late = error_of([&] { (void)client->call_and_wait({"b"}, {"E"}, brief); });
  ASSERT_TRUE(late);
  EXPECT_EQ(late->code(), Errc::timeout);
  EXPECT_EQ(late->message(), "No event E of QEMU came in time");
  const auto lost = error_of([&] { (void)client->call_and_wait({"c"}, {"E"}, plenty); });
  ASSERT_TRUE(lost);
  EXPECT_EQ(lost->code(), Errc::disconnected);
  EXPECT_EQ(lost->message(), "No event E: QEMU closed the QMP connection");
}

TEST(QmpEvents, EndsTheWaitInTimeWhileOtherEventsKeepComing) {
  FakeQmpServer server{ready_script().expect("a").event("E").event("E").event("E").reply()};
  const auto client = connect(server);
  CancelSource cancel;
  int looked_at = 0;
  const EventMatch match{"E", [&](const Event&) {
                           ++looked_at;
                           cancel.cancel();
                           return false;
                         }};
  EXPECT_EQ(code_of([&] { (void)client->call_and_wait({"a"}, match, {in(plenty), cancel.token()}); }), Errc::cancelled);
  EXPECT_EQ(looked_at, 1);

  EventQueue never_empty;
  never_empty.push({});
  EXPECT_EQ(code_of([&] { (void)next_in_time(never_empty, 0ms); }), Errc::timeout);
  EXPECT_TRUE(next_in_time(never_empty, plenty));
}

TEST(QmpEvents, LetsOtherCommandsThroughWhileItWaits) {
  FakeQmpServer server{
      ready_script().expect("system_powerdown").reply().expect("query-status").reply().event("SHUTDOWN")};
  const auto client = connect(server);
  auto waiting =
      std::async(std::launch::async, [&] { return client->call_and_wait({"system_powerdown"}, {"SHUTDOWN"}, plenty); });
  // The script takes query-status only after system_powerdown: ask until it is its turn.
  while (server.received().size() < 2) std::this_thread::yield();
  EXPECT_TRUE(client->call({"query-status"}, plenty).ok());
  EXPECT_EQ(waiting.get().event.name, "SHUTDOWN");
}

TEST(QmpEvents, SubscribersGetTheirNamesInOrderWithPollableQueues) {
  FakeQmpServer server{
      ready_script().expect("go").event("A", device("1")).event("B").event("A", device("2")).reply().expect_end()};
  const auto client = connect(server);
  const auto all = client->subscribe();
  const auto some = client->subscribe({"A"});
  const auto gone = std::weak_ptr{client->subscribe()};
  EXPECT_TRUE(gone.expired());
  (void)client->execute("go", plenty);
  pollfd polled{some->poll_fd(), POLLIN, 0};
  EXPECT_EQ(::poll(&polled, 1, 0), 1);
  EXPECT_EQ(some->next(plenty)->data, device("1"));
  EXPECT_EQ(some->next(plenty)->data, device("2"));
  EXPECT_FALSE(some->try_next());
  EXPECT_EQ(::poll(&polled, 1, 0), 0);
  EXPECT_EQ(all->next(plenty)->name, "A");
  EXPECT_EQ(all->next(plenty)->name, "B");
}

TEST(QmpEvents, AnIdleSubscriberLosesItsOldestEventsAndBlocksNothing) {
  auto script = ready_script();
  script.expect("go");
  for (int i = 0; i < 100; ++i) script.event("E", Value::map({{"n", i}}));
  FakeQmpServer server{script.reply()};
  const auto client = connect(server);
  const auto idle = client->subscribe({}, 10);
  (void)client->execute("go", plenty);
  EXPECT_EQ(idle->dropped(), 90U);
  EXPECT_EQ(client->counters().dropped, 90U);
  EXPECT_EQ(client->counters().events, 100U);
  EXPECT_EQ(idle->next(plenty)->data.at("n").as_int(), 90);
}

TEST(QmpEvents, QueuesCloseWhenTheSessionEndsAndKeepWhatTheyHold) {
  FakeQmpServer server{ready_script().expect("quit").event("SHUTDOWN").reply().close()};
  const auto client = connect(server);
  const auto queue = client->subscribe();
  (void)client->execute("quit", plenty);
  EXPECT_EQ(queue->next(plenty)->name, "SHUTDOWN");
  EXPECT_FALSE(queue->next(plenty));
  EXPECT_FALSE(client->subscribe()->next(plenty));
}

TEST(QmpEvents, ReadsWhatThePeerSaidBeforeItWent) {
  // The command is never read, so that the end comes as a reset; the event that was sent before it must not be lost.
  FakeQmpServer server{ready_script().pause("go").event("GUEST_PANICKED").close()};
  std::atomic<int> panics{0};
  std::promise<void> lost;
  const auto client =
      connect(server, {.on_event = [&](const Event& event) { panics += event.name == "GUEST_PANICKED"; },
                       .on_lost = [&](const QmpError&) { lost.set_value(); }});
  client->call_async({"stop"}, in(plenty), {});
  server.release("go");
  ASSERT_EQ(lost.get_future().wait_for(plenty), std::future_status::ready);
  EXPECT_EQ(panics, 1);
}

}  // namespace
}  // namespace visor::sdk::qmp
