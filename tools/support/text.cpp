// SPDX-License-Identifier: MPL-2.0
#include "tools/support/text.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdarg>
#include <cstddef>
#include <cstdio>

namespace slk::tool {

std::string format(const char* how, ...)
{
    std::array<char, 512> text{};
    va_list values;
    va_start(values, how);
    const int length = std::vsnprintf(text.data(), text.size(), how, values);
    va_end(values);
    if (length <= 0)
        return "";
    return {text.data(), std::min(static_cast<std::size_t>(length), text.size() - 1)};
}

std::string grouped(double value)
{
    std::string text = std::to_string(std::llround(value));
    for (std::size_t i = text.size(); i > 3; i -= 3)
        text.insert(i - 3, 1, ',');
    return text;
}

} // namespace slk::tool
