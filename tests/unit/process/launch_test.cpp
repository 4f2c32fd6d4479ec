// SPDX-License-Identifier: Apache-2.0
#include "fixture.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <thread>
#include <vector>

namespace visor::sdk {
namespace {

using LaunchTest = ProcessTest;

TEST_F(LaunchTest, ReportsTheExitCodeInTheEventAndInTheFile) {
  auto keeper = launch(shell("exit 7"));
  const auto record = expect_exit(keeper);
  EXPECT_EQ(record.status, (ExitStatus{ExitStatus::Kind::code, 7, false}));
  EXPECT_EQ(record.identity, keeper.main_process().identity);
  EXPECT_EQ(record.ended_by, EndedBy::itself);
  EXPECT_EQ(record.status.text(), "exit code 7");
  const auto stored = read_exit_record(dir_);
  ASSERT_TRUE(stored);
  EXPECT_EQ(stored->status, record.status);
  EXPECT_EQ(stored->time_us, record.time_us);
  expect_cleaned();
}

TEST_F(LaunchTest, ReportsTheSignal) {
  auto keeper = launch(shell("kill -SEGV $$"));
  const auto status = expect_exit(keeper).status;
  EXPECT_EQ(status.kind, ExitStatus::Kind::signal);
  EXPECT_EQ(status.value, SIGSEGV);
}

TEST_F(LaunchTest, GivesTheIdentityOfKeeperAndProcess) {
  auto keeper = launch(shell("read x", true));
  EXPECT_EQ(identify(keeper.identity().pid), keeper.identity());
  EXPECT_EQ(identify(keeper.main_process().identity.pid), keeper.main_process().identity);
  EXPECT_EQ(read_file("/proc/" + std::to_string(keeper.identity().pid) + "/comm"), "visor-keeper\n");
  keeper.kill(soon());
}

TEST_F(LaunchTest, PutsTheStderrOfAnEarlyDeathInTheRecord) {
  auto keeper = launch(shell("echo 'cannot open the thing' >&2; exit 1"));
  const auto record = expect_exit(keeper);
  EXPECT_EQ(record.status.value, 1);
  EXPECT_EQ(record.stderr_tail, "cannot open the thing\n");
}

TEST_F(LaunchTest, KeepsOnlyTheTailOfStderrAndCapsItsLog) {
  auto spec = shell("head -c 300000 /dev/zero | tr '\\0' x >&2; echo last >&2; read x", true);
  spec.main.stderr_capture.ring_bytes = 4096;
  spec.main.stderr_capture.log_path = file("stderr.log");
  spec.main.stderr_capture.log_bytes = 32 * 1024;
  auto keeper = launch(spec);
  const auto console = connect_console(dir_, soon());
  while (keeper.stderr_tail("", soon()).find("last\n") == std::string::npos) std::this_thread::yield();
  EXPECT_EQ(keeper.stderr_tail("main", soon()).size(), 4096U);
  keeper.kill(soon());
  EXPECT_LE(read_file(file("stderr.log")).size() + read_file(file("stderr.log.1")).size(), 32U * 1024);
  EXPECT_NE(read_file(file("stderr.log")).find("last\n"), std::string::npos);
}

TEST_F(LaunchTest, OpensNothingThatIsNotListed) {
  const UniqueFd leaky(::open("/", O_RDONLY));  // not CLOEXEC on purpose
  const UniqueFd passed(::open("/proc/version", O_RDONLY | O_CLOEXEC));
  auto spec = probe({"fds"});
  spec.main.fds = {{7, FdSource::inherited, {}, passed.get()}, {9, FdSource::null, {}, -1}};
  auto keeper = launch(spec);
  EXPECT_EQ(expect_exit(keeper).stderr_tail, "0 /dev/null\n1 /dev/null\n2 pipe\n7 /proc/version\n9 /dev/null\n");
}

TEST_F(LaunchTest, PlacesDescriptorsWhoseNumbersCross) {
  const UniqueFd a(::open("/proc/version", O_RDONLY | O_CLOEXEC));
  const UniqueFd b(::open("/proc/uptime", O_RDONLY | O_CLOEXEC));
  auto spec = probe({"fds"});
  spec.main.fds = {{4, FdSource::inherited, {}, a.get()},
                   {3, FdSource::inherited, {}, b.get()},
                   {255, FdSource::inherited, {}, a.get()}};
  auto keeper = launch(spec);
  EXPECT_EQ(expect_exit(keeper).stderr_tail,
            "0 /dev/null\n1 /dev/null\n2 pipe\n3 /proc/uptime\n4 /proc/version\n255 /proc/version\n");
}

TEST_F(LaunchTest, KeeperItselfHoldsNothingOfTheCreator) {
  const UniqueFd leaky(::open("/proc/version", O_RDONLY));
  auto keeper = launch(shell("read x", true));
  const auto list = "ls -l /proc/" + std::to_string(keeper.identity().pid) + "/fd";
  FILE* pipe = ::popen(list.c_str(), "r");
  const auto text = read_all(::fileno(pipe));
  ::pclose(pipe);
  EXPECT_EQ(text.find("/proc/version"), std::string::npos) << text;
  EXPECT_NE(text.find("0 -> /dev/null"), std::string::npos) << text;
  keeper.kill(soon());
}

TEST_F(LaunchTest, AppliesEnvironmentFolderLimitsAndPrivileges) {
  auto spec = probe({"rights"});
  spec.main.env = {"ONE=1", "TWO=a=b"};
  spec.main.working_dir = "/usr";
  spec.main.limits = {{RLIMIT_NOFILE, 77, 99}};
  spec.main.no_new_privs = true;
  auto keeper = launch(spec);
  const auto text = expect_exit(keeper).stderr_tail;
  EXPECT_NE(text.find("files=77 privs=1 cwd=/usr leader=1\nenv ONE=1\nenv TWO=a=b\n"), std::string::npos) << text;
}

TEST_F(LaunchTest, DropsToTheGivenUserOrSaysThatItMayNot) {
  auto spec = probe({"rights"});
  spec.main.credentials = Credentials{65534, 65533, {65532, 65531}};
  if (::geteuid() == 0) {
    auto keeper = launch(spec);
    const auto record = expect_exit(keeper);
    EXPECT_EQ(record.stderr_tail.rfind("uid=65534 gid=65533 groups=2 ", 0), 0U) << record.stderr_tail;
    return;
  }
  const auto error = error_of([&] { launch(spec); });
  EXPECT_EQ(error.code(), Errc::permission_denied);
  EXPECT_NE(error.message().find("setgroups"), std::string::npos) << error.message();
}

TEST_F(LaunchTest, JoinsTheControlGroupBeforeExec) {
  auto spec = shell("exit 0");
  spec.main.cgroup_dir = file("group");
  const auto error = error_of([&] { launch(spec); });
  EXPECT_EQ(error.message(), "Cannot start process 'main' (cgroup): " + file("group") + ": No such file or directory");
  ASSERT_EQ(::mkdir(file("group").c_str(), 0700), 0);
  const UniqueFd group(::open(file("group/cgroup.procs").c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600));
  auto keeper = launch(spec);
  EXPECT_EQ(expect_exit(keeper).status.value, 0);
  EXPECT_EQ(read_file(file("group/cgroup.procs")), "0");
}

TEST_F(LaunchTest, EntersTheNetworkNamespaceOrSaysThatItMayNot) {
  const UniqueFd here(::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
  auto spec = shell("exit 3");
  spec.main.netns_fd = here.get();
  try {
    auto keeper = launch(spec);
    EXPECT_EQ(expect_exit(keeper).status.value, 3);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::permission_denied);
    EXPECT_NE(error.message().find("(netns)"), std::string::npos) << error.message();
  }
  spec.main.netns_fd = 0;  // no namespace
  EXPECT_NE(error_of([&] { launch(spec); }).message().find("(netns)"), std::string::npos);
}

TEST_F(LaunchTest, RefusesToStartWithoutItsLabel) {
  auto spec = shell("exit 0");
  spec.main.exec_label = "no:such:label";
  EXPECT_NE(error_of([&] { launch(spec); }).message().find("(label)"), std::string::npos);
}

TEST_F(LaunchTest, StartsWithDefaultSignalsWhateverTheHostHas) {
  const auto before = std::signal(SIGUSR1, SIG_IGN);
  auto keeper = launch(shell("kill -USR1 $$; exit 3"));
  std::signal(SIGUSR1, before);
  EXPECT_EQ(expect_exit(keeper).status.value, SIGUSR1);
}

TEST_F(LaunchTest, MakesListenersThatOnlyTheUserMayReach) {
  auto spec = probe({"serve", "5"});
  spec.main.fds = {{5, FdSource::listener, file("monitor"), -1}};
  const auto mask = ::umask(0);
  auto keeper = launch(spec);
  ::umask(mask);
  for (const auto& path : {file("monitor"), keeper_socket_path(dir_)}) {
    struct stat facts{};
    ASSERT_EQ(::stat(path.c_str(), &facts), 0) << path;
    EXPECT_EQ(facts.st_mode & 0777, 0600U) << path;
  }
  keeper.kill(soon());
  EXPECT_FALSE(exists(file("monitor")));
}

TEST_F(LaunchTest, NamesWhatCannotBeExecuted) {
  auto spec = shell("");
  spec.main.argv[0] = "/no/such/hypervisor";
  const auto error = error_of([&] { launch(spec); });
  EXPECT_EQ(error.code(), Errc::not_found);
  EXPECT_EQ(error.message(), "Cannot start process 'main' (exec): /no/such/hypervisor: No such file or directory");
  EXPECT_FALSE(exists(keeper_socket_path(dir_)));
}

TEST_F(LaunchTest, EndsHelpersWhenTheMainProcessCannotStart) {
  auto spec = shell("");
  spec.helpers = {shell_process("one", "exec sleep 100")};
  spec.helpers[0].fds = {{3, FdSource::listener, file("one.sock"), -1}};
  spec.main.working_dir = "/no/such/folder";
  const auto error = error_of([&] { launch(spec); });
  EXPECT_NE(error.message().find("(chdir): /no/such/folder"), std::string::npos) << error.message();
  EXPECT_FALSE(exists(file("one.sock")));
}

TEST_F(LaunchTest, NamesAMissingKeeper) {
  auto where = options();
  where.keeper_path = "/no/such/keeper";
  const auto error = error_of([&] { Keeper::launch(shell("exit 0"), where); });
  EXPECT_EQ(error.code(), Errc::not_found);
  EXPECT_NE(error.message().find("/no/such/keeper"), std::string::npos);
}

TEST_F(LaunchTest, RefusesAKeeperThatIsNone) {
  auto where = options();
  where.keeper_path = "/bin/true";
  EXPECT_EQ(error_of([&] { Keeper::launch(shell("exit 0"), where); }).code(), Errc::disconnected);
}

TEST_F(LaunchTest, GivesUpAtTheDeadlineWhenTheKeeperIsSilent) {
  auto where = options();
  where.keeper_path = VISOR_TEST_PROBE;  // under this name it waits for the session to close
  where.call = std::chrono::milliseconds(50);
  const auto error = error_of([&] { Keeper::launch(shell("exit 0"), where); });
  EXPECT_EQ(error.code(), Errc::timeout);
}

TEST_F(LaunchTest, RefusesAFolderThatOthersMayWriteTo) {
  ASSERT_EQ(::chmod(dir_.c_str(), 0777), 0);
  const auto error = error_of([&] { launch(shell("exit 0")); });
  EXPECT_EQ(error.code(), Errc::permission_denied);
  EXPECT_NE(error.message().find(dir_), std::string::npos) << error.message();
}

TEST_F(LaunchTest, RefusesAFolderThatIsNotThere) {
  auto where = options();
  where.run_dir = file("nowhere");
  EXPECT_EQ(error_of([&] { Keeper::launch(shell("exit 0"), where); }).code(), Errc::not_found);
}

TEST_F(LaunchTest, RefusesASecondKeeperInTheSameFolder) {
  auto keeper = launch(shell("read x", true));
  const auto error = error_of([&] { launch(shell("exit 0")); });
  EXPECT_EQ(error.code(), Errc::busy);
  EXPECT_EQ(keeper.status(soon()).processes.size(), 1U);  // the first is unharmed
  keeper.kill(soon());
  auto again = launch(shell("exit 5"));
  EXPECT_EQ(expect_exit(again).status.value, 5);
}

TEST_F(LaunchTest, RefusesALogThatCannotBeWritten) {
  auto spec = shell("exit 0");
  spec.main.stderr_capture.log_path = "/no/such/folder/log";
  const auto error = error_of([&] { launch(spec); });
  EXPECT_EQ(error.message(), "Cannot start process 'main' (log): /no/such/folder/log: No such file or directory");
}

TEST_F(LaunchTest, RefusesAListenerPathThatSomebodyUses) {
  auto spec = probe({"serve", "3"});
  spec.main.fds = {{3, FdSource::listener, file("taken"), -1}};
  const UniqueFd taken(::open(file("taken").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
  EXPECT_EQ(error_of([&] { launch(spec); }).code(), Errc::already_exists);
  EXPECT_TRUE(exists(file("taken")));
}

TEST_F(LaunchTest, TakesOverAListenerPathThatNobodyServes) {
  auto spec = probe({"serve", "3"});
  spec.main.fds = {{3, FdSource::listener, file("stale"), -1}};
  auto first = launch(spec);
  send_signal(first.identity(), SIGKILL);
  expect_event(first, KeeperEvent::Kind::disconnected);
  send_signal(first.main_process().identity, SIGKILL);
  ASSERT_TRUE(exists(file("stale")));
  while (alive(first.main_process().identity)) std::this_thread::yield();
  auto second = launch(spec);
  second.kill(soon());
  EXPECT_FALSE(exists(file("stale")));
}

TEST_F(LaunchTest, WorksFromManyThreadsAtOnce) {
  constexpr int count = 8;
  std::vector<std::thread> threads;
  std::vector<int> codes(count, -1);
  for (int i = 0; i < count; ++i) {
    threads.emplace_back([this, i, &codes] {
      auto where = options();
      where.run_dir = file("vm" + std::to_string(i));
      ASSERT_EQ(::mkdir(where.run_dir.c_str(), 0700), 0);
      auto keeper = Keeper::launch(shell("exit " + std::to_string(i)), where);
      codes[static_cast<std::size_t>(i)] = expect_exit(keeper).status.value;
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(codes, (std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7}));
}

}  // namespace
}  // namespace visor::sdk
