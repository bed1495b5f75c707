// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_MESSAGING_SOCKET_SOCKET_WATCH_CALL_HPP
#define SLK_MESSAGING_SOCKET_SOCKET_WATCH_CALL_HPP

/// The implementation of slk::socket_watch.

#include <serverlink/socket_watch.hpp>

#include "base/reference.hpp"
#include "io/user_call.hpp"
#include "messaging/socket/socket_core.hpp"

#include <functional>

namespace slk::messaging {

class socket_watch_call final : public io::user_call {
public:
    using function = std::function<void(socket_events)>;

    /// On the loop's thread.
    [[nodiscard]] static result<socket_watch_call*> start(socket_core& of,
                                                          const std::shared_ptr<io::loop_core>& on,
                                                          watch_for wanted, function work);
    [[nodiscard]] result<void> set(watch_for wanted) noexcept;

private:
    socket_watch_call(std::shared_ptr<io::loop_core> on, socket_core& of, watch_for wanted,
                      function work) noexcept;

    void look() noexcept;
    void detach() noexcept override;
    void destroy_function() noexcept override;

    reference<socket_core> socket_;
    const reference<ready_notice> notice_;
    watch_for wanted_;
    function work_;
};

} // namespace slk::messaging

#endif
