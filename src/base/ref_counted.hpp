// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_BASE_REF_COUNTED_HPP
#define SLK_BASE_REF_COUNTED_HPP

/// A reference count inside the object, for objects that a user's handle, the loop and operations
/// in flight share.

#include <atomic>
#include <cstdint>

namespace slk {

template <class Derived>
class ref_counted {
public:
    ref_counted(const ref_counted&) = delete;
    ref_counted& operator=(const ref_counted&) = delete;

    void retain() noexcept { count_.fetch_add(1, std::memory_order_relaxed); }

    void release() noexcept
    {
        if (count_.fetch_sub(1, std::memory_order_acq_rel) == 1)
            static_cast<Derived*>(this)->dispose();
    }

protected:
    /// The creator holds the first reference.
    ref_counted() noexcept = default;
    ~ref_counted() = default;

    /// Called when the last reference is gone. A class whose memory is not from `new` hides it.
    void dispose() noexcept { delete static_cast<Derived*>(this); }

private:
    std::atomic<std::uint32_t> count_{1};
};

} // namespace slk

#endif
