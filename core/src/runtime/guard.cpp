// SPDX-License-Identifier: Apache-2.0
#include "guard.hpp"

#include <cxxabi.h>

#include <cstdlib>
#include <exception>
#include <typeinfo>

namespace visor::detail {
namespace {

Error defect(const Origin& origin, std::string_view where, std::string_view what) {
  return {Errc::internal,
          std::string{"Plugin "}.append(origin.plugin).append(" failed in ").append(where).append(": ").append(what)};
}

std::string current_type() {
  const std::type_info* type = abi::__cxa_current_exception_type();
  if (type == nullptr) return "of another language";
  const std::unique_ptr<char, decltype(&std::free)> name{abi::__cxa_demangle(type->name(), nullptr, nullptr, nullptr),
                                                         &std::free};
  return std::string{"of type "} + (name ? name.get() : type->name());
}

}  // namespace

void rethrow_as_error(const Origin& origin, std::string_view where) {
  try {
    throw;
  } catch (const abi::__forced_unwind&) {
    throw;  // pthread_cancel() and pthread_exit() end the process when they are stopped on their way
  } catch (const Error& error) {
    throw Error(error.code(), error.message());  // a copy: it may be of a class that the plugin derived
  } catch (const std::exception& error) {
    const char* what = error.what();
    throw defect(origin, where, "it threw an exception " + current_type() + ": " + (what == nullptr ? "" : what));
  } catch (...) {
    throw defect(origin, where, "it threw an exception " + current_type());
  }
}

void throw_null(const Origin& origin, std::string_view where) { throw defect(origin, where, "it returned nothing"); }

}  // namespace visor::detail
