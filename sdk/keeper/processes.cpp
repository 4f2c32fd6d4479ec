// SPDX-License-Identifier: Apache-2.0
#include "processes.hpp"

#include "child.hpp"
#include "failure.hpp"
#include "message.hpp"
#include "proc_stat.hpp"
#include "unix_socket.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

namespace visor::keeper {
namespace {

namespace wire = sdk::wire;

sdk::ExitStatus status_of(const siginfo_t& info) {
  sdk::ExitStatus status;
  status.kind = info.si_code == CLD_EXITED ? sdk::ExitStatus::Kind::code : sdk::ExitStatus::Kind::signal;
  status.value = info.si_status;
  status.core_dumped = info.si_code == CLD_DUMPED;
  return status;
}

// A socket file that nobody listens at is a left-over; anything else at that path is not ours to remove.
UniqueFd listen_fresh(const std::string& path) {
  auto result = wire::listen_unix(path, SOCK_STREAM);
  if (result.error == EADDRINUSE) {
    struct stat facts{};
    const bool socket = ::lstat(path.c_str(), &facts) == 0 && S_ISSOCK(facts.st_mode);
    if (socket && wire::connect_unix(path, SOCK_STREAM).error == ECONNREFUSED && ::unlink(path.c_str()) == 0) {
      result = wire::listen_unix(path, SOCK_STREAM);
    }
  }
  if (result.error != 0) throw Failure{"listen", result.error, path, {}};
  // The process decides for itself whether accept may block; a fresh socket of its own would.
  ::fcntl(result.fd.get(), F_SETFL, ::fcntl(result.fd.get(), F_GETFL) & ~O_NONBLOCK);
  return std::move(result.fd);
}

std::vector<sdk::FdMapping> with_defaults(std::vector<sdk::FdMapping> fds) {
  for (int target = 0; target < 3; ++target) {
    const bool listed = std::any_of(fds.begin(), fds.end(), [target](const auto& fd) { return fd.target == target; });
    if (!listed) fds.push_back({target, target == 2 ? sdk::FdSource::stderr_capture : sdk::FdSource::null, {}, -1});
  }
  return fds;
}

}  // namespace

/// Tells when a process that is not our child has ended.
class Processes::EndWatch final : public Handler {
 public:
  EndWatch(Processes& processes, std::size_t index, int pidfd)
      : processes_{processes}, index_{index}, watch_{processes.loop_, pidfd, EPOLLIN | EPOLLONESHOT, *this} {}
  void on_ready(std::uint32_t) override { processes_.ended(index_, sdk::ExitStatus{}); }

