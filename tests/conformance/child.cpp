// SPDX-License-Identifier: Apache-2.0
#include "child.hpp"

#include "visor/core/error.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

namespace visor::conformance {
namespace {

struct Pipe {
  UniqueFd read;
  UniqueFd write;
};

Pipe make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw system_error("Cannot make a pipe", errno);
  return {UniqueFd{ends[0]}, UniqueFd{ends[1]}};
}

}  // namespace

Child::Child(const std::vector<std::string>& arguments) {
  auto input = make_pipe();
  auto output = make_pipe();
  std::vector<std::string> texts{"/proc/self/exe", "--helper"};
  texts.insert(texts.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (auto& text : texts) argv.push_back(text.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, input.read.get(), STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, output.write.get(), STDOUT_FILENO);
  const int error = ::posix_spawn(&pid_, argv[0], &actions, nullptr, argv.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (error != 0) throw system_error("Cannot start the helper process", error);
  input_ = std::move(input.write);
  output_ = std::move(output.read);
}

Child::~Child() { kill(); }

std::string Child::read_line(const CallContext& call) {
  for (;;) {
    if (const auto end = pending_.find('\n'); end != std::string::npos) {
      auto line = pending_.substr(0, end);
      pending_.erase(0, end + 1);
      return line;
    }
    call.check("a line of the helper process");
    pollfd entry{output_.get(), POLLIN, 0};
    if (::poll(&entry, 1, static_cast<int>(call.remaining().count())) <= 0) continue;
    char buffer[512];
    const auto size = ::read(output_.get(), buffer, sizeof buffer);
    if (size <= 0) return {};
    pending_.append(buffer, static_cast<std::size_t>(size));
  }
}

int Child::finish() {
  input_.reset();
  if (pid_ < 0) return -1;
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void Child::kill() {
  if (pid_ > 0) ::kill(pid_, SIGKILL);
  finish();
}

}  // namespace visor::conformance
