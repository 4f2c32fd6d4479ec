// SPDX-License-Identifier: Apache-2.0
#include "visor/sdk/qmp/commands/fd.hpp"

#include "arguments.hpp"
#include "qmp/answer.hpp"

namespace visor::sdk::qmp {
namespace {

Value send(Client& client, std::string command, Value arguments, int fd, const CallContext& call) {
  if (fd < 0) throw Error(Errc::invalid_config, "There is no descriptor for " + command + " to send");
  Command sent{std::move(command), std::move(arguments)};
  sent.fd = fd;
  return client.call(sent, call).value();
}

}  // namespace

bool is_fd_name(std::string_view name) noexcept {
  return !name.empty() && (name.front() < '0' || name.front() > '9') && name.find(':') == std::string_view::npos;
}

void getfd(Client& client, const std::string& name, int fd, const CallContext& call) {
  if (!is_fd_name(name)) {
    throw Error(Errc::invalid_config, "A descriptor cannot be named '" + name +
                                          "': the name must not be empty, begin with a digit or contain ':'");
  }
  (void)send(client, "getfd", Value::map({{"fdname", name}}), fd, call);
}

void closefd(Client& client, const std::string& name, const CallContext& call) {
  run_on(client, "closefd", "fdname", name, call);
}

FdsetEntry add_fd(Client& client, int fd, std::optional<std::uint64_t> fdset, const std::string& opaque,
                  const CallContext& call) {
  auto arguments = Value::map();
  if (fdset) arguments.set("fdset-id", *fdset);
  if (!opaque.empty()) arguments.set("opaque", opaque);
  const auto value = send(client, "add-fd", std::move(arguments), fd, call);
  const Answer answer{"add-fd", value};
  return {answer.integer("fdset-id"), answer.integer<std::int64_t>("fd")};
}

void remove_fd(Client& client, std::uint64_t fdset, std::optional<std::int64_t> fd, const CallContext& call) {
  auto arguments = Value::map({{"fdset-id", fdset}});
  if (fd) arguments.set("fd", *fd);
  (void)client.execute("remove-fd", std::move(arguments), call);
}

}  // namespace visor::sdk::qmp
