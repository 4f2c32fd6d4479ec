// SPDX-License-Identifier: Apache-2.0
#include "options.hpp"

#include "visor/core/error.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>
#include <utility>

namespace visor::mock {
namespace {

using std::chrono::milliseconds;
constexpr std::string_view prefix = "mock.";
constexpr std::string_view unplug_of_prefix = "mock.unplug.";
constexpr std::uint64_t max_ms = 1'000'000'000'000;  // 30 years: still fits the nanoseconds of guest time

std::uint64_t number(std::string_view text, std::uint64_t max) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value > max) {
    throw Error(Errc::invalid_config, "expected a number up to " + std::to_string(max));
  }
  return value;
}

milliseconds duration(std::string_view text) { return milliseconds{number(text, max_ms)}; }

std::uint32_t limit(std::string_view text, std::uint32_t max) {
  const auto value = static_cast<std::uint32_t>(number(text, max));
  if (value == 0) throw Error(Errc::invalid_config, "expected a number from 1 to " + std::to_string(max));
  return value;
}

template <class Choice, std::size_t Count>
Choice choose(std::string_view text, const std::array<std::pair<std::string_view, Choice>, Count>& choices) {
  std::string names;
  for (const auto& [name, choice] : choices) {
    if (name == text) return choice;
    names += (names.empty() ? "" : ", ") + std::string{name};
  }
  throw Error(Errc::invalid_config, "expected one of " + names);
}

UnplugMode unplug_mode(std::string_view text) {
  using enum UnplugMode;
  return choose<UnplugMode, 3>(text, {{{"gone", gone}, {"refuse", refuse}, {"pending", pending}}});
}

std::vector<Feature> features(std::string_view text) {
  std::vector<Feature> list;
  while (!text.empty()) {
    const auto name = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), name.size() + 1));
    std::uint8_t index = 0;
    while (index < static_cast<std::uint8_t>(Feature::count_) && to_string(Feature{index}) != name) ++index;
    if (Feature{index} == Feature::count_) {
      throw Error(Errc::invalid_config, "'" + std::string{name} + "' is no feature; visor plugin show lists them");
    }
    list.push_back(Feature{index});
  }
  return list;
}

struct Key {
  std::string_view name;
  void (*set)(Options& options, const std::string& text);
};

StartMode start_mode(std::string_view text) {
  using enum StartMode;
  return choose<StartMode, 4>(text, {{{"ok", ok}, {"fail", fail}, {"die", die}, {"hang", hang}}});
}

StopRung stop_rung(std::string_view text) {
  using enum StopRung;
  return choose<StopRung, 4>(
      text, {{{"guest", guest}, {"hypervisor", hypervisor}, {"terminate", terminate}, {"kill", kill}}});
}

std::optional<milliseconds> duration_or_never(std::string_view text) {
  if (text == "never") return std::nullopt;
  return duration(text);
}

constexpr std::array keys = {
    Key{"mock.start", [](Options& o, const std::string& text) { o.start = start_mode(text); }},
    Key{"mock.start_ms", [](Options& o, const std::string& text) { o.start_time = duration(text); }},
    Key{"mock.ready_after_ms", [](Options& o, const std::string& text) { o.ready_after = duration_or_never(text); }},
    Key{"mock.exit_after_ms", [](Options& o, const std::string& text) { o.exit_after = duration(text); }},
    Key{"mock.reset_after_ms", [](Options& o, const std::string& text) { o.reset_after = duration(text); }},
    Key{"mock.panic_after_ms", [](Options& o, const std::string& text) { o.panic_after = duration(text); }},
    Key{"mock.crash_after_ms", [](Options& o, const std::string& text) { o.crash_after = duration(text); }},
    Key{"mock.error_after_ms", [](Options& o, const std::string& text) { o.error_after = duration(text); }},
    Key{"mock.silent_after_ms", [](Options& o, const std::string& text) { o.silent_after = duration(text); }},
    Key{"mock.stop_rung", [](Options& o, const std::string& text) { o.stop_rung = stop_rung(text); }},
    Key{"mock.unplug", [](Options& o, const std::string& text) { o.unplug = unplug_mode(text); }},
    Key{"mock.unplug_after_ms", [](Options& o, const std::string& text) { o.unplug_after = duration(text); }},
    Key{"mock.device_slots", [](Options& o, const std::string& text) { o.device_slots = limit(text, 30); }},
    Key{"mock.max_vcpus", [](Options& o, const std::string& text) { o.max_vcpus = limit(text, 255); }},
    Key{"mock.without", [](Options& o, const std::string& text) { o.without = features(text); }},
};

void set_option(Options& options, const Param& param) {
  if (param.key.starts_with(unplug_of_prefix)) {
    options.unplug_of[param.key.substr(unplug_of_prefix.size())] = unplug_mode(param.value);
    return;
  }
  const auto* key = std::ranges::find(keys, std::string_view{param.key}, &Key::name);
  if (key == keys.end()) {
    std::string names;
    for (const auto& known : keys) names += ' ' + std::string{known.name};
    throw Error(Errc::invalid_config, "no such option; there are:" + names + " mock.unplug.<device>");
  }
  key->set(options, param.value);
}

}  // namespace

Options parse_options(const Params& params) {
  Options options;
  for (const auto& param : params) {
    if (!param.key.starts_with(prefix)) continue;
    try {
      set_option(options, param);
    } catch (const Error& error) {
      throw Error(error.code(), "Mock option " + param.key + "=" + param.value + ": " + error.message());
    }
    options.texts.push_back(param);
  }
  return options;
}

Options options_of(const Params& host, const VmConfig& config) {
  auto params = host;
  params.insert(params.end(), config.host.hypervisor_params.begin(), config.host.hypervisor_params.end());
  return parse_options(params);
}

}  // namespace visor::mock
