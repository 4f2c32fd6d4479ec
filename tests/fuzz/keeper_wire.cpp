// SPDX-License-Identifier: Apache-2.0
// What a keeper and its clients tell each other: whatever is taken can be written and taken again.
#include "fuzz.hpp"
#include "process/message.hpp"
#include "process/order_codec.hpp"
#include "process/record_codec.hpp"

namespace {

using namespace visor::sdk::wire;
using visor::fuzz::require;

void read_message(std::string_view text) {
  const auto message = Message::parse(text);
  if (!message) return;
  const auto again = Message::parse(message->encode());
  require(again && again->verb() == message->verb() && again->body() == message->body(), "a message can be told again");
  if (const auto record = parse_record(*message))
    require(parse_record(encode_record(*record)).has_value(), "a record too");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto text = visor::fuzz::text(data + 1, size - 1);
  switch (data[0] % 4U) {
    case 0:
      read_message(text);
      break;
    case 1:
      if (const auto order = decode_order(text)) {
        (void)find_problem(*order);
        require(decode_order(encode_order(*order)).has_value(), "an order can be told again");
      }
      break;
    case 2:
      (void)parse_line(text);
      break;
    default:
      (void)parse_helper_exit(text);
      break;
  }
  return 0;
}
