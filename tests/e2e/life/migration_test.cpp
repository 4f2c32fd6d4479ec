// SPDX-License-Identifier: Apache-2.0
// Guests that move from one QEMU to another while they run.
#include "state.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <csignal>
#include <future>
#include <optional>

namespace visor::test {
namespace {

/// Both ends of a connection.
struct Ends {
  UniqueFd from;
  UniqueFd to;
};

Ends unix_ends() {
  std::array<int, 2> both{};
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, both.data()), 0);
  return {UniqueFd{both[0]}, UniqueFd{both[1]}};
}

Ends tcp_ends() {
  const UniqueFd listener{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  socklen_t size = sizeof address;
  EXPECT_EQ(::bind(listener.get(), generic, size), 0);
  EXPECT_EQ(::listen(listener.get(), 1), 0);
  EXPECT_EQ(::getsockname(listener.get(), generic, &size), 0);
  Ends ends{UniqueFd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)}, {}};
  EXPECT_EQ(::connect(ends.from.get(), generic, size), 0);
  ends.to.reset(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  return ends;
}

/// What came of a call on another thread, by value.
struct Outcome {
  std::optional<Error> error;
};

/// Kills a VM's hypervisor when a call on another VM has made progress.
class KillAtProgress final : public ProgressSink {
 public:
  explicit KillAtProgress(Vm& target) : target_{target} {}
  void progress(std::string_view stage, std::uint64_t done, std::uint64_t /*total*/) noexcept override {
    if (stage != "migrate" || done == 0) return;
    const auto pids = target_.pids();
    if (!pids.empty()) ::kill(pids.front(), SIGKILL);
  }

 private:
  Vm& target_;
};

class Migration : public StateTest {
 protected:
  static std::future<Outcome> receive(Vm& vm, int fd) {
    return std::async(std::launch::async, [&vm, fd]() -> Outcome {
      try {
        get<MigrationExtension>(vm)->prepare_incoming(fd, state_limit);
        return {};
      } catch (const Error& error) {
        return {error};
      }
    });
  }

  /// Moves the guest; where it came to it stands still.
  std::unique_ptr<Vm> move(Vm& source, const Ends& ends, const std::string& id) {
    auto target = runtime_->create(source.config(), id);
    auto received = receive(*target, ends.to.get());
    const auto result = get<MigrationExtension>(source)->send(ends.from.get(), {}, state_limit);
    EXPECT_GT(result.transferred_bytes, 1'000'000U);
    const auto outcome = received.get();
    EXPECT_FALSE(outcome.error) << outcome.error->message();
    EXPECT_EQ(target->status(5s).state, VmState::paused);
    return target;
  }

  /// The guest has mounted a folder of the host, which no other QEMU could take over.
  void expect_blocked_by_share(Vm& source, Agent& guest) {
    guest.ask("modprobe 9pnet_virtio; modprobe 9p; mkdir -p /tmp/share && mount -t 9p -o trans=virtio tag /tmp/share");
    const auto ends = unix_ends();
    const auto error = error_of([&] { get<MigrationExtension>(source)->send(ends.from.get(), {}, state_limit); });
    EXPECT_EQ(error.code(), Errc::unsupported) << error.message();
    EXPECT_NE(error.message().find("'tag'"), std::string::npos) << error.message();
    const auto saved = make_private_folder();
    const auto unsaved = error_of([&] { get<SnapshotExtension>(source)->save(saved, state_limit); });
    EXPECT_EQ(unsaved.code(), Errc::unsupported) << unsaved.message();
    EXPECT_TRUE(std::filesystem::is_empty(saved));
    EXPECT_EQ(source.status(5s).state, VmState::running);
    guest.ask("umount /tmp/share");
  }

  void expect_survives_a_target_that_dies(Vm& source) {
    const auto target = runtime_->create(source.config(), "dead");
    const auto ends = unix_ends();
    auto received = receive(*target, ends.to.get());
    KillAtProgress killer{*target};
    const CallContext call{std::chrono::steady_clock::now() + state_limit, {}, &killer};
    const auto error =
        error_of([&] { get<MigrationExtension>(source)->send(ends.from.get(), {.max_bytes_per_s = 4U << 20U}, call); });
    EXPECT_EQ(error.code(), Errc::hypervisor_error) << error.message();
    EXPECT_TRUE(received.get().error);
    EXPECT_EQ(source.status(5s).state, VmState::running);
    EXPECT_EQ(target->status(5s).state, VmState::created);
    target->stop({.force = true}, 20s);
  }
};

TEST_P(Migration, AGuestMovesWithAllThatRunsInIt) {
  auto config = with_nic();
  config.devices.emplace_back(ShareConfig{.id = "share", .path = run_dir_.string(), .tag = "tag"});
  const auto source = boot(config);
  auto guest = agent();
  begin_counting(guest);
  leave_mark(guest);
  ASSERT_TRUE(counts_beyond(guest, 3));
  expect_blocked_by_share(*source, guest);
  expect_survives_a_target_that_dies(*source);
  const auto face = this->face(guest);
  const auto before = count(guest);

  const auto target = move(*source, unix_ends(), "there");
  auto moved = agent("there");  // before it runs: its port is then never without a host
  target->resume(10s);
  expect_remembers(*target);
  if (keeps_timers()) {
    EXPECT_EQ(this->face(moved), face);
    EXPECT_GE(count(moved), before);
    EXPECT_TRUE(counts_beyond(moved, before + 1));
  }
  const auto left = source->status(5s);
  EXPECT_EQ(left.state, VmState::paused);
  EXPECT_EQ(left.detail, "postmigrate");
  EXPECT_EQ(error_of([&] { source->resume(10s); }).code(), Errc::invalid_state) << "it would run twice";
  source->stop({.force = true}, 20s);
  if (keeps_timers()) {
    const auto further = move(*target, tcp_ends(), "further");
    auto far = agent("further");
    further->resume(10s);
    EXPECT_EQ(this->face(far), face);
    further->stop({.force = true}, 20s);
  }
  target->stop({.force = true}, 20s);
}

VISOR_LIFE_ON(Migration, "amd64", "arm64", "ppc64le", "s390x");

}  // namespace
}  // namespace visor::test
