// SPDX-License-Identifier: MPL-2.0
#include "base/wipe.hpp"

#include <cstring>

namespace slk {

namespace {

// The compiler cannot know which function this is when it is called, so it has to call it.
void* (*const volatile fill)(void*, int, std::size_t) = std::memset;

} // namespace

void wipe(std::span<std::byte> bytes) noexcept
{
    if (!bytes.empty())
        fill(bytes.data(), 0, bytes.size());
}

void wipe(std::string& text) noexcept
{
    // A text that was moved away or cut may have left bytes behind its end.
    text.resize(text.capacity());
    wipe(std::as_writable_bytes(std::span(text)));
    text.clear();
}

} // namespace slk
