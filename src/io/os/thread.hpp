// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_IO_OS_THREAD_HPP
#define SLK_IO_OS_THREAD_HPP

/// Starting threads with the system's refusal as a value: std::thread reports it by an exception,
/// which would end a process that is built without them.

#include <serverlink/result.hpp>

#include <cstdint>
#include <span>
#include <string_view>

namespace slk::io::os {

/// How a thread is to run. The values are those of slk::thread_options.
struct thread_traits {
    std::string_view name_prefix{};
    unsigned number = 0; ///< ends its name
    std::span<const int> cpus{};
    int policy = -1;
    int priority = -1;
};

/// Applies them to the thread that calls, as far as the system allows.
void apply(const thread_traits& wanted) noexcept;

class thread {
public:
    using body = void (*)(void* argument) noexcept;

    [[nodiscard]] static result<thread> start(body run, void* argument);

    thread() = default;
    thread(thread&& other) noexcept : native_(other.native_) { other.native_ = 0; }
    thread& operator=(thread&& other) noexcept
    {
        native_ = other.native_;
        other.native_ = 0;
        return *this;
    }

    [[nodiscard]] bool joinable() const noexcept { return native_ != 0; }
    void join() noexcept;
    void detach() noexcept;

private:
    std::uintptr_t native_ = 0; ///< a pthread_t, or a HANDLE
};

} // namespace slk::io::os

#endif
