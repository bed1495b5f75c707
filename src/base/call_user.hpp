// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_BASE_CALL_USER_HPP
#define SLK_BASE_CALL_USER_HPP

/// Calls of the user's functions.
///
/// The library is built without exceptions: one that passed through it would leave a loop that
/// counts as running, or end a thread. So an exception ends the process at the call, after a line
/// on stderr that names the function.

#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace slk {

/// Calls run(argument). Compiled with exceptions.
void call_guarded(const char* name, void (*run)(void* argument), void* argument) noexcept;

/// Returns what `call` returns. `name` is printed if it throws.
template <class Call>
auto call_user(const char* name, const Call& call) noexcept
{
    using value = std::invoke_result_t<const Call&>;
    if constexpr (std::is_void_v<value>) {
        // Only passed on: the call is made on a const object again.
        void* const argument = const_cast<Call*>(std::addressof(call));
        call_guarded(name, [](void* passed) { (*static_cast<const Call*>(passed))(); }, argument);
    } else {
        std::optional<value> returned;
        call_user(name, [&] { returned.emplace(call()); });
        return value(std::move(*returned));
    }
}

} // namespace slk

#endif
