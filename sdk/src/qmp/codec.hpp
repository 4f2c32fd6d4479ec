// SPDX-License-Identifier: Apache-2.0
// QMP's wire format: cuts a stream of bytes into objects and says what each of them is. No I/O, no clock, no locks.
#pragma once
#include "visor/core/events.hpp"
#include "visor/core/value.hpp"
#include "visor/sdk/qmp/types.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace visor::sdk::qmp {

struct Greeting {
  Version version;
  std::vector<std::string> capabilities;

  [[nodiscard]] bool offers(std::string_view capability) const noexcept;
};

/// {"return": …} or {"error": …}.
struct Reply {
  std::optional<std::uint64_t> id;  ///< nothing when it has none, or one that this side never gives
  bool has_id = false;
  Value value;  ///< of a return
  bool is_error = false;
  ErrorClass error_class = ErrorClass::none;
  std::string class_name;   ///< QEMU's word for it
  std::string description;  ///< may be empty
};

/// An object that is none of the others; newer peers may send such.
struct UnknownObject {};

using Message = std::variant<Greeting, Reply, Event, UnknownObject>;

/// What a parsed object is, by its keys; an object with more than one of the telling keys is unknown. Never throws for
/// what a peer may send.
Message classify(Value&& object);

/// The line for a command: the object and a newline. Arguments are a map, or null for none.
std::string encode(std::string_view name, const Value& arguments, bool out_of_band, std::uint64_t id);

/// Cuts the stream into complete JSON objects by matching brackets outside strings: an object may come in any number
/// of pieces, several in one piece, with any white space or none between them.
class Splitter {
 public:
  explicit Splitter(std::size_t max_bytes) noexcept : max_bytes_{max_bytes} {}

  /// Takes the next bytes and hands out each object that they complete; the text is valid during that call only.
  /// `sink` returns false to stop; the rest is then dropped. Nothing on success, else why the stream cannot be read
  /// any further (use no more after that).
  std::optional<std::string> feed(std::string_view bytes, const std::function<bool(std::string_view)>& sink);

  /// Bytes of an object that is not complete yet.
  [[nodiscard]] std::size_t buffered() const noexcept { return buffer_.size(); }

 private:
  enum class Scan { more, complete, too_deep };
  Scan scan(char c) noexcept;
  std::optional<std::string> keep(std::string_view rest);

  std::size_t max_bytes_;
  std::string buffer_;  // the beginning of an object whose end has not come
  std::size_t depth_ = 0;
  bool in_string_ = false;
  bool escaped_ = false;
};

/// Splitter, parser and classifier in one. `sink` as Splitter's; a bad object ends the stream as well.
class Decoder {
 public:
  explicit Decoder(std::size_t max_bytes) noexcept : splitter_{max_bytes} {}
  std::optional<std::string> feed(std::string_view bytes, const std::function<bool(Message&&)>& sink);
  /// The size of the message that the sink has at hand.
  [[nodiscard]] std::size_t message_bytes() const noexcept { return message_bytes_; }

 private:
  Splitter splitter_;
  std::size_t message_bytes_ = 0;
};

}  // namespace visor::sdk::qmp
