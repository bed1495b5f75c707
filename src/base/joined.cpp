// SPDX-License-Identifier: MPL-2.0
#include "base/try_allocate.hpp"

namespace slk {

std::string joined(std::initializer_list<std::string_view> texts) noexcept
{
    std::size_t size = 0;
    for (const std::string_view each : texts)
        size += each.size();
    std::string all;
    if (try_reserve(all, size))
        for (const std::string_view each : texts)
            all.append(each);
    return all;
}

} // namespace slk
