// SPDX-License-Identifier: MPL-2.0
#ifndef BENCH_MESSAGES_FORMAT_HPP
#define BENCH_MESSAGES_FORMAT_HPP

#include <algorithm>
#include <array>
#include <cstdarg>
#include <cstddef>
#include <cstdio>
#include <string>

namespace bench {

/// As std::printf, at the end of a text; a line of at most 511 characters.
__attribute__((format(printf, 2, 3))) inline void append(std::string& text, const char* format, ...)
{
    std::array<char, 512> line{};
    va_list values;
    va_start(values, format);
    const int length = std::vsnprintf(line.data(), line.size(), format, values);
    va_end(values);
    if (length > 0)
        text.append(line.data(), std::min(static_cast<std::size_t>(length), line.size() - 1));
}

} // namespace bench

#endif
