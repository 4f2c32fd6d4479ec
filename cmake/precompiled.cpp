// SPDX-License-Identifier: Apache-2.0
// Empty: precompiled headers need a target, and a target a source. See VisorPrecompile.cmake.
