// SPDX-License-Identifier: MPL-2.0
#ifndef SERVERLINK_EXPORT_HPP
#define SERVERLINK_EXPORT_HPP

/// SLK_API marks the symbols that a shared serverlink exports; all others stay hidden.
///
/// On Windows a program that links the static library must define SLK_STATIC. Otherwise it looks
/// for the names in a DLL. The Meson dependency, the pkg-config file and the CMake target define
/// it.

#if defined(_WIN32)
#if defined(SLK_STATIC)
#define SLK_API
#elif defined(SLK_BUILDING)
#define SLK_API __declspec(dllexport)
#else
#define SLK_API __declspec(dllimport)
#endif
#else
#define SLK_API __attribute__((visibility("default")))
#endif

#endif
