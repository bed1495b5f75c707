// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_BASE_SHARED_TEXT_HPP
#define SLK_BASE_SHARED_TEXT_HPP

/// A text that does not change and that several threads may hold on to: to take a copy under a lock
/// needs no memory.

#include "base/ref_counted.hpp"
#include "base/reference.hpp"
#include "base/try_allocate.hpp"

#include <new>
#include <string>
#include <string_view>

namespace slk {

class shared_text final : public ref_counted<shared_text> {
public:
    /// Null when memory is exhausted.
    [[nodiscard]] static reference<shared_text> create(std::string_view text) noexcept
    {
        auto made = reference<shared_text>::adopt(new (std::nothrow) shared_text);
        if (made && !try_assign(made->text_, text))
            made = {};
        return made;
    }
    [[nodiscard]] const std::string& text() const noexcept { return text_; }

private:
    friend class ref_counted<shared_text>;
    shared_text() noexcept = default;
    ~shared_text() = default;

    std::string text_;
};

} // namespace slk

#endif
