// SPDX-License-Identifier: Apache-2.0
#include "order_codec.hpp"

#include <algorithm>
#include <set>

namespace visor::sdk::wire {
namespace {

constexpr std::size_t max_name = 32;
constexpr std::size_t max_path = 4095;
constexpr std::size_t max_list = 4096;
constexpr std::size_t max_helpers = 16;
constexpr std::size_t max_sources = 8;
constexpr std::size_t max_send_on_connect = 4096;
constexpr std::uint32_t max_ring = 4 * 1024 * 1024;
constexpr std::uint32_t max_wait_ms = 600'000;
constexpr std::uint64_t min_log = 4096;

bool name_ok(std::string_view name) {
  return !name.empty() && name.size() <= max_name && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  });
}

bool text_ok(std::string_view text) { return text.find('\0') == std::string_view::npos; }

bool path_ok(std::string_view path) { return path.starts_with('/') && path.size() <= max_path && text_ok(path); }

std::string in_quotes(std::string_view text) { return "'" + std::string{text} + "'"; }

std::string check_capture(const OutputCapture& capture, std::string_view what) {
  if (capture.ring_bytes < 1024 || capture.ring_bytes > max_ring) {
    return std::string{what} + ": ring_bytes must be 1 KiB to 4 MiB";
  }
  if (capture.log_path.empty()) return {};
  if (!path_ok(capture.log_path)) return std::string{what} + ": log_path must be an absolute path";
  if (capture.log_bytes < min_log) return std::string{what} + ": log_bytes must be 4 KiB or more";
  return {};
}

std::string check_mapping(const FdMapping& mapping, std::set<int>& targets) {
  const auto what = "fd " + std::to_string(mapping.target);
  if (mapping.target < 0 || mapping.target > 255) return what + " is not in 0…255";
  if (!targets.insert(mapping.target).second) return what + " is listed twice";
  switch (mapping.source) {
    case FdSource::null:
    case FdSource::stderr_capture:
    case FdSource::console:
      return {};
    case FdSource::listener:
      return find_socket_path_problem(mapping.path);
    case FdSource::inherited:
      return mapping.host_fd < 0 ? what + " has no host_fd to inherit" : std::string{};
  }
  return what + " has an unknown source";
}

std::string check_fds(const ProcessSpec& spec) {
  std::set<int> targets;
  for (const auto& mapping : spec.fds) {
    if (auto problem = check_mapping(mapping, targets); !problem.empty()) return problem;
  }
  return {};
}

std::string check_texts(const ProcessSpec& spec) {
  if (spec.argv.empty() || !path_ok(spec.argv[0])) return "argv[0] must be an absolute path";
  if (spec.argv.size() > max_list || spec.env.size() > max_list) return "argv or env has more than 4096 entries";
  if (!std::all_of(spec.argv.begin(), spec.argv.end(), text_ok)) return "argv has a zero byte";
  for (const auto& variable : spec.env) {
    const auto equals = variable.find('=');
    if (equals == 0 || equals == std::string::npos || !text_ok(variable)) {
      return "env entry " + in_quotes(variable) + " is not KEY=value";
    }
  }
  if (!path_ok(spec.working_dir)) return "working_dir must be an absolute path";
  if (!spec.cgroup_dir.empty() && !path_ok(spec.cgroup_dir)) return "cgroup_dir must be an absolute path";
  if (spec.exec_label.size() > max_path || !text_ok(spec.exec_label))
    return "exec_label is too long or has a zero byte";
  return {};
}

std::string check_rights(const ProcessSpec& spec) {
  if (spec.credentials && spec.credentials->groups.size() > 1024) return "more than 1024 groups";
  if (spec.limits.size() > 32) return "more than 32 resource limits";
  for (const auto& limit : spec.limits) {
    if (limit.resource < 0 || limit.resource > 15) {
      return "resource limit " + std::to_string(limit.resource) + " is unknown";
    }
    if (limit.soft > limit.hard) {
      return "resource limit " + std::to_string(limit.resource) + " is softly higher than hard";
    }
  }
  return {};
}

