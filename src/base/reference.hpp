// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_BASE_REFERENCE_HPP
#define SLK_BASE_REFERENCE_HPP

/// A pointer that holds one reference of a ref_counted object.

#include <utility>

namespace slk {

template <class T>
class reference {
public:
    reference() noexcept = default;
    reference(const reference& other) noexcept : to_(other.to_)
    {
        if (to_ != nullptr)
            to_->retain();
    }
    reference(reference&& other) noexcept : to_(std::exchange(other.to_, nullptr)) {}
    reference& operator=(reference other) noexcept
    {
        std::swap(to_, other.to_);
        return *this;
    }
    ~reference() { reset(); }

    /// Takes over an existing reference, such as its creator's.
    [[nodiscard]] static reference adopt(T* object) noexcept
    {
        reference made;
        made.to_ = object;
        return made;
    }
    /// Adds a reference.
    [[nodiscard]] static reference to(T& object) noexcept
    {
        object.retain();
        return adopt(&object);
    }

    void reset() noexcept
    {
        if (T* const object = std::exchange(to_, nullptr); object != nullptr)
            object->release();
    }

    [[nodiscard]] T* get() const noexcept { return to_; }
    T* operator->() const noexcept { return to_; }
    T& operator*() const noexcept { return *to_; }
    [[nodiscard]] explicit operator bool() const noexcept { return to_ != nullptr; }

private:
    T* to_ = nullptr;
};

} // namespace slk

#endif
