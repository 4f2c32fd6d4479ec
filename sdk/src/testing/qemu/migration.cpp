// SPDX-License-Identifier: Apache-2.0
#include "migration.hpp"

#include "arguments.hpp"
#include "refusal.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <iostream>
#include <utility>

namespace visor::testing {
namespace {

constexpr std::string_view ignore_shared = "x-ignore-shared";

}  // namespace

Migration::Migration(const CommandLine& line, Backends& backends, Emit emit)
    : line_{line},
      backends_{backends},
      emit_{std::move(emit)},
      capabilities_{{"events", false},
                    {"pause-before-switchover", false},
                    {"return-path", false},
                    {"validate-uuid", false},
                    {std::string{ignore_shared}, false}},
      parameters_{Value::map({{"max-bandwidth", 134217728}, {"downtime-limit", 300}})} {}

Value Migration::query() const {
  auto status = Value::map();
  if (const auto blocked = line_.words.find("blocked"); blocked != line_.words.end()) {
    status.set("blocked-reasons", Value::list({blocked->second}));
  }
  if (status_.empty()) return status;
  status.set("status", status_);
  const auto total = line_.memory_bytes;
  const auto left = status_ == "completed" ? 0 : total / 2;
  status.set("ram", Value::map({{"total", total}, {"remaining", left}, {"transferred", (total - left) / 16}}));
  if (status_ == "completed") status.set("total-time", 1).set("downtime", 1);
  return status;
}

Value Migration::capabilities() const {
  auto all = Value::list();
  for (const auto& [name, on] : capabilities_) all.push_back(Value::map({{"capability", name}, {"state", on}}));
  return all;
}

void Migration::set_capabilities(const Value& arguments) {
  Arguments given{arguments};
  const auto* const list = given.find("capabilities");
  given.refuse_rest();
  if (list == nullptr) refuse("Parameter 'capabilities' is missing");
  for (const auto& one : list->as_list()) {
    const auto found = capabilities_.find(one.at("capability").as_string());
    if (found == capabilities_.end()) {
      refuse("Parameter 'capability' does not accept value '" + one.at("capability").as_string() + "'");
    }
    found->second = one.at("state").as_bool();
  }
}

void Migration::set_parameters(const Value& arguments) {
  for (const auto& [name, value] : arguments.as_map()) parameters_.set(name, value);
}

UniqueFd Migration::take(const Value& arguments) {
  Arguments given{arguments};
  const auto uri = given.text("uri");
  given.refuse_rest();
  if (!uri.starts_with("fd:")) refuse("Parameter 'uri' expects a valid migration protocol");
  return backends_.take_fd(uri.substr(3));
}

std::string Migration::head() const {
  return "fake state: " + std::to_string(line_.memory_bytes) + " bytes, " +
         (capabilities_.find(ignore_shared)->second ? "without" : "with") + " shared memory, ";
}

void Migration::tell(const std::string& status) {
  status_ = status;
  if (capabilities_.at("events")) emit_("MIGRATION", Value::map({{"status", status}}));
}

bool Migration::send(const Value& arguments, const std::string& run_state, bool stalls) {
  if (status_ == "active") refuse("There's a migration process in progress");
  if (run_state == "postmigrate") refuse("Can't migrate the vm that was paused due to previous migration");
  if (const auto blocked = line_.words.find("blocked"); blocked != line_.words.end())
    refuse(std::string{blocked->second});
  auto target = take(arguments);
  tell("setup");
  tell("active");
  if (stalls) {
    stalled_ = std::move(target);
    return false;
  }
  const auto text = head() + run_state + "\n";
  auto size = ::send(target.get(), text.data(), text.size(), MSG_NOSIGNAL);
  if (size < 0 && errno == ENOTSOCK) size = ::write(target.get(), text.data(), text.size());
  const bool all = size == static_cast<ssize_t>(text.size());
  tell(all ? "completed" : "failed");
  return all;
}

void Migration::cancel(const Value& arguments) {
  Arguments{arguments}.refuse_rest();
  if (!stalled_) return;
  (void)::shutdown(stalled_.get(), SHUT_RDWR);
  stalled_.reset();
  tell("cancelled");
}

void Migration::receive(const Value& arguments) {
  if (!line_.incoming) refuse("'-incoming' was not specified on the command line");
  if (!status_.empty()) refuse("The incoming migration has already been started");
  source_ = take(arguments);
  tell("setup");
}

std::string Migration::load() {
  const auto source = std::exchange(source_, UniqueFd{});
  tell("active");
  std::string text;
  char one = 0;
  while (!text.ends_with('\n') && ::read(source.get(), &one, 1) == 1) text += one;
  const bool whole = text.ends_with('\n');
  if (!whole || !text.starts_with(head())) {
    std::cerr << "visor-fake-qemu: load of migration failed: " << std::strerror(whole ? EINVAL : EIO) << std::endl;
    return {};
  }
  tell("completed");
  return text.substr(head().size(), text.size() - head().size() - 1);
}

}  // namespace visor::testing
