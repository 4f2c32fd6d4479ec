// SPDX-License-Identifier: Apache-2.0
// A keeper that starts what it is told to, says so, and from then on hears nothing: between its creator and a real
// keeper it passes the order and the first answer, and no more. A file "helper" in the run folder, "NAME PID START", is
// a process that it says it has started, too.
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <fstream>
#include <string>
#include <string_view>

namespace {

constexpr int lifeline = 3;

/// Passes one message on, with the descriptors that come with it and these words at its end.
bool pass(int from, int to, std::string_view more) {
  static std::array<char, 64 * 1024> text;
  alignas(cmsghdr) static std::array<char, 4096> control;
  iovec part{text.data(), text.size()};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control.data();
  header.msg_controllen = control.size();
  const auto got = ::recvmsg(from, &header, 0);
  if (got <= 0) return false;
  const auto had = static_cast<std::size_t>(got);
  part.iov_len = had + more.copy(text.data() + had, text.size() - had);
  return ::sendmsg(to, &header, MSG_NOSIGNAL) == static_cast<ssize_t>(part.iov_len);
}

}  // namespace

int main(int /*argc*/, char** argv) {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) return 1;
  if (::fork() == 0) {
    ::dup2(ends[1], lifeline);
    ::execv(VISOR_TEST_KEEPER, argv);
    ::_exit(127);
  }
  ::close(ends[1]);
  std::string helper;
  std::getline(std::ifstream{std::string{argv[1]} + "/helper"}, helper);
  const auto line = helper.empty() ? helper : "process=" + helper + " -\n";
  if (!pass(lifeline, ends[0], {}) || !pass(ends[0], lifeline, line)) return 1;
  for (;;) ::pause();
}
