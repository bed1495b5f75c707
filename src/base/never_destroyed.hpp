// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_BASE_NEVER_DESTROYED_HPP
#define SLK_BASE_NEVER_DESTROYED_HPP

/// An object for static storage that lives until the process ends: functions of atexit() and the
/// destructors of other static objects may still use the library.

#include <cstddef>
#include <new>
#include <utility>

namespace slk {

template <class T>
class never_destroyed {
public:
    template <class... Arguments>
    explicit never_destroyed(Arguments&&... arguments)
        : object_(*new(place_) T(std::forward<Arguments>(arguments)...))
    {
    }
    never_destroyed(const never_destroyed&) = delete;
    never_destroyed& operator=(const never_destroyed&) = delete;

    [[nodiscard]] T& get() noexcept { return object_; }

private:
    alignas(T) std::byte place_[sizeof(T)];
    T& object_;
};

} // namespace slk

#endif
