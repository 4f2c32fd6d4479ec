// SPDX-License-Identifier: Apache-2.0
// visor-keeper: parent and watcher of one hypervisor process. Started by visorkit's SDK alone; see PROTOCOL.md.
#include "failure.hpp"
#include "keeper.hpp"
#include "order_codec.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <string>
#include <vector>

namespace visor::keeper {
namespace {

constexpr int lifeline_number = 3;
constexpr int order_wait_ms = 5000;

// The creator's terminal, signal dispositions and open files are nothing of ours.
void leave_the_creator() {
  ::setsid();
  ::prctl(PR_SET_NAME, "visor-keeper");
  // Orphans of our children come to us, so that the end can be complete.
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  // Exec took away the creator's handlers, but not what it ignored: ignoring SIGCHLD would lose exit codes.
  ::signal(SIGCHLD, SIG_DFL);
  ::signal(SIGTERM, SIG_DFL);
  for (const int number : {SIGPIPE, SIGHUP, SIGINT}) ::signal(number, SIG_IGN);
  const int null = ::open("/dev/null", O_RDWR);
  for (int fd = 0; fd < lifeline_number; ++fd) {
    if (null >= 0 && null != fd) ::dup2(null, fd);
  }
  if (null > lifeline_number) ::close(null);
  if (::chdir("/") != 0) return;  // only keeps a file system busy
}

// Signals stay blocked from before the exec until here; SIGTERM and SIGCHLD come by signalfd later.
void unblock_signals() {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGCHLD);
  ::sigaddset(&set, SIGTERM);
  ::sigprocmask(SIG_SETMASK, &set, nullptr);
}

std::vector<UniqueFd> receive_fds(int lifeline) {
  pollfd polled{lifeline, POLLIN, 0};
  if (::poll(&polled, 1, order_wait_ms) != 1) throw Failure{"order", ETIMEDOUT, "No order came", {}};
  std::array<char, 64> text;
  iovec part{text.data(), text.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * (sdk::wire::max_passed_fds + 1))> control;
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control.data();
  header.msg_controllen = control.size();
  std::vector<UniqueFd> fds;
  if (::recvmsg(lifeline, &header, MSG_CMSG_CLOEXEC) <= 0) throw Failure{"order", errno, "No order came", {}};
  for (auto* item = CMSG_FIRSTHDR(&header); item != nullptr; item = CMSG_NXTHDR(&header, item)) {
    if (item->cmsg_level != SOL_SOCKET || item->cmsg_type != SCM_RIGHTS) continue;
    const auto count = (item->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(item) + i * sizeof(int), sizeof fd);
      fds.emplace_back(fd);
    }
  }
  if (fds.empty() || (header.msg_flags & MSG_CTRUNC) != 0)
    throw Failure{"order", EBADMSG, "Descriptors are missing", {}};
  return fds;
}

// Host descriptors are named by their place in the list; every place must exist.
void check_indexes(const sdk::ProcessSpec& spec, std::size_t count) {
  const auto bad = [count](int index) { return index >= 0 && static_cast<std::size_t>(index) >= count; };
  bool wrong = bad(spec.netns_fd);
  for (const auto& mapping : spec.fds) {
    wrong = wrong || (mapping.source == sdk::FdSource::inherited && bad(mapping.host_fd));
  }
  if (wrong) throw Failure{"order", EBADF, "A descriptor was not passed", spec.name};
}

sdk::wire::Order read_order(int file, std::size_t passed) {
  struct stat facts{};
  if (::fstat(file, &facts) != 0 || static_cast<std::size_t>(facts.st_size) > sdk::wire::max_order_bytes) {
    throw Failure{"order", EINVAL, "The order is too long", {}};
  }
  std::string bytes(static_cast<std::size_t>(facts.st_size), '\0');
  if (::pread(file, bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    throw Failure{"order", errno, "The order cannot be read", {}};
  }
  auto order = sdk::wire::decode_order(bytes);
  if (!order) throw Failure{"order", EINVAL, "The keeper and the SDK are of different versions", {}};
  if (auto problem = find_problem(*order); !problem.empty()) throw Failure{"order", EINVAL, problem, {}};
  check_indexes(order->spec.main, passed);
  for (const auto& helper : order->spec.helpers) check_indexes(helper, passed);
  return std::move(*order);
}

int run() {
  leave_the_creator();
  unblock_signals();
  UniqueFd lifeline(lifeline_number);
  if (::fcntl(lifeline.get(), F_SETFD, FD_CLOEXEC) != 0) return 2;
  ::fcntl(lifeline.get(), F_SETFL, O_NONBLOCK);
  const int reporting = ::fcntl(lifeline.get(), F_DUPFD_CLOEXEC, lifeline_number + 1);
  UniqueFd report(reporting);
  try {
    auto fds = receive_fds(lifeline.get());
    const UniqueFd order_file = std::move(fds.front());
    fds.erase(fds.begin());
    auto order = read_order(order_file.get(), fds.size());
    Keeper keeper(std::move(order), std::move(fds), std::move(lifeline));
    report.reset();
    keeper.run();
    return 0;
  } catch (const Failure& failure) {
    report_failure(report.get(), failure);
  } catch (const std::exception& error) {
    report_failure(report.get(), {"keeper", ENOMEM, error.what(), {}});
  }
  return 1;
}

}  // namespace
}  // namespace visor::keeper

// The library's own handler prints, and with it come the demangler and half of stdio: 100 KiB of every keeper.
namespace __gnu_cxx {  // NOLINT(bugprone-reserved-identifier)
void __verbose_terminate_handler() { std::abort(); }
}  // namespace __gnu_cxx

int main() { return visor::keeper::run(); }
