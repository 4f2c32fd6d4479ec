// SPDX-License-Identifier: Apache-2.0
// The "hypervisor" of the tests: shows what it was given, or serves a listening descriptor.
#include <dirent.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>

extern char** environ;

namespace {

void show_fds() {
  std::map<int, std::string> found;
  DIR* folder = ::opendir("/proc/self/fd");
  while (const auto* entry = ::readdir(folder)) {
    if (entry->d_name[0] == '.' || std::atoi(entry->d_name) == ::dirfd(folder)) continue;
    std::array<char, 512> target{};
    const auto link = std::string("/proc/self/fd/") + entry->d_name;
    const auto size = ::readlink(link.c_str(), target.data(), target.size());
    found[std::atoi(entry->d_name)] = std::string(target.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
  }
  ::closedir(folder);
  for (const auto& [fd, target] : found) {
    std::fprintf(stderr, "%d %s\n", fd, target.substr(0, target.find(':')).c_str());
  }
}

void show_rights() {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  std::array<char, 512> folder{};
  if (::getcwd(folder.data(), folder.size()) == nullptr) std::abort();
  std::fprintf(stderr, "uid=%u gid=%u groups=%d files=%llu privs=%d cwd=%s leader=%d\n", ::getuid(), ::getgid(),
               ::getgroups(0, nullptr), static_cast<unsigned long long>(files.rlim_cur),
               ::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), folder.data(), ::getsid(0) == ::getpid() ? 1 : 0);
  for (char** variable = environ; *variable != nullptr; ++variable) std::fprintf(stderr, "env %s\n", *variable);
}

// A keeper that says nothing and leaves with its creator.
void be_silent_keeper() {
  pollfd polled{3, 0, 0};
  ::poll(&polled, 1, -1);
}

// One client after the other: a greeting, then its own bytes back.
void serve(int listener) {
  for (;;) {
    const int client = ::accept(listener, nullptr, nullptr);
    if (client < 0) std::_Exit(3);
    std::array<char, 4096> buffer{};
    auto size = ::snprintf(buffer.data(), buffer.size(), "hello\n");
    for (ssize_t got = size; got > 0; got = ::read(client, buffer.data(), buffer.size())) {
      if (::send(client, buffer.data(), static_cast<std::size_t>(got), MSG_NOSIGNAL) != got) break;
    }
    ::close(client);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::string mode = argc > 1 ? argv[1] : "";
  if (std::string(argv[0]) == "visor-keeper") be_silent_keeper();
  if (mode == "fds") show_fds();
  if (mode == "rights") show_rights();
  if (mode == "serve" && argc > 2) serve(std::atoi(argv[2]));
  return 0;
}
