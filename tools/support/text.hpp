// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TOOLS_SUPPORT_TEXT_HPP
#define SLK_TOOLS_SUPPORT_TEXT_HPP

#include <string>

namespace slk::tool {

/// What std::printf prints; at most 511 characters.
[[nodiscard]] std::string format(const char* how, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 1, 2)))
#endif
    ;

/// 12345678 as 12,345,678.
[[nodiscard]] std::string grouped(double value);

} // namespace slk::tool

#endif
