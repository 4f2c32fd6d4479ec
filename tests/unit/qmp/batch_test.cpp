// SPDX-License-Identifier: Apache-2.0
#include "visor/sdk/qmp/batch.hpp"

#include "raw_peer.hpp"

#include <future>
#include <thread>

namespace visor::sdk::qmp {
namespace {

std::vector<Command> commands(const std::vector<std::string>& names) {
  std::vector<Command> list;
  for (const auto& name : names) list.push_back({name});
  return list;
}

Value number(int n) { return Value::map({{"n", n}}); }

TEST(QmpBatch, InOrderReturnsEveryValue) {
  FakeQmpServer server{ready_script().expect("a").reply(number(1)).expect("b").reply(number(2)).expect_end()};
  auto client = connect(server);
  const auto result = run_batch(*client, commands({"a", "b"}), BatchMode::in_order, plenty);
  EXPECT_TRUE(result.ok());
  EXPECT_NO_THROW(result.check());
  ASSERT_EQ(result.outcomes.size(), 2U);
  EXPECT_EQ(result.outcomes[0].value(), number(1));
  EXPECT_EQ(result.outcomes[1].value(), number(2));
  client.reset();
  EXPECT_EQ(server.finish(), "");
}

TEST(QmpBatch, InOrderSendsNothingAfterTheFirstFailure) {
  FakeQmpServer server{ready_script().expect("a").reply().expect("b").fail("GenericError", "no").expect_end()};
  auto client = connect(server);
  const auto result = run_batch(*client, commands({"a", "b", "c"}), BatchMode::in_order, plenty);
  EXPECT_EQ(result.failed, 1U);
  EXPECT_EQ(result.outcomes.size(), 2U);
  const auto error = error_of([&] { result.check(); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->message(), "QEMU refused b: no (GenericError)");
  client.reset();
  EXPECT_EQ(server.finish(), "");
}

TEST(QmpBatch, PipelinedSendsAllBeforeTheFirstAnswer) {
  FakeQmpServer server{
      ready_script().expect("a").expect("b").expect("c").reply(number(1), 2).reply(number(2), 1).reply(number(3))};
  const auto client = connect(server);
  const auto result = run_batch(*client, commands({"a", "b", "c"}), BatchMode::pipelined, plenty);
  EXPECT_TRUE(result.ok());
  for (int i = 0; i < 3; ++i) EXPECT_EQ(result.outcomes.at(static_cast<std::size_t>(i)).value(), number(i + 1));
  EXPECT_EQ(server.finish(), "");
}

TEST(QmpBatch, PipelinedSaysWhatQemuDidAfterTheFailure) {
  FakeQmpServer server{ready_script()
                           .expect("a")
                           .expect("b")
                           .expect("c")
                           .reply(number(1), 2)
                           .fail("GenericError", "no", 1)
                           .reply(number(3))};
  const auto client = connect(server);
  const auto result = run_batch(*client, commands({"a", "b", "c"}), BatchMode::pipelined, plenty);
  EXPECT_EQ(result.failed, 1U);
  ASSERT_EQ(result.outcomes.size(), 3U);
  EXPECT_EQ(result.outcomes[2].value(), number(3));
}

TEST(QmpBatch, PipelinedWithdrawsWhatWasNotSent) {
  // The second command does not fit into the socket, so that the third is unsent when the first one fails.
  RawPeer peer;
  peer.negotiate();
  const auto client = Client::connect(peer.take_client(), {}, plenty);
  const Command big{"big", Value::map({{"text", std::string(2U << 20U, 'x')}})};
  auto running = std::async(std::launch::async, [&] {
    return run_batch(*client, {{"first"}, big, {"third"}}, BatchMode::pipelined, plenty);
  });
  while (client->counters().bytes_out < 10'000) std::this_thread::yield();  // the second has begun
  peer.send(R"({"id":2,"error":{"class":"GenericError","desc":"no"}})");
  while (client->counters().errors == 0) std::this_thread::yield();
  client->io()->run_and_wait([] {});  // by now it has dealt with the failure
  (void)peer.read_until("\"id\":3");
  peer.answer(3);
  const auto result = running.get();
  EXPECT_EQ(result.failed, 0U);
  ASSERT_EQ(result.outcomes.size(), 3U);
  EXPECT_TRUE(result.outcomes[1].ok());
  ASSERT_NE(result.outcomes[2].error(), nullptr);
  EXPECT_EQ(result.outcomes[2].error()->message, "Cancelled third before it was sent");
  client->call_async({"after"}, in(plenty), {});
  EXPECT_EQ(peer.read_until("after").find("third"), std::string::npos);
}

TEST(QmpBatch, EndsAtItsDeadlineInBothModes) {
  FakeQmpServer server{ready_script().silence()};
  const auto client = connect(server);
  const auto one = run_batch(*client, commands({"a", "b"}), BatchMode::in_order, brief);
  EXPECT_EQ(one.failed, 0U);
  EXPECT_EQ(one.outcomes.size(), 1U);
  const auto all = run_batch(*client, commands({"a", "b"}), BatchMode::pipelined, brief);
  ASSERT_EQ(all.outcomes.size(), 2U);
  for (const auto& outcome : all.outcomes) EXPECT_EQ(outcome.error()->code, Errc::timeout);
}

TEST(QmpBatch, EndsAtCancellation) {
  FakeQmpServer server{ready_script().expect("a").event("GOT").silence()};
  CancelSource source;
  const auto client = connect(server, {.on_event = [&](const Event&) { source.cancel(); }});
  const auto result = run_batch(*client, commands({"a", "b"}), BatchMode::pipelined, {in(plenty), source.token()});
  EXPECT_EQ(result.failed, 0U);
  for (const auto& outcome : result.outcomes) EXPECT_EQ(outcome.error()->code, Errc::cancelled);
  EXPECT_EQ(client->counters().cancelled, 2U);
}

TEST(QmpBatch, ALostSessionEndsEveryCommand) {
  // All of them have been sent by then: of a batch that has failed nothing more is.
  FakeQmpServer server{ready_script().expect("a").expect("b").expect("c").close()};
  const auto client = connect(server);
  const auto result = run_batch(*client, commands({"a", "b", "c"}), BatchMode::pipelined, plenty);
  EXPECT_EQ(result.failed, 0U);
  for (const auto& outcome : result.outcomes) EXPECT_EQ(outcome.error()->code, Errc::disconnected);
}

TEST(QmpBatch, AnEmptyListSucceedsAndTheIoThreadIsRefused) {
  FakeQmpServer server{ready_script().silence()};
  const auto client = connect(server);
  for (const auto mode : {BatchMode::in_order, BatchMode::pipelined}) {
    EXPECT_TRUE(run_batch(*client, {}, mode, plenty).ok());
    std::optional<Errc> code;
    client->io()->run_and_wait([&] { code = code_of([&] { (void)run_batch(*client, {}, mode, plenty); }); });
    EXPECT_EQ(code, Errc::wrong_thread);
  }
}

}  // namespace
}  // namespace visor::sdk::qmp
