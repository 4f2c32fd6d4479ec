// SPDX-License-Identifier: Apache-2.0
#include "order_codec.hpp"

#include <type_traits>

namespace visor::sdk::wire {
namespace {

constexpr std::uint32_t magic = 0x564b4f31;  // "VKO1"
constexpr std::size_t max_items = 4096;

class Writer {
 public:
  template <class T>
    requires(std::is_arithmetic_v<T> || std::is_enum_v<T>)
  void operator()(T& value) {
    bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  void operator()(std::string& text) {
    auto size = static_cast<std::uint32_t>(text.size());
    (*this)(size);
    bytes += text;
  }
  template <class T>
  std::size_t count(const std::vector<T>& items) {
    auto size = static_cast<std::uint32_t>(items.size());
    (*this)(size);
    return items.size();
  }

  std::string bytes;
};

class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_{bytes} {}

  template <class T>
    requires(std::is_arithmetic_v<T> || std::is_enum_v<T>)
  void operator()(T& value) {
    if (!has(sizeof value)) return;
    if constexpr (std::is_same_v<T, bool>) {
      value = rest_[0] != 0;
    } else {
      rest_.copy(reinterpret_cast<char*>(&value), sizeof value);
    }
    rest_.remove_prefix(sizeof value);
  }
  void operator()(std::string& text) {
    std::uint32_t size = 0;
    (*this)(size);
    if (!has(size)) return;
    text = rest_.substr(0, size);
    rest_.remove_prefix(size);
  }
  template <class T>
  std::size_t count(std::vector<T>& items) {
    std::uint32_t size = 0;
    (*this)(size);
    // Every item takes at least one byte, so a false count cannot make this allocate more than the input is worth.
    if (size > max_items || !has(size)) good_ = false;
    items.resize(good_ ? size : 0);
    return items.size();
  }
  [[nodiscard]] bool finished() const { return good_ && rest_.empty(); }

 private:
  bool has(std::size_t size) { return good_ = good_ && size <= rest_.size(); }

  std::string_view rest_;
  bool good_ = true;
};

// One list of fields serves both directions.
template <class A, class T>
  requires(std::is_arithmetic_v<T> || std::is_enum_v<T> || std::is_same_v<T, std::string>)
void fields(A& archive, T& value) {
  archive(value);
}

template <class A, class T>
void fields(A& archive, std::vector<T>& items) {
  archive.count(items);
  for (auto& item : items) fields(archive, item);
}

template <class A>
void fields(A& archive, FdMapping& mapping) {
  archive(mapping.target);
  archive(mapping.source);
  archive(mapping.path);
  archive(mapping.host_fd);
}

template <class A>
void fields(A& archive, ResourceLimit& limit) {
  archive(limit.resource);
  archive(limit.soft);
  archive(limit.hard);
}

template <class A>
void fields(A& archive, ProcessIdentity& identity) {
  archive(identity.pid);
  archive(identity.start_time);
}

template <class A>
void fields(A& archive, OutputCapture& capture) {
  archive(capture.ring_bytes);
  archive(capture.log_path);
  archive(capture.log_bytes);
}

template <class A>
void fields(A& archive, std::optional<Credentials>& credentials) {
  bool present = credentials.has_value();
  archive(present);
  if (!present) return;
  if (!credentials) credentials.emplace();
  archive(credentials->uid);
  archive(credentials->gid);
  fields(archive, credentials->groups);
}

template <class A>
void fields(A& archive, ProcessSpec& spec) {
  archive(spec.name);
  fields(archive, spec.argv);
  fields(archive, spec.env);
  fields(archive, spec.fds);
  archive(spec.working_dir);
  fields(archive, spec.credentials);
  fields(archive, spec.limits);
  archive(spec.no_new_privs);
  archive(spec.netns_fd);
  archive(spec.cgroup_dir);
  archive(spec.exec_label);
  fields(archive, spec.stderr_capture);
}

template <class A>
void fields(A& archive, JournalSource& source) {
  archive(source.name);
  archive(source.connect_path);
  archive(source.send_on_connect);
}

template <class A>
void fields(A& archive, WatchSpec& watch) {
  archive(watch.console.connect_path);
  fields(archive, watch.console.capture);
  fields(archive, watch.journal.sources);
  archive(watch.journal.ring_bytes);
  archive(watch.term_ms);
  archive(watch.helper_term_ms);
}

template <class A>
void fields(A& archive, Order& order) {
  archive(order.run_dir);
  fields(archive, order.spec.main);
  fields(archive, order.spec.helpers);
  fields(archive, order.spec.watch);
  archive(order.spec.ephemeral);
  archive(order.adopt);
  fields(archive, order.adopted);
  fields(archive, order.listeners);
}

}  // namespace

std::string encode_order(const Order& order) {
  Writer writer;
  auto head = std::pair{magic, order_version};
  writer(head.first);
  writer(head.second);
  Order copy = order;
  fields(writer, copy);
  return std::move(writer.bytes);
}

std::optional<Order> decode_order(std::string_view bytes) {
  Reader reader(bytes);
  std::uint32_t found_magic = 0;
  std::uint32_t found_version = 0;
  reader(found_magic);
  reader(found_version);
  if (found_magic != magic || found_version != order_version) return std::nullopt;
  Order order;
  fields(reader, order);
  if (!reader.finished()) return std::nullopt;
  return order;
}

}  // namespace visor::sdk::wire
