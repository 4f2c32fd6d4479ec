// SPDX-License-Identifier: Apache-2.0
#include "visor/sdk/process/spec.hpp"

#include "order_codec.hpp"
#include "order_making.hpp"
#include "visor/core/error.hpp"

namespace visor::sdk {
namespace {

void refuse_if(const std::string& problem) {
  if (!problem.empty()) throw Error(Errc::invalid_config, problem);
}

// Descriptors travel beside the order; in it stands their place in the list.
void pass_fds(ProcessSpec& spec, std::vector<int>& fds) {
  const auto pass = [&fds](int& fd) {
    fds.push_back(fd);
    fd = static_cast<int>(fds.size()) - 1;
  };
  for (auto& mapping : spec.fds) {
    if (mapping.source == FdSource::inherited) pass(mapping.host_fd);
  }
  if (spec.netns_fd >= 0) pass(spec.netns_fd);
}

wire::Order adoption(const AdoptSpec& spec) {
  wire::Order order;
  order.adopt = true;
  order.spec.main.name = spec.main.name;
  order.adopted.push_back(spec.main.identity);
  for (const auto& process : spec.helpers) {
    order.spec.helpers.emplace_back().name = process.name;
    order.adopted.push_back(process.identity);
  }
  order.spec.watch = spec.watch;
  order.listeners = spec.listeners;
  return order;
}

EncodedOrder encode(wire::Order order) {
  EncodedOrder encoded;
  refuse_if(find_problem(order));
  pass_fds(order.spec.main, encoded.fds);
  for (auto& helper : order.spec.helpers) pass_fds(helper, encoded.fds);
  encoded.bytes = encode_order(order);
  if (encoded.bytes.size() > wire::max_order_bytes) {
    throw Error(Errc::invalid_config, "Arguments and environment together are over 2 MiB");
  }
  return encoded;
}

}  // namespace

void check_socket_path(std::string_view path) { refuse_if(wire::find_socket_path_problem(path)); }

void ProcessSpec::validate() const { refuse_if(wire::find_problem(*this)); }

void KeeperSpec::validate() const { refuse_if(wire::find_problem(*this)); }

void AdoptSpec::validate() const {
  auto order = adoption(*this);
  order.run_dir = std::string{"/"};  // g++ 12 warns of an assigned literal where it is inlined (PR 105651)
  refuse_if(find_problem(order));
}

EncodedOrder encode_launch(const KeeperSpec& spec, const std::string& run_dir) {
  wire::Order order;
  order.run_dir = run_dir;
  order.spec = spec;
  return encode(std::move(order));
}

EncodedOrder encode_adoption(const AdoptSpec& spec, const std::string& run_dir) {
  auto order = adoption(spec);
  order.run_dir = run_dir;
  return encode(std::move(order));
}

}  // namespace visor::sdk
