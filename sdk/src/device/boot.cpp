// SPDX-License-Identifier: Apache-2.0
#include "visor/sdk/device/boot.hpp"

#include "table.hpp"

#include <algorithm>

namespace visor::sdk {
namespace {

std::optional<PropertyBag::Property> pflash_of(const Pflash& /*flash*/) { return std::string{"pflash"}; }
std::optional<PropertyBag::Property> raw_of(const Pflash& /*flash*/) { return std::string{"raw"}; }

/// qemu: util/qemu-sockets.c, inet_parse(): an address of IPv6 stands in brackets, and a comma begins options.
bool is_host(const std::string& text) {
  return text.size() <= 255 && std::ranges::all_of(text, [](unsigned char c) {
           return (std::isalnum(c) != 0) || c == '.' || c == '-' || c == ':' || c == '%';
         });
}

std::string uri_of(const Incoming& incoming) {
  switch (incoming.kind) {
    case IncomingKind::fd:
      return "fd:" + incoming.fd;
    case IncomingKind::unix_socket:
      return "unix:" + incoming.path;
    case IncomingKind::tcp: {
      const bool six = incoming.host.find(':') != std::string::npos;
      return "tcp:" + (six ? '[' + incoming.host + ']' : incoming.host) + ':' + std::to_string(incoming.port);
    }
    case IncomingKind::defer:
    case IncomingKind::exec:
      break;
  }
  return "defer";
}

}  // namespace

const DeviceTable& Kernel::describe() {
  using D = Kernel;
  static const DeviceTable table = TableBuilder<D>("Kernel", "Kernel", "A kernel that QEMU loads by itself.")
                                       .told_by(DeviceOption::plain, "")
                                       .with({
                                           path_field<&D::path>("path", "-kernel", "The kernel.").needed(),
                                           path_field<&D::initrd>("initrd", "-initrd", "Its first file system."),
                                           field<&D::params>("params", "-append", "Its command line."),
                                       });
  return table;
}

void Kernel::validate() const { check_fields(describe(), this); }

void Kernel::render(CommandLine& line) const { render_fields(describe(), this, line); }

const DeviceTable& Bios::describe() {
  static const DeviceTable table = TableBuilder<Bios>("Bios", "Firmware", "The firmware as one file.")
                                       .told_by(DeviceOption::plain, "")
                                       .with({path_field<&Bios::path>("path", "-bios", "The file.").needed()});
  return table;
}

void Bios::validate() const { check_fields(describe(), this); }

void Bios::render(CommandLine& line) const { render_fields(describe(), this, line); }

const DeviceTable& Pflash::describe() {
  using D = Pflash;
  static const DeviceTable table =
      TableBuilder<D>("Pflash", "Flash chip", "A flash chip with firmware or its variables.")
          .told_by(DeviceOption::keyval, "-drive")
          .with({
              computed<D, pflash_of>("if", "pflash."),
              computed<D, raw_of>("format", "raw."),
              field<&D::read_only>("read_only", "readonly", "The guest cannot change it."),
              path_field<&D::path>("path", "file", "The image.").needed(),
          });
  return table;
}

void Pflash::validate() const { check_fields(describe(), this); }

void Pflash::render(CommandLine& line) const { render_fields(describe(), this, line); }

const DeviceTable& FwCfg::describe() {
  using D = FwCfg;
  static const DeviceTable table =
      TableBuilder<D>("FwCfg", "Firmware configuration", "A file that the guest reads by name.")
          .told_by(DeviceOption::keyval, "-fw_cfg")
          .with({
              field<&D::name>("name", "name", "What the guest finds it by; begins with \"opt/\".")
                  .longest(55)  // qemu: FW_CFG_MAX_FILE_PATH less its NUL
                  .needed(),
              path_field<&D::file>("file", "file", "Where its content is."),
              field<&D::text>("text", "string", "Its content."),
          });
  return table;
}

void FwCfg::validate() const {
  check_fields(describe(), this);
  const auto no = [&](const std::string& why) { refuse_device(describe(), this, why + ", found '" + name + "'"); };
  if (!name.starts_with("opt/") || name.size() == 4) no("name must begin with opt/, the rest is QEMU's own");
  if (!std::ranges::all_of(name, [](char c) { return c > ' ' && c < 0x7f; })) {
    no("name must be of printable ASCII without blanks");
  }
  if (file.empty() == text.empty()) {
    refuse_device(describe(), this, "either file or text must be given for '" + name + "', and not both");
  }
}

void FwCfg::render(CommandLine& line) const { render_fields(describe(), this, line); }

const DeviceTable& Loader::describe() {
  using D = Loader;
  static const DeviceTable table =
      TableBuilder<D>("Loader", "Loader", "Puts a file, or a few bytes, into the guest's memory.")
          .is("loader")
          .with({
              id_field<&D::id>(),
              path_field<&D::file>("file", "file", "What is loaded."),
              field<&D::address>("address", "addr", "Where to; not set: as the file says."),
              field<&D::data>("data", "data", "What is written instead of a file."),
              field<&D::data_bytes>("data_bytes", "data-len", "How much of data.").range(1, 8).in("bytes"),
              field<&D::data_big_endian>("data_big_endian", "data-be", "The order of its bytes."),
              field<&D::raw>("raw", "force-raw", "The file is taken as it is."),
              field<&D::cpu>("cpu", "cpu-num", "The vCPU that begins there."),
          });
  return table;
}

void Loader::validate() const {
  check_fields(describe(), this);
  const auto no = [&](const char* why) { refuse_device(describe(), this, why); };
  if (file.empty() != data.has_value()) no("either file or data must be given, and not both");
  if (data.has_value() != (data_bytes != 0)) no("data and data_bytes go together");
  if (data && !address) no("data needs an address");
  if (raw && file.empty()) no("raw is there for a file alone");
  if (data_big_endian && !data) no("data_big_endian is there for data alone");
}

PropertyBag Loader::properties() const { return properties_of(describe(), this); }

void Loader::render(CommandLine& line) const { render_fields(describe(), this, line); }

const DeviceTable& Incoming::describe() {
  using D = Incoming;
  using enum IncomingKind;
  static const DeviceTable table =
      TableBuilder<D>("Incoming", "Incoming migration", "Where the state comes from that a VM begins with.")
          .told_by(DeviceOption::plain, "")
          .by<&D::kind>({{"defer", "", on_all, ""},
                         {"fd", "", on_all, ""},
                         {"unix", "", on_all, ""},
                         {"tcp", "", on_all, ""},
                         {"exec", "", on_all, "QEMU would run a shell; start the program and pass its output as fd"}})
          .with({
              field<&D::fd>("fd", "", "A descriptor of a pipe, file or socket.")
                  .as(FieldType::fd)
                  .only(variants_of(IncomingKind::fd))
                  .needed(),
              field<&D::path>("path", "", "The socket to listen on.")
                  .as(FieldType::socket_path)
                  .only(variants_of(unix_socket))
                  .needed(),
              field<&D::host>("host", "", "The address to listen on; not set: all.").only(variants_of(tcp)),
              field<&D::port>("port", "", "The port to listen on.").range(1, 65535).only(variants_of(tcp)).needed(),
              field<&D::command>("command", "", "What would be run.").only(variants_of(exec)),
          });
  return table;
}

void Incoming::validate() const {
  check_fields(describe(), this);
  if (!is_host(host)) refuse_device(describe(), this, "host must be a name or an address, found '" + host + "'");
}

void Incoming::render(CommandLine& line) const { line.plain("-incoming", uri_of(*this)); }

}  // namespace visor::sdk
