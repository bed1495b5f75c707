// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_IO_WATCH_CALL_HPP
#define SLK_IO_WATCH_CALL_HPP

/// The implementation of slk::descriptor_watch.

#include <serverlink/descriptor_watch.hpp>

#include "io/user_call.hpp"

#include <functional>

namespace slk::io {

class watch_call final : public user_call {
public:
    using function = std::function<void(descriptor_state)>;

    /// On the loop's thread.
    [[nodiscard]] static result<watch_call*> start(const std::shared_ptr<loop_core>& on,
                                                   native_handle descriptor, watch_for wanted,
                                                   function work);
    [[nodiscard]] result<void> set(watch_for wanted) noexcept;

private:
    watch_call(std::shared_ptr<loop_core> on, function work) noexcept;

    void ready() noexcept;
    void detach() noexcept override;
    void destroy_function() noexcept override;

    function work_;
    watch watch_;
};

} // namespace slk::io

#endif
