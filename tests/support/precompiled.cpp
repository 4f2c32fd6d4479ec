// SPDX-License-Identifier: Apache-2.0
// Empty: it gives the precompiled headers of the tests a target. See cmake/VisorPrecompile.cmake.
