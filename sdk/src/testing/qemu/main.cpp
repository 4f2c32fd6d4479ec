// SPDX-License-Identifier: Apache-2.0
// A program that stands in for QEMU: it reads QEMU's command line, serves its monitors, and runs no guest.
#include "command_line.hpp"
#include "profile.hpp"
#include "refusal.hpp"
#include "server.hpp"

#include <algorithm>
#include <exception>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

namespace {

using visor::testing::profiles;

constexpr std::string_view usage = R"(Usage: visor-fake-qemu QEMU-OPTION... [-fake WORD]...
Stands in for QEMU: serves the monitors of its command line, keeps run state, devices and backends, runs no guest.
The guest that it pretends lets go of devices while it runs and powers off when it is asked to; its console shows the
kernel's command line to whoever connects.

It acts on these options of QEMU, and passes over all others:
  -S  -chardev socket,id=ID,fd=N|path=PATH  -mon chardev=ID  -qmp unix:PATH  -serial chardev:ID  -machine  -cpu  -smp
  -m  -incoming defer  -name  -uuid  -append  -global  -device  -object  -blockdev  -netdev

-fake WORD is one of
  STEP=ACTION         STEP is start, greeting, sigterm or a QMP command; ACTION is
                        silence     not a word about this step (not start)
                        hang        from here on nothing at all; only SIGKILL ends it
                        garbage     bytes that are no JSON (greeting, commands)
                        error       a refusal (greeting, commands); error:TEXT with this text
                        close       the connection is closed (greeting, commands)
                        ignore      as if all were well, but nothing follows (sigterm, commands that are no queries);
                                    a migration begins and comes to no end
                        refuse      the guest does not let go of the device (device_del)
                        exit        the program ends
  once.COMMAND=ACTION the same for the first COMMAND alone
  stderr=TEXT         is written to stderr first of all
  blocked=TEXT        is why its state cannot be moved
  exit-code=N         the exit code of whatever end it comes to by itself
  script=FILE         more words, one a line, no other script=; no file, no words; SIGUSR1 reads it again
  live=FILE           STEP=ACTION lines that count while they stand there; no file, none
  script=FILE.yaml    the first monitor plays this dialogue (docs/TESTING.md); SIGUSR1 opens its gate "SIGUSR1"
  script.ID=FILE.yaml the monitor of -chardev ID plays it
  profile=NAME        the release of QEMU that it stands for; 7.2 unless said otherwise:
)";

int print_usage() {
  std::cout << usage;
  for (const auto& profile : profiles()) {
    std::cout << "                        " << profile.name << (profile.name.size() < 4 ? " " : "")
              << "  verified: " << (profile.verified ? "true" : "false") << '\n';
  }
  std::cout << "A profile that is not verified was read out of that release's public schema, not measured.\n";
  return 0;
}

int print_version() {
  const auto& greeting = profiles().front().greeting;
  std::cout << "QEMU emulator version " << greeting.major << '.' << greeting.minor << '.' << greeting.micro
            << " (visor-fake-qemu " VISOR_TESTING_VERSION ")\n";
  return 0;
}

int run(const std::vector<std::string>& arguments) {
  const auto has = [&](std::string_view word) { return std::ranges::find(arguments, word) != arguments.end(); };
  if (has("--help") || has("-help") || has("-h")) return print_usage();
  if (has("--version") || has("-version")) return print_version();
  auto line = visor::testing::parse_command_line(arguments);
  if (line.sockets.empty() && line.words.empty()) {
    std::cerr << "visor-fake-qemu: No monitor to serve: give -qmp unix:PATH, or see --help\n";
    return 1;
  }
  return visor::testing::Server{std::move(line)}.run();
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run({argv + 1, argv + argc});
  } catch (const visor::testing::Refusal& refusal) {
    std::cerr << "visor-fake-qemu: " << refusal.text << '\n';
  } catch (const std::exception& error) {
    std::cerr << "visor-fake-qemu: " << error.what() << '\n';
  }
  return 1;
}
