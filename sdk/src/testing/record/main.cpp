// SPDX-License-Identifier: Apache-2.0
#include "visor/core/error.hpp"
#include "visor/core/unique_fd.hpp"
#include "visor/testing/record_qmp.hpp"

#include <fcntl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

namespace {

using visor::Errc;
using visor::Error;

constexpr std::string_view usage = R"(Usage: visor-qmp-record --connect SOCKET --listen SOCKET --output FILE [OPTION]...
Stands between a client and QEMU's monitor, and writes what they say to a file as a script of a dialogue, which
visor-fake-qemu and visor::testing::FakeQmpServer play again (docs/TESTING.md). It ends when either side closes, or at
SIGINT or SIGTERM; with exit code 1 when nothing is said any more or the client says what is no command, and what was
said before is written all the same. Nothing is left out: a password that was sent stands in the file.

  --connect SOCKET    the monitor's socket
  --listen SOCKET     where the client connects in its place; is made, and removed at the end
  --output FILE       is written at the end, readable by its owner alone
  --keep-times        events keep their time stamps; else each has the same one
  --patience SECONDS  how long no client may come, and nothing be said, before it ends (600)
)";

struct Command {
  visor::testing::RecordOptions options;
  std::string output;
};

std::uint32_t seconds_of(const std::string& text) {
  constexpr std::uint32_t most = 1'000'000;
  std::uint32_t number = 0;
  const auto* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, number);
  if (error != std::errc{} || end != last || number == 0 || number > most) {
    throw Error(Errc::invalid_config, "--patience must be a number of seconds, not '" + text + "'");
  }
  return number;
}

Command parse(const std::vector<std::string>& words) {
  Command command;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto& word = words[i];
    if (word == "--keep-times") {
      command.options.keep_times = true;
      continue;
    }
    if (word != "--connect" && word != "--listen" && word != "--output" && word != "--patience") {
      throw Error(Errc::invalid_config, "Unknown option '" + word + "'; see --help");
    }
    if (i + 1 == words.size()) throw Error(Errc::invalid_config, word + " needs a value");
    const auto& value = words[++i];
    if (word == "--connect") command.options.connect = value;
    if (word == "--listen") command.options.listen = value;
    if (word == "--output") command.output = value;
    if (word == "--patience") command.options.patience = std::chrono::seconds{seconds_of(value)};
  }
  if (command.options.connect.empty() || command.options.listen.empty() || command.output.empty()) {
    throw Error(Errc::invalid_config, "--connect, --listen and --output are needed; see --help");
  }
  return command;
}

[[noreturn]] void fail_write(const std::string& path) { throw visor::system_error("Cannot write " + path, errno); }

/// Refuses early what could not be written in the end; the file stays as it is until then.
void check_writable(const std::string& path) {
  const auto parent = std::filesystem::path{path}.parent_path();
  const auto folder = parent.empty() ? std::string{"."} : parent.string();
  const auto& asked = ::access(path.c_str(), F_OK) == 0 ? path : folder;
  if (::access(asked.c_str(), W_OK) != 0) fail_write(path);
}

/// Readable by its owner alone before the first byte is in it, also when it was there and was not.
void write_file(const std::string& path, std::string_view text) {
  const auto check = [&](bool good) {
    if (!good) fail_write(path);
  };
  const visor::UniqueFd file{::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600)};
  struct stat status{};
  check(file && ::fstat(file.get(), &status) == 0);
  if (S_ISREG(status.st_mode)) check(::fchmod(file.get(), 0600) == 0 && ::ftruncate(file.get(), 0) == 0);
  while (!text.empty()) {
    const auto written = ::write(file.get(), text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    check(written >= 0);
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

void record(Command command) {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGINT);
  ::sigaddset(&set, SIGTERM);
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  const visor::UniqueFd signals{::signalfd(-1, &set, SFD_CLOEXEC)};
  if (!signals) throw visor::system_error("Cannot wait for signals", errno);
  command.options.stop_fd = signals.get();
  check_writable(command.output);
  const auto recording = visor::testing::record_qmp(command.options);
  if (!recording.script.empty()) write_file(command.output, recording.script);
  if (!recording.problem.empty()) throw Error(Errc::timeout, recording.problem);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const std::vector<std::string> words{argv + 1, argv + argc};
    for (const auto& word : words) {
      if (word == "--help" || word == "-h") {
        std::cout << usage;
        return 0;
      }
      if (word == "--version") {
        std::cout << "visor-qmp-record " VISOR_TESTING_VERSION "\n";
        return 0;
      }
    }
    record(parse(words));
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "visor-qmp-record: " << error.what() << '\n';
    return 1;
  }
}
