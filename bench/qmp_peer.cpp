// SPDX-License-Identifier: Apache-2.0
#include "qmp_peer.hpp"

#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <thread>
#include <unordered_map>

namespace visor::bench {
namespace {

using namespace std::chrono_literals;

[[noreturn]] void give_up(const char* what) {
  std::perror(what);
  std::exit(1);
}

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) give_up("a socket path is too long");
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

void write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto size = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (size <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(size));
  }
}

/// Answers the complete lines of `input` and leaves the rest.
void answer(int fd, std::string& input) {
  std::string output;
  std::size_t begin = 0;
  for (auto end = input.find('\n'); end != std::string::npos; end = input.find('\n', begin)) {
    const auto line = std::string_view{input}.substr(begin, end - begin);
    begin = end + 1;
    output += R"({"return": {})";
    constexpr std::string_view key = R"("id":)";
    if (const auto id = line.rfind(key); id != std::string_view::npos) {
      output.append(R"(, "id": )").append(line.substr(id + key.size(), line.find('}', id) - id - key.size()));
    }
    output += "}\r\n";
  }
  input.erase(0, begin);
  write_all(fd, output);
}

[[noreturn]] void serve(int listener) {
  constexpr std::string_view greeting =
      R"({"QMP": {"version": {"qemu": {"micro": 0, "minor": 2, "major": 7}, "package": ""}, "capabilities": ["oob"]}})"
      "\r\n";
  const int poll = ::epoll_create1(EPOLL_CLOEXEC);
  const auto add = [poll](int fd) {
    epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
    ::epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event);
  };
  add(listener);
  std::unordered_map<int, std::string> inputs;
  std::array<epoll_event, 64> events{};
  std::array<char, 65536> buffer{};
  for (;;) {
    const int count = ::epoll_wait(poll, events.data(), static_cast<int>(events.size()), -1);
    for (int i = 0; i < count; ++i) {
      const int fd = events.at(static_cast<std::size_t>(i)).data.fd;
      if (fd == listener) {
        const int client = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
        if (client < 0) continue;
        add(client);
        write_all(client, greeting);
        continue;
      }
      const auto size = ::read(fd, buffer.data(), buffer.size());
      if (size <= 0) {
        inputs.erase(fd);
        ::close(fd);
        continue;
      }
      auto& input = inputs[fd];
      input.append(buffer.data(), static_cast<std::size_t>(size));
      answer(fd, input);
    }
  }
}

void end(pid_t pid) {
  if (pid <= 0) return;
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
}

}  // namespace

UniqueFd connect_to(const std::string& path) {
  const auto address = address_of(path);
  for (int tries = 0; tries < 2000; ++tries) {
    UniqueFd socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) return socket;
    std::this_thread::sleep_for(5ms);
  }
  give_up(path.c_str());
}

EchoServer::EchoServer(std::string path) : path_{std::move(path)} {
  const UniqueFd listener{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  const auto address = address_of(path_);
  if (::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
      ::listen(listener.get(), 4096) != 0) {
    give_up("the echo server's socket");
  }
  pid_ = ::fork();
  if (pid_ < 0) give_up("fork");
  if (pid_ > 0) return;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  serve(listener.get());
}

EchoServer::~EchoServer() { end(pid_); }

BareQemu::BareQemu(const std::string& folder, std::size_t monitors) {
  std::vector<std::string> argv{"/usr/bin/qemu-system-x86_64", "-machine", "none", "-nodefaults", "-display", "none"};
  for (std::size_t i = 0; i < monitors; ++i) {
    monitors_.push_back(folder + "/qmp" + std::to_string(i));
    argv.insert(argv.end(), {"-qmp", "unix:" + monitors_.back() + ",server=on,wait=off"});
  }
  std::vector<char*> pointers;
  for (auto& argument : argv) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  pid_ = ::fork();
  if (pid_ < 0) give_up("fork");
  if (pid_ > 0) return;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::execv(pointers[0], pointers.data());
  std::perror(pointers[0]);
  ::_exit(127);
}

BareQemu::~BareQemu() { end(pid_); }

RawClient::RawClient(const std::string& path) : socket_{connect_to(path)} {
  ask("");  // the greeting
  ask("{\"execute\":\"qmp_capabilities\"}\n");
}

void RawClient::ask(const std::string& line) {
  write_all(socket_.get(), line);
  std::array<char, 16384> buffer{};
  for (;;) {
    if (const auto end = input_.find('\n'); end != std::string::npos) {
      input_.erase(0, end + 1);
      return;
    }
    const auto size = ::read(socket_.get(), buffer.data(), buffer.size());
    if (size <= 0) give_up("the peer is gone");
    input_.append(buffer.data(), static_cast<std::size_t>(size));
  }
}

}  // namespace visor::bench
