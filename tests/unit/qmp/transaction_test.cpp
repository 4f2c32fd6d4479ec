// SPDX-License-Identifier: Apache-2.0
#include "visor/sdk/qmp/transaction.hpp"

#include "raw_peer.hpp"

namespace visor::sdk::qmp {
namespace {

Value id(const char* name) { return Value::map({{"id", name}}); }
Value node(const char* name) { return Value::map({{"node-name", name}}); }

Step object(const char* name) { return {{"object-add", id(name)}, {"object-del", id(name)}}; }
Step device(const char* name) { return {{"device_add", id(name)}, {"device_del", id(name)}}; }

/// Opens a gate of the server when undoing begins.
class AtUndo : public ProgressSink {
 public:
  AtUndo(FakeQmpServer& server, std::string gate) : server_{server}, gate_{std::move(gate)} {}
  void progress(std::string_view stage, std::uint64_t, std::uint64_t) noexcept override {
    if (stage == "undo") server_.release(gate_);
  }

 private:
  FakeQmpServer& server_;
  std::string gate_;
};

TEST(QmpTransaction, ReturnsTheAnswersOfAllSteps) {
  FakeQmpServer server{ready_script()
                           .expect("object-add", id("a"))
                           .reply(Value::map({{"n", 1}}))
                           .expect("chardev-add", id("b"))
                           .reply(Value::map({{"pty", "/dev/pts/0"}}))
                           .expect_end()};
  auto client = connect(server);
  const auto values = run_transaction(*client, {object("a"), {{"chardev-add", id("b")}}}, plenty);
  ASSERT_EQ(values.size(), 2U);
  EXPECT_EQ(values[1].at("pty").as_string(), "/dev/pts/0");
  client.reset();
  EXPECT_EQ(server.finish(), "");
}

TEST(QmpTransaction, UndoesTheStepsBeforeARefusalLastFirst) {
  FakeQmpServer server{ready_script()
                           .expect("object-add", id("a"))
                           .reply()
                           .expect("qom-set")
                           .reply()
                           .expect("object-add", id("b"))
                           .reply()
                           .expect("object-add", id("c"))
                           .fail("GenericError", "no room for c")
                           .expect("object-del", id("b"))
                           .reply()
                           .expect("object-del", id("a"))
                           .reply()
                           .expect_end()};
  auto client = connect(server);
  const auto error =
      error_of([&] { run_transaction(*client, {object("a"), {{"qom-set"}}, object("b"), object("c")}, plenty); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), Errc::hypervisor_error);
  EXPECT_NE(error->message().find("no room for c"), std::string::npos);
  EXPECT_EQ(error->message().find("undone"), std::string::npos);
  client.reset();
  EXPECT_EQ(server.finish(), "");
}

TEST(QmpTransaction, NamesWhatCouldNotBeUndoneAndUndoesTheRest) {
  FakeQmpServer server{ready_script()
                           .expect("blockdev-add")
                           .reply()
                           .expect("object-add")
                           .reply()
                           .expect("device_add")
                           .fail("GenericError", "no such bus")
                           .expect("object-del", id("m"))
                           .fail("GenericError", "object 'm' cannot be deleted")
                           .expect("blockdev-del", node("n"))
                           .reply()};
  const auto client = connect(server);
  const Step first{{"blockdev-add", node("n")}, {"blockdev-del", node("n")}};
  const auto error = error_of([&] { run_transaction(*client, {first, object("m"), device("d")}, plenty); });
  ASSERT_TRUE(error);
  EXPECT_NE(error->message().find("; this could not be undone: object-del m (QEMU refused"), std::string::npos)
      << error->message();
  EXPECT_NE(error->message().find("object 'm' cannot be deleted"), std::string::npos);
  EXPECT_EQ(error->message().find("blockdev-del"), std::string::npos);
  EXPECT_EQ(server.finish(), "");
}

TEST(QmpTransaction, TriesAgainToRemoveWhatIsStillInUse) {
  FakeQmpServer server{ready_script()
                           .expect("object-add")
                           .reply()
                           .expect("device_add")
                           .fail("GenericError", "no")
                           .expect("object-del")
                           .fail("GenericError", "object 'm' is in use, can not be deleted")
                           .expect("object-del")
                           .reply()};
  const auto client = connect(server);
  const auto error = error_of([&] { run_transaction(*client, {object("m"), device("d")}, plenty); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->message().find("undone"), std::string::npos) << error->message();
  EXPECT_EQ(server.finish(), "");
}

TEST(QmpTransaction, TakesAbsenceForUndone) {
  const Step fd{{"getfd"}, {"closefd", Value::map({{"fdname", "f"}})}};
  const Step block{{"blockdev-add"}, {"blockdev-del", node("n")}};
  const Step net{{"netdev_add"}, {"netdev_del", id("n")}};
  FakeQmpServer server{ready_script()
                           .expect("getfd")
                           .reply()
                           .expect("blockdev-add")
                           .reply()
                           .expect("netdev_add")
                           .reply()
                           .expect("device_add")
                           .fail("GenericError", "no")
                           .expect("netdev_del")
                           .fail("DeviceNotFound", "Device 'n' not found")
                           .expect("blockdev-del")
                           .fail("GenericError", "Failed to find node with node-name='n'")
                           .expect("closefd")
                           .fail("GenericError", "File descriptor named 'f' not found")};
  const auto client = connect(server);
  const auto error = error_of([&] { run_transaction(*client, {fd, block, net, device("d")}, plenty); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->message().find("undone"), std::string::npos) << error->message();
  EXPECT_EQ(server.finish(), "");
}

TEST(QmpTransaction, UndoesAStepWhoseAnswerComesAfterTheCallGaveUp) {
  FakeQmpServer server{ready_script()
                           .expect("object-add", id("a"))
                           .reply()
                           .expect("object-add", id("b"))
                           .pause("late")
                           .reply()
                           .expect("object-del", id("b"))
                           .reply()
                           .expect("object-del", id("a"))
                           .reply()
                           .expect_end()};
  auto client = connect(server);
  AtUndo sink{server, "late"};
  CancelSource source;
  auto running = std::async(std::launch::async, [&] {
    const CallContext call{in(plenty), source.token(), &sink};
    return code_of([&] { run_transaction(*client, {object("a"), object("b")}, call, plenty); });
  });
  while (server.received().size() < 3 && running.wait_for(0s) != std::future_status::ready) std::this_thread::yield();
  source.cancel();
  EXPECT_EQ(running.get(), Errc::cancelled);
  client.reset();
  EXPECT_EQ(server.finish(), "");
}

TEST(QmpTransaction, LeavesAloneWhatALateAnswerRefuses) {
  // The id belongs to somebody else: to undo this step would take it from them.
  FakeQmpServer server{ready_script()
                           .expect("object-add", id("a"))
                           .pause("late")
                           .fail("GenericError", "attempt to add duplicate property 'a'")
                           .expect_end()};
  auto client = connect(server);
  AtUndo sink{server, "late"};
  const CallContext call{in(brief), CancelToken{}, &sink};
  EXPECT_EQ(code_of([&] { run_transaction(*client, {object("a")}, call, plenty); }), Errc::timeout);
  client.reset();
  EXPECT_EQ(server.finish(), "");
}

TEST(QmpTransaction, SendsTheUndoOfAStepThatIsNeverAnsweredInTime) {
  // QEMU hangs: it finds the undo in its queue, behind the step.
  FakeQmpServer server{ready_script()
                           .expect("object-add", id("a"))
                           .expect("object-del", id("a"))
                           .reply(Value::map(), 1)
                           .reply()
                           .expect("object-add", id("a"))
                           .reply()};
  const auto client = connect(server);
  const auto error = error_of([&] { run_transaction(*client, {object("a")}, brief, brief); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), Errc::timeout);
  EXPECT_EQ(error->message().find("QEMU did not answer in time: object-add a"), 0U);
  run_transaction(*client, {object("a")}, plenty);
  EXPECT_EQ(server.finish(), "");
}

TEST(QmpTransaction, UndoesNothingOfAStepThatWasNeverSent) {
  // QEMU reads nothing: the step still lies here, and must not be undone or done when QEMU reads again.
  RawPeer peer;
  peer.negotiate();
  const auto client = Client::connect(peer.take_client(), {}, plenty);
  client->call_async({"big", Value::map({{"text", std::string(4U << 20U, 'x')}})}, in(plenty), {});
  const auto error = error_of([&] { run_transaction(*client, {object("a")}, brief, brief); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), Errc::timeout);
  EXPECT_EQ(error->message().find("undone"), std::string::npos) << error->message();
  client->call_async({"last"}, in(plenty), {});
  EXPECT_EQ(peer.read_until("last").find("object-"), std::string::npos);
}

TEST(QmpTransaction, WaitsUntilAnUndoneDeviceIsGone) {
  FakeQmpServer server{ready_script()
                           .expect("object-add")
                           .reply()
                           .expect("device_add")
                           .reply()
                           .expect("qom-set")
                           .fail("GenericError", "no")
                           .expect("device_del", id("d"))
                           .reply()
                           .event("DEVICE_DELETED", Value::map({{"device", "d"}}))
                           .expect("object-del", id("m"))
                           .reply()};
  const auto client = connect(server);
  EXPECT_EQ(code_of([&] { run_transaction(*client, {object("m"), device("d"), {{"qom-set"}}}, plenty); }),
            Errc::hypervisor_error);
  EXPECT_EQ(server.finish(), "");
}

TEST(QmpTransaction, NamesADeviceThatTheGuestKeeps) {
  FakeQmpServer server{ready_script().serve(
      {{"device_add", [](const Value&) { return Value::map(); }},
       {"device_del", [](const Value&) { return Value::map(); }},
       {"qom-list", [](const Value&) { return Value::list({Value::map({{"name", "d"}, {"type", "child<x>"}})}); }}})};
  const auto client = connect(server);
  const auto error = error_of([&] { run_transaction(*client, {device("d"), {{"no-such-command"}}}, plenty, brief); });
  ASSERT_TRUE(error);
  EXPECT_NE(error->message().find("this could not be undone: device_del d ("), std::string::npos) << error->message();
}

TEST(QmpTransaction, SaysWhyTheSessionEndedAndWhatMayBeLeft) {
  FakeQmpServer server{ready_script().expect("object-add").reply().expect("device_add").close()};
  const auto client =
      connect(server, {.loss_cause = [](Deadline) { return std::string{"QEMU exited with status 1"}; }});
  const auto error = error_of([&] { run_transaction(*client, {object("m"), device("d")}, plenty, brief); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), Errc::disconnected);
  EXPECT_NE(error->message().find("QEMU exited with status 1"), std::string::npos);
  EXPECT_NE(error->message().find("object-del m"), std::string::npos);
}

TEST(QmpTransaction, SendsNothingWhenTheTimeIsUpAndRefusesTheIoThread) {
  FakeQmpServer server{ready_script().expect("query-status").reply().expect_end()};
  auto client = connect(server);
  EXPECT_EQ(code_of([&] { run_transaction(*client, {object("a")}, 0ms); }), Errc::timeout);
  std::promise<std::optional<Errc>> code;
  client->call_async({"query-status"}, in(plenty), [&](const Outcome&) {
    code.set_value(code_of([&] { run_transaction(*client, {object("a")}, plenty); }));
  });
  EXPECT_EQ(code.get_future().get(), Errc::wrong_thread);
  client.reset();
  EXPECT_EQ(server.finish(), "");
}

}  // namespace
}  // namespace visor::sdk::qmp
