// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_BASE_TRY_ALLOCATE_HPP
#define SLK_BASE_TRY_ALLOCATE_HPP

/// Allocations whose failure is a value.
///
/// Objects of the library are made with new (std::nothrow). The containers and strings of the
/// standard library report a lack of memory by an exception, and the library is compiled without
/// them; try_allocate() turns that exception into `false`. All growth goes through it, or through
/// one of the functions below, which are made of it.

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace slk {

namespace base_detail {

/// Returns false if the step has thrown.
[[nodiscard]] bool ends_without_exception(void (*step)(void* argument), void* argument) noexcept;

} // namespace base_detail

/// Does the step; returns false if memory was exhausted in it.
///
/// The exception passes through the step's frames, which are compiled without exceptions: no
/// destructor of theirs runs. So all memory that a step allocates belongs at once to an object
/// outside the step, and the step may be left after any of its allocations.
template <class Step>
[[nodiscard]] bool try_allocate(Step&& step) noexcept
{
    using body = std::remove_reference_t<Step>;
    return base_detail::ends_without_exception(
        [](void* argument) { (*static_cast<body*>(argument))(); },
        const_cast<void*>(static_cast<const void*>(std::addressof(step))));
}

/// Makes room for `size` elements altogether. On failure nothing has changed.
template <class Container>
[[nodiscard]] bool try_reserve(Container& to, std::size_t size) noexcept
{
    // More than max_size() is another exception, which libc++'s headers do not throw here.
    return size <= to.capacity() ||
           (size <= to.max_size() && try_allocate([&] { to.reserve(size); }));
}

/// Makes room for `count` more elements, and for more than that while elements come one by one.
template <class T>
[[nodiscard]] bool try_reserve_more(std::vector<T>& to, std::size_t count = 1) noexcept
{
    const std::size_t size = to.size() + count;
    return size <= to.capacity() || try_reserve(to, std::max(size, to.capacity() * 2));
}

/// On failure the element is still the caller's, and nothing has changed.
template <class T>
[[nodiscard]] bool try_push_back(std::vector<T>& to, std::type_identity_t<T>&& element) noexcept
{
    if (!try_reserve_more(to))
        return false;
    to.push_back(std::move(element));
    return true;
}

template <class T>
    requires std::is_trivially_copyable_v<T>
[[nodiscard]] bool try_push_back(std::vector<T>& to, const T& element) noexcept
{
    if (!try_reserve_more(to))
        return false;
    to.push_back(element);
    return true;
}

/// New elements are made by their default constructors, which must not allocate.
template <class T>
[[nodiscard]] bool try_resize(std::vector<T>& to, std::size_t size) noexcept
{
    if (!try_reserve(to, size))
        return false;
    to.resize(size);
    return true;
}

[[nodiscard]] inline bool try_assign(std::string& to, std::string_view text) noexcept
{
    if (!try_reserve(to, text.size()))
        return false;
    to.assign(text);
    return true;
}

[[nodiscard]] inline bool try_append(std::string& to, std::string_view text) noexcept
{
    const std::size_t size = to.size() + text.size();
    if (size > to.capacity() && !try_reserve(to, std::max(size, to.capacity() * 2)))
        return false;
    to.append(text);
    return true;
}

template <class T>
    requires std::is_trivially_copyable_v<T>
[[nodiscard]] bool try_assign(std::vector<T>& to, const std::vector<T>& elements) noexcept
{
    if (!try_reserve(to, elements.size()))
        return false;
    to.assign(elements.begin(), elements.end());
    return true;
}

/// A number as text.
class number_text {
public:
    explicit number_text(std::int64_t value) noexcept
        : size_(static_cast<std::size_t>(std::to_chars(text_, text_ + sizeof text_, value).ptr -
                                         text_))
    {
    }
    operator std::string_view() const noexcept { return {text_, size_}; }

private:
    char text_[20];
    std::size_t size_;
};

/// Returns the texts as one string; an empty string when memory is exhausted.
[[nodiscard]] std::string joined(std::initializer_list<std::string_view> texts) noexcept;

/// Null when memory is exhausted. The constructor must not allocate.
template <class T, class... Arguments>
[[nodiscard]] std::shared_ptr<T> try_make_shared(Arguments&&... arguments) noexcept
{
    std::shared_ptr<T> made;
    if (!try_allocate([&] { made = std::make_shared<T>(std::forward<Arguments>(arguments)...); }))
        return nullptr;
    return made;
}

} // namespace slk

#endif
