// SPDX-License-Identifier: Apache-2.0
#include "visor/sdk/device/chardev.hpp"

#include "table.hpp"
#include "visor/sdk/device/devices.hpp"

#include <algorithm>

namespace visor::sdk {
namespace {

/// A server that says nothing waits: it is always said.
std::optional<PropertyBag::Property> wait_of(const Chardev& chardev) {
  if (chardev.backend != ChardevBackend::socket || !chardev.server) return std::nullopt;
  return chardev.wait;
}

std::vector<DeviceVariant> backends() {
  return {{"socket", "socket", on_all, ""},
          {"pipe", "pipe", on_all, ""},
          {"file", "file", on_all, ""},
          {"pty", "pty", on_all, ""},
          {"stdio", "stdio", on_all, ""},
          {"null", "null", on_all, ""},
          {"serial", "serial", on_all, ""},
          {"parallel", "parallel", on_all, ""},
          {"ringbuf", "ringbuf", on_all, ""},
          {"console", "console", on_all, "QEMU has it for Windows alone; use stdio"},
          {"tty", "tty", on_all, "QEMU 8.0 dropped that name; use serial"},
          {"parport", "parport", on_all, "QEMU 8.0 dropped that name; use parallel"}};
}

std::vector<DeviceField> socket_fields() {
  using D = Chardev;
  constexpr auto socket = variants_of(ChardevBackend::socket);
  return {
      field<&D::fd>("fd", "fd", "A descriptor of a socket, of a listening one with server.")
          .as(FieldType::fd)
          .only(socket),
      field<&D::host>("host", "host", "Name or address for TCP.").longest(255).only(socket),
      field<&D::port>("port", "port", "Of TCP.").range(1, 65535).only(socket),
      field<&D::server>("server", "server", "QEMU listens.").only(socket),
      computed<D, wait_of>("wait", "Said to servers: whether QEMU waits for a client before it begins."),
      field<&D::wait>("wait", "", "A server does not begin before somebody has connected.").only(socket),
      field<&D::reconnect_s>("reconnect_s", "reconnect", "A client tries again after that time.")
          .range(1, 86400)
          .in("s")
          .only(socket),
  };
}

std::vector<DeviceField> fields() {
  using D = Chardev;
  using enum ChardevBackend;
  std::vector<DeviceField> all{
      id_field<&D::id>(),
      path_field<&D::path>("path", "path", "Of the socket, pipe, file or port.")
          .only(variants_of(socket, pipe, file, serial, parallel)),
  };
  std::ranges::move(socket_fields(), std::back_inserter(all));
  const std::vector<DeviceField> rest{
      field<&D::append>("append", "append", "Keeps what is in the file.").only(variants_of(file)),
      field<&D::signals>("signals", "signal", "Ctrl-C ends QEMU.").only(variants_of(stdio)),
      field<&D::ring_bytes>("ring_bytes", "size", "How much is kept; not set: 64 KiB.")
          .range(1, 1U << 30U)
          .powers()
          .in("bytes")
          .only(variants_of(ringbuf)),
      field<&D::mux>("mux", "mux", "Several devices and a monitor share it."),
      path_field<&D::log_path>("log_path", "logfile", "All output is written there as well."),
      field<&D::log_append>("log_append", "logappend", "What is in log_path stays."),
  };
  all.insert(all.end(), rest.begin(), rest.end());
  return all;
}

}  // namespace

const DeviceTable& Chardev::describe() {
  static const DeviceTable table = TableBuilder<Chardev>("Chardev", "Character device", "Where bytes of a device go.")
                                       .told_by(DeviceOption::chardev, "-chardev")
                                       .by<&Chardev::backend>(backends())
                                       .with(fields());
  return table;
}

void Chardev::validate() const {
  const auto no = [&](const char* why) { refuse_device(describe(), this, why); };
  using enum ChardevBackend;
  check_fields(describe(), this);
  if (log_append && log_path.empty()) no("log_append needs log_path");
  if (backend == socket) {
    if ((path.empty() ? 0 : 1) + (fd.empty() ? 0 : 1) + (host.empty() ? 0 : 1) != 1) {
      no("one of path, fd and host must be given, and no other");
    }
    if (path.size() > 107) no("path must not be longer than 107 bytes for a socket");
    if (host.empty() != (port == 0)) no("host and port go together");
    if (wait && !server) no("wait is there for a server alone");
    if (reconnect_s != 0 && server) no("reconnect_s is there for a client alone");
  } else if (path.empty() && (backend == pipe || backend == file || backend == serial || backend == parallel)) {
    no("path must be given");
  }
}

PropertyBag Chardev::properties() const { return properties_of(describe(), this); }

void Chardev::render(CommandLine& line) const { render_fields(describe(), this, line); }

const DeviceTable& QmpSocket::describe() {
  using D = QmpSocket;
  static const DeviceTable table =
      TableBuilder<D>("QmpSocket", "QMP socket", "A socket on which QEMU speaks QMP: a Chardev and a Monitor.")
          .told_by(DeviceOption::keyval, "-mon")
          .with({
              id_field<&D::id>(),
              field<&D::path>("path", "", "Of a Unix socket.").as(FieldType::socket_path),
              field<&D::fd>("fd", "", "A descriptor of one; QEMU removes its path when it ends.").as(FieldType::fd),
              field<&D::server>("server", "", "QEMU listens."),
              field<&D::wait>("wait", "", "It does not begin before somebody has connected."),
              field<&D::pretty>("pretty", "", "With line breaks."),
          });
  return table;
}

void QmpSocket::validate() const {
  check_fields(describe(), this);
  if (path.empty() == fd.empty()) refuse_device(describe(), this, "either path or fd must be given, and not both");
  if (wait && !server) refuse_device(describe(), this, "wait is there for a server alone");
}

void QmpSocket::render(CommandLine& line) const {
  const Chardev chardev{.id = id + "-chardev", .path = path, .fd = fd, .server = server, .wait = wait};
  chardev.render(line);
  Monitor{.id = id, .chardev = chardev.id, .pretty = pretty}.render(line);
}

}  // namespace visor::sdk
