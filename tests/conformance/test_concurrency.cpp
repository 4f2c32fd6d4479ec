// SPDX-License-Identifier: Apache-2.0
// One handle used by many threads at once.
#include "fixture.hpp"

#include <atomic>
#include <thread>

namespace visor::conformance {
namespace {

VISOR_CONFORMANCE_SUITE(Concurrency);

void ask_everything(Vm& vm, const CallContext& call) {
  const auto state = vm.status(call).state;
  EXPECT_TRUE(state == VmState::running || state == VmState::paused) << to_string(state);
  EXPECT_FALSE(vm.config().hypervisor.empty());
  EXPECT_EQ(vm.record().id, vm.id());
  const auto capabilities = vm.capabilities();
  if (capabilities.has(Feature::pids)) (void)vm.pids();
  if (capabilities.has(Feature::events)) vm.events()->try_next();
  if (capabilities.has(Feature::thread_ids)) {
    EXPECT_FALSE(vm.thread_ids(call).empty());
  }
}

TEST_P(Concurrency, QueriesBesideChanges) {
  const auto vm = started();
  const bool can_pause = claims(Feature::pause) && claims(Feature::resume);
  std::atomic<bool> done{false};
  std::vector<std::thread> asking;
  for (int i = 0; i < 8; ++i) {
    asking.emplace_back([&] {
      do {
        EXPECT_NO_THROW(ask_everything(*vm, quick()));
      } while (!done);
    });
  }
  for (int i = 0; i < 20; ++i) {
    if (can_pause) {
      EXPECT_NO_THROW(vm->pause(quick()));
      EXPECT_NO_THROW(vm->resume(quick()));
    }
  }
  done = true;
  for (auto& thread : asking) thread.join();
  EXPECT_EQ(state_of(*vm), VmState::running);
}

TEST_P(Concurrency, ChangesBesideEachOther) {
  VISOR_NEEDS(Feature::pause);
  VISOR_NEEDS(Feature::resume);
  const auto vm = started();
  std::vector<std::thread> changing;
  for (int i = 0; i < 4; ++i) {
    changing.emplace_back([&] {
      for (int round = 0; round < 5; ++round) {
        EXPECT_NO_THROW(vm->pause(quick()));
        EXPECT_NO_THROW(vm->resume(quick()));
      }
    });
  }
  for (auto& thread : changing) thread.join();
  EXPECT_EQ(state_of(*vm), VmState::running);
}

TEST_P(Concurrency, ManyVmsOfOneHypervisor) {
  constexpr int count = 4;
  std::unique_ptr<Vm> vms[count];
  for (auto& vm : vms) vm = create();
  std::vector<std::thread> threads;
  for (auto& vm : vms) {
    threads.emplace_back([&] {
      EXPECT_NO_THROW(vm->start(quick()));
      EXPECT_NO_THROW(vm->stop({.force = true}, quick()));
    });
  }
  for (auto& thread : threads) thread.join();
  for (auto& vm : vms) EXPECT_EQ(state_of(*vm), VmState::stopped);
}

TEST_P(Concurrency, OneOfTwoStartsWins) {
  const auto vm = create();
  std::atomic<int> started_count{0};
  std::atomic<int> refused{0};
  const auto start = [&] {
    try {
      vm->start(quick());
      ++started_count;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Errc::invalid_state) << error.what();
      ++refused;
    }
  };
  std::thread other{start};
  start();
  other.join();
  EXPECT_EQ(started_count, 1);
  EXPECT_EQ(refused, 1);
  EXPECT_EQ(state_of(*vm), VmState::running);
}

}  // namespace
}  // namespace visor::conformance
