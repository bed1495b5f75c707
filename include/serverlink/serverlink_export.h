/* SPDX-License-Identifier: MPL-2.0 */
#ifndef SERVERLINK_EXPORT_H
#define SERVERLINK_EXPORT_H

/*
 * SL_EXPORT marks the functions of serverlink.h, and SL_CALL is how they are called.
 *
 * On Windows a program that uses the DLL defines SL_USING_DLL; one that links the static library
 * defines nothing. The Meson dependency, the pkg-config file and the CMake target do that.
 */

#if defined(_WIN32)
#if defined(SL_BUILDING_DLL)
#define SL_EXPORT __declspec(dllexport)
#elif defined(SL_USING_DLL)
#define SL_EXPORT __declspec(dllimport)
#else
#define SL_EXPORT
#endif
#elif defined(__GNUC__) || defined(__clang__)
#define SL_EXPORT __attribute__((visibility("default")))
#else
#define SL_EXPORT
#endif

#if defined(_MSC_VER)
#define SL_CALL __cdecl
#else
#define SL_CALL
#endif

#endif
