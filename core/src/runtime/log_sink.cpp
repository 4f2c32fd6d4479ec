// SPDX-License-Identifier: Apache-2.0
#include "visor/runtime/log_sink.hpp"

#include "visor/core/error.hpp"

#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <utility>

namespace visor {
namespace {

constexpr std::array<std::pair<std::string_view, LogLevel>, 6> levels{{{"trace", LogLevel::trace},
                                                                       {"debug", LogLevel::debug},
                                                                       {"info", LogLevel::info},
                                                                       {"warning", LogLevel::warning},
                                                                       {"error", LogLevel::error},
                                                                       {"off", LogLevel::off}}};

spdlog::level::level_enum spdlog_level(LogLevel level) noexcept {
  switch (level) {
    case LogLevel::trace:
      return spdlog::level::trace;
    case LogLevel::debug:
      return spdlog::level::debug;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::warning:
      return spdlog::level::warn;
    case LogLevel::error:
      return spdlog::level::err;
    default:
      return spdlog::level::off;
  }
}

class StderrLog final : public LogSink {
 public:
  explicit StderrLog(LogLevel level)
      : level_{level}, logger_{"visor", std::make_shared<spdlog::sinks::stderr_sink_mt>()} {
    logger_.set_level(spdlog_level(level));
    logger_.set_pattern("%H:%M:%S.%e %l: %v");
    logger_.set_error_handler([](const std::string&) {});
  }

  [[nodiscard]] bool enabled(LogLevel level) const noexcept override {
    return level != LogLevel::off && level >= level_;
  }

  void write(LogLevel level, std::string_view vm, std::string_view text) noexcept override {
    if (!enabled(level)) return;
    try {
      const auto line = printable(text);
      logger_.log(spdlog_level(level), spdlog::string_view_t{vm.empty() ? line : printable(vm) + ": " + line});
    } catch (...) {
      // A log line is never worth a failure.
    }
  }

 private:
  LogLevel level_;
  spdlog::logger logger_;
};

}  // namespace

std::string printable(std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string line;
  line.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    // U+0080 to U+009F are control characters, too: terminals take U+009B for the start of a sequence.
    const bool high_control = byte == 0xc2 && i + 1 < text.size() && (text[i + 1] & 0xe0) == 0x80;
    if (byte >= 0x20 && byte != 0x7f && !high_control) {
      line += text[i];
      continue;
    }
    for (const auto part : text.substr(i, high_control ? 2 : 1)) {
      line += "\\x";
      line += digits[static_cast<unsigned char>(part) >> 4];
      line += digits[static_cast<unsigned char>(part) & 0xf];
    }
    if (high_control) ++i;
  }
  return line;
}

std::shared_ptr<LogSink> make_stderr_log(LogLevel level) { return std::make_shared<StderrLog>(level); }

std::string_view to_string(LogLevel level) noexcept {
  const auto index = static_cast<std::size_t>(level);
  return index < levels.size() ? levels[index].first : std::string_view{"unknown"};
}

LogLevel log_level_from_string(std::string_view name) {
  const auto found = std::find_if(levels.begin(), levels.end(), [&](const auto& level) { return level.first == name; });
  if (found != levels.end()) return found->second;
  std::string known;
  for (const auto& level : levels) known += (known.empty() ? "" : ", ") + std::string{level.first};
  throw Error(Errc::invalid_config, "'" + printable(name) + "' is no log level; there are: " + known);
}

}  // namespace visor
