// SPDX-License-Identifier: Apache-2.0
#include "log_text.hpp"

#include "visor/core/json.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace visor::sdk::qmp {
namespace {

constexpr std::string_view hidden = "\"***\"";
constexpr std::size_t max_depth = 16;

/// Members that are secret wherever they stand. A name that ends in "-secret" only refers to an object.
constexpr std::array<std::string_view, 8> secret_names = {"password", "passwd", "passphrase", "secret",
                                                          "key",      "token",  "cookie",     "credentials"};

struct SecretArgument {
  std::string_view command;
  std::string_view argument;
};
constexpr std::array<SecretArgument, 5> secret_arguments = {{
    {"object-add", "data"},                     // of the objects secret and secret_keyring
    {"human-monitor-command", "command-line"},  // may have any of the others in it
    {"send-key", "keys"},                       // what is typed may be a password
    {"input-send-event", "events"},
    {"ringbuf-write", "data"},
}};
constexpr std::array<std::string_view, 3> secret_answers = {"human-monitor-command", "qom-list-get", "ringbuf-read"};

bool is_secret_name(std::string_view name) noexcept {
  name.remove_prefix(name.rfind('.') + 1);  // "encrypt.password"; from the beginning when there is no point
  return std::find(secret_names.begin(), secret_names.end(), name) != secret_names.end();
}

/// Whether a command reads or writes a property that is secret.
bool names_secret_property(const Command& command) noexcept {
  const auto* const property = command.arguments.find("property");
  if (!property || !property->is_string()) return false;
  return property->as_string() == "data" || is_secret_name(property->as_string());
}

/// Whether these are the properties of an object as QEMU before 6.0 takes them, with a secret's data among them.
bool has_secret_props(const Command& command) noexcept {
  const auto* const props = command.arguments.find("props");
  return command.name == "object-add" && props && props->find("data");
}

bool is_secret_argument(const Command& command, std::string_view name) noexcept {
  if (name == "props" && has_secret_props(command)) return true;
  if (name == "value" && names_secret_property(command)) return true;
  return std::any_of(secret_arguments.begin(), secret_arguments.end(),
                     [&](const SecretArgument& each) { return each.command == command.name && each.argument == name; });
}

struct Password {
  std::size_t begin = 0;
  std::size_t size = 0;  // 0: there is none
};

/// In what follows the "://" of a URL. The user ends at a ':', in an iscsi URL at a '%' (libiscsi's own syntax).
Password find_password(std::string_view text) noexcept {
  constexpr std::size_t longest = 4096;
  const auto authority = text.substr(0, text.substr(0, longest).find_first_of("/?#")).substr(0, longest);
  const bool endless = authority.size() == longest;  // taken for a password, and all that follows with it
  const auto at = endless ? text.size() : authority.rfind('@');
  const auto mark = authority.find_first_of(":%");
  if (at == text.npos || mark >= at) return {};
  return {mark + 1, at - mark - 1};
}

class Writer {
 public:
  explicit Writer(const Command* command = nullptr) : command_{command} {}

  void value(const Value& value, std::size_t depth = 0) {
    if (full()) return;
    if (value.is_map() || value.is_list()) {
      if (depth == max_depth) return plain("...");
      value.is_map() ? map(value, depth) : list(value, depth);
    } else if (value.is_string()) {
      plain("\"");
      text(value.as_string());
      plain("\"");
    } else {
      plain(to_json(value));
    }
  }

  /// Escapes as it goes, and stops when the line is full. The passwords of URLs are hidden.
  void text(std::string_view bytes) {
    constexpr std::string_view mark = "://";
    while (!full()) {
      const auto url = bytes.substr(0, max_logged_bytes).find(mark);
      if (url == bytes.npos) return escaped(bytes);
      escaped(bytes.substr(0, url + mark.size()));
      bytes.remove_prefix(url + mark.size());
      const auto [begin, size] = find_password(bytes);
      if (size == 0) continue;
      escaped(bytes.substr(0, begin));
      plain("***");
      bytes.remove_prefix(begin + size);
    }
  }

  std::string take() {
    if (full()) out_ += "...";
    return std::move(out_);
  }

 private:
  [[nodiscard]] bool full() const noexcept { return out_.size() >= max_logged_bytes; }
  void plain(std::string_view part) { out_ += part; }

  void escaped(std::string_view bytes) {
    constexpr std::string_view hex = "0123456789abcdef";
    for (const char c : bytes) {
      if (full()) return;
      const auto byte = static_cast<unsigned char>(c);
      if (c == '"' || c == '\\') {
        out_ += {'\\', c};
      } else if (byte < 0x20 || byte > 0x7e) {
        out_ += {'\\', 'x', hex[byte >> 4U], hex[byte & 15U]};
      } else {
        out_ += c;
      }
    }
  }

  void map(const Value& value, std::size_t depth) {
    std::string_view separator = "{";
    for (const auto& [name, member] : value.as_map()) {
      if (full()) return;
      plain(separator);
      separator = ",";
      plain("\"");
      text(name);
      plain("\":");
      const bool secret = is_secret_name(name) || (command_ && depth == 0 && is_secret_argument(*command_, name));
      secret ? plain(hidden) : this->value(member, depth + 1);
    }
    plain(value.as_map().empty() ? "{}" : "}");
  }

  void list(const Value& value, std::size_t depth) {
    std::string_view separator = "[";
    for (const auto& item : value.as_list()) {
      if (full()) return;
      plain(separator);
      separator = ",";
      this->value(item, depth + 1);
    }
    plain(value.as_list().empty() ? "[]" : "]");
  }

  const Command* command_;  // whose arguments these are
  std::string out_;
};

}  // namespace

std::string shown(const Value& value) {
  Writer writer;
  writer.value(value);
  return writer.take();
}

std::string shown_arguments(const Command& command) {
  if (command.arguments.is_null()) return {};
  Writer writer{&command};
  writer.value(command.arguments);
  return writer.take();
}

std::string shown_text(std::string_view text) {
  Writer writer;
  writer.text(text);
  return writer.take();
}

bool hides_answer(const Command& command) noexcept {
  if (command.name == "object-add") {  // an error may quote it
    return command.arguments.find("data") != nullptr || has_secret_props(command);
  }
  if (command.name == "qom-get" || command.name == "qom-set") return names_secret_property(command);
  return std::find(secret_answers.begin(), secret_answers.end(), command.name) != secret_answers.end();
}

}  // namespace visor::sdk::qmp
