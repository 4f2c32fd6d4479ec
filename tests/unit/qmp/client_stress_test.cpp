// SPDX-License-Identifier: Apache-2.0
#include "qmp_test_support.hpp"

#include <array>
#include <atomic>
#include <random>
#include <thread>

namespace visor::sdk::qmp {
namespace {

QmpScript echo_script() {
  return ready_script().serve({{"echo", [](const Value& arguments) { return arguments; }}});
}

Command echo(std::uint64_t n) { return {"echo", Value::map({{"n", n}})}; }

TEST(QmpStress, EightThreadsGetTheirOwnAnswers) {
  FakeQmpServer server{echo_script()};
  const auto client = connect(server);
  constexpr std::uint64_t rounds = 200;
  std::atomic<std::uint64_t> wrong{0};
  std::vector<std::thread> threads;
  for (std::uint64_t thread = 0; thread < 8; ++thread) {
    threads.emplace_back([&, thread] {
      for (std::uint64_t i = 0; i < rounds; ++i) {
        std::array<Promised, 4> ahead;
        for (std::uint64_t k = 0; k < ahead.size(); ++k) {
          client->call_async(echo(thread << 32U | i << 8U | k), in(plenty), ahead[k].completion());
        }
        const auto own = thread << 32U | i << 8U | 0xffU;
        if (client->call(echo(own), plenty).value().at("n").as_uint() != own) ++wrong;
        for (std::uint64_t k = 0; k < ahead.size(); ++k) {
          if (ahead[k].get().value().at("n").as_uint() != (thread << 32U | i << 8U | k)) ++wrong;
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0U);
  EXPECT_EQ(client->counters().replied, 8 * rounds * 5);
  EXPECT_EQ(client->counters().unknown_ids, 0U);
}

TEST(QmpStress, DeadlinesAndCancellationsAtRandomLoseAndCrossNothing) {
  // Deadlines of microseconds, so that they pass in every possible place: before, during and after the write, and
  // while the answer is on its way.
  FakeQmpServer server{echo_script()};
  const auto client = connect(server);
  std::atomic<std::uint64_t> answered{0};
  std::atomic<std::uint64_t> ended{0};
  std::atomic<std::uint64_t> wrong{0};
  std::vector<std::thread> threads;
  for (unsigned seed = 0; seed < 4; ++seed) {
    threads.emplace_back([&, seed] {
      std::mt19937 random{seed};
      for (std::uint64_t i = 0; i < 1000; ++i) {
        CancelSource source;
        const auto limit = std::chrono::microseconds{random() % 400};
        const CallContext call{std::chrono::steady_clock::now() + limit, source.token()};
        Promised ahead;
        const auto id = client->call_async(echo(i), call.deadline(), ahead.completion());
        if (random() % 4 == 0) client->cancel(id);
        const auto outcome = client->call(echo(i), call);
        ++(outcome.ok() ? answered : ended);
        if (outcome.ok() && outcome.value().at("n").as_uint() != i) ++wrong;
        if (!outcome.ok() && outcome.error()->code != Errc::timeout) ++wrong;
        const auto first = ahead.get();
        if (first.ok() && first.value().at("n").as_uint() != i) ++wrong;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0U);
  EXPECT_EQ(answered + ended, 4000U);
  EXPECT_EQ(client->call(echo(7), plenty).value().at("n").as_uint(), 7U);
  EXPECT_EQ(client->counters().unknown_ids, 0U);
}

TEST(QmpStress, SessionsEndedAtRandomStickNoCall) {
  for (unsigned seed = 0; seed < 60; ++seed) {
    FakeQmpServer server{echo_script()};
    auto client = std::shared_ptr{connect(server)};
    std::atomic<std::uint64_t> calls{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 3; ++t) {
      threads.emplace_back([&] {
        while (true) {
          ++calls;
          const auto outcome = client->call(echo(1), plenty);
          if (outcome.ok()) continue;
          EXPECT_EQ(outcome.error()->code, Errc::disconnected);
          return;
        }
      });
    }
    while (calls < seed * 3) std::this_thread::yield();
    client->shutdown();
    for (auto& thread : threads) thread.join();
  }
}

}  // namespace
}  // namespace visor::sdk::qmp