 private:
  Processes& processes_;
  std::size_t index_;
  Watch watch_;
};

Processes::Processes(Loop& loop, OnEnd on_end)
    : loop_{loop}, on_end_{std::move(on_end)}, null_{::open("/dev/null", O_RDWR | O_CLOEXEC)} {}

Processes::~Processes() = default;

void Processes::make_listeners(const sdk::KeeperSpec& spec) {
  const auto make = [this](const sdk::ProcessSpec& process) {
    for (const auto& mapping : process.fds) {
      if (mapping.source != sdk::FdSource::listener) continue;
      listeners_.push_back({mapping.path, listen_fresh(mapping.path)});
      unlink_.push_back(mapping.path);
    }
  };
  make(spec.main);
  std::for_each(spec.helpers.begin(), spec.helpers.end(), make);
}

int Processes::source_of(const sdk::FdMapping& mapping, const std::vector<UniqueFd>& passed, int console_fd,
                         int stderr_fd) const {
  switch (mapping.source) {
    case sdk::FdSource::stderr_capture:
      return stderr_fd;
    case sdk::FdSource::console:
      return console_fd;
    case sdk::FdSource::inherited:
      return passed.at(static_cast<std::size_t>(mapping.host_fd)).get();
    case sdk::FdSource::listener:
      for (const auto& listener : listeners_) {
        if (listener.path == mapping.path) return listener.fd.get();
      }
      break;
    case sdk::FdSource::null:
      break;
  }
  return null_.get();
}

void Processes::start(const sdk::ProcessSpec& spec, bool main, const std::vector<UniqueFd>& passed, int console_fd) {
  Kept kept;
  kept.name = spec.name;
  try {
    kept.stderr_reader = std::make_unique<PipeReader>(loop_, spec.stderr_capture);
  } catch (Failure& failure) {
    failure.process = spec.name;
    throw;
  }
  const UniqueFd stderr_fd = kept.stderr_reader->open();
  std::vector<PlacedFd> fds;
  for (const auto& mapping : with_defaults(spec.fds)) {
    fds.push_back({mapping.target, source_of(mapping, passed, console_fd, stderr_fd.get())});
  }
  const int netns = spec.netns_fd < 0 ? -1 : passed.at(static_cast<std::size_t>(spec.netns_fd)).get();
  kept.identity.pid = spawn(spec, fds, netns);
  kept.identity.start_time = wire::read_start_time(kept.identity.pid).value_or(0);
  kept.pidfd.reset(wire::open_pidfd(kept.identity.pid));
  kept_.insert(main ? kept_.begin() : kept_.end(), std::move(kept));
}

void Processes::adopt(const std::string& name, const sdk::ProcessIdentity& identity) {
  Kept kept{name, identity, UniqueFd(wire::open_pidfd(identity.pid)), nullptr, {}, 0};
  // A zombie that nobody reaps still has its entry in /proc; its descriptor tells.
  pollfd ended{kept.pidfd.get(), POLLIN, 0};
  const bool same =
      kept.pidfd && wire::read_start_time(identity.pid) == identity.start_time && ::poll(&ended, 1, 0) == 0;
  if (!same && kept_.empty()) throw Failure{"adopt", ESRCH, "no such process", name};
  if (same) {
    end_watches_.push_back(std::make_unique<EndWatch>(*this, kept_.size(), kept.pidfd.get()));
  } else {
    kept.exit.emplace();
    kept.exit_us = wall_us();
  }
  kept_.push_back(std::move(kept));
}

void Processes::unlink_at_end(const std::vector<std::string>& paths) {
  unlink_.insert(unlink_.end(), paths.begin(), paths.end());
}

void Processes::ended(std::size_t index, const sdk::ExitStatus& status) {
  auto& kept = kept_[index];
  if (kept.exit) return;
  kept.exit = status;
  kept.exit_us = wall_us();
  if (kept.stderr_reader) kept.stderr_reader->drain();
  on_end_(index);
}

void Processes::reap() {
  siginfo_t info{};
  while (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG) == 0 && info.si_pid != 0) {
    for (std::size_t i = 0; i < kept_.size(); ++i) {
      if (kept_[i].identity.pid == info.si_pid) ended(i, status_of(info));
    }
    info = {};
  }
}

bool Processes::send_signal(std::size_t index, int signal) {
  const auto& kept = kept_[index];
  return !kept.exit && wire::signal_pidfd(kept.pidfd.get(), signal) == 0;
}

bool Processes::kill_strays() {
  const auto self = std::to_string(::getpid());
  const auto children = wire::read_small_file(("/proc/self/task/" + self + "/children").c_str());
  std::string_view rest = children;
  bool any = false;
  while (!rest.empty()) {
    // They are our children and only we reap: the number cannot mean another process.
    const auto pid = wire::parse_number(wire::take_word(rest));
    any = any || pid;
    if (pid) ::kill(static_cast<pid_t>(*pid), SIGKILL);
  }
  return any;
}

void Processes::kill_all() {
  constexpr int rounds = 5000;
  for (std::size_t i = 0; i < kept_.size(); ++i) send_signal(i, SIGKILL);
  for (int i = 0; i < rounds; ++i) {
    kill_strays();
    siginfo_t info{};
    if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG) != 0) return;  // ECHILD: none is left
    if (info.si_pid != 0) continue;
    ::usleep(1000);
  }
}

void Processes::unlink_listeners() {
  for (const auto& path : unlink_) ::unlink(path.c_str());
}

}  // namespace visor::keeper
