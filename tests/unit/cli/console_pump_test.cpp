// SPDX-License-Identifier: Apache-2.0
#include "console_pump.hpp"

#include "visor/core/error.hpp"
#include "visor/core/unique_fd.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace visor::cli {
namespace {

/// Its guest reads as many writes as it is told, then none, and is gone when all input has come.
class FakeConsole final : public Console {
 public:
  FakeConsole(std::size_t reads, std::size_t all) : reads_{reads}, all_{all} {}

  std::size_t read(char* /*buffer*/, std::size_t /*size*/, const CallContext& /*call*/) override {
    if (came_ >= all_) return 0;
    throw Error(Errc::timeout, "nothing was said");
  }
  void write(std::string_view bytes, const CallContext& /*call*/) override {
    came_ += bytes.size();
    if (reads_ == 0) throw Error(Errc::timeout, "the guest does not read");
    --reads_;
    taken += bytes;
  }
  [[nodiscard]] int poll_fd() const noexcept override { return -1; }

  std::string taken;

 private:
  std::size_t reads_;
  std::size_t all_;
  std::size_t came_ = 0;
};

/// This text is the process's stdin.
class Stdin {
 public:
  explicit Stdin(const std::string& text) : before_{::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)} {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    const UniqueFd out{ends[0]};
    const UniqueFd in{ends[1]};
    EXPECT_EQ(::write(in.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
    EXPECT_EQ(::dup2(out.get(), STDIN_FILENO), STDIN_FILENO);
  }
  Stdin(const Stdin&) = delete;
  Stdin& operator=(const Stdin&) = delete;
  ~Stdin() { ::dup2(before_.get(), STDIN_FILENO); }

 private:
  UniqueFd before_;
};

struct Pumped {
  std::string taken;
  std::vector<std::string> warnings;
};

Pumped pump(std::size_t reads, const std::string& text, PumpInput input) {
  const Stdin typed{text};
  FakeConsole console{reads, text.size()};
  Pumped pumped;
  const auto end =
      pump_console(console, input, {}, [&](std::string_view warning) { pumped.warnings.emplace_back(warning); });
  EXPECT_EQ(end, PumpEnd::vm_gone);
  pumped.taken = console.taken;
  return pumped;
}

TEST(ConsolePump, SaysNothingWhenAllIsRead) {
  const std::string text(3000, 'x');
  const auto pumped = pump(100, text, PumpInput::stream);
  EXPECT_EQ(pumped.taken, text);
  EXPECT_EQ(pumped.warnings, std::vector<std::string>{});
}

TEST(ConsolePump, SaysOnceThatInputIsLostAndInTheEndHowMuch) {
  for (const auto input : {PumpInput::stream, PumpInput::keys}) {
    const auto pumped = pump(1, std::string(3000, 'x'), input);
    EXPECT_EQ(pumped.taken, std::string(1024, 'x'));
    const std::vector<std::string> warnings = {
        "The guest does not read its console: up to 1024 bytes of the input are lost",
        "Of the input, up to 1976 bytes in all are lost: the guest did not read them"};
    EXPECT_EQ(pumped.warnings, warnings);
  }
}

TEST(ConsolePump, SaysNothingMoreWhenNoMoreIsLost) {
  const auto pumped = pump(0, "abc", PumpInput::keys);
  EXPECT_EQ(pumped.warnings,
            std::vector<std::string>{"The guest does not read its console: up to 3 bytes of the input are lost"});
}

}  // namespace
}  // namespace visor::cli
