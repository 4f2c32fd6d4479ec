// SPDX-License-Identifier: Apache-2.0
// What the driver does with its monitor by itself: asks whether QEMU answers, counts, and writes the log.
#include "fixture.hpp"
#include "visor/core/extension.hpp"

#include <sys/types.h>

#include <csignal>
#include <mutex>
#include <thread>
#include <vector>

namespace visor::sdk {
namespace {

HostContext probing_host() {
  HostContext host;
  add_param(host.options, "qmp_probe_interval_ms", "50");
  add_param(host.options, "qmp_probe_limit_ms", "400");
  return host;
}

/// Waits for QEMU to be said to answer, or not to.
void wait_responsive(EventQueue& events, bool responsive) {
  while (const auto event = events.next(limit)) {
    if (event->kind == EventKind::responsive_changed && event->data.at("responsive").as_bool() == responsive) return;
  }
  ADD_FAILURE() << "the VM ended";
}

class MonitorTest : public DriverTest {
 protected:
  static void signal_qemu(const Vm& vm, int signal) { ASSERT_EQ(::kill(vm.record().hypervisor.pid, signal), 0); }
  static Value stats_of(Vm& vm) {
    const auto extension = vm.extension(QmpStatsExtension::id);
    return dynamic_cast<QmpStatsExtension&>(*extension).read();
  }
};

TEST_F(MonitorTest, AQemuThatHangsIsUnresponsiveUntilItAnswersAgainThoughNobodyAsks) {
  use_host(probing_host());
  const auto vm = start();
  const auto events = vm->events();
  signal_qemu(*vm, SIGSTOP);
  wait_responsive(*events, false);
  const auto status = vm->status(limit);
  EXPECT_FALSE(status.responsive);
  EXPECT_EQ(status.state, VmState::running);
  EXPECT_NE(status.detail.find("has answered nothing for"), std::string::npos) << status.detail;
  EXPECT_EQ(to_string(error_of([&] { vm->check(limit); }).code()), "timeout");
  signal_qemu(*vm, SIGCONT);
  wait_responsive(*events, true);
  EXPECT_TRUE(vm->status(limit).responsive);
  vm->check(limit);
  vm->stop({.force = true}, limit);
}

TEST_F(MonitorTest, AHangingQemuIsAskedOneQuestionAtATime) {
  use_host(probing_host());
  const auto vm = start();
  const auto events = vm->events();
  signal_qemu(*vm, SIGSTOP);
  wait_responsive(*events, false);
  const auto before = stats_of(*vm).at("counters").at("sent").as_uint();
  // Asking for the state adds nothing to what a hanging QEMU has to answer.
  for (int i = 0; i < 20; ++i) EXPECT_FALSE(vm->status(limit).responsive);
  EXPECT_EQ(stats_of(*vm).at("counters").at("sent").as_uint(), before);
  vm->stop({.force = true, .terminate_grace = 50ms}, limit);
}

TEST_F(MonitorTest, AVmThatEndedIsNotUnresponsive) {
  use_host(probing_host());
  const auto vm = start();
  const auto events = vm->events();
  signal_qemu(*vm, SIGKILL);
  (void)vm->wait_exit(limit);
  while (const auto event = events->next(limit)) EXPECT_NE(event->kind, EventKind::responsive_changed);
  EXPECT_TRUE(vm->status(limit).responsive);
}

TEST_F(MonitorTest, TheTimesOfProbingAreChecked) {
  for (const auto* const value : {"0", "-1", "x", "", "5s", "3600001"}) {
    HostContext host;
    add_param(host.options, "qmp_probe_limit_ms", value);
    const auto error = error_of([&] { use_host(host); });
    EXPECT_EQ(to_string(error.code()), "invalid_config") << value;
    EXPECT_NE(error.message().find("qmp_probe_limit_ms"), std::string::npos) << error.what();
  }
}

TEST_F(MonitorTest, CountsOverAllConnections) {
  const auto vm = create({"stop=close"});
  EXPECT_EQ(stats_of(*vm).at("connections").as_uint(), 0U);
  vm->start(limit);
  const auto first = stats_of(*vm);
  EXPECT_EQ(first.at("connections").as_uint(), 1U);
  EXPECT_EQ(first.at("counters").at("sent").as_uint(), 2U);  // qmp_capabilities, cont
  EXPECT_EQ(first.at("counters").at("events").as_uint(), 1U);
  EXPECT_EQ(first.at("latency_us").at("count").as_uint(), 1U);
  EXPECT_EQ(first.at("latency_us").at("buckets").as_list().size(), 32U);
  (void)error_of([&] { vm->pause(limit); });
  vm->resume(limit);
  const auto second = stats_of(*vm);
  EXPECT_EQ(second.at("connections").as_uint(), 2U);
  EXPECT_EQ(second.at("counters").at("sent").as_uint(), 7U);  // stop; four to begin anew, cont
  vm->stop({.force = true}, limit);
}

TEST_F(MonitorTest, CountsWhatAHandleAsksThatOnlyLooks) {
  const auto vm = start();
  const auto observer = hypervisor().attach(vm->record(), limit);
  (void)observer->status(limit);
  (void)observer->status(limit);
  const auto stats = stats_of(*observer);
  EXPECT_EQ(stats.at("connections").as_uint(), 2U);
  EXPECT_EQ(stats.at("counters").at("sent").as_uint(), 4U);  // each time qmp_capabilities, query-status
  EXPECT_EQ(stats.at("counters").at("replied").as_uint(), 2U);
  vm->stop({.force = true}, limit);
}

TEST_F(MonitorTest, WhatSeveralHandlesThreadsAskAtOnceIsAllCounted) {
  const auto vm = start();
  const auto observer = hypervisor().attach(vm->record(), limit);
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back([&] { (void)observer->status(limit); });
  threads.clear();
  observer->disconnect();
  const auto stats = stats_of(*observer);
  EXPECT_EQ(stats.at("connections").as_uint(), 4U);
  EXPECT_EQ(stats.at("counters").at("replied").as_uint(), 4U);
  vm->stop({.force = true}, limit);
}

/// Keeps what is written.
class KeptLog final : public LogSink {
 public:
  [[nodiscard]] bool enabled(LogLevel) const noexcept override { return true; }
  void write(LogLevel level, std::string_view vm, std::string_view text) noexcept override {
    const std::scoped_lock lock{mutex_};
    if (level == LogLevel::trace) lines_ += std::string{vm} + ": " + std::string{text} + '\n';
  }
  [[nodiscard]] std::string lines() const {
    const std::scoped_lock lock{mutex_};
    return lines_;
  }

 private:
  mutable std::mutex mutex_;
  std::string lines_;
};

TEST_F(MonitorTest, EveryExchangeIsInTheHostsLogAtTrace) {
  const auto log = std::make_shared<KeptLog>();
  HostContext host;
  host.log = log;
  use_host(host);
  const auto vm = start();
  vm->pause(limit);
  vm->stop({.force = true}, limit);
  for (const auto* const part : {"vm: QMP #2 cont (", "vm: QMP event RESUME", "vm: QMP #3 stop: ok {} after "}) {
    EXPECT_NE(log->lines().find(part), std::string::npos) << part << " in\n" << log->lines();
  }
}

TEST_F(MonitorTest, WhatAHandleAsksThatOnlyLooksIsInItsLogToo) {
  const auto record = start()->record();
  const auto log = std::make_shared<KeptLog>();
  HostContext host;
  host.log = log;
  use_host(host);
  const auto observer = hypervisor().attach(record, limit);
  (void)observer->status(limit);
  EXPECT_NE(log->lines().find("vm: QMP #2 query-status: ok {"), std::string::npos) << log->lines();
  observer->stop({.force = true}, limit);
}

}  // namespace
}  // namespace visor::sdk
