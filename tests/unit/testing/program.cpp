// SPDX-License-Identifier: Apache-2.0
#include "program.hpp"

#include "testing/unix_socket.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <sstream>

namespace visor::testing {

void ProgramTest::SetUp() {
  std::string pattern = "/tmp/visor-program-XXXXXX";
  ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
  folder_ = pattern;
}

void ProgramTest::TearDown() {
  if (pid_ > 0) {
    signal(SIGKILL);
    (void)wait();
  }
  std::filesystem::remove_all(folder_);
}

UniqueFd ProgramTest::listen(const std::string& name) const { return listen_at(path(name)); }

void ProgramTest::write(const std::string& name, std::string_view text) const { std::ofstream{folder_ / name} << text; }

std::string ProgramTest::read(const std::string& name) const {
  std::ostringstream text;
  text << std::ifstream{folder_ / name}.rdbuf();
  return text.str();
}

void ProgramTest::start(const std::string& program, const std::vector<std::string>& arguments,
                        const std::vector<int>& fds) {
  std::vector<char*> words{const_cast<char*>(program.c_str())};
  for (const auto& argument : arguments) words.push_back(const_cast<char*>(argument.c_str()));
  words.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ASSERT_EQ(::posix_spawn_file_actions_init(&actions), 0);
  constexpr int flags = O_CREAT | O_TRUNC | O_WRONLY;
  ::posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, path("out").c_str(), flags, 0600);
  ::posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, path("err").c_str(), flags, 0600);
  for (const int fd : fds) ::posix_spawn_file_actions_adddup2(&actions, fd, fd);  // which takes close-on-exec off
  EXPECT_EQ(::posix_spawn(&pid_, program.c_str(), &actions, nullptr, words.data(), environ), 0) << program;
  ::posix_spawn_file_actions_destroy(&actions);
}

void ProgramTest::signal(int number) const { ::kill(pid_, number); }

int ProgramTest::wait() {
  int status = 0;
  EXPECT_EQ(::waitpid(pid_, &status, 0), pid_);
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace visor::testing
