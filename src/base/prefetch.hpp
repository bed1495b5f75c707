// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_BASE_PREFETCH_HPP
#define SLK_BASE_PREFETCH_HPP

namespace slk {

/// Memory that will be read soon is brought into the caches, where the compiler can ask for that.
#if defined(__GNUC__)
inline void prefetch(const void* at) noexcept
{
    __builtin_prefetch(at);
}
#else
inline void prefetch(const void*) noexcept {}
#endif

} // namespace slk

#endif
