// SPDX-License-Identifier: Apache-2.0
// Bytes from a QMP peer: however they are cut into pieces, the same objects come out, and no more memory is held than
// was allowed.
#include "fuzz.hpp"
#include "qmp/codec.hpp"

#include <algorithm>

namespace {

using namespace visor::sdk::qmp;
using visor::fuzz::require;

constexpr std::size_t max_bytes = 4096;

struct Seen {
  std::vector<std::size_t> kinds;
  bool failed = false;
  bool operator==(const Seen&) const = default;
};

template <class NextSize>
Seen decode(std::string_view bytes, NextSize next_size) {
  Seen seen;
  Decoder decoder{max_bytes};
  while (!bytes.empty() && !seen.failed) {
    const auto size = std::min(bytes.size(), next_size());
    seen.failed = decoder
                      .feed(bytes.substr(0, size),
                            [&](Message&& message) {
                              seen.kinds.push_back(message.index());
                              return true;
                            })
                      .has_value();
    bytes.remove_prefix(size);
  }
  return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto bytes = visor::fuzz::text(data + 1, size - 1);
  const std::size_t step = 1 + data[0] % 64U;
  const auto whole = decode(bytes, [&] { return bytes.size(); });
  require(whole == decode(bytes, [] { return std::size_t{1}; }), "bytes one by one give the same objects");
  require(whole == decode(bytes, [&] { return step; }), "bytes in pieces give the same objects");

  Splitter splitter{max_bytes};
  if (!splitter.feed(bytes, [](std::string_view object) { return object.size() <= max_bytes; })) {
    require(splitter.buffered() <= max_bytes, "what is held is bounded");
  }
  return 0;
}