std::string check_watch(const WatchSpec& watch) {
  if (!watch.console.connect_path.empty()) {
    if (auto problem = find_socket_path_problem(watch.console.connect_path); !problem.empty()) return problem;
  }
  if (auto problem = check_capture(watch.console.capture, "console"); !problem.empty()) return problem;
  if (watch.journal.sources.size() > max_sources) return "More than 8 journal sources";
  if (watch.journal.ring_bytes < 1024 || watch.journal.ring_bytes > max_ring) {
    return "journal: ring_bytes must be 1 KiB to 4 MiB";
  }
  std::set<std::string_view> names;
  for (const auto& source : watch.journal.sources) {
    if (!name_ok(source.name)) return "Journal source " + in_quotes(source.name) + " is no valid name";
    if (!names.insert(source.name).second) return "Journal source " + in_quotes(source.name) + " is listed twice";
    if (auto problem = find_socket_path_problem(source.connect_path); !problem.empty()) return problem;
    if (source.send_on_connect.size() > max_send_on_connect) return "send_on_connect is longer than 4 KiB";
  }
  if (watch.term_ms > max_wait_ms || watch.helper_term_ms > max_wait_ms) return "A grace is longer than 10 minutes";
  return {};
}

std::string check_names(const KeeperSpec& spec) {
  if (spec.helpers.size() > max_helpers) return "More than 16 helper processes";
  std::set<std::string_view> names;
  for (const auto* process = &spec.main; process != nullptr;) {
    if (!name_ok(process->name)) {
      return "Process name " + in_quotes(process->name) + " is not 1 to 32 letters, digits, '.', '_' or '-'";
    }
    if (!names.insert(process->name).second) return "Two processes are named " + in_quotes(process->name);
    const auto next = names.size() - 1;
    process = next < spec.helpers.size() ? &spec.helpers[next] : nullptr;
  }
  return {};
}

// What only shows when all processes are looked at together.
std::string check_together(const KeeperSpec& spec) {
  std::set<std::string_view> listeners;
  std::size_t passed = 0;
  const auto look = [&](const ProcessSpec& process, bool main) -> std::string {
    passed += process.netns_fd >= 0;
    for (const auto& mapping : process.fds) {
      passed += mapping.source == FdSource::inherited;
      if (mapping.source == FdSource::listener && !listeners.insert(mapping.path).second) {
        return "Two listeners at " + in_quotes(mapping.path);
      }
      if (mapping.source == FdSource::console && (!main || !spec.watch.console.connect_path.empty())) {
        return "A console descriptor is for the main process, and not beside connect_path";
      }
    }
    return {};
  };
  if (auto problem = look(spec.main, true); !problem.empty()) return problem;
  for (const auto& helper : spec.helpers) {
    if (auto problem = look(helper, false); !problem.empty()) return problem;
  }
  return passed > max_passed_fds ? "More than 200 inherited descriptors" : std::string{};
}

std::string check_adoption(const Order& order) {
  if (order.adopted.size() != order.spec.helpers.size() + 1) return "Identities and names of processes do not match";
  for (const auto& identity : order.adopted) {
    if (identity.pid <= 1 || identity.start_time == 0) return "An adopted process has no pid or no start time";
  }
  for (const auto& path : order.listeners) {
    if (auto problem = find_socket_path_problem(path); !problem.empty()) return problem;
  }
  if (auto problem = check_names(order.spec); !problem.empty()) return problem;
  return check_watch(order.spec.watch);
}

}  // namespace

std::string find_socket_path_problem(std::string_view path) {
  if (path.size() > max_socket_path) {
    return "Socket path " + in_quotes(path) + " has " + std::to_string(path.size()) + " bytes; the limit is " +
           std::to_string(max_socket_path) + ": use a shorter run folder";
  }
  return path_ok(path) ? std::string{} : "Socket path " + in_quotes(path) + " is not absolute";
}

std::string find_problem(const ProcessSpec& spec) {
  for (const auto check : {check_texts, check_fds, check_rights}) {
    if (auto problem = check(spec); !problem.empty()) return "Process " + in_quotes(spec.name) + ": " + problem;
  }
  if (auto problem = check_capture(spec.stderr_capture, "stderr_capture"); !problem.empty()) {
    return "Process " + in_quotes(spec.name) + ": " + problem;
  }
  return {};
}

std::string find_problem(const KeeperSpec& spec) {
  if (auto problem = check_names(spec); !problem.empty()) return problem;
  if (auto problem = find_problem(spec.main); !problem.empty()) return problem;
  for (const auto& helper : spec.helpers) {
    if (auto problem = find_problem(helper); !problem.empty()) return problem;
  }
  if (auto problem = check_watch(spec.watch); !problem.empty()) return problem;
  return check_together(spec);
}

std::string find_problem(const Order& order) {
  if (!path_ok(order.run_dir)) return "The run folder must be an absolute path";
  for (const auto* file : {"/keeper.sock", "/console.sock"}) {
    if (auto problem = find_socket_path_problem(order.run_dir + file); !problem.empty()) return problem;
  }
  return order.adopt ? check_adoption(order) : find_problem(order.spec);
}

}  // namespace visor::sdk::wire
