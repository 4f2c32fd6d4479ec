// SPDX-License-Identifier: Apache-2.0
// Migrations between two QEMUs of each of the four programs.
#include "visor/sdk/qmp/commands/migration.hpp"
#include "bare_qemu.hpp"
#include "visor/core/error.hpp"
#include "visor/sdk/qmp/commands/machine.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <csignal>

#include <array>
#include <future>

namespace visor::test {
namespace {

using namespace sdk::qmp;  // NOLINT(google-build-using-namespace): all of this file is about it
using namespace std::chrono_literals;

class QmpMigrationOf : public EachQemu {
 protected:
  [[nodiscard]] std::unique_ptr<BareQemu> source(std::vector<std::string> more = {}) const {
    return BareQemu::with_machine(GetParam(), std::move(more));
  }
  [[nodiscard]] std::unique_ptr<BareQemu> destination(std::vector<std::string> more = {}) const {
    more.insert(more.end(), {"-incoming", "defer"});
    return BareQemu::with_machine(GetParam(), std::move(more));
  }
};
INSTANTIATE_TEST_SUITE_P(, QmpMigrationOf, ::testing::ValuesIn(qemu_targets()), target_name);

/// The error of a call; one that throws nothing fails the test.
template <class F>
Error error_of(F&& function) {
  try {
    function();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "it succeeded";
  return Error{Errc::internal, "none"};
}

bool has(const Error& error, const std::string& text) { return error.message().find(text) != std::string::npos; }

/// Both ends of a connection.
struct Pair {
  Pair() {
    std::array<int, 2> both{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, both.data()), 0);
    a.reset(both[0]);
    b.reset(both[1]);
  }
  UniqueFd a;
  UniqueFd b;
};

const MigrationPlan to_fd{.uri = MigrationUri::fd("m")};

TEST_P(QmpMigrationOf, GoesThroughAFileAndBack) {
  const TestFolder folder;
  const auto from = source();
  const UniqueFd out{::open(folder.file("state").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
  give_fd(from->client(), "m", out.get());
  const auto sent = send_migration(from->client(), to_fd, qemu_limit);
  EXPECT_EQ(sent.status, "completed");
  ASSERT_TRUE(sent.ram && sent.downtime && sent.total_time);
  EXPECT_GE(sent.ram->total_bytes, 256U << 20U);
  EXPECT_GT(sent.ram->transferred_bytes, 0U);
  EXPECT_EQ(query_status(from->client(), qemu_limit).status, "postmigrate");

  const UniqueFd in{::open(folder.file("state").c_str(), O_RDONLY | O_CLOEXEC)};
  const auto to = destination();
  EXPECT_EQ(query_status(to->client(), qemu_limit).status, "inmigrate");
  give_fd(to->client(), "m", in.get());
  EXPECT_EQ(receive_migration(to->client(), to_fd, qemu_limit).status, "completed");
  EXPECT_EQ(query_status(to->client(), qemu_limit).status, "prelaunch");  // the source's
}

TEST_P(QmpMigrationOf, GoesLiveFromOneToTheOther) {
  const TestFolder folder;
  MigrationPlan plan{.uri = MigrationUri::unix_socket(folder.file("s"))};
  plan.capabilities = {"pause-before-switchover", "validate-uuid"};
  plan.parameters.max_bandwidth_bytes_per_s = 0;
  plan.parameters.downtime_limit = 1s;
  const auto from = source();
  const auto to = destination();
  auto receiving = std::async(std::launch::async, [&] { return receive_migration(to->client(), plan, qemu_limit); });
  const auto listening = [&] { return ::access(folder.file("s").c_str(), F_OK) == 0; };
  const CallContext soon{qemu_limit};
  while (!listening() && !soon.expired()) (void)query_status(to->client(), qemu_limit);
  EXPECT_EQ(send_migration(from->client(), plan, qemu_limit).status, "completed");
  EXPECT_EQ(receiving.get().status, "completed");
  // Another attempt: what the first one has set is not in the way.
  EXPECT_EQ(query_migrate_parameters(from->client(), qemu_limit).downtime_limit, 1s);
}

TEST_P(QmpMigrationOf, FailsWithQemusReasonAndLeavesTheSourceAsItWas) {
  const auto from = source();
  const auto nowhere = error_of(
      [&] { (void)send_migration(from->client(), {.uri = MigrationUri::unix_socket("/nonexistent")}, qemu_limit); });
  EXPECT_EQ(nowhere.code(), Errc::hypervisor_error);
  EXPECT_TRUE(has(nowhere, "Failed to connect to '/nonexistent': No such file or directory")) << nowhere.message();
  EXPECT_EQ(query_status(from->client(), qemu_limit).status, "prelaunch");

  const auto unnamed = error_of([&] { (void)send_migration(from->client(), to_fd, qemu_limit); });
  EXPECT_TRUE(has(unnamed, "File descriptor named 'm' has not been found")) << unnamed.message();

  Pair broken;
  give_fd(from->client(), "m", broken.a.get());
  broken.a.reset();
  broken.b.reset();
  const auto pipe = error_of([&] { (void)send_migration(from->client(), to_fd, qemu_limit); });
  EXPECT_EQ(pipe.code(), Errc::hypervisor_error);
  EXPECT_TRUE(has(pipe, "Broken pipe")) << pipe.message();
  EXPECT_EQ(query_status(from->client(), qemu_limit).status, "prelaunch");
}

/// Cancels a call when it has made its first progress.
class CancelAtProgress : public ProgressSink {
 public:
  explicit CancelAtProgress(CancelSource& source) : source_{source} {}
  void progress(std::string_view, std::uint64_t, std::uint64_t) noexcept override { source_.cancel(); }

 private:
  CancelSource& source_;
};

TEST_P(QmpMigrationOf, IsCalledOffWhenNobodyReads) {
  const auto from = source();
  cont(from->client(), qemu_limit);
  const auto before = query_status(from->client(), qemu_limit).status;  // s390x panics without anything to boot
  Pair unread;
  give_fd(from->client(), "m", unread.a.get());
  unread.a.reset();
  CancelSource cancel;
  CancelAtProgress canceller{cancel};
  const CallContext call{std::chrono::steady_clock::now() + qemu_limit, cancel.token(), &canceller};
  const auto cancelled = error_of([&] { (void)send_migration(from->client(), to_fd, call); });
  EXPECT_EQ(cancelled.code(), Errc::cancelled);
  EXPECT_TRUE(has(cancelled, "it was called off")) << cancelled.message();
  EXPECT_EQ(query_migrate(from->client(), qemu_limit).phase(), MigrationPhase::cancelled);
  if (GetParam().name != "s390x") {
    EXPECT_EQ(query_status(from->client(), qemu_limit).status, before);
    EXPECT_EQ(before, "running");
  }
}

TEST(QmpMigrationPipe, ThatNobodyReadsCannotBeCalledOff) {
  const auto& target = qemu_targets().front();
  if (qemu_program(target).empty()) GTEST_SKIP() << "qemu-system-" << target.name << " is not installed";
  const auto from = BareQemu::with_machine(target);
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  UniqueFd reader{ends[0]};
  UniqueFd writer{ends[1]};
  give_fd(from->client(), "m", writer.get());
  writer.reset();
  auto plan = to_fd;
  plan.call_off_limit = 200ms;
  const auto late = error_of([&] { (void)send_migration(from->client(), plan, 2s); });
  EXPECT_EQ(late.code(), Errc::timeout);
  EXPECT_TRUE(has(late, "it could not be called off in time and may still run")) << late.message();
  EXPECT_EQ(error_of([&] { (void)send_migration(from->client(), plan, qemu_limit); }).code(), Errc::busy);
  reader.reset();  // what its owner can do
  const CallContext soon{qemu_limit};
  while (query_migrate(from->client(), soon).phase() == MigrationPhase::running) continue;
  EXPECT_EQ(query_status(from->client(), qemu_limit).status, "prelaunch");
}

/// Kills a process when a call has made its first progress.
class KillAtProgress : public ProgressSink {
 public:
  explicit KillAtProgress(int pid) : pid_{pid} {}
  void progress(std::string_view, std::uint64_t done, std::uint64_t) noexcept override {
    if (done > 0) ::kill(pid_, SIGKILL);
  }

 private:
  int pid_;
};

TEST_P(QmpMigrationOf, ADestinationThatDiesLeavesTheSourceRunning) {
  const bool panics = GetParam().name == "s390x";  // its firmware, without a disk to boot from
  const auto from = source();
  const auto to = destination();
  if (!panics) cont(from->client(), qemu_limit);
  const auto before = query_status(from->client(), qemu_limit).status;
  Pair pair;
  give_fd(from->client(), "m", pair.a.get());
  give_fd(to->client(), "m", pair.b.get());
  pair.a.reset();
  pair.b.reset();
  migrate_incoming(to->client(), to_fd.uri, qemu_limit);
  auto slow = to_fd;
  slow.parameters.max_bandwidth_bytes_per_s = 50'000;  // some ten seconds for pages that are empty
  KillAtProgress killer{to->pid()};
  const CallContext call{std::chrono::steady_clock::now() + qemu_limit, {}, &killer};
  const auto error = error_of([&] { (void)send_migration(from->client(), slow, call); });
  EXPECT_EQ(error.code(), Errc::hypervisor_error);
  EXPECT_TRUE(has(error, "Failed: the migration to fd:m: ")) << error.message();
  EXPECT_FALSE(has(error, "no reason")) << error.message();
  EXPECT_EQ(query_status(from->client(), qemu_limit).status, before);
}

TEST_P(QmpMigrationOf, AGuestThatRanIsPausedWhereItCameTo) {
  if (GetParam().name == "s390x") GTEST_SKIP() << "its firmware panics without a disk to boot from";
  const auto from = source();
  const auto to = destination();
  cont(from->client(), qemu_limit);
  Pair pair;
  give_fd(from->client(), "m", pair.a.get());
  give_fd(to->client(), "m", pair.b.get());
  pair.a.reset();
  pair.b.reset();
  auto receiving = std::async(std::launch::async, [&] { return receive_migration(to->client(), to_fd, qemu_limit); });
  EXPECT_EQ(send_migration(from->client(), to_fd, qemu_limit).status, "completed");
  EXPECT_EQ(receiving.get().status, "completed");
  EXPECT_EQ(query_status(from->client(), qemu_limit).status, "postmigrate");
  EXPECT_EQ(query_status(to->client(), qemu_limit).status, "paused");  // it was started with -S
  cont(to->client(), qemu_limit);
  EXPECT_TRUE(query_status(to->client(), qemu_limit).running);
}

TEST_P(QmpMigrationOf, OfAMachineOfAnotherShapeEndsTheDestination) {
  const auto from = source();
  const auto to = destination({"-m", "512"});
  Pair pair;
  give_fd(from->client(), "m", pair.a.get());
  give_fd(to->client(), "m", pair.b.get());
  pair.a.reset();
  pair.b.reset();
  auto sending = std::async(std::launch::async, [&] {
    try {
      return std::string{send_migration(from->client(), to_fd, qemu_limit).status};
    } catch (const Error& error) {
      return std::string{to_string(error.code())};
    }
  });
  const auto error = error_of([&] { (void)receive_migration(to->client(), to_fd, qemu_limit); });
  EXPECT_EQ(error.code(), Errc::disconnected);
  EXPECT_TRUE(has(error, "load of migration failed")) << error.message();
  const int status = to->wait_end();
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 1) << status;
  EXPECT_EQ(sending.get(), "hypervisor_error");
}

TEST_P(QmpMigrationOf, OneThatIsBlockedSaysWhat) {
  const TestFolder folder;
  const auto from = source({"-blockdev", "driver=vvfat,node-name=fat,rw=on,read-only=off,dir=" + folder.file("")});
  EXPECT_FALSE(query_migrate(from->client(), qemu_limit).blocked_reasons.empty());
  const auto error = error_of([&] { (void)send_migration(from->client(), to_fd, qemu_limit); });
  EXPECT_EQ(error.code(), Errc::unsupported);
  EXPECT_TRUE(has(error, "The vvfat (rw) format used by node 'fat' does not support live migration"))
      << error.message();
}

TEST_P(QmpMigrationOf, CapabilitiesOfAnEarlierAttemptAreTurnedOff) {
  const auto from = source();
  migrate_set_capabilities(from->client(), {{"x-ignore-shared", true}, {"xbzrle", true}}, qemu_limit);
  const auto missing = error_of([&] {
    auto plan = to_fd;
    plan.capabilities = {"bypass-shared-memory"};
    (void)send_migration(from->client(), plan, qemu_limit);
  });
  EXPECT_EQ(missing.code(), Errc::unsupported);
  (void)error_of([&] { (void)send_migration(from->client(), to_fd, qemu_limit); });
  for (const auto& capability : query_migrate_capabilities(from->client(), qemu_limit)) {
    EXPECT_EQ(capability.on, capability.name == "events") << capability.name;
  }
}

}  // namespace
}  // namespace visor::test
