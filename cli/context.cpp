// SPDX-License-Identifier: Apache-2.0
#include "context.hpp"

#include "visor/core/describe.hpp"
#include "visor/runtime/log_sink.hpp"

#include <algorithm>
#include <filesystem>
#include <limits>

namespace visor::cli {
namespace {

/// With --json whatever comes on stderr is JSON: log lines are events among the others.
class JsonLog final : public LogSink {
 public:
  JsonLog(LogLevel level, const Output& out) : level_{level}, out_{out} {}
  [[nodiscard]] bool enabled(LogLevel level) const noexcept override {
    return level != LogLevel::off && level >= level_;
  }
  void write(LogLevel level, std::string_view vm, std::string_view text) noexcept override {
    if (!enabled(level)) return;
    try {
      out_.event("log", Value::map({{"level", to_string(level)}, {"vm", vm}, {"text", text}}));
    } catch (...) {
      // A log line is never worth a failure.
    }
  }

 private:
  LogLevel level_;
  Output out_;
};

}  // namespace

Context::Context(Args arguments, Output output, Interrupts& signals)
    : args{std::move(arguments)}, out{output}, interrupts{signals} {}

Runtime& Context::runtime() {
  if (!runtime_) {
    RuntimeOptions options;
    for (const auto& folder : args.values("plugin-dir"))
      options.plugin_dirs.push_back(std::filesystem::absolute(folder));
    options.run_dir = args.value("run-dir").value_or("");
    const auto level = log_level_from_string(args.value("log-level").value_or("warning"));
    options.log = out.json ? std::make_shared<JsonLog>(level, out) : make_stderr_log(level);
    runtime_ = std::make_unique<Runtime>(std::move(options));
  }
  return *runtime_;
}

std::shared_ptr<Hypervisor> Context::hypervisor(const VmConfig& config) {
  hints.emplace_back(Errc::not_found, "visor plugin list --why shows which plugins there are");
  auto found = runtime().hypervisor(config);
  hints.pop_back();
  return found;
}

std::string Context::hint(Errc code) const {
  const auto found = std::find_if(hints.rbegin(), hints.rend(), [&](const auto& hint) { return hint.first == code; });
  return found == hints.rend() ? std::string{} : found->second;
}

CallContext Context::call(std::chrono::milliseconds limit, ProgressSink* progress) const {
  return {std::chrono::steady_clock::now() + duration("timeout").value_or(limit), interrupts.first(), progress};
}

std::optional<std::chrono::milliseconds> Context::duration(std::string_view option) const {
  const auto text = args.value(option);
  if (!text) return std::nullopt;
  constexpr std::uint64_t longest_ms = 1000ULL * 3600 * 24 * 20;  // fits into the int of poll()
  try {
    return std::chrono::milliseconds{std::min(parse_duration_ms(*text), longest_ms)};
  } catch (const Error& error) {
    throw Error(error.code(), "--" + std::string{option} + ": " + error.message());
  }
}

}  // namespace visor::cli
